"""One door to every data set: `load(name, split, source=...)`.

Embedded sets need nothing but the course: drawn ones, and real ones that ship with its packages. Real benchmark sets
lie in COURSE_DATA_DIR (default data/cache); COURSE_DATA=real makes them the default wherever a drawn set has a real
counterpart. `data/README.md` describes every set.
"""

import os
from inspect import signature
from pathlib import Path

from course_lib.data import drawn, fashion, folders, from_packages, lfw, omniglot, orl, voc
from course_lib.data.files import find
from course_lib.data.holders import AnnotatedImages, LabelledImages

EMBEDDED = {  # name -> loader(split, seed, **options), splits
    "digits": (from_packages.digits, ("train", "test")),
    "photo-crops": (from_packages.photo_crops, ("train", "test")),
    "faces": (drawn.faces, ("train", "val", "test")),
    "landmarks": (drawn.landmarks, ("train", "val", "test")),
    "scenes": (drawn.scenes, ("train", "val", "test")),
    "captions": (drawn.captions, ("train", "test", "held-out")),
}
REAL = {  # name -> loader(split, folder, **options), the folder's usual name, what holds the result
    "lfw-crops": (from_packages.lfw_crops, "", LabelledImages),
    "stereo-pair": (from_packages.stereo_pair, "", None),
    "omniglot": (omniglot.omniglot, "omniglot-py", LabelledImages),
    "fashion-mnist": (fashion.fashion_mnist, "FashionMNIST", LabelledImages),
    "lfw-people": (lfw.lfw_people, "lfw_home", LabelledImages),
    "lfw-pairs": (lfw.lfw_pairs, "lfw_home", None),
    "orl-faces": (orl.orl_faces, "orl-faces", LabelledImages),
    "voc": (voc.voc, "VOCdevkit", AnnotatedImages),
    "class-folders": (folders.class_folders, "class-folders", LabelledImages),
}
COUNTERPART = {"faces": "lfw-people", "landmarks": "class-folders", "scenes": "voc"}


def load(
    name: str,
    split: str,
    source: str | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    **options,
):
    """Load a data set.

    Args:
        name: one of EMBEDDED ("digits", "photo-crops", "faces", "landmarks", "scenes", "captions") or of REAL
            ("lfw-crops", "stereo-pair", "omniglot", "fashion-mnist", "lfw-people", "lfw-pairs", "orl-faces", "voc",
            "class-folders").
        split: "train", "val" or "test", as the set has them; no identity and no picture is in two of them.
        source: "embedded" or "real"; if None, what COURSE_DATA says, else "embedded". A set without a real
            counterpart is embedded whatever COURSE_DATA says.
        seed: of an embedded set: which random world, or which random division.
        folder: of a real set: where it lies, if not under its usual name in COURSE_DATA_DIR.
        options: what the set's own loader takes on top: sizes, counts, difficulty; `download=True` for real sets.
    Returns:
        LabelledImages for pictures with a class each, AnnotatedImages for pictures with objects in them; what the
        loader says that it returns for captions, pairs and the stereo pair.
    Raises:
        ValueError: an unknown name, source or split; a real source for a set that has none; a damaged file.
        FileNotFoundError: a real set is not there; the message says what was looked for, where, and what to do.
    """
    wanted = source or os.environ.get("COURSE_DATA") or "embedded"
    if name not in EMBEDDED and name not in REAL:
        known = ", ".join(sorted(EMBEDDED) + sorted(REAL))
        raise ValueError(f"load: there is no data set {name!r}; there are {known}")
    if wanted not in ("embedded", "real"):
        raise ValueError(f"load: source must be 'embedded' or 'real', got {wanted!r}")
    if source == "real" and name in EMBEDDED and name not in COUNTERPART:
        raise ValueError(f"load: {name!r} has no real counterpart; {sorted(COUNTERPART)} have one")
    if source == "embedded" and name in REAL:
        raise ValueError(
            f"load: {name!r} is a real set, it cannot be loaded with source='embedded'"
        )
    if name in REAL or (wanted == "real" and name in COUNTERPART):
        loader, usual, holder = REAL[COUNTERPART.get(name, name)]
        if name in COUNTERPART:  # how many to draw and how hard: means nothing there
            options = {k: v for k, v in options.items() if k in signature(loader).parameters}
        loaded = loader(split, Path(folder) if folder else find(usual), **options)
        return holder(*loaded) if holder else loaded
    loader, splits = EMBEDDED[name]
    if split not in splits:
        raise ValueError(f"load: {name} has the splits {splits}, got {split!r}")
    return loader(split, seed, **options)

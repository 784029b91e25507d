"""One door to every data set: `load(name, split, source=...)`.

Embedded sets need nothing but the course: drawn ones, and real ones that ship with its packages. Real benchmark sets
lie in COURSE_DATA_DIR (default data/cache); COURSE_DATA=real makes them the default wherever a drawn set has a real
counterpart. `data/README.md` describes every set.
"""

import os
from collections.abc import Callable
from inspect import signature
from numbers import Integral
from pathlib import Path

from course_lib.data.holders import AnnotatedImages, LabelledImages

EMBEDDED = {  # name -> splits
    "digits": ("train", "test"),
    "photo-crops": ("train", "test"),
    "faces": ("train", "val", "test"),
    "landmarks": ("train", "val", "test"),
    "scenes": ("train", "val", "test"),
    "captions": ("train", "test", "held-out"),
}
REAL = {  # name -> the folder's usual name, what holds the result
    "lfw-crops": ("", LabelledImages),
    "stereo-pair": ("", None),
    "omniglot": ("omniglot-py", LabelledImages),
    "fashion-mnist": ("FashionMNIST", LabelledImages),
    "lfw-people": ("lfw_home", LabelledImages),
    "lfw-pairs": ("lfw_home", None),
    "orl-faces": ("orl-faces", LabelledImages),
    "voc": ("VOCdevkit", AnnotatedImages),
    "class-folders": ("class-folders", LabelledImages),
    "objects": ("objects", AnnotatedImages),
    "people": ("people", LabelledImages),
    "people-pairs": ("people", None),
    "photos": ("photos", None),
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
            "class-folders", "objects", "people", "people-pairs", "photos").
        split: "train", "val" or "test", as the set has them; no identity and no image is in two of them.
        source: "embedded" or "real"; if None, what COURSE_DATA says, else "embedded". A set without a real
            counterpart is embedded whatever COURSE_DATA says.
        seed: of an embedded set: which random world, or which random split; a whole number.
        folder: of a real set: where it lies, if not under its usual name in COURSE_DATA_DIR.
        options: what the set's own loader takes on top: sizes, counts, difficulty; `download=True` for real sets.
            An option of the drawn set (how many, how hard) means nothing to its real counterpart, and is left out.
    Returns:
        LabelledImages for images with a class each, AnnotatedImages for images with objects in them; what the
        loader says that it returns for captions, pairs, the stereo pair, and photographs without labels.
    Raises:
        ValueError: an unknown name, source, split or seed; a real source for a set that has none; a folder for an
            embedded set; a damaged file.
        TypeError: an option that the set does not have.
        FileNotFoundError: a real set is not there; the message says what was looked for, where, and what to do.
    """
    origin = source or os.environ.get("COURSE_DATA") or "embedded"
    if name not in EMBEDDED and name not in REAL:
        known = ", ".join(sorted(EMBEDDED) + sorted(REAL))
        raise ValueError(f"load: there is no data set {name!r}; there are {known}")
    if origin not in ("embedded", "real"):
        raise ValueError(f"load: source must be 'embedded' or 'real', got {origin!r}")
    if not isinstance(seed, Integral) or isinstance(seed, bool) or abs(seed) >= 2**62:
        raise ValueError(f"load: seed must be a whole number below 2**62, got {seed!r}")
    if source == "real" and name in EMBEDDED and name not in COUNTERPART:
        raise ValueError(f"load: {name!r} has no real counterpart; {sorted(COUNTERPART)} have one")
    if source == "embedded" and name in REAL:
        raise ValueError(
            f"load: {name!r} is a real set, it cannot be loaded with source='embedded'"
        )
    if name in REAL or (origin == "real" and name in COUNTERPART):
        real = COUNTERPART.get(name, name)
        usual, holder = REAL[real]
        options = _options_for(real, name, options)
        loaded = _loader_of(real)(split, _folder(folder, usual), **options)
        return holder(*loaded) if holder else loaded
    if folder is not None:
        how = f"source='real' or {COUNTERPART[name]!r}" if name in COUNTERPART else "a real set"
        raise ValueError(f"load: {name!r} is embedded and needs no folder, got {folder!r}; "
                         f"your own files are loaded by {how}")  # fmt: skip
    if split not in EMBEDDED[name]:
        raise ValueError(f"load: {name} has the splits {EMBEDDED[name]}, got {split!r}")
    return _loader_of(name)(split, seed, **_options_for(name, name, options))


def _loader_of(name: str) -> Callable:
    """The function that loads a set. Its module is imported only now: who loads faces does not depend on scenes."""
    match name:
        case "faces" | "landmarks" | "scenes" | "captions":
            from course_lib.data import drawn as module
        case "digits" | "photo-crops" | "lfw-crops" | "stereo-pair":
            from course_lib.data import from_packages as module
        case "lfw-people" | "lfw-pairs":
            from course_lib.data import lfw as module
        case "omniglot":
            from course_lib.data import omniglot as module
        case "fashion-mnist":
            from course_lib.data import fashion as module
        case "orl-faces":
            from course_lib.data import orl as module
        case "voc":
            from course_lib.data import voc as module
        case "class-folders":
            from course_lib.data import folders as module
        case "objects":
            from course_lib.data import objects as module
        case "people" | "people-pairs":
            from course_lib.data import people as module
        case "photos":
            from course_lib.data import photos as module
    return getattr(module, name.replace("-", "_"))


def _folder(folder: str | Path | None, usual: str) -> Path:
    from course_lib.data.files import absolute, find

    return find(usual) if folder is None else absolute(folder)


def _options_for(loaded: str, requested: str, options: dict) -> dict:
    """The options that the loader of `loaded` takes, without those of `requested`, its drawn counterpart, alone."""

    def known(name: str) -> list[str]:
        return list(signature(_loader_of(name)).parameters)[2:]  # after split, and seed or folder

    mine, all_known = known(loaded), {*known(loaded), *known(requested)}
    if unknown := set(options) - all_known:
        raise TypeError(
            f"load: {requested!r} has no option {sorted(unknown)}; it has {sorted(all_known)}"
        )
    return {option: value for option, value in options.items() if option in mine}

"""The drawn sets: which images make a split, drawn once and kept in the cache."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.arguments import check_count, check_positive
from course_lib.cache import cached, fingerprint
from course_lib.data.holders import AnnotatedImages, LabelledImages
from course_lib.machine import progress
from course_lib.provenance import depends_on

# People and buildings are numbered; each split has numbers of its own, so that no identity is in two of them.
FIRST = {"train": 0, "val": 1_000_000, "test": 2_000_000}
# Images drawn at a time: all that is needed for them stays small and close.
BATCH = 64


def draw_all(name: str, count: int, draw: Callable[[Tensor], dict]) -> dict[str, Tensor]:
    """Draw `count` images in batches, or take them from the cache, where nothing has changed that `draw` names.

    Args:
        name: of the set.
        count: how many.
        draw: draw(numbers [b]) -> name -> tensors [b, ...]; images in 0..1 are those whose name holds "images".
    Returns:
        name -> tensors; images as float in 0..1, in steps of 1/255.                     # [count, ...]
    """

    def make() -> dict[str, Tensor]:
        parts, threads = [], torch.get_num_threads()
        torch.set_num_threads(1)  # many small steps: a second thread would only be waited for
        try:
            for numbers in progress(torch.arange(count).split(BATCH), f"drawing {name}"):
                drawn = draw(numbers)
                parts.append({k: _to_bytes(v) if "images" in k else v for k, v in drawn.items()})
        finally:
            torch.set_num_threads(threads)
        return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}

    tensors = cached(name, fingerprint(name, count, depends_on(draw)), make)
    return {key: v.float().div_(255) if "images" in key else v for key, v in tensors.items()}


def _to_bytes(images: Tensor) -> Tensor:
    return (images * 255).round().to(torch.uint8)


def _flat(drawn: dict) -> dict[str, Tensor]:
    """Details of details in one dict: traits and nuisances by their names."""
    result = {}
    for name, value in drawn.items():
        result.update(value if isinstance(value, dict) else {name: value})
    return result


def faces(
    split: str,
    seed: int,
    people: int = 500,
    photos: int = 24,
    size: int = 32,
    difficulty: float = 1.0,
) -> LabelledImages:
    """Drawn faces: `people` identities with `photos` photos each; no identity is in two splits.

    Args:
        split: "train", "val" or "test".
        people, photos: how many identities, and photos of each.
        size: side of an image in pixels.
        difficulty: 0 for passport photos, 1 for everyday ones, 2 for bad ones.
    Returns:
        LabelledImages, photo by photo of the first person, then of the second...; `details` holds every trait and
        every nuisance.
    """
    from course_lib.render.faces.draw import draw_faces

    check_count("faces", people=people, photos=photos, size=size)
    check_positive("faces", or_zero=True, difficulty=difficulty)

    def draw(number: Tensor) -> dict[str, Tensor]:
        person, photo = number // photos + FIRST[split], number % photos
        return _flat(draw_faces(person, photo, seed=seed, size=size, difficulty=difficulty))

    drawn = draw_all("faces", people * photos, draw)
    labels = torch.arange(people).repeat_interleave(photos)
    return LabelledImages(
        drawn.pop("images"), labels, [f"person {i}" for i in range(people)], drawn
    )


def landmarks(
    split: str,
    seed: int,
    buildings: int = 50,
    photos: int = 40,
    size: int = 48,
    domain: str = "catalogue",
    others: int = 0,
) -> LabelledImages:
    """Drawn landmarks: the same buildings in every split, on other photos; the last class is "no landmark".

    Args:
        split: "train", "val" or "test".
        buildings, photos: how many landmarks, and photos of each.
        size: side of an image in pixels.
        domain: "catalogue" for postcards, "user" for what people post.
        others: photos of no landmark, labelled `buildings`.
    Returns:
        LabelledImages; `details` holds the photo's `gps` (NaN where it has none).              # [N, 2] in degrees
    """
    from course_lib.render.landmarks.draw import draw_landmarks, draw_no_landmark

    check_count("landmarks", buildings=buildings, photos=photos, size=size)
    check_count("landmarks", least=0, others=others)

    def draw(number: Tensor) -> dict[str, Tensor]:
        drawn = draw_landmarks(number // photos, number % photos + FIRST[split], seed, size, domain)
        return {key: drawn[key] for key in ("images", "gps")}

    def draw_other(number: Tensor) -> dict[str, Tensor]:
        drawn = draw_no_landmark(number + FIRST[split], seed, size, domain)
        return {key: drawn[key] for key in ("images", "gps")}

    parts = [draw_all("landmarks", buildings * photos, draw)]
    if others:
        parts.append(draw_all("no-landmark", others, draw_other))
    drawn = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
    labels = torch.arange(buildings).repeat_interleave(photos)
    labels = torch.cat([labels, torch.full((others,), buildings)])
    names = [f"landmark {i}" for i in range(buildings)] + ["no landmark"] * bool(others)
    return LabelledImages(drawn.pop("images"), labels, names, drawn)


def scenes(
    split: str, seed: int, count: int = 2048, size: int = 96, second_frame: bool = False
) -> AnnotatedImages:
    """Drawn scenes with all their ground truth; what each name means, `render.scenes.draw_scenes` says.

    Args:
        split: "train", "val" or "test": different scenes.
        count: how many.
        size: side of an image in pixels.
        second_frame: also the next frame, after each object has moved a little.
    Returns:
        AnnotatedImages: a target holds, for each of the n visible objects, boxes, full_boxes, labels,
        keypoints and masks (and second_boxes, second_masks); `details` holds depth (and second_images, flow).
    """
    from course_lib.render.scenes.draw import draw_scenes
    from course_lib.render.scenes.things import KINDS

    check_count("scenes", count=count, size=size)

    def draw(number: Tensor) -> dict[str, Tensor]:
        drawn = draw_scenes(number + FIRST[split], seed, size, second_frame=second_frame)
        return {name: _owners(v) if "masks" in name else v for name, v in drawn.items()}

    drawn = draw_all("scenes", count, draw)
    details = {
        name: drawn.pop(name) for name in ("depth", "second_images", "flow") if name in drawn
    }
    images, present = drawn.pop("images"), drawn.pop("present")
    targets = []
    for i in range(count):
        slots = present[i].nonzero()[:, 0]  # [n]
        target = {name: values[i][slots] for name, values in drawn.items() if "masks" not in name}
        for name in [name for name in drawn if "masks" in name]:
            target[name] = drawn[name][i] == slots[:, None, None] + 1  # [n, size, size]
        targets.append(target)
    return AnnotatedImages(images, targets, list(KINDS), details)


def _owners(masks: Tensor) -> Tensor:
    """Masks that share no pixel in one map: the number of the object seen, from 1.   # [B, n, H, W] -> [B, H, W]"""
    number = torch.arange(1, masks.shape[1] + 1, dtype=torch.uint8).view(-1, 1, 1)
    return (masks * number).sum(1, dtype=torch.uint8)


def captions(split: str, seed: int, count: int = 12_000, size: int = 40) -> dict:
    """Drawn images with captions; see `render.captions.draw_captions`. `captions` is a list of sentences."""
    from course_lib.render.captions import draw_captions, sentences

    check_count("captions", count=count, size=size)

    def draw(number: Tensor) -> dict[str, Tensor]:
        drawn = draw_captions(number, seed, size, split)
        return {"images": drawn["images"], "index": number, **drawn["facts"]}

    drawn = draw_all("captions", count, draw)
    images, index = drawn.pop("images"), drawn.pop("index")
    return {"images": images, "captions": sentences(drawn, index, seed), "facts": drawn}

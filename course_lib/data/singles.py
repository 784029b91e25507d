"""The drawn set of single things: one large thing a picture, of six kinds."""

from torch import Tensor

from course_lib.arguments import check_count
from course_lib.data.drawn import FIRST, draw_all
from course_lib.data.holders import LabelledImages


def singles(split: str, seed: int, count: int = 8000, size: int = 40) -> LabelledImages:
    """Drawn things, one a picture and nearly as large as it, on a plain ground.

    Args:
        split: "train", "val" or "test": different pictures.
        count: how many.
        size: side of an image in pixels.
    Returns:
        LabelledImages; the label is the kind: car, boat, house, tree, cat, balloon.
    """
    from course_lib.render.scenes.things import KINDS
    from course_lib.render.singles import draw_singles

    check_count("singles", count=count, size=size)

    def draw(number: Tensor) -> dict[str, Tensor]:
        return draw_singles(number + FIRST[split], seed, size)

    drawn = draw_all("singles", count, draw)
    return LabelledImages(drawn["images"], drawn["labels"], list(KINDS))

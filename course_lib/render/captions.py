"""Paper cut-outs with a sentence each: "a small red circle left of a blue square" (L1.12, L1.17).

The sentence says how two shapes lie to each other, so that word order matters, not only words. Some pairs of colour
and shape never occur in training: who finds them by name has understood the two words apart.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.render.canvas import Randoms, box, circle, cover, paint, pixels, rgb, turned


def star(x: Tensor, y: Tensor, notch: float = 0.5) -> Tensor:
    """Five tips, folded onto half of one: a straight edge from the tip (1, 0) to the notch."""
    half = math.pi / 5
    angle = (torch.remainder(torch.atan2(x, -y) + half, 2 * half) - half).abs()
    far = (x.square() + y.square() + 1e-9).sqrt()
    nx, ny = notch * math.sin(half), 1 - notch * math.cos(half)
    return ((far * angle.cos() - 1) * nx + far * angle.sin() * ny) / math.hypot(nx, ny)


def heart(x: Tensor, y: Tensor, side: float = 0.54) -> Tensor:
    """A square on its corner, and a circle on each of its upper sides."""
    x, y, middle = x.abs(), y - 0.18, side / math.sqrt(2)
    square = (x + y.abs() - 2 * middle) / math.sqrt(2)
    return torch.minimum(square, circle(x - middle, y + middle, side))


SHAPES = {  # signed distances, each shape within 1 of (0, 0)
    "circle": lambda x, y: circle(x, y, 0.93),
    "square": lambda x, y: box(x, y, 0.73, 0.73, 0.08),
    "triangle": lambda x, y: torch.maximum(y - 0.47, 0.858 * x.abs() - 0.514 * (y + 1)),
    "star": star,
    "heart": heart,
    "moon": lambda x, y: torch.maximum(circle(x, y, 0.98), -circle(x - 0.62, y + 0.14, 0.73)),
    "ring": lambda x, y: circle(x, y, 0.69).abs() - 0.26,
    "cross": lambda x, y: torch.minimum(box(x, y, 0.93, 0.32, 0.06), box(x, y, 0.32, 0.93, 0.06)),
}
COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown"]
PALETTE = rgb(*"#d23f38 #ef8b34 #f5cd3c #4f9a5b #3b7cc6 #7d50a6 #ee86ae #7d5134".split())
PAPERS = rgb(*"#fbf4e6 #f7ebd5 #edf1e4 #e8eff3 #f9ebe3 #f2ecf2 #e5ede0 #f1e8d8".split())
SHADOW = rgb("#4a3f4f")[:, :, None, None]
SIZES = {"small": (3.7, 4.1), "": (5.7, 6.2), "big": (8.0, 8.5)}  # radius in pixels of 40
RELATIONS = ["left of", "right of", "above", "below"]  # of a to b; 0 and 1 are opposites, 2 and 3
WORDINGS = 8  # 4 forms of a sentence; the last 4 begin with the other object
SPLITS, KINDS = ["train", "test", "held-out"], ["swap colours", "flip relation", "swap shapes"]

# The rule: colour number + shape number is a multiple of 6. That is 11 of 64 pairs, at most 2 of any colour or shape.
HELD_OUT = (torch.arange(8)[:, None] + torch.arange(8)) % 6 == 0  # [colour, shape] bool

VOCABULARY = "a an small big left right above below of to the its it with there is".split()
VOCABULARY += [*COLOURS, *SHAPES]


def draw_captions(index: Tensor, seed: int = 0, size: int = 40, split: str = "train") -> dict:
    """Draw pictures of two paper cut-outs, and say in a sentence what each shows.

    Args:
        index: the pictures' numbers; each split has pictures of its own.               # [B] int64
        seed: any integer; another seed, other pictures.
        size: side of a picture in pixels, at least 24.
        split: "train" and "test" show only familiar pairs of colour and shape, "held-out" at least one of `HELD_OUT`.
    Returns:
        images: in 0..1.                                                                # [B, 3, size, size]
        captions: B sentences of `VOCABULARY`; no word for the size means medium.
        facts: of objects a and b `colour`, `shape`, `size` (numbers in COLOURS, SHAPES, SIZES), centre `x`, `y` and
            `radius` in pixels (the object lies within it),                             # [B, 2] each
            `relation` of a to b (a number in RELATIONS) and `wording`.                 # [B] each
    Raises:
        TypeError, ValueError: index not int64 [B]; size < 24; an unknown split.

    Pixel (0, 0) reaches from 0 to 1; y grows downwards. The two differ in colour or shape, and never touch.
    "Left of" means: farther to the left than twice what it is higher or lower; the other relations alike.
    Lecture topics L1.12, L1.17.
    """
    if (kind := getattr(index, "dtype", type(index).__name__)) != torch.int64:
        raise TypeError(f"draw_captions: index must be a tensor [B] of int64, got {kind}")
    if index.ndim != 1 or len(index) == 0:
        raise ValueError(f"draw_captions: index must be [B] with B >= 1, got {list(index.shape)}")
    if size < 24:
        raise ValueError(f"draw_captions: size must be at least 24 pixels, got {size}")
    if split not in SPLITS:
        raise ValueError(f"draw_captions: split must be one of {SPLITS}, got {split!r}")
    randoms = Randoms(f"captions {split}", seed, index)
    facts = compose(randoms, split)
    facts["wording"] = Randoms("captions wording", seed, index).choice(WORDINGS)
    images = draw_objects(draw_paper(randoms, size), facts, randoms)
    facts |= {name: facts[name] * size / 40 for name in ("x", "y", "radius")}
    return {"images": images.clamp(0, 1), "captions": sentences(facts), "facts": facts}


def compose(randoms: Randoms, split: str) -> dict[str, Tensor]:
    """Which two objects, and where; lengths in pixels of a picture of 40."""
    every, held = torch.arange(64), HELD_OUT.flatten()
    ones, others = (every[held], every) if split == "held-out" else (every[~held], every[~held])
    one = ones[randoms.choice(len(ones))]  # [B]
    step = 1 + randoms.choice(len(others) - 1)  # walk on from there: never the same again
    pair = torch.stack([one, others[(torch.searchsorted(others, one) + step) % len(others)]], 1)
    pair = torch.where(randoms.choice(2)[:, None] == 1, pair.flip(1), pair)  # [B, 2]
    size = torch.stack([randoms.choice(3), randoms.choice(3)], 1)
    low, high = torch.tensor(list(SIZES.values())).unbind(1)
    radius = low[size] + (high - low)[size] * randoms.fill(2)
    relation = randoms.choice(4)
    facts = {"colour": pair // 8, "shape": pair % 8, "size": size, "radius": radius}
    return facts | {"relation": relation} | places(radius, relation, randoms)


def places(radius: Tensor, relation: Tensor, randoms: Randoms, margin=1.0, gap=2.4) -> dict:
    """Centres: one object well before the other along one axis, less than half as far along the other axis."""
    swap, level = (relation % 2 == 1)[:, None], (relation < 2)[:, None]
    r1, r2 = torch.where(swap, radius.flip(1), radius).unbind(1)
    slack = 40 - 2 * margin - gap - 2 * (r1 + r2)  # at least 1.6
    before, until = (randoms.fill(2).sort(1).values * slack[:, None]).unbind(1)
    along = torch.stack([margin + before + r1, margin + until + 2 * r1 + gap + r2], 1)
    aside, off = randoms.fill(2).unbind(1)
    across1 = margin + r1 + aside * (40 - 2 * margin - 2 * r1)
    across2 = across1 + (along[:, 1] - along[:, 0]) * 0.9 * (off - 0.5)
    across2 = torch.minimum(torch.maximum(across2, margin + r2), 40 - margin - r2)
    across = torch.stack([across1, across2], 1)
    along, across = (torch.where(swap, both.flip(1), both) for both in (along, across))
    return {"x": torch.where(level, along, across), "y": torch.where(level, across, along)}


def draw_paper(randoms: Randoms, size: int) -> Tensor:
    """A sheet of paper, and often a second one laid over a part of it.        # [B, 3, size, size]"""
    x, y, pixel = pixels(size)
    image = randoms.colour(PAPERS).expand(-1, 3, size, size)
    u, v = turned(x, y, randoms.uniform(-math.pi, math.pi))
    wave = randoms.uniform(0.02, 0.12) * (u * randoms.uniform(1.5, 4) + randoms.uniform(0, 6)).sin()
    edge, laid = randoms.uniform(0.1, 0.8) - v + wave, randoms.chance(0.75)
    image = image * (1 - 0.16 * laid * (-edge.clamp(min=0) / 0.09).exp())[:, None]  # its shadow
    image = paint(image, laid * cover(edge, pixel), randoms.colour(PAPERS) * 0.98)
    light = 1.01 - randoms.uniform(-0.03, 0.05) * x - randoms.uniform(0, 0.05) * y
    light = light - 0.03 * (x.square() + y.square())  # [B, H, W]
    cloud, grain = (randoms.clouds(cells, size, size) - 0.5 for cells in (3, 26))
    return image * (light[:, None] + 0.04 * cloud + 0.05 * grain)


def silhouettes(shape: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The distance to each object's own shape: [N] shapes, [N, H, W] pixels -> [N, H, W]."""
    result = torch.empty_like(x)
    for number, distance in enumerate(SHAPES.values()):
        rows = (shape == number).nonzero()[:, 0]
        result[rows] = distance(x[rows], y[rows])
    return result


def draw_objects(image: Tensor, facts: dict[str, Tensor], randoms: Randoms) -> Tensor:
    """Lay both cut-outs on the paper, each with a soft shadow, brush strokes and a bright edge towards the light."""
    grid_x, grid_y, pixel = pixels(image.shape[-1])
    light, height = randoms.uniform(0.3, 1.4), randoms.uniform(0.06, 0.09)
    for which in range(2):
        x, y, radius = (facts[name][:, which, None, None] / 20 for name in ("x", "y", "radius"))
        x, y = grid_x + 1 - x, grid_y + 1 - y
        x, y = torch.cat([x, x - light.cos() * height]), torch.cat([y, y - light.sin() * height])
        numbers = randoms.normal(0.1), 1 - 2 * randoms.chance(0.5), radius
        tilt, mirror, radius = (number.repeat(2, 1, 1) for number in numbers)
        x, y = turned(x, y, tilt)  # [2B, H, W]: the object, then its shadow
        shape = facts["shape"][:, which].repeat(2)
        inside, under = (silhouettes(shape, x / radius * mirror, y / radius) * radius).chunk(2)
        soft = (0.5 - under / 0.13).clamp(0, 1)
        image = paint(image, 0.5 * soft.square() * (3 - 2 * soft), SHADOW)
        strokes = F.interpolate(randoms.fill(1, 16, 4), size=image.shape[-2:], mode="bicubic")
        strokes = strokes.mT if which else strokes
        rim = (0.5 + (under - 0.02) / 0.05).clamp(0, 1)[:, None]  # where no shadow would be
        colour = PALETTE[facts["colour"][:, which]][:, :, None, None]
        colour = colour * (0.93 + randoms.normal(0.03)[:, None] + 0.13 * strokes)
        image = paint(image, cover(inside, pixel), colour + 0.22 * rim * (1 - colour))
    return image


def sentences(facts: dict[str, Tensor], index: Tensor | None = None, seed: int = 0) -> list[str]:
    """Say in a sentence what is in each picture.

    Args:
        facts: of a batch, or of one picture (without the first axis); see `draw_captions`.
        index, seed: word as for these pictures' numbers, not as in `facts["wording"]`.     # [B]
    Returns: one sentence for each picture.
    """
    wording = facts["wording"].reshape(-1)
    if index is not None:
        wording = Randoms("captions wording", seed, index).choice(WORDINGS)
    numbers = [facts[name].reshape(-1, 2) for name in ("size", "colour", "shape")]
    objects = torch.stack(numbers, 2).tolist()  # [B, 2, 3]
    rows = zip(objects, facts["relation"].reshape(-1).tolist(), wording.tolist(), strict=True)
    return [sentence(*row) for row in rows]


def sentence(objects: list, relation: int, wording: int) -> str:
    tables = list(SIZES), COLOURS, list(SHAPES)
    nouns = (" ".join(t[n] for t, n in zip(tables, row, strict=True)).strip() for row in objects)
    a, b = (f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}" for noun in nouns)
    if wording >= 4:
        a, b, relation = b, a, relation ^ 1  # the opposite
    word, level = RELATIONS[relation].split()[0], relation < 2
    side, there = (f"to the {word} of", f"to its {word}") if level else (word, f"{word} it")
    forms = f"{a} {RELATIONS[relation]} {b}", f"{b} with {a} {there}"
    forms += f"{side} {b} there is {a}", f"{a} is {side} {b}"
    return forms[wording % 4]


def hard_negative(facts: dict[str, Tensor], kind: str) -> list[str]:
    """Say sentences that are almost right, and false of the picture.

    Args:
        facts: of a batch, or of one picture; see `draw_captions`.
        kind: "swap colours", "swap shapes" (between a and b), or "flip relation" (left and right, above and below).
    Returns: one sentence for each picture, worded as the true one.
    Raises: ValueError: an unknown kind.

    Where both have one colour, swapping changes nothing: then a gets the next colour of the table; shapes alike. All
    are false: the relation holds one way only, and a and b differ in colour or shape. A swap may name a held-out pair.
    Lecture topic L1.17.
    """
    if kind not in KINDS:
        raise ValueError(f"hard_negative: kind must be one of {KINDS}, got {kind!r}")
    if kind == "flip relation":
        return sentences(facts | {"relation": facts["relation"] ^ 1})  # 0 and 1, 2 and 3
    what = "colour" if kind == "swap colours" else "shape"
    a, b = facts[what].unbind(-1)
    return sentences(facts | {what: torch.stack([torch.where(a == b, (a + 1) % 8, b), a], -1)})


def tokenize(captions: list[str], length: int = 16) -> Tensor:
    """Number the words of sentences: 1 is the first word of `VOCABULARY`; 0 fills up the end.

    Args:
        captions: N sentences.
        length: how many places each gets; ours need 14 at most.
    Returns: numbers of words.                                                          # [N, length] int64
    Raises: TypeError, ValueError: a string, not a list; a word not in `VOCABULARY`; a sentence longer than `length`.

    >>> tokenize(["a red circle"], length=5)
    tensor([[ 1, 17, 25,  0,  0]])
    """
    if isinstance(captions, str):
        raise TypeError(f"tokenize: captions must be a list of sentences, got {captions!r}")
    numbers = {word: place + 1 for place, word in enumerate(VOCABULARY)}
    result = torch.zeros(len(captions), length, dtype=torch.int64)
    for row, caption in zip(result, captions, strict=True):
        words = caption.split()
        if unknown := [word for word in words if word not in numbers]:
            raise ValueError(f"tokenize: unknown word {unknown[0]!r} in {caption!r}")
        if len(words) > length:
            raise ValueError(f"tokenize: {len(words)} words, more than {length}, in {caption!r}")
        row[: len(words)] = torch.tensor([numbers[word] for word in words])
    return result

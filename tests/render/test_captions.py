"""Captions are true of their pictures: read by a parser of our own, and checked against the pixels."""

import re
import subprocess
import sys
from functools import cache
from itertools import chain, pairwise

import numpy as np
import pytest
import torch
from scipy import ndimage

from course_lib.render.canvas import Randoms
from course_lib.render.captions import (
    COLOURS,
    HELD_OUT,
    KINDS,
    SHAPES,
    SPLITS,
    VOCABULARY,
    compose,
    draw_captions,
    hard_negative,
    sentences,
    tokenize,
)

# ---- an independent reader of sentences ----------------------------------------------------------------------------
NOUN = r"(an?) (?:(small|big) )?(\w+) (\w+)"
PATTERNS = {  # pattern -> (first noun named, direction of it seen from the second noun named)
    rf"{NOUN} (?:is to the )?(left|right) of {NOUN}": "first",
    rf"{NOUN} (?:is )?(above|below) {NOUN}": "first",
    rf"{NOUN} with {NOUN} (?:to its )?(left|right|above|below)(?: it)?": "second",
    rf"(?:to the )?(left|right|above|below)(?: of)? {NOUN} there is {NOUN}": "second",
}
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
HUES = {  # what a person would call it: red, green, blue in 0..255
    "red": (210, 63, 56),
    "orange": (239, 139, 52),
    "yellow": (245, 205, 60),
    "green": (80, 155, 90),
    "blue": (60, 125, 198),
    "purple": (125, 80, 165),
    "pink": (238, 135, 175),
    "brown": (115, 75, 48),
}


def read(caption: str) -> tuple[dict, dict, str]:
    """The two things named, and where the first lies as seen from the second."""
    for pattern, placed in PATTERNS.items():
        if found := re.fullmatch(pattern, caption):
            groups = list(found.groups())
            word = next(g for g in groups if g in OPPOSITE)
            groups.remove(word)
            one, other = (
                dict(zip(["article", "size", "colour", "shape"], groups[i : i + 4], strict=True))
                for i in (0, 4)
            )
            return one, other, word if placed == "first" else OPPOSITE[word]
    raise AssertionError(f"cannot read {caption!r}")


# ---- an independent look at pictures ------------------------------------------------------------------------------
def blobs(image: torch.Tensor) -> list[dict]:
    """The two most colourful spots of a picture: colour, place, size and mask, from the pixels alone."""
    picture = image.permute(1, 2, 0).numpy()  # [H, W, 3]
    side = len(picture)
    vivid = picture.max(2) - picture.min(2) > 0.2
    labels, count = ndimage.label(vivid, structure=np.ones((3, 3)))
    areas = ndimage.sum_labels(vivid, labels, range(1, count + 1))
    found = []
    for number in np.argsort(areas)[::-1][:2] + 1:
        mask = labels == number
        middle = np.median(picture[mask], axis=0) * 255
        rows, columns = np.nonzero(mask)
        turns = np.linspace(0, np.pi, 24, endpoint=False)[:, None]
        across = np.cos(turns) * columns + np.sin(turns) * rows  # [24, pixels]
        extent = (np.ptp(across, axis=1).max() + 1) / side  # widest, seen from any side
        found.append(
            {
                "colour": min(HUES, key=lambda name: np.abs(middle - HUES[name]).sum()),
                "x": (columns.min() + columns.max() + 1) / 2,
                "y": (rows.min() + rows.max() + 1) / 2,
                "size": "small" if extent < 0.226 else "big" if extent > 0.328 else None,
                "mask": mask,
                "extent": extent,
            }
        )
    return found


def grid(side=48):
    axis = (np.arange(side) + 0.5) / side * 2.6 - 1.3
    return np.meshgrid(axis, axis)


def silhouette(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What the word means, as a formula of its own; up is where y is negative."""
    far = np.hypot(x, y)
    if name in ("circle", "square", "ring"):
        return {
            "circle": far < 1,
            "square": np.maximum(abs(x), abs(y)) < 1,
            "ring": abs(far - 0.7) < 0.27,
        }[name]
    if name == "triangle":  # equal sides
        return (y < 0.5) & (-y + np.sqrt(3) * abs(x) < 1)
    if name == "heart":
        return (x**2 + y**2 - 1) ** 3 + x**2 * y**3 < 0
    if name == "moon":
        return (far < 1) & (np.hypot(x - 0.6, y) > 0.75)
    if name == "cross":
        return (np.minimum(abs(x), abs(y)) < 0.33) & (np.maximum(abs(x), abs(y)) < 1)
    corners = [(1 if k % 2 == 0 else 0.5, k * np.pi / 5) for k in range(11)]
    corners = [(r * np.sin(a), -r * np.cos(a)) for r, a in corners]
    inside = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in pairwise(corners):
        inside |= (
            ((x * y1 - y * x1) * (x2 * y1 - y2 * x1) >= 0)
            & ((x2 * y - y2 * x) * (x2 * y1 - y2 * x1) >= 0)
            & (((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) * (x2 * y1 - x1 * y2) <= 0)
        )
    return inside


def centred(mask: np.ndarray) -> np.ndarray:
    """The same silhouette in the middle of a grid of its own, scaled to one area."""
    rows, columns = np.nonzero(mask)
    step = np.sqrt(len(rows)) / 1.6
    x, y = grid()
    where = [y * step + rows.mean(), x * step + columns.mean()]
    return ndimage.map_coordinates(mask.astype(float), where, order=1) > 0.5


@cache
def templates() -> tuple[list[str], np.ndarray]:
    names, masks = [], []
    x, y = (axis for axis in np.meshgrid(*[np.linspace(-1.6, 1.6, 160)] * 2))
    for name in "circle square triangle star heart moon ring cross".split():
        for mirror in (1, -1) if name == "moon" else (1,):
            for angle in np.linspace(-0.35, 0.35, 8):
                u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
                names.append(name)
                masks.append(centred(silhouette(name, mirror * u, v)))
    return names, np.stack(masks)


def shape_of(mask: np.ndarray) -> str:
    """The silhouette that overlaps best."""
    names, masks = templates()
    mask = centred(mask)
    overlap = (masks & mask).sum((1, 2)) / (masks | mask).sum((1, 2))
    return names[overlap.argmax()]


def fits(thing: dict, blob: dict) -> bool:
    return all(thing[what] == blob[what] for what in ("size", "colour", "shape"))


def lies(blob: dict, other: dict) -> str:
    dx, dy = blob["x"] - other["x"], blob["y"] - other["y"]
    assert max(abs(dx), abs(dy)) > 1.7 * min(abs(dx), abs(dy)), "neither beside nor above"
    return ("left" if dx < 0 else "right") if abs(dx) > abs(dy) else "above" if dy < 0 else "below"


def true_of(caption: str, seen: list[dict]) -> bool:
    one, other, word = read(caption)
    return any(
        fits(one, a) and fits(other, b) and lies(a, b) == word for a, b in (seen, seen[::-1])
    )


@cache
def looked_at(split: str) -> tuple[dict, list]:
    """64 pictures, large enough to make out the shapes, and what a look at the pixels finds in them."""
    drawn = draw_captions(torch.arange(64) + 1000, seed=5, size=96, split=split)
    seen = [blobs(image) for image in drawn["images"]]
    for blob in chain(*seen):
        blob["shape"] = shape_of(blob["mask"])
    return drawn, seen


# ---- the tests ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("split", SPLITS)
def test_captions_are_true_of_the_pixels(split):
    drawn, seen = looked_at(split)
    wrong = [c for c, s in zip(drawn["captions"], seen, strict=True) if not true_of(c, s)]
    assert not wrong, f"{len(wrong)} of 64, the first: {wrong[:5]}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", SPLITS)
def test_hard_negatives_are_false_of_the_pixels(split, kind):
    drawn, seen = looked_at(split)
    negatives = hard_negative(drawn["facts"], kind)
    assert len(negatives) == 64
    for caption, negative, two in zip(drawn["captions"], negatives, seen, strict=True):
        assert negative != caption and not true_of(negative, two), (caption, negative)


def test_what_hard_negatives_change():
    facts = draw_captions(torch.arange(300))["facts"]
    true = [read(c) for c in sentences(facts)]
    for kind, part in [("swap colours", "colour"), ("swap shapes", "shape")]:
        for (a, b, word), (na, nb, now) in zip(
            true, map(read, hard_negative(facts, kind)), strict=True
        ):
            assert word == now and [a["size"], b["size"]] == [na["size"], nb["size"]]
            kept = "shape" if part == "colour" else "colour"
            assert [a[kept], b[kept]] == [na[kept], nb[kept]]
            if a[part] != b[part]:
                assert (na[part], nb[part]) == (b[part], a[part])
            else:
                assert (na[part] == a[part]) != (nb[part] == b[part])  # exactly one is changed
    for (a, b, word), (na, nb, now) in zip(
        true, map(read, hard_negative(facts, "flip relation")), strict=True
    ):
        assert (a, b, OPPOSITE[word]) == (na, nb, now)
    for part in ("colour", "shape"):  # both cases did occur
        assert {a[part] == b[part] for a, b, _ in true} == {True, False}


def test_small_pictures_show_colours_places_and_sizes_too():
    """At 40 pixels: every colour, relation, and which of a small and a big one is the bigger."""
    drawn = draw_captions(torch.arange(300), size=40)
    for image, caption in zip(drawn["images"], drawn["captions"], strict=True):
        seen = blobs(image)
        one, other, word = read(caption)
        orders = [
            (a, b)
            for a, b in (seen, seen[::-1])
            if (a["colour"], b["colour"]) == (one["colour"], other["colour"]) and lies(a, b) == word
        ]
        assert len(orders) == 1, (caption, [(s["colour"], s["x"], s["y"]) for s in seen])
        a, b = orders[0]
        rank = {"small": 0, None: 1, "big": 2}
        order = rank[one["size"]] - rank[other["size"]]
        if abs(order) == 2:
            assert (a["extent"] - b["extent"]) * order > 0.2, caption


def test_a_small_picture_is_the_large_one_seen_from_afar():
    index = torch.arange(16)
    small, large = (draw_captions(index, size=size) for size in (40, 120))
    assert small["captions"] == large["captions"]
    shrunk = torch.nn.functional.avg_pool2d(large["images"], 3)
    assert (shrunk - small["images"]).abs().mean() < 0.012
    for name in ("x", "y", "radius"):
        torch.testing.assert_close(small["facts"][name] * 3, large["facts"][name])


@pytest.mark.parametrize("split", SPLITS)
def test_facts_are_where_the_pixels_are(split):
    drawn, seen = looked_at(split)
    facts = drawn["facts"]
    rows, columns = np.mgrid[:96, :96] + 0.5
    for n, two in enumerate(seen):
        x, y, radius = (facts[name][n].numpy() for name in ("x", "y", "radius"))
        within = (
            np.hypot(columns - x[:, None, None], rows - y[:, None, None]) - radius[:, None, None]
        )
        assert within.min(0)[two[0]["mask"] | two[1]["mask"]].max() < 1  # no colour beyond a radius
        for blob in two:
            which = int(np.hypot(x - blob["x"], y - blob["y"]).argmin())
            assert COLOURS[facts["colour"][n, which]] == blob["colour"]
            assert list(SHAPES)[facts["shape"][n, which]] == blob["shape"]
            assert within[which][blob["mask"]].max() > -0.15 * radius[which]  # and it reaches there


def test_objects_never_overlap_and_stay_inside():
    facts = composed(torch.arange(20_000), "train")
    x, y, radius, relation = (facts[name] for name in ("x", "y", "radius", "relation"))
    for place in (x, y):
        assert (place - radius).min() > 0.9 and (place + radius).max() < 39.1
    dx, dy = x[:, 0] - x[:, 1], y[:, 0] - y[:, 1]
    along, across = torch.where(relation < 2, dx, dy), torch.where(relation < 2, dy, dx)
    assert ((along < 0) == (relation % 2 == 0)).all()
    assert (along.abs() - radius.sum(1)).min() > 2.3 and (across.abs() / along.abs()).max() < 0.5
    assert relation.bincount().min() > 4700 and facts["size"].flatten().bincount().min() > 12_900


def composed(index: torch.Tensor, split: str) -> dict[str, torch.Tensor]:
    """Facts without the drawing, which takes longest; the same as with it."""
    drawn = draw_captions(index[-20:], split=split)["facts"]
    facts = compose(Randoms(f"captions {split}", 0, index), split)
    for name, values in facts.items():
        torch.testing.assert_close(values[-20:], drawn[name])
    return facts


def test_held_out_pairs_never_occur_in_training():
    pairs = {}
    for split in SPLITS:
        facts = composed(torch.arange(20_000), split)
        pairs[split] = [  # two names for each picture
            {(COLOURS[c], list(SHAPES)[s]) for c, s in zip(*two, strict=True)}
            for two in torch.stack([facts["colour"], facts["shape"]], 1).tolist()
        ]
    held = {(c, s) for i, c in enumerate(COLOURS) for j, s in enumerate(SHAPES) if HELD_OUT[i, j]}
    every = {(c, s) for c in COLOURS for s in SHAPES}
    assert 10 <= len(held) <= 11  # a sixth of 64
    train, test = set().union(*pairs["train"]), set().union(*pairs["test"])
    assert train == test == every - held
    assert {c for c, _ in train} == set(COLOURS) and {s for _, s in train} == set(SHAPES)
    assert all(two & held for two in pairs["held-out"])
    assert set().union(*pairs["held-out"]) == every
    assert all(len(two) == 2 for split in SPLITS for two in pairs[split])  # never twice the same


def test_captions_too_name_held_out_pairs_only_where_they_may():
    for split in SPLITS:
        drawn = draw_captions(torch.arange(300), size=24, split=split)
        for caption in drawn["captions"]:
            numbers = [
                (COLOURS.index(n["colour"]), list(SHAPES).index(n["shape"]))
                for n in read(caption)[:2]
            ]
            assert any(HELD_OUT[c, s] for c, s in numbers) == (split == "held-out")


def test_splits_seeds_and_numbers_give_other_pictures():
    index = torch.arange(400)
    streams = [draw_captions(index, size=24, split=split)["captions"] for split in SPLITS]
    streams.append(draw_captions(index, seed=1, size=24)["captions"])
    streams.append(draw_captions(index + 400, size=24)["captions"])
    for i, some in enumerate(streams):
        for others in streams[:i]:
            assert sum(a == b for a, b in zip(some, others, strict=True)) < 4


def test_articles_and_vocabulary():
    drawn = draw_captions(torch.arange(800), size=24, split="held-out")
    captions = drawn["captions"]
    assert drawn["facts"]["wording"].bincount(minlength=8).min() > 60
    for caption in captions:
        for thing in read(caption)[:2]:
            vowel = (thing["size"] or thing["colour"])[0] in "aeiou"
            assert thing["article"] == ("an" if vowel else "a"), caption
    used = {word for caption in captions for word in caption.split()}
    assert used == set(VOCABULARY) and len(VOCABULARY) == len(used)


def test_tokens_can_be_read_back():
    captions = draw_captions(torch.arange(500), size=24)["captions"]
    tokens = tokenize(captions)
    assert tokens.shape == (500, 16) and tokens.dtype == torch.int64
    words = ["", *VOCABULARY]
    assert [" ".join(words[t] for t in row).strip() for row in tokens.tolist()] == captions
    assert tokenize(["a red circle"], length=3).tolist() == [
        [words.index("a"), words.index("red"), words.index("circle")]
    ]
    assert tokenize([]).shape == (0, 16)


def test_sentences_of_one_picture_and_in_other_words():
    index = torch.arange(50, 90)
    drawn = draw_captions(index, seed=3, size=24)
    facts = drawn["facts"]
    assert sentences(facts, index, seed=3) == sentences(facts) == drawn["captions"]
    one = {name: values[7] for name, values in facts.items()}
    assert sentences(one) == drawn["captions"][7:8]
    for kind in KINDS:
        assert hard_negative(one, kind) == hard_negative(facts, kind)[7:8]
    reworded = sentences(facts, index, seed=4)
    assert sum(a != b for a, b in zip(reworded, drawn["captions"], strict=True)) > 25
    for new, old in zip(map(read, reworded), map(read, drawn["captions"]), strict=True):
        new = (*new[:2], new[2]) if new[0] == old[0] else (new[1], new[0], OPPOSITE[new[2]])
        assert new == old


def test_a_picture_is_the_same_in_any_batch():
    index = torch.arange(128)
    together = draw_captions(index, seed=2)
    assert together["images"].dtype == torch.float32 and together["images"].shape == (
        128,
        3,
        40,
        40,
    )
    assert together["images"].min() >= 0 and together["images"].max() <= 1
    for part in (index[5:6], index[100:107], index.flip(0)[:64]):
        again = draw_captions(part, seed=2)
        assert (again["images"] - together["images"][part]).abs().max() < 1 / 255
        assert again["captions"] == [together["captions"][n] for n in part]
        for name, values in again["facts"].items():
            torch.testing.assert_close(values, together["facts"][name][part])


@pytest.mark.slow
def test_a_picture_is_the_same_in_another_process():
    code = "import torch; from course_lib.render.captions import draw_captions as draw; "
    code += "d = draw(torch.tensor([77])); print(d['captions'][0]); print(*d['images'].flatten().tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    caption, numbers = done.stdout.strip().split("\n")
    here = draw_captions(torch.tensor([77]))
    assert caption == here["captions"][0]
    there = torch.tensor([float(number) for number in numbers.split()]).view_as(here["images"])
    assert (there - here["images"]).abs().max() < 1 / 255


ONE = torch.arange(1)


@pytest.mark.parametrize(
    "call, error, says",
    [
        (lambda: draw_captions(ONE.int()), TypeError, "index must be .* int64, got torch.int32"),
        (lambda: draw_captions(ONE.float()), TypeError, "got torch.float32"),
        (lambda: draw_captions([1, 2]), TypeError, "got list"),
        (lambda: draw_captions(ONE[None]), ValueError, r"index must be \[B\] .* got \[1, 1\]"),
        (lambda: draw_captions(ONE[:0]), ValueError, r"B >= 1, got \[0\]"),
        (lambda: draw_captions(ONE, size=23), ValueError, "at least 24 pixels, got 23"),
        (lambda: draw_captions(ONE, split="val"), ValueError, "'held-out'.*got 'val'"),
        (lambda: hard_negative({}, "swap sizes"), ValueError, "'flip relation'.*got 'swap sizes'"),
        (lambda: tokenize(["a red circle", "a teal moon"]), ValueError, "'teal' in 'a teal moon'"),
        (
            lambda: tokenize(["a red moon"], length=2),
            ValueError,
            "3 words, more than 2, in 'a red moon'",
        ),
        (lambda: tokenize("a red moon"), TypeError, "list of sentences, got 'a red moon'"),
    ],
)
def test_errors_quote_what_came(call, error, says):
    with pytest.raises(error, match=says):
        call()

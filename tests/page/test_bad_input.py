"""What pages do with odd texts, empty sets, equal points, and functions that return no figure."""

from functools import partial
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from course_lib.page import plots
from course_lib.page.boxes import draw_boxes
from course_lib.page.controls import explore
from course_lib.page.notebook import claim, compare, figure, table
from course_lib.page.pictures import contact_sheet, distance_table, gallery, picture, thumbnail_map

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.fixture
def shown():
    """What a cell would display: a list of data."""
    InteractiveShell.instance()
    with capture_output() as captured:
        yield lambda: [output.data for output in captured.outputs]


def axes():
    return plots.panels()[1][0]


def read(html: str) -> str:
    """The text that a reader of a page sees."""
    parser, texts = HTMLParser(), []
    parser.handle_data = texts.append
    parser.feed(html)
    return "|".join(texts)


# ---------------------------------------------------------------- texts

ODD = 'd(a,p)<d(a,n) & m>0 for "all" &lt; <b>\'s'


def test_every_character_of_a_text_is_seen(shown):
    claim(ODD, True)
    table([(ODD, "value"), ("x", ODD)])
    compare({ODD: 1.0}, {})
    for data in shown():
        assert ODD in read(data["text/html"]) and ODD in data["text/plain"]


def test_numbers_of_every_kind_stand_in_a_table(shown):
    values = {
        "a": 0.12345,
        "b": np.float32(0.12345),
        "c": torch.tensor(0.12345),
        "d": 3,
        "e": np.int64(3),
    }
    compare(values, {})
    table([("n", 1), (torch.tensor(2), None)])
    compared, plain = (data["text/plain"] for data in shown())
    assert [line.split()[1] for line in compared.splitlines()[1:]] == ["0.123"] * 3 + ["3"] * 2
    assert plain == "n  1\n2  None"


@pytest.mark.parametrize("rows", [[], [("a", "b"), ("c",)], [("a",), ("b", "c")]])
def test_a_ragged_table_is_refused(rows):
    with pytest.raises(ValueError, match="table: rows must be as long as the head, got"):
        table(rows)


@pytest.mark.parametrize("bad", [None, "a figure", plots.panels()])
def test_what_is_no_figure_is_refused(bad):
    with pytest.raises(TypeError, match="figure: fig must be a matplotlib Figure, got"):
        figure(bad, alt="nothing")
    with pytest.raises(TypeError, match="figure: alt must be a text, got"):
        figure(plots.panels()[0], alt=None)


# ---------------------------------------------------------------- explore


@pytest.mark.parametrize("bad", [None, 3, plots.panels()])
def test_a_drawing_function_without_its_figure_is_refused_at_once_and_later(bad):
    def draw(k=1):
        return plots.panels()[0] if k == 1 else bad

    with pytest.raises(
        TypeError, match=r"explore: what draw returns must be a matplotlib Figure, got"
    ):
        explore(lambda_named("draw", bad), alt="x", k=(1, 5, 1))
    view = explore(draw, alt="x", k=(1, 5, 1))
    before = view.png
    view.controls["k"].value = 3
    assert isinstance(view.error, TypeError) and view.png == before
    assert f"must be a matplotlib Figure, got {type(bad).__name__}" in view.message.value
    view.controls["k"].value = 1
    assert view.error is None and view.message.value == ""


def lambda_named(name, result):
    def draw(k):
        return result

    assert draw.__name__ == name
    return draw


@pytest.mark.parametrize(
    "options, says",
    [
        ({"start": 50}, r"explore: k starts at 50, and can be 0..9"),
        ({"start": 2.5}, r"explore: k starts at 2.5, and can be 0..9"),
        (
            {"start": "red", "k": ["blue"]},
            r"explore: k starts at 'red', and can be one of \['blue'\]",
        ),
        ({"start": 3, "k": True}, r"explore: k starts at 3, and can be True or False"),
        ({"presets": {"far": {"k": 10}}}, r"explore: preset 'far' sets k to 10, and can be 0..9"),
        ({"k": (0.0, float("inf"), 1.0)}, r"explore: k must be \(low, high, step\)"),
        ({"alt": None}, "explore: alt must be a text, got NoneType"),
    ],
)
def test_what_a_control_cannot_be_is_refused(options, says):
    def draw(k=options.pop("start", 1)):
        return plots.panels()[0]

    with pytest.raises((TypeError, ValueError), match=says):
        explore(draw, **{"alt": "x", "k": (0, 9, 1), **options})


def test_arguments_without_a_control_and_controls_that_do_not_exist():
    with pytest.raises(ValueError, match=r"explore: draw needs \['b'\], the controls are \['a'\]"):
        explore(two_arguments(), alt="x", a=(0, 9, 1))
    view = explore(partial(two_arguments(), b=1), alt="x", a=(0, 9, 1))
    assert view.error is None
    with pytest.raises(
        ValueError, match=r"explore: there is no control \['c'\]; there are \['a'\]"
    ):
        view.set(c=1)


def two_arguments():
    def draw(a, b):
        return plots.panels()[0]

    return draw


# ---------------------------------------------------------------- images and points


@pytest.mark.parametrize(
    "points, expected",
    [
        (torch.zeros(1, 2), [(0.5, 0.5)]),
        (torch.full((3, 2), 7.0), [(0.5, 0.5)] * 3),
        (torch.tensor([[0.0, 2], [1, 2], [2, 2]]), [(0, 0.5), (0.5, 0.5), (1, 0.5)]),
        (torch.tensor([[-1e308, 0], [1e308, 1e-300]], dtype=torch.double), [(0, 0), (1, 1)]),
        (np.array([[1, 5], [3, 9]]), [(0, 0), (1, 1)]),
        (torch.tensor([[0.0, 0], [1, 1]], requires_grad=True), [(0, 0), (1, 1)]),
        (torch.tensor([[0.0, 0], [1, 1]], dtype=torch.bfloat16), [(0, 0), (1, 1)]),
        (torch.zeros(0, 2), []),
    ],
)
@pytest.mark.parametrize("shape", [(3, 16, 12), (1, 30, 30)])
def test_a_map_of_any_points(points, expected, shape):
    ax, (c, h, w) = axes(), shape
    images = torch.zeros(len(points), *shape) + (1 if c == 1 else 0)  # dark, whatever the channels
    thumbnail_map(ax, points, images, pixels=200)
    canvas = np.asarray(ax.images[0].get_array())
    zoom = max(1, 24 // w)
    dark = (canvas == 0).all(-1)
    for x, y in expected:
        column = 4 + int(x * (192 - zoom * w)) + zoom * w // 2
        row = 196 - int(y * (192 - zoom * h)) - zoom * h // 2
        assert dark[row, column]
    assert dark.sum() == len(set(expected)) * zoom**2 * h * w


@pytest.mark.parametrize(
    "points, images, says",
    [
        (torch.tensor([[0.0, torch.nan]]), (1, 1, 8, 8), "points .* has NaN or infinity"),
        (torch.zeros(2, 2), (3, 1, 8, 8), r"points must be a tensor \[3, 2\]"),
        (torch.zeros(1, 3), (1, 1, 8, 8), r"points must be a tensor \[1, 2\]"),
        (torch.zeros(1, 2), (1, 1, 300, 8), "do not fit on 200 pixels"),
    ],
)
def test_a_map_that_cannot_be_drawn_is_refused(points, images, says):
    with pytest.raises(ValueError, match=f"thumbnail_map: .*{says}"):
        thumbnail_map(axes(), points, torch.zeros(images), pixels=200)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("count, channels", [(0, 3), (1, 1), (1, 3), (5, 1)])
def test_a_sheet_of_any_images(dtype, count, channels):
    ax = axes()
    contact_sheet(ax, torch.zeros(count, channels, 4, 4, dtype=dtype), columns=3, title="some")
    assert ax.get_title(loc="left") == "some" and len(ax.images) == (count > 0)
    if count:
        assert ax.images[0].get_array().shape == (4 if count < 4 else 9, 14, 3)


@pytest.mark.parametrize(
    "image, says",
    [
        (torch.zeros(8, 8), r"must be a tensor \[C, H, W\] .*, got \[8, 8\]"),
        (torch.zeros(2, 8, 8), r"must have 1 or 3 channels, got \[2, 8, 8\]"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), "got .* of uint8"),
        (np.zeros((3, 8, 8)), "got ndarray"),
    ],
)
def test_what_is_no_image_is_refused(image, says):
    with pytest.raises((TypeError, ValueError), match=f"picture: image .*{says}"):
        picture(image)


def test_distances_of_one_image_and_of_equal_ones():
    for n in (1, 2, 3):
        ax = axes()
        distance_table(ax, torch.zeros(n, 3, 4, 4), torch.zeros(n, n, dtype=torch.bfloat16))
        assert [text.get_text() for text in ax.texts].count("0.0") == n * n - n
    with pytest.raises(ValueError, match=r"distance_table: distances must be a tensor \[2, 2\]"):
        distance_table(axes(), torch.zeros(2, 3, 4, 4), torch.zeros(2, 3))


def test_a_gallery_names_what_does_not_match():
    with pytest.raises(ValueError, match=r"gallery: results, captions and correct .* 2, 1 and 2"):
        gallery(torch.zeros(3, 4, 4), torch.zeros(2, 3, 4, 4), ["one"], [True, False])


@pytest.mark.parametrize("kind", [torch.uint8, torch.int32, torch.int64, np.int16, list])
def test_points_by_class_with_labels_of_every_kind(kind):
    labels = [0, 2, 2]
    if kind is not list:
        labels = np.array(labels, kind) if isinstance(kind, type) else torch.tensor(labels).to(kind)
    ax = axes()
    plots.scatter_classes(ax, torch.rand(3, 2), labels, ["a", "b", "c"])
    assert [text.get_text() for text in ax.texts] == ["a", "c"]
    assert [len(dots.get_offsets()) for dots in ax.collections] == [1, 2]


@pytest.mark.parametrize(
    "points, labels, says",
    [
        (torch.zeros(2, 2), [0, -1], "labels must lie in 0..1, got -1 to 0"),
        (torch.zeros(2, 2), [0, 2], "labels must lie in 0..1, got 0 to 2"),
        (torch.zeros(2, 2), [0.0, 1.0], "labels must be whole numbers"),
        (torch.zeros(2, 2), [0], r"labels must be a tensor \[2\]"),
        (torch.zeros(2, 3), [0, 1], r"points must be a tensor \[N, 2\]"),
        (torch.full((2, 2), torch.nan), [0, 1], "points .* has NaN or infinity"),
    ],
)
def test_points_without_a_class_are_refused(points, labels, says):
    with pytest.raises((TypeError, ValueError), match=f"scatter_classes: {says}"):
        plots.scatter_classes(axes(), points, labels, ["a", "b"])


@pytest.mark.parametrize("dtype", [*FLOATS, torch.int64])
def test_boxes_of_every_type_and_none(dtype):
    ax = axes()
    boxes = torch.tensor([[1, 2, 5, 6], [0, 0, 3, 3]]).to(dtype)
    draw_boxes(ax, torch.zeros(3, 8, 8), boxes, torch.tensor([1, 0]), ["cat", "dog"])
    (lines,) = ax.collections
    assert lines.get_segments()[0].tolist() == [[1, 2], [5, 2], [5, 6], [1, 6], [1, 2]]
    assert [text.get_text() for text in ax.texts] == ["dog", "cat"]
    draw_boxes(ax, None, boxes[:0], torch.zeros(0, dtype=torch.int64), ["cat"])
    assert [len(lines.get_segments()) for lines in ax.collections] == [2, 0]


@pytest.mark.parametrize(
    "options, says",
    [
        ({"labels": torch.tensor([-1]), "names": ["cat"]}, "labels must lie in 0..0, got -1 to -1"),
        ({"labels": torch.tensor([1]), "names": ["cat"]}, "labels must lie in 0..0, got 1 to 1"),
        ({"scores": torch.zeros(0)}, "0 scores for 1 boxes"),
        ({"texts": []}, "0 texts for 1 boxes"),
        ({"boxes": torch.zeros(4)}, r"boxes must be a tensor \[n, 4\]"),
        ({"boxes": torch.full((1, 4), torch.inf)}, "boxes .* has NaN or infinity"),
    ],
)
def test_boxes_that_cannot_be_drawn_are_refused(options, says):
    with pytest.raises(ValueError, match=f"draw_boxes: {says}"):
        draw_boxes(axes(), torch.zeros(3, 8, 8), **{"boxes": torch.zeros(1, 4), **options})

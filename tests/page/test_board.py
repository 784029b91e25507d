"""Board: what it takes, what it hands to Python, what it shows, and what it says where it cannot."""

import base64
import io
import json
import re

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from course_lib.page.board import Board, Box, Point, Shown, Stroke
from course_lib.page.plots import panels

WIDGET = "application/vnd.jupyter.widget-view+json"


def overlap(A, B):
    """The intersection of two boxes, shaded, and its area."""
    x1, y1, x2, y2 = max(A[0], B[0]), max(A[1], B[1]), min(A[2], B[2]), min(A[3], B[3])
    area = max(x2 - x1, 0) * max(y2 - y1, 0)
    return Shown(f"{area:g}", shapes=[("area", (x1, y1, x2, y2), "black")] if area else [])


def two_boxes(**changes) -> Board:
    given = {
        "width": 10,
        "height": 6,
        "items": [Box("A", (1, 1, 5, 4)), Box("B", (3, 2, 8, 5))],
        "on_change": overlap,
        "alt": "two boxes that overlap",
        **changes,
    }
    return Board(**given)


def one_point(on_change, **changes) -> Board:
    return Board(10, 6, [Point("p", (1, 2))], on_change, alt="a point", **changes)


def from_browser(board, **values):
    """What the script sends after a drag: lists, all values, the clicked names."""
    lists = json.loads(json.dumps({**board.values, **values}))
    board.set_state({"_state": {"values": lists, "clicked": [*board.clicked]}})


def pixels(png):
    return imread(io.BytesIO(png))[..., :3]


def test_a_board_answers_at_the_start_and_after_a_move():
    board = two_boxes()
    assert board.values == {"A": (1, 1, 5, 4), "B": (3, 2, 8, 5)} and board.shown.text == "4"
    before = board.png
    board.set(A=(1, 1, 4, 3))
    assert board.values["A"] == (1, 1, 4, 3) and board.shown.text == "1" and board.error is None
    assert board.png != before == board.first_png
    board.set(A=(1, 1, 2, 2))
    assert board.shown == Shown("0")


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_a_list_an_array_and_a_tensor_are_all_taken(kind):
    board = two_boxes(items=[Box("A", kind([1, 1, 5, 4])), Box("B", (3, 2, 8, 5))])
    board.set(B=kind([4, 3, 8, 6]))
    assert board.values == {"A": (1, 1, 5, 4), "B": (4, 3, 8, 6)} and board.shown.text == "1"
    assert all(type(x) is float for value in board.values.values() for x in value)


def test_what_the_browser_sends_is_answered_as_what_python_sets():
    board, told = two_boxes(), []
    board.observe(lambda change: told.append(change["new"]["html"]), names="_answer")
    from_browser(board, A=(1, 1, 4, 3))
    from_browser(board, A=(1, 1, 4, 5))
    assert board.values["A"] == (1.0, 1.0, 4.0, 5.0) and board.shown.text == "3"
    assert told == ["1", "3"], "a changed dictionary is sent only if it is another one"


def test_clicks_are_told_in_their_order_to_those_who_ask():
    def who(p, q, clicked="not told"):
        return " ".join(clicked)

    board = Board(10, 6, [Point("p", (1, 2)), Point("q", (3, 2))], who, alt="two points")
    assert board.clicked == () and board.shown.text == ""
    before = board.png
    for name in "qpp":
        board.click(name)
    assert board.clicked == ("q", "p", "p") and board.shown.text == "q p p"
    assert board.png != before, "the last one is told apart"
    board.set(p=(2, 2))
    assert board.clicked == ("q", "p", "p"), "a move is no click"
    assert one_point(lambda **values: str(sorted(values))).shown.text == "['p']"


def test_every_kind_of_answer():
    fig, _ = panels(height=2)
    assert Board(4, 4, [Point("p", (1, 1))], alt="a point").shown == Shown()
    assert one_point(lambda p: None).shown == Shown()
    assert one_point(lambda p: "here").shown == Shown("here")
    assert one_point(lambda p: fig).shown.figure is fig
    board = one_point(lambda p: fig)
    assert board._answer["figure_width"] == 900
    assert pixels(base64.b64decode(board._answer["figure"])).shape == (200, 900, 3)
    with pytest.raises(TypeError, match=r"must return None, a text, .* or Shown, got int"):
        one_point(lambda p: 5)


def test_shapes_are_handed_over_with_their_colours():
    shapes = [
        ("box", (1, 1, 2, 2), "C0", "a"),
        ("area", (1, 1, 2, 2), "#abc"),
        ("arrow", torch.tensor([1.0, 1, 2, 2]), "black"),
        ("text", (1, 1), "white", "<b>"),
    ]
    answer = one_point(lambda p: Shown(shapes=shapes))._answer
    assert answer["shapes"] == [
        {"kind": "box", "at": [1, 1, 2, 2], "colour": "#1f77b4", "label": "a"},
        {"kind": "area", "at": [1, 1, 2, 2], "colour": "#aabbcc", "label": ""},
        {"kind": "arrow", "at": [1, 1, 2, 2], "colour": "#000000", "label": ""},
        {"kind": "text", "at": [1, 1], "colour": "#ffffff", "label": "<b>"},
    ]


def test_an_error_is_shown_and_gone_after_the_next_move():
    def touchy(p):
        if p[0] == 5:
            raise ValueError("five is <unlucky>")
        return Shown("fine", figure=panels(height=1)[0], shapes=[("text", (1, 1), "black", "x")])

    board = one_point(touchy)
    figure = board._answer["figure"]
    from_browser(board, p=(5, 2))
    assert isinstance(board.error, ValueError) and board.values == {"p": (5, 2)}
    # The figure stays, faded; a text or a shape of other values would be a lie.
    assert board._answer["error"] == "ValueError: five is <unlucky>"
    assert {**board._answer, "error": ""} == {"figure": figure, "figure_width": 900, "error": ""}
    from_browser(board, p=(6, 2))
    assert board.error is None and board._answer["html"] == "fine" and "error" not in board._answer
    with pytest.raises(ValueError, match="unlucky"):
        Board(9, 9, [Point("p", (5, 2))], touchy, alt="a point")


def test_an_answer_of_another_type_is_an_error_too():
    board = one_point(lambda p: "x" if p[0] < 5 else 5)
    board.set(p=(6, 1))
    assert "got int" in str(board.error) and "TypeError" in board._answer["error"]


def test_text_is_text_except_for_sub_and_sup():
    board = one_point(lambda p: 't<sub>x</sub> < 3 m<sup>2</sup> & <img src=x onerror="f()">')
    html = board._answer["html"]
    assert html.startswith("t<sub>x</sub> &lt; 3 m<sup>2</sup> &amp; &lt;img")
    assert set(re.findall(r"<[^>]*>", html)) == {"<sub>", "</sub>", "<sup>", "</sup>"}


def test_what_a_cell_shows_is_the_same_at_every_run():
    first, again = two_boxes(), two_boxes()
    first.set(A=(2, 2, 3, 3))
    (data, metadata), (other, _) = first._repr_mimebundle_(), again._repr_mimebundle_()
    assert data["text/plain"] == "Board: two boxes that overlap" == repr(first)
    assert data["image/png"] == other["image/png"], "the state it starts in"
    assert {*data} == {"text/plain", "image/png", WIDGET}
    assert data[WIDGET]["model_id"] == first.model_id
    width = pixels(base64.b64decode(data["image/png"])).shape[1]
    assert metadata["image/png"] == {"width": round(width / 1.5), "alt": first.alt}
    assert not re.search("0x[0-9a-f]{6}", json.dumps([data["text/plain"], metadata]))


def test_the_first_picture_shows_items_shapes_text_and_figure():
    plain = two_boxes(on_change=None).png
    shaded = two_boxes(on_change=lambda A, B: Shown(shapes=[("area", (3, 2, 5, 4), "black")])).png
    differ = np.argwhere(np.abs(pixels(plain) - pixels(shaded)).max(-1) > 0.1)
    # 560 pixels for 10 units, drawn at 1.5: 2 x 2 units of area, less the lines of the boxes.
    assert np.ptp(differ, axis=0) == pytest.approx([2 * 84, 2 * 84], abs=15)
    with_text = two_boxes(on_change=lambda A, B: "t<sub>x</sub> costs $5 and $6\nor more").png
    assert pixels(with_text).shape[0] > pixels(plain).shape[0]
    beside = two_boxes(on_change=lambda A, B: panels(height=2)[0]).png
    assert pixels(beside).shape[1] == pixels(plain).shape[1] + 1350


def test_every_item_and_shape_can_be_seen_in_the_first_picture():
    seen = set()
    for items in (
        [Box("A", (1, 1, 5, 4), colour="#123456")],
        [Box("A", (1, 1, 5, 4), colour="#123456", fixed=True)],
        [Point("p", (3, 3), colour="#123456")],
        [Stroke("s", [[(1, 1), (5, 5)], [(2, 4)]], colour="#123456")],
    ):
        png = Board(10, 6, items, alt="one item").png
        assert (np.abs(pixels(png) - np.array([0x12, 0x34, 0x56]) / 255) < 0.01).all(-1).any()
        seen.add(png)
    for kind, at in (("box", (2, 2, 4, 4)), ("arrow", (2, 2, 4, 4)), ("text", (2, 2))):
        shape = (kind, at, "#654321", "label")
        png = one_point(lambda p, shape=shape: Shown(shapes=[shape])).png
        assert (np.abs(pixels(png) - np.array([0x65, 0x43, 0x21]) / 255) < 0.01).all(-1).any(), kind
        seen.add(png)
    assert len(seen) == 7


def test_an_image_lies_under_the_items_pixel_for_pixel():
    image = torch.zeros(3, 6, 10)
    image[0, 0, 9] = 1  # the upper right pixel is red
    board = two_boxes(image=image)
    seen = pixels(board.png)
    assert (seen[40, -40] == [1, 0, 0]).all() and (seen[-100, -40] == [0, 0, 0]).all()
    sent = imread(io.BytesIO(base64.b64decode(board._scene["image"].split(",")[1])))[..., :3]
    np.testing.assert_array_equal(sent, image.permute(1, 2, 0))


def test_steps_fit_the_units():
    def steps(width):
        scene = Board(width, width / 2, [Point("p", (0, 0))], alt="a point")._scene
        return scene["grid"], scene["step"], scene["ticks"]

    assert steps(512) == (1, 13, 50) and steps(64) == (1, 2, 5)
    assert steps(10) == pytest.approx((0.1, 0.2, 1)) and steps(1) == pytest.approx(
        (0.01, 0.02, 0.1)
    )


def test_presets_and_labels_reach_the_script():
    near = {"near": {"B": (1, 1, 5, 4)}}
    scene = two_boxes(presets=near)._scene
    assert scene["presets"] == {"near": {"B": (1.0, 1.0, 5.0, 4.0)}}
    assert scene["start"] == {"A": (1, 1, 5, 4), "B": (3, 2, 8, 5)}
    (item,) = Board(9, 9, [Box("ground_truth", (1, 1, 2, 2))], alt="a box")._scene["items"]
    assert item["label"] == "ground truth" and item["colour"] == "#0072b2"


@pytest.mark.parametrize(
    "wrong, error, says",
    [
        (lambda: Box("A", (1, 1, 5)), ValueError, r"Box A must be 4 .* got \(1, 1, 5\)"),
        (lambda: Box("A", (5, 1, 1, 4)), ValueError, r"x1 < x2 .* got \(5, 1, 1, 4\)"),
        (lambda: Box("A", (1, 1, 1, 4)), ValueError, r"x1 < x2"),
        (lambda: Box("A", (1, 1, float("nan"), 4)), ValueError, "finite numbers .* nan"),
        (lambda: Box("A", "1234x"), ValueError, "got '1234x'"),
        (lambda: Box("a b", (1, 1, 2, 2)), ValueError, "must be a Python name .* got 'a b'"),
        (lambda: Point("clicked", (1, 1)), ValueError, "other than 'clicked'"),
        (lambda: Point(3, (1, 1)), ValueError, "got 3"),
        (lambda: Point("p", 7), ValueError, r"Point p must be 2 .* got 7"),
        (lambda: Point("p", (1, 1), colour="reddish"), ValueError, "got 'reddish'"),
        (lambda: Stroke("s", [[]]), ValueError, r"lines of points \(x, y\), got \[\[\]\]"),
        (lambda: Stroke("s", 5), ValueError, "lines of points .* got 5"),
        (lambda: Stroke("s", [(1, 2)]), ValueError, "got "),
        (lambda: Shown(5), TypeError, "text must be a text, got int"),
        (lambda: Shown("", figure="x"), TypeError, "figure must be a Figure, got str"),
        (lambda: Shown(shapes=[("circle", (1, 1), "red")]), ValueError, "got .'circle'"),
        (lambda: Shown(shapes=[("text", (1, 1), "red")]), ValueError, "got .'text'"),
        (lambda: Shown(shapes=[("area", (1, 1, 2), "red")]), ValueError, r"got \(1, 1, 2\)"),
        (lambda: Shown(shapes=[("box", (1, 1, 2, 2), "reddish")]), ValueError, "reddish"),
        (lambda: two_boxes(alt=""), ValueError, "alt must say"),
        (lambda: two_boxes(width=0), ValueError, "width must be above 0, got 0"),
        (lambda: two_boxes(height="6"), TypeError, "height must be a number"),
        (lambda: two_boxes(items=[]), ValueError, r"names of their own, got \[\]"),
        (lambda: two_boxes(items=[Point("A", (1, 1))] * 2), ValueError, r"got \['A', 'A'\]"),
        (lambda: two_boxes(items=[("A", (1, 1))]), TypeError, r"got \('A', \(1, 1\)\)"),
        (lambda: two_boxes(on_change=lambda A: ""), TypeError, r"items \['A', 'B'\], got <lambda>"),
        (lambda: two_boxes(on_change=lambda A, B, C: ""), TypeError, r"takes \['A', 'B', 'C'\]"),
        (lambda: two_boxes(width=7), ValueError, r"B must lie in 0..7 x 0..6, got \(3.0, 2.0, 8"),
        (lambda: two_boxes(presets={"x": {"C": (1, 1)}}), ValueError, r"there is no item \['C'\]"),
        (lambda: two_boxes(presets={"x": {"A": (1, 1)}}), ValueError, "Box A must be 4"),
        (lambda: two_boxes(image=torch.zeros(3, 10, 6)), ValueError, r"shape.*got \[3, 10, 6\]"),
        (lambda: two_boxes(image=np.zeros((6, 10))), TypeError, "image must be a tensor"),
        (lambda: two_boxes().set(A=(1, 1, 11, 2)), ValueError, r"A must lie in 0..10 x 0..6"),
        (lambda: two_boxes().set(C=(1, 1)), ValueError, r"there is no item \['C'\]"),
        (lambda: two_boxes().click("C"), ValueError, r"one of \['A', 'B'\], got 'C'"),
        (lambda: Board(9, 9, [Stroke("s", [[(1, 10)]])], alt="x"), ValueError, "s must lie in"),
    ],
)
def test_bad_input_is_quoted(wrong, error, says):
    with pytest.raises(error, match=says):
        wrong()

"""figure, record, show_source, claim, compare, explore; and the figures themselves."""

import base64
import io
import threading
import time

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.image import imread

from course_lib.embeddings.distances import cosine
from course_lib.page import plots, selftest
from course_lib.page.controls import Explorer, explore
from course_lib.page.notebook import claim, compare, figure, record, show_source
from course_lib.page.pictures import captioned_sheet, contact_sheet, thumbnail_map


@pytest.fixture
def shown():
    """What a cell would display: a list of (data, metadata)."""
    InteractiveShell.instance()
    with capture_output() as captured:
        yield lambda: [(output.data, output.metadata) for output in captured.outputs]


def bar(height=2, colour="blue", grid=True):
    fig, (ax,) = plots.panels()
    ax.bar([0], [height], color=colour)
    ax.set(ylim=(0, 10))
    ax.grid(grid)
    return fig


def test_figure_shows_a_picture_with_its_text(shown):
    figure(bar(), alt="a blue bar")
    ((data, metadata),) = shown()
    assert data["text/plain"] == "Figure: a blue bar" and metadata["image/png"] == {
        "width": 900,
        "alt": "a blue bar",
    }
    pixels = imread(io.BytesIO(base64.b64decode(data["image/png"])))
    assert pixels.shape[1] == 1350  # sharper than it is wide, for good screens
    with pytest.raises(ValueError, match="alt must say"):
        figure(bar(), alt=" ")


def test_the_same_figure_gives_the_same_bytes():
    assert plots.to_png(bar()) == plots.to_png(bar())


def test_show_source_shows_the_code_and_the_first_line_of_the_docstring(shown):
    show_source(cosine)
    text = shown()[0][0]["text/markdown"]
    assert text.startswith("`embeddings/distances.py`\n```python\ndef cosine(")
    assert '    """Cosine distance from every vector in `x` to every vector in `y`."""\n' in text
    assert (
        "normalize(x.double()) @ normalize(y.double()).T" in text
        and "Args:" not in text
        and text.endswith("\n```")
    )


def test_show_source_of_a_method_and_a_class_is_still_python(shown):
    import ast

    from course_lib.search.exact import ExactIndex

    show_source(ExactIndex.search)
    show_source(ExactIndex)
    for data, _ in shown():
        ast.parse(data["text/markdown"].split("```python\n")[1].removesuffix("\n```"))


def test_show_source_names_the_file_of_a_decorated_function(shown):
    @torch.no_grad()
    def quiet():
        return 1

    show_source(quiet)
    data, _ = shown()[0]
    assert data["text/markdown"].startswith("`page/test_notebook.py`")
    assert "def quiet" in data["text/markdown"]


@pytest.mark.parametrize("truth", [True, np.True_, torch.tensor(True), torch.tensor([[True]])])
def test_a_claim_that_holds_is_said(shown, truth):
    claim("it is so", truth)
    assert shown()[0][0]["text/plain"] == "Holds: it is so"


@pytest.mark.parametrize("untruth", [False, np.False_, torch.tensor(False)])
def test_a_claim_that_does_not_hold_is_said_and_the_page_goes_on(shown, untruth):
    claim("it is so", untruth)
    data, _ = shown()[0]
    assert data["text/plain"] == "Does not hold: it is so" and "✗" in data["text/html"]


@pytest.mark.parametrize("value", [0.9376, np.float32(0.9376), torch.tensor([0.9376])])
def test_a_claim_shows_the_number_it_rests_on(shown, value):
    claim("more than .9", True, value=value)
    data, _ = shown()[0]
    assert data["text/plain"] == "Holds: more than .9 (measured: 0.938)"
    assert "(measured: 0.938)" in data["text/html"]
    for neither in ("much", torch.ones(2), True):
        with pytest.raises(TypeError, match="value must be a single number, got"):
            claim("it is so", True, value=neither)


def test_a_record_names_a_number_and_shows_nothing(shown):
    record("yolo.map50", torch.tensor(0.93764), ".3f")
    record("boxes", 6084, ",")
    record("best-kind", "all points")
    assert [data for data, _ in shown()] == [
        {"text/x-record": f"recorded: {text}"}
        for text in ("yolo.map50 = 0.938", "boxes = 6,084", "best-kind = all points")
    ]
    with pytest.raises(ValueError, match="name must be of letters"):
        record("a b", 1)


@pytest.mark.parametrize(
    "neither", [1, "yes", None, 0.3, torch.ones(2) > 0, np.ones(2) > 0, torch.tensor(1)]
)
def test_a_claim_wants_one_truth_value(neither):
    with pytest.raises(TypeError, match="single True or False, got"):
        claim("it is so", neither)


def test_compare_sets_side_by_side(shown):
    compare(ours={"softmax": 0.98765, "ArcFace": "-"}, lecture={"softmax": 0.9908})
    assert (
        shown()[0][0]["text/plain"]
        == "         ours   lecture\nsoftmax  0.988  0.991\nArcFace  -      –"
    )
    with pytest.raises(ValueError, match=r"rows \['SphereFace'\] are missing"):
        compare(ours={"softmax": 1.0}, lecture={"SphereFace": 1.0})


def explorer(**changes) -> Explorer:
    controls = {"height": (0, 9, 1), "colour": ["blue", "red"], "grid": True}
    return explore(
        bar,
        **{
            "alt": "a bar",
            "presets": {"high": {"height": 9, "colour": "red"}},
            **controls,
            **changes,
        },
    )


def mean_colour(png):
    return imread(io.BytesIO(png))[..., :3].mean((0, 1))


def test_explore_starts_at_the_drawings_defaults_and_redraws():
    view = explorer()
    assert view.values == {"height": 2, "colour": "blue", "grid": True}
    assert view.png == plots.to_png(bar()) == view.image.value
    pictures = {view.png}
    for name, value in (("height", 7), ("colour", "red"), ("grid", False)):
        view.controls[name].value = value
        pictures.add(view.image.value)
    assert (
        len(pictures) == 4 and view.png == plots.to_png(bar(7, "red", False)) and view.error is None
    )
    assert mean_colour(view.png)[0] > mean_colour(view.png)[2]  # it is red


def test_explore_writes_labels_beside_controls():
    view = explorer(labels={"height": "Height (m)"})
    assert [c.description for c in view.controls.values()] == ["Height (m)", "colour", "grid"]


def test_explore_plays_a_slider_from_end_to_end():
    view = explorer(play="height")
    assert list(view.controls) == ["height", "colour", "grid"]
    row = view.children[1]
    slider, player = row.children
    assert slider is view.controls["height"]
    assert (player.min, player.max, player.step, player.value) == (0, 9, 1, 2)
    assert row.link.target == (slider, "value")


def test_explore_buttons_move_all_controls_and_draw_once():
    drawn = []

    def draw(height=2, colour="blue"):
        drawn.append((height, colour))
        return bar(height, colour)

    view = explore(
        draw,
        alt="a bar",
        presets={"high": {"height": 9, "colour": "red"}},
        height=(0, 9, 1),
        colour=["blue", "red"],
    )
    high, reset = view.children[0].children
    high.click()
    reset.click()
    assert drawn == [(2, "blue"), (9, "red"), (2, "blue")]
    assert [b.description for b in (high, reset)] == ["high", "Reset"]


def test_explore_shows_an_error_and_keeps_the_picture():
    def draw(height=2):
        if height == 5:
            raise ValueError("five is <unlucky>")
        return bar(height)

    view = explore(draw, alt="a bar", height=(0, 9, 1))
    before = view.png
    view.controls["height"].value = 5
    assert view.png == view.image.value == before
    assert "ValueError: five is &lt;unlucky&gt;" in view.message.value and isinstance(
        view.error, ValueError
    )
    view.controls["height"].value = 6
    assert view.message.value == "" and view.error is None and view.png != before
    with pytest.raises(ValueError, match="unlucky"):
        explore(lambda height=5: draw(height), alt="a bar", height=(0, 9, 1))


def test_explore_is_one_picture_that_follows_and_one_that_stays():
    view = explorer()
    image, first = view.image, view.png
    view.controls["height"].value = 9
    assert view.image is image and view.image.value != first
    data, metadata = view._repr_mimebundle_()
    assert (
        base64.b64decode(data["image/png"]) == first
    )  # the static picture tells the starting state
    assert data["text/plain"] == "Figure: a bar" and metadata["image/png"]["alt"] == "a bar"
    assert "application/vnd.jupyter.widget-view+json" in data
    assert view.image.tooltip is None, "ipywidgets 8 fails to show an Image with a tooltip"
    assert "At the start: a bar" in view.spoken.value and view.image.layout.max_width == "100%"


@pytest.mark.parametrize(
    "changes, error, says",
    [
        (
            {"width": (0, 1, 1)},
            ValueError,
            r"bar takes \['height', 'colour', 'grid'\], and not \['width'\]",
        ),
        ({"presets": {"wide": {"width": 3}}}, ValueError, r"a preset sets \['width'\]"),
        ({"labels": {"width": "w"}}, ValueError, r"a label names \['width'\]"),
        ({"play": "colour"}, ValueError, "play must name a slider of whole numbers, got 'colour'"),
        ({"play": "width"}, ValueError, "got 'width'"),
        ({"alt": ""}, ValueError, "alt must say"),
        ({"height": (5, 1, 1)}, ValueError, r"height must be \(low, high, step\) with low < high"),
        (
            {"height": (0, 1)},
            TypeError,
            r"height must be \(low, high, step\), a list, a dict, True or False, got \(0, 1\)",
        ),
        ({"height": []}, TypeError, r"got \[\]"),
    ],
)
def test_explore_refuses(changes, error, says):
    with pytest.raises(error, match=says):
        explorer(**changes)


def test_sliders_of_whole_and_of_real_numbers():
    view = explore(
        lambda a, b, c=3: bar(),
        alt="a bar",
        a=(0, 10, 1),
        b=(0.0, 1.0, 0.1),
        c={"three": 3, "four": 4},
    )
    assert view.values == {"a": 5, "b": 0.5, "c": 3}
    assert [type(view.controls[n]).__name__ for n in "abc"] == [
        "IntSlider",
        "FloatSlider",
        "Dropdown",
    ]


def test_panels_do_not_pile_up_in_pyplot():
    import matplotlib.pyplot as plt

    for _ in range(30):
        plots.panels(2)
    assert plt.get_fignums() == []


def test_contact_sheet_lays_pictures_row_by_row():
    images = torch.linspace(0, 0.8, 5)[:, None, None, None].expand(5, 3, 4, 4)
    _, (ax,) = plots.panels()
    contact_sheet(ax, images, columns=3)
    sheet = ax.images[0].get_array()
    assert sheet.shape == (4 + 1 + 4, 4 + 1 + 4 + 1 + 4, 3)
    corners = [sheet[5 * (i // 3), 5 * (i % 3), 0] for i in range(6)]
    np.testing.assert_allclose(
        corners, [0, 0.2, 0.4, 0.6, 0.8, 1.0], atol=1e-6
    )  # the sixth place is paper


def test_thumbnail_map_puts_pictures_where_their_points_are():
    points = torch.tensor(
        [[0.0, 0.0], [1.0, 1.0], [1.0, 0.999]]
    )  # the third would cover the second
    images = torch.stack(
        [torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0]), torch.tensor([0, 0, 1.0])]
    )
    _, (ax,) = plots.panels()
    thumbnail_map(ax, points, images[:, :, None, None].expand(3, 3, 8, 8), pixels=200)
    canvas = np.asarray(ax.images[0].get_array())
    assert (canvas[190, 10] == [1, 0, 0]).all()  # lower left
    assert (canvas[10, 190] == [0, 1, 0]).all()  # upper right
    assert not (canvas == [0, 0, 1]).all(-1).any()


def test_palette_is_told_apart_by_the_colour_blind():
    """Deuteranopia (Vienot and others, 1999): the course's same / other / query colours stay far apart."""
    from matplotlib.colors import to_rgb

    def seen(colour):
        r, g, b = (v**2.2 for v in to_rgb(colour))
        return np.array(
            [0.29275 * r + 0.70725 * g, 0.29275 * r + 0.70725 * g, -0.02234 * r + 0.02234 * g + b]
        )

    main = [plots.SAME, plots.OTHER, plots.QUERY]
    gaps = [np.abs(seen(a) - seen(b)).max() for i, a in enumerate(main) for b in main[:i]]
    assert min(gaps) > 0.2


def test_self_test_passes_here_and_notices_what_is_wrong(monkeypatch):
    rows = selftest.self_test()
    assert all(verdict == "ok" for _, _, verdict in rows[1:])
    monkeypatch.setattr(selftest, "PACKAGES", ["torch", "no-such-package"])
    monkeypatch.setattr(
        selftest, "version", lambda name: {"torch": "1.0"}.get(name) or missing(name)
    )
    bad = {name: verdict for name, _, verdict in selftest.self_test()}
    assert bad["torch"].startswith("tested with 2.") and "make lab" in bad["no-such-package"]


def missing(name):
    raise selftest.PackageNotFoundError(name)


def test_explore_survives_a_draw_that_is_slow_on_another_thread():
    """Two moves that come in while one picture is drawn end at the last value."""
    view = explore(
        lambda height=2: (time.sleep(0.01), bar(height))[1], alt="a bar", height=(0, 9, 1)
    )
    threads = [threading.Thread(target=lambda h=h: view.set(height=h)) for h in (4, 7)]
    for thread in threads:
        thread.start()
        thread.join()
    assert view.png == plots.to_png(bar(7))


def test_a_captioned_sheet_has_a_caption_in_each_image():
    _, (ax,) = plots.panels()
    captioned_sheet(ax, torch.zeros(3, 3, 32, 32), ["a", "b", "c"], 2, "three")
    places = {text.get_text(): text.get_position() for text in ax.texts}
    assert set(places) == {"a", "b", "c"}
    assert places["b"][0] > places["a"][0] and places["c"][1] > places["a"][1]
    with pytest.raises(ValueError, match="captioned_sheet: 1 captions for 3 images"):
        captioned_sheet(ax, torch.zeros(3, 3, 32, 32), ["a"], 2)

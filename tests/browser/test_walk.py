"""What a student does on a page with exercises, in a real browser: 08, run whole, then taken hold of.

A box is dragged and IoU follows; a wrong `nms` gets its counterexample with a picture, the right one its word; a
prediction is answered. How long a step of a drag takes is printed. (From the first slide to the last: test_slides.)
"""

import re
import statistics

import pytest

from tests.browser import test_browser as by_hand
from tests.browser.test_browser import nothing_went_wrong, open_notebook, run_all, wait_until

lab, browser, pytestmark = by_hand.lab, by_hand.browser, by_hand.pytestmark

NAME = "08_boxes_and_metrics"
HEAD = "def nms(boxes, scores, iou_threshold):"
# a box that is dropped drops others
WRONG = f"""{HEAD}
    kept, better = [], []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if all(plain.iou(boxes[i], boxes[k]) <= iou_threshold for k in better):
            kept.append(i)
        better.append(i)
    return torch.tensor(kept, dtype=torch.int64)


check("nms", nms)"""
RIGHT = f"""{HEAD}
    kept = []
    for i in scores.argsort(descending=True, stable=True).tolist():
        if all(plain.iou(boxes[i], boxes[k]) <= iou_threshold for k in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


check("nms", nms)"""


@pytest.fixture(scope="module")
def page(browser, lab):
    page = open_notebook(browser, lab, f"{NAME}.ipynb")
    cells = run_all(page, lab[1] / f"{NAME}.ipynb", seconds=600)
    assert not [o for cell in cells for o in cell["outputs"] if o["output_type"] == "error"]
    yield page
    nothing_went_wrong(page)
    page.close()


@pytest.fixture
def pictures(page, tmp_path):
    """Keeps a picture of the window under a name."""
    return lambda name: page.screenshot(path=tmp_path / f"{name}.png")


def show(place):
    """Scroll to a place, in the middle of the window: cells out of sight are not laid out."""
    at, before = None, ""
    while at != before:
        place.evaluate("place => place.scrollIntoView({ block: 'center' })")
        place.page.wait_for_timeout(500)
        at, before = place.bounding_box(), at
    return place


def test_a_box_is_dragged_and_iou_follows(page, pictures):
    board = show(page.locator(".board").first)
    text = board.locator(".board-text")
    shown = [text.inner_text()]
    left, top, scale = board.locator(".board-paper").evaluate(
        "p => { const m = p.getScreenCTM(); return [m.e, m.f, m.a * p.width.baseVal.value / 120]; }"
    )
    pictures("before")
    page.evaluate(
        """text => {
            window.times = [];
            let start = 0;
            document.addEventListener("pointermove", e => { start ||= e.timeStamp; }, true);
            new MutationObserver(() => { window.times.push(performance.now() - start); start = 0; })
                .observe(text, { childList: true, characterData: true, subtree: true });
        }""",
        text.element_handle(),
    )
    page.mouse.move(left + scale * 30, top + scale * 45)
    page.mouse.down()
    for step in range(1, 16):
        page.mouse.move(left + scale * (30 + 1.5 * step), top + scale * 45)
        wait_until(page, lambda: text.inner_text() != shown[-1], what="the drag")
        shown.append(text.inner_text())
    page.mouse.up()
    pictures("after")
    iou = [float(re.search(r"IoU = ([\d.]+)", words)[1]) for words in shown]
    assert iou == sorted(iou) and iou[-1] > iou[0] + 0.3, iou
    times = page.evaluate("window.times")
    print(f"\na step of a drag on 08: median {statistics.median(times):.0f} ms of {len(times)}")
    assert statistics.median(times) < 1000, times


def test_a_wrong_nms_its_counterexample_and_the_right_one(page, pictures):
    cell = page.locator(".jp-CodeCell", has_text=HEAD)
    output = cell.locator(".jp-OutputArea")
    assert "not attempted" in show(output).inner_text().lower()
    pictures("blank")
    for code, verdict, images in ((WRONG, "not right yet", 1), (RIGHT, "nms: right", 0)):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(code)
        page.keyboard.press("Control+Enter")
        wait_until(page, lambda word=verdict: word in output.inner_text().lower(), seconds=60)
        show(output)
        page.wait_for_timeout(500)
        pictures(verdict)
        assert output.locator("img").count() == images
        if images:
            assert (
                "should keep" in output.inner_text()
                and "had been dropped itself" in output.inner_text()
            )


def test_a_prediction_is_answered(page, pictures):
    question = page.locator(".jp-CodeCell .widget-vbox", has=page.locator("input[type=radio]")).nth(
        1
    )
    show(question)
    question.locator("label", has_text="1/2").click()
    question.get_by_role("button").first.click()
    wait_until(page, lambda: "Not this one." in question.inner_text())
    pictures("prediction")
    assert "1/3:" in question.inner_text() and "union" in question.inner_text()

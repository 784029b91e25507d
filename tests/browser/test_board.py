"""A Board in a real browser: dragged by mouse, by finger and by keys, while Python answers.

It is one small notebook with a board of every kind. How long a step of a drag takes is printed; the bound is generous,
since the machine may be busy.
"""

import json
import statistics
import time

import nbformat
import pytest

from tests.browser import test_browser as by_hand
from tests.browser.test_browser import open_notebook, run_all, wait_until

lab, browser, pytestmark = by_hand.lab, by_hand.browser, by_hand.pytestmark

CELLS = [
    """
from course_lib.page.board import Board, Box, Point, Shown, Stroke


def overlap(A, B):
    if A[0] > 6:
        raise ValueError("too far to the <right>")
    x1, y1, x2, y2 = max(A[0], B[0]), max(A[1], B[1]), min(A[2], B[2]), min(A[3], B[3])
    area = max(x2 - x1, 0) * max(y2 - y1, 0)
    shapes = [("area", (x1, y1, x2, y2), "#7A5195")] if area else []
    return Shown(f"A = {A}, overlap {area:.2f}", shapes=shapes)


boxes = Board(
    12, 8, [Box("A", (1, 1, 5, 4)), Box("B", (3, 2, 8, 7))], overlap,
    presets={"apart": {"A": (1, 1, 2, 2)}}, alt="two boxes",
)
boxes
""",
    """
import time

calls = []


def slow(p):
    calls.append(p)
    time.sleep(0.2)
    return f"x = {p[0]:g} after {len(calls)} calls"


Board(100, 50, [Point("p", (10, 25))], slow, alt="a point")
""",
    """
def drawn(lines, anchor, clicked):
    return f"{' '.join(clicked) or 'nothing'}: {[len(line) for line in lines]} {lines[-1][-1] if lines else ''}"


Board(
    100, 50, [Stroke("lines"), Box("anchor", (70, 10, 90, 40), fixed=True)], drawn, alt="paper"
)
""",
    "# room for a line of Python\nNone",
]


@pytest.fixture(scope="module")
def page(browser, lab):
    """The notebook, run, in a window that shows all of it."""
    file = lab[1] / "98_boards.ipynb"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), file)
    page = open_notebook(browser, lab, file.name)
    page.set_viewport_size({"width": 1400, "height": 2600})
    outputs = [cell["outputs"] for cell in run_all(page, file, seconds=120)]
    assert [o["output_type"] for cell in outputs for o in cell] == ["execute_result"] * 3
    page.wait_for_selector(".board >> nth=2")
    yield page
    page.close()


class Hand:
    """One board of the page, and where its units lie on the screen."""

    def __init__(self, page, number: int):
        self.page, self.board = page, page.locator(".board").nth(number)
        self.width = {0: 12, 1: 100, 2: 100}[number]
        self.board.get_by_role("button", name="Reset").click()
        page.wait_for_timeout(600)

    def at(self, x, y) -> tuple[float, float]:
        left, top, wide = self.board.locator(".board-paper").evaluate(
            "p => { const m = p.getScreenCTM(); return [m.e, m.f, m.a * p.width.baseVal.value]; }"
        )
        return left + wide / self.width * x, top + wide / self.width * y

    def drag(self, start, end, steps=8) -> None:
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=steps)
        self.page.mouse.up()

    def text(self) -> str:
        return self.board.locator(".board-text").inner_text()

    def says(self, words: str, seconds: float = 5) -> None:
        end = time.monotonic() + seconds
        while words not in self.text():
            assert time.monotonic() < end, f"{words!r} is not in {self.text()!r}"
            self.page.wait_for_timeout(50)

    def focus(self, name: str) -> None:
        self.board.locator(f'.board-item[data-item="{name}"]').focus()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


def test_a_box_is_dragged_and_the_text_and_the_shape_follow(page):
    hand = Hand(page, 0)
    hand.says("A = (1.0, 1.0, 5.0, 4.0), overlap 4.00")
    assert hand.board.locator('rect[fill="#7a5195"]').count() == 1
    hand.drag((2, 3), (4, 3))
    hand.says("A = (3.0, 1.0, 7.0, 4.0), overlap 8.00")
    # 13 pixels beside the corner are near enough.
    hand.drag((7.2, 4.2), (9.7, 6.2))
    hand.says("A = (3.0, 1.0, 9.5, 6.0), overlap 20.00")
    # Out of the window: it stays on the board.
    hand.drag((5, 1.5), (-20, -20))
    hand.says("A = (0.0, 0.0, 6.5, 5.0)")
    # A corner drawn over its opposite one: the box keeps a size.
    hand.drag((6.5, 5), (0, 0))
    hand.says("A = (0.0, 0.0, 0.1, 0.1)")
    hand.board.get_by_role("button", name="Reset").click()
    hand.says("A = (1.0, 1.0, 5.0, 4.0), overlap 4.00")
    hand.board.get_by_role("button", name="apart").press("Enter")
    hand.says("A = (1.0, 1.0, 2.0, 2.0), overlap 0.00")
    assert hand.board.locator('rect[fill="#7a5195"]').count() == 0


def test_the_smaller_box_is_reached_through_the_larger_one(page):
    hand = Hand(page, 0)
    hand.drag((8, 7), (12, 8))
    hand.drag((3, 2), (0, 0))
    hand.drag((4.5, 3), (6.5, 3))
    hand.says("A = (3.0, 1.0, 7.0, 4.0)")


def test_boxes_by_keys(page):
    hand = Hand(page, 0)
    hand.focus("A")
    hand.press("ArrowRight", "ArrowDown", "Shift+ArrowDown")
    hand.says("A = (1.3, 1.4, 5.3, 4.4)")
    hand.press("Alt+ArrowLeft", "Alt+Shift+ArrowUp")
    hand.says("A = (1.3, 1.4, 5.0, 4.3)")
    hand.press("+")
    hand.says("A = (1.0, 1.1, 5.3, 4.6)")
    hand.press("-")
    hand.says("A = (1.3, 1.4, 5.0, 4.3)")
    ring = hand.board.locator('.board-item[data-item="A"] .board-ring')
    assert ring.is_visible(), "the focus must be seen"
    hand.press("Tab", "ArrowLeft")
    chosen = "document.activeElement.dataset.item"
    assert page.evaluate(chosen) == "B"
    # Written with the next frame.
    label = "document.activeElement.ariaLabel"
    wait_until(page, lambda: "2.7, 2, 7.7, 7" in page.evaluate(label), what="the arrow")
    hand.press("Escape")
    assert page.evaluate(chosen) is None and not ring.is_visible()
    assert page.evaluate("document.activeElement.classList.contains('jp-Cell')")


def test_an_error_is_shown_and_the_board_goes_on(page):
    hand = Hand(page, 0)
    hand.drag((2, 2), (11, 2))
    error = hand.board.locator(".board-error")
    error.wait_for(state="visible")
    assert error.inner_text() == "ValueError: too far to the <right>"
    assert not hand.board.locator(".board-text").is_visible()
    hand.board.get_by_role("button", name="Reset").click()
    hand.says("overlap 4.00")
    assert not error.is_visible()


def test_keys_stay_on_the_board(page):
    """Letters are commands of JupyterLab: a and b add a cell, dd deletes one, m makes it text."""
    hand = Hand(page, 0)
    cells = page.locator(".jp-Notebook .jp-Cell")
    for start in (lambda: hand.focus("A"), lambda: hand.drag((2, 2), (2.5, 2))):
        start()
        # Nothing that takes away again what another key would add.
        hand.press("b", "a", "m", "Enter", "ArrowUp", "1", "k")
        page.wait_for_timeout(300)
        assert cells.count() == 4 and page.locator(".jp-MarkdownCell").count() == 0
    # The same key in the notebook: it is the board that holds them back.
    page.locator(".jp-InputPrompt").first.click()
    hand.press("b")
    wait_until(page, lambda: cells.count() == 5)
    hand.press("d", "d")
    wait_until(page, lambda: cells.count() == 4)


def test_paging_goes_past_the_board(page):
    hand = Hand(page, 0)
    page.evaluate(
        """window.heard = [];
        document.addEventListener("keydown", e => window.heard.push(
            [e.key, Boolean(e.target.closest("[data-lm-suppress-shortcuts]"))]), true);"""
    )
    hand.focus("A")
    hand.press("PageDown", "k")
    assert page.evaluate("window.heard") == [["PageDown", True], ["PageDown", False], ["k", True]]


def test_python_moves_what_the_page_shows(page):
    hand = Hand(page, 0)
    page.locator(".jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("boxes.set(A=(0, 0, 1, 1)); boxes.click('B')")
    page.keyboard.press("Control+Enter")
    hand.says("A = (0.0, 0.0, 1.0, 1.0)")
    label = hand.board.locator('.board-item[data-item="A"]').get_attribute("aria-label")
    assert label == "A: 0, 0, 1, 1"
    assert hand.board.locator(".board-item.selected").get_attribute("data-item") == "B"


def test_a_slow_answer_makes_no_queue(page):
    hand = Hand(page, 1)
    before = int(hand.text().split()[-2])
    hand.drag((10, 25), (90, 25), steps=100)
    hand.says("x = 90", seconds=1.5)
    calls = int(hand.text().split()[-2]) - before
    assert 2 <= calls <= 25, f"{calls} calls of 0.2 s for 100 moves"
    # Nothing waits behind the newest one.
    page.wait_for_timeout(700)
    assert int(hand.text().split()[-2]) - before == calls


def test_lines_are_drawn_and_a_fixed_box_is_chosen(page):
    hand = Hand(page, 2)
    hand.says("nothing: []")
    hand.drag((10, 10), (40, 10))
    hand.says("(40.0, 10.0)")
    hand.drag((10, 30), (10, 40), steps=2)
    hand.says("(10.0, 40.0)")
    page.mouse.click(*hand.at(80, 25))
    hand.says("anchor: ")
    hand.drag((80, 25), (50, 25))
    hand.press("ArrowLeft")
    hand.says("anchor: ")
    place = hand.board.locator('.board-item[data-item="anchor"]')
    assert place.get_attribute("aria-label") == "anchor: 70, 10, 90, 40"
    hand.press("Enter")
    hand.says("anchor anchor: ")
    page.mouse.click(*hand.at(25, 45))
    hand.says("anchor anchor: ")
    hand.board.get_by_role("button", name="Reset").click()
    hand.says("nothing: []")
    hand.drag((10, 10), (40, 10))
    hand.drag((10, 30), (10, 40), steps=2)
    hand.focus("lines")
    hand.press("Backspace", "Backspace", "Space", "ArrowRight", "ArrowDown", "Space", "ArrowDown")
    hand.says("nothing: [3] (52.0, 27.0)")


def test_by_finger(page):
    hand = Hand(page, 0)
    touch = page.context.new_cdp_session(page)
    for kind, at in [("touchStart", (2, 3)), ("touchMove", (3, 3)), ("touchMove", (4, 3))]:
        x, y = hand.at(*at)
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        page.wait_for_timeout(50)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    hand.says("A = (3.0, 1.0, 7.0, 4.0)")


def test_how_long_a_step_of_a_drag_takes(page):
    """From the pointer's event to the new text, as the page sees it."""
    hand = Hand(page, 0)
    page.evaluate(
        """() => {
            const text = document.querySelector(".board-text");
            window.times = [];
            let start = 0;
            document.addEventListener("pointermove", e => { start ||= e.timeStamp; }, true);
            new MutationObserver(() => { window.times.push(performance.now() - start); start = 0; })
                .observe(text, { childList: true, characterData: true, subtree: true });
        }"""
    )
    page.mouse.move(*hand.at(2, 3))
    page.mouse.down()
    for step in range(1, 21):
        before = page.evaluate("window.times.length")
        page.mouse.move(*hand.at(2 + 0.2 * step, 3))
        wait_until(page, lambda before=before: page.evaluate("window.times.length") > before)
    page.mouse.up()
    times = page.evaluate("window.times")[-18:]
    median = statistics.median(times)
    print(f"\na step of a drag: median {median:.0f} ms, longest {max(times):.0f} ms")
    assert median < 1000, json.dumps(times)

"""`make slides` in a real browser: from the first slide to the last with a clicker's keys, a control moved on the way.

A small notebook shows every kind of slide; then every page that has exercises is gone through, run as in a lecture.
"""

import nbformat
import pytest

from tests.browser import test_browser as by_hand
from tests.browser.test_browser import ROOT, TOKEN, nothing_went_wrong, run_all, wait_until
from tests.notebooks.test_solved import WITH_EXERCISES
from tools.page_form import give_form

browser, pytestmark = by_hand.browser, by_hand.pytestmark

# pixels, at 1280 x 720: a slide may be scrolled a little
HIGHEST = 1100

SLIDER = """
from course_lib.page.controls import explore
from course_lib.page.plots import panels


def draw(k=2):
    fig, (ax,) = panels()
    ax.set_title(f"k = {k}")
    return fig


explore(draw, alt="an empty frame", k=(1, 5, 1))
"""
ASK = """
from course_lib.page.predict import predict

predict("Which?", ["this", "that"], answer=1, why=["no", "yes"], name="97.which")
"""
CONTROLS = "input, select, .noUi-handle, .board-item"
SETUP = "import course_lib.page.notebook"
EVERY_KIND = [
    ("markdown", "# First", []),
    ("markdown", "Goes on.", []),
    ("code", SETUP, ["skip"]),
    ("markdown", "## With a control", []),
    ("code", SLIDER, []),
    ("markdown", "A fragment.", ["fragment"]),
    ("markdown", "### Below", []),
    ("code", ASK, []),
    ("markdown", "## Deeper: left out", []),
    ("markdown", "Left out.", []),
    ("markdown", "## Too high", []),
    ("markdown", "A paragraph.\n\n" * 60, []),
    ("markdown", "## Last", []),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with by_hand.served(tmp_path_factory.mktemp("slides"), "slides", "NB=00") as address_and_folder:
        yield address_and_folder


def open_slides(browser, lab, name: str):
    """A window of a projector's size on the notebook, all cells run: Esc, Run All Cells, and the slides again."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{lab[0]}/lab/workspaces/{name[:2]}/tree/{name}.ipynb?token={TOKEN}")
    # without a click
    page.wait_for_selector(
        "body[data-jp-deck-mode=presenting] .jp-deck-mod-onscreen", timeout=90_000
    )
    page.wait_for_selector(".jp-Spinner", state="detached", timeout=60_000)
    by_hand.wait_for_idle(page, 90)
    page.locator(".jp-Cell.jp-mod-active").focus()
    page.keyboard.press("Escape")
    page.wait_for_selector("body:not([data-jp-deck-mode])", state="attached", timeout=20_000)
    run_all(page, lab[1] / f"{name}.ipynb", seconds=600)
    page.locator(".jp-Cell").first.click()
    page.click('[data-jp-item-name="deck"] >> visible=true')
    page.wait_for_selector(
        "body[data-jp-deck-mode=presenting] .jp-deck-mod-onscreen", timeout=20_000
    )
    return page


def slide_types(notebook) -> list[str | None]:
    """What each cell is on the slides; None goes on with the slide before it."""
    return [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]


def where(page) -> tuple[int, int]:
    """Number of the active cell, and of the first one on the screen."""
    return tuple(
        page.evaluate(
            """() => {
                const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
                return ['jp-mod-active', 'jp-deck-mod-onscreen'].map(
                    name => cells.findIndex(cell => cell.classList.contains(name)));
            }"""
        )
    )


def height(page) -> int:
    """Of the slide on the screen, its fragments included, once all of it is drawn."""
    now, before = measured(page), None
    while now != before:
        page.wait_for_timeout(200)
        now, before = measured(page), now
    return round(now)


def measured(page) -> float:
    return page.evaluate(
        """() => {
            const cells = [...document.querySelectorAll('.jp-Cell.jp-deck-mod-onscreen')];
            const images = cells.flatMap(cell => [...cell.querySelectorAll('img')]);
            if (!images.every(image => image.complete)) return Math.random();
            return cells.at(-1).getBoundingClientRect().bottom - cells[0].getBoundingClientRect().top;
        }"""
    )


def move_a_slider(page) -> bool:
    """Move the active cell's first slider by an arrow key and wait for its picture; False if it has none."""
    handle = page.locator(".jp-Cell.jp-mod-active .noUi-handle").first
    if handle.count() == 0:
        return False
    image = handle.locator("xpath=ancestor::*[contains(@class, 'widget-vbox')]//img").last
    before, at = image.get_attribute("src"), where(page)
    handle.focus()
    low = handle.evaluate("at => at.ariaValueNow === at.ariaValueMin")
    page.keyboard.press("ArrowRight" if low else "ArrowLeft")
    wait_until(page, lambda: image.get_attribute("src") != before, seconds=20)
    assert where(page) == at, "the arrow has turned the slide"
    return True


def go_through(page, notebook) -> tuple[dict[int, int], int]:
    """PageDown from the first slide to the last -> each slide's first cell and height, and the sliders moved."""
    types = slide_types(notebook)
    heights, moved, seen = {}, 0, []
    for number in [number for number, kind in enumerate(types) if kind != "skip"]:
        if number:
            page.keyboard.press("PageDown")
        what = f"PageDown to cell {number}"
        wait_until(page, lambda to=number: where(page)[0] == to, seconds=20, what=what)
        seen.append(where(page)[1])
        if types[number] in ("slide", "subslide"):
            heights[number] = height(page)
        moved += move_a_slider(page)
        controls = page.locator(f".jp-Cell.jp-mod-active .jp-OutputArea :is({CONTROLS})")
        if controls.count():
            # the clicker goes on from whatever was touched last
            controls.last.focus()
    assert sorted(set(seen)) == list(heights), "slides that the notebook does not name"
    page.keyboard.press("PageDown")
    page.wait_for_timeout(500)
    assert where(page)[0] == number, "there is nothing after the last"
    nothing_went_wrong(page)
    return heights, moved


def too_high(notebook, heights: dict[int, int]) -> dict[str, int]:
    """Title -> height of the slides above the highest allowed."""
    titles = {number: notebook.cells[number].source.split("\n")[0] for number in heights}
    return {f"{n}: {titles[n]}": pixels for n, pixels in heights.items() if pixels > HIGHEST}


def test_every_kind_of_slide_by_a_clicker(browser, lab):
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(
        cells=[
            make[kind](text.strip(), metadata={"tags": tags}) for kind, text, tags in EVERY_KIND
        ],
        metadata={"kernelspec": kernel, "language_info": {"name": "python"}},
    )
    give_form(notebook)
    nbformat.write(notebook, lab[1] / "97_slides.ipynb")
    page = open_slides(browser, lab, "97_slides")
    heights, moved = go_through(page, notebook)
    assert list(heights) == [0, 3, 6, 10, 12] and moved == 1
    assert list(too_high(notebook, heights)) == ["10: ## Too high"]
    page.keyboard.press("PageUp")
    wait_until(page, lambda: where(page) == (11, 10), seconds=20, what="PageUp")
    page.close()


@pytest.mark.parametrize("name", [source.stem for source in WITH_EXERCISES])
def test_slides_of_a_page_fit(browser, lab, name):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    page = open_slides(browser, lab, name)
    heights, moved = go_through(page, notebook)
    print(f"\n{name}: {len(heights)} slides, heights {list(heights.values())} px, {moved} moved")
    assert moved, "there is no slider on the way"
    assert not too_high(notebook, heights)
    page.close()

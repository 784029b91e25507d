"""A newcomer's first minutes, in a real browser: open, Run All Cells, move controls by keyboard, look.

Every notebook is opened as it was committed; the first one is run from its menu, and a small one holds every kind of
control. That each notebook runs, and that each of its controls draws in time, is shown without a browser by the nbval
run (tests.notebooks.controls). The same whole run of any other notebook: `make page NB=08`.
"""

import contextlib
import itertools
import json
import os
import shlex
import shutil
import socket
import statistics
import subprocess
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from course_lib.page import syllabus

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
FLAGS += ["--disable-component-update", "--disable-sync"]
TOKEN = "a-token-for-this-test"
NAMES = [entry["name"] for entry in syllabus.notebooks()]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no chromium on this machine (Debian: apt install chromium)"
    ),
]


@contextlib.contextmanager
def served(folder: Path, *target: str):
    """JupyterLab over a copy of the notebooks, started with the words of `make lab` (or another target).

    Yields its address and the notebooks' folder.
    """
    (folder / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, folder / "notebooks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        name: str(folder / name)
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    }
    recipe = subprocess.run(
        ["make", "-sn", *target], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    words = shlex.split(recipe.splitlines()[-1])
    variables = list(itertools.takewhile(lambda word: "=" in word, words))
    own = {**own, **dict(word.split("=", 1) for word in variables)}
    program, *options, notebook = words[len(variables) :]
    assert program.endswith("jupyter") and (ROOT / notebook).exists()
    command = [
        str(ROOT / program),
        *options,
        "--no-browser",
        f"--port={port}",
        f"--IdentityProvider.token={TOKEN}",
    ]
    command += [f"--ServerApp.root_dir={folder / 'notebooks'}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command += ["--allow-root"]
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **own}, stdout=log, stderr=log
    )
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=2).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "lab.log").read_text()
                time.sleep(0.2)
        yield address, folder / "notebooks"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with served(tmp_path_factory.mktemp("lab"), "lab") as address_and_folder:
        yield address_and_folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def open_notebook(browser, lab, name):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(
        f"{lab[0]}/lab/workspaces/{name[:2]}/tree/{name}?token={TOKEN}"
    )  # a workspace of its own: no other tab
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_selector(".jp-Spinner", state="detached", timeout=60_000)
    wait_for_idle(page, 60)
    return page


def wait_for_idle(page, seconds: int) -> None:
    """Until the kernel is there and has nothing to do."""
    page.wait_for_selector(
        '.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=1000 * seconds
    )


def run_all(page, file: Path, seconds: int) -> list[dict]:
    """Run > Run All Cells; wait until every cell has run; save; the code cells as they lie on disk."""
    ask_to_run_all(page)
    asked = time.monotonic()
    while time.monotonic() < asked + seconds:
        page.wait_for_timeout(1000)
        if page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').count() == 0:
            continue
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1500)
        cells = [c for c in json.loads(file.read_text())["cells"] if c["cell_type"] == "code"]
        ran = [cell["execution_count"] for cell in cells] if fresh(file) else []
        if ran and all(ran):
            return cells
        errors = [o for c in cells for o in c["outputs"] if o["output_type"] == "error"]
        if errors:  # an error stops the run: no use waiting for the rest
            pytest.fail(f"{file.name}: {errors[0]['ename']}: {errors[0]['evalue']}")
        if not any(ran) and time.monotonic() > asked + 20:
            # JupyterLab loses, now and then, what is asked of it just when the kernel connects
            ask_to_run_all(page)
            asked = time.monotonic()
    pytest.fail(f"{file.name}: not all cells had run after {seconds} s")


def ask_to_run_all(page) -> None:
    page.click('.lm-MenuBar-itemLabel:text-is("Run")')
    page.click('.lm-Menu-itemLabel:text-is("Run All Cells")')


def fresh(file: Path) -> bool:
    """Saved by JupyterLab: it writes its own language_info, with the running Python's version."""
    return json.loads(file.read_text())["metadata"]["language_info"].get("version") is not None


def milliseconds_of_a_move(page, control: int, key: str) -> float:
    """Press a key on the focused slider handle; the time until the picture has changed, as the page sees it."""
    page.evaluate(
        """control => {
            const image = document.querySelectorAll('.widget-image')[control];
            const before = image.src, start = performance.now();
            window.moved = new Promise(done => {
                const look = () => image.src !== before ? done(performance.now() - start) : setTimeout(look, 2);
                look();
            });
        }""",
        control,
    )
    page.keyboard.press(key)
    return page.evaluate(
        "() => Promise.race([window.moved, new Promise(d => setTimeout(() => d(9999), 5000))])"
    )


def focus_first_slider(page, control: int) -> bool:
    """Scroll to the control and focus its first slider; False if it has none, or lies in a folded section."""
    handle = page.locator(".widget-image").nth(control).locator("xpath=..").locator(".noUi-handle")
    folded = "handle => handle.closest('.jp-Cell').classList.contains('lm-mod-hidden')"
    if handle.count() == 0 or handle.first.evaluate(folded):
        return False
    # cells out of sight are not laid out
    handle.first.evaluate("handle => handle.closest('.jp-Cell').scrollIntoView()")
    handle.first.wait_for(state="visible", timeout=10_000)
    handle.first.focus()
    return True


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_as_it_was_committed(browser, lab, name):
    committed = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    # an output that is folded, since it answers a prediction, is not drawn before it is opened
    shown = [c for c in committed.cells if not c.metadata.get("jupyter", {}).get("outputs_hidden")]
    outputs = [o for cell in shown for o in cell.get("outputs", [])]
    images = sum("image/png" in o.get("data", {}) for o in outputs)
    page = open_notebook(browser, lab, f"{name}.ipynb")
    # cells out of sight are drawn one by one, while nothing else is done
    page.wait_for_function(
        """([cells, images]) => {
            const shown = [...document.querySelectorAll('.jp-RenderedImage img')];
            return document.querySelectorAll('.jp-Cell').length === cells && shown.length === images
                && shown.every(image => image.naturalWidth > 0);
        }""",
        arg=[len(committed.cells), images],
        timeout=60_000,
    )
    nothing_went_wrong(page)
    page.close()


def nothing_went_wrong(page) -> None:
    assert page.locator("text=javascript error").count() == 0
    assert page.locator("text=Jupyter news").count() == 0  # nothing asks for the network


@pytest.mark.parametrize(
    "name", [NAMES[0], *(pytest.param(name, marks=pytest.mark.page) for name in NAMES[1:])]
)
def test_run_all_cells_and_move_every_slider_by_keyboard(browser, lab, tmp_path, name):
    page = open_notebook(browser, lab, f"{name}.ipynb")
    cells = run_all(page, lab[1] / f"{name}.ipynb", seconds=600)
    kinds = [(o["output_type"], o.get("name")) for cell in cells for o in cell["outputs"]]
    assert not [kind for kind in kinds if kind[0] == "error" or kind[1] == "stderr"]

    nothing_went_wrong(page)
    medians = []
    for control in range(page.locator(".widget-image").count()):
        if not focus_first_slider(page, control):
            continue
        at_its_low_end = page.evaluate(
            "(at => at.ariaValueNow === at.ariaValueMin)(document.activeElement)"
        )
        keys = ["ArrowRight", "ArrowLeft"] if at_its_low_end else ["ArrowLeft", "ArrowRight"]
        times = [milliseconds_of_a_move(page, control, key) for key in keys * 4]
        assert statistics.median(times) < 400 and max(times) < 5000, (control, times)
        medians.append(round(statistics.median(times)))
    assert medians, "there is nothing to move"
    page.screenshot(path=tmp_path / f"{name}.png")
    print(f"\n{name}: medians of eight moves by keyboard, a control each: {medians} ms")
    page.close()


EVERY_KIND = """
from course_lib.page.controls import explore
from course_lib.page.plots import panels


def draw(whole=2, real=0.5, letter="a", number=1, yes=False):
    fig, (ax,) = panels()
    ax.set_title(f"{whole} {real} {letter} {number} {yes}")
    return fig


explore(
    draw,
    alt="a frame with the values of five controls",
    presets={"far": {"whole": 5, "letter": "c"}},
    whole=(1, 5, 1),
    real=(0.0, 1.0, 0.25),
    letter=["a", "b", "c"],
    number={"one": 1, "two": 2},
    yes=False,
    play="whole",
)
"""


def test_every_kind_of_control_by_keyboard(browser, lab):
    """Each changes the picture, Reset brings back the first one; no key does anything to the notebook around it."""
    file = lab[1] / "99_controls.ipynb"
    above, below = (nbformat.v4.new_markdown_cell(text) for text in ("above", "below"))
    notebook = nbformat.v4.new_notebook(
        cells=[above, nbformat.v4.new_code_cell(EVERY_KIND), below],
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    nbformat.write(notebook, file)
    page = open_notebook(browser, lab, file.name)
    run_all(page, file, seconds=120)
    box = page.locator(".widget-image").locator("xpath=..")
    alt = "At the start: a frame with the values of five controls"
    assert box.get_by_role("img", name=alt, exact=True).count() == 1
    assert box.get_by_text(alt).is_hidden(), "read aloud twice"

    first = picture(page)
    slider, letter, number = box.locator(".noUi-handle"), *box.locator("select").all()
    moves = [
        (slider.nth(0), "ArrowRight"),
        (slider.nth(1), "ArrowLeft"),
        # chooses the option that begins with it; to JupyterLab it means a new cell
        (letter, "b"),
        (letter, "ArrowDown"),
        (letter, "ArrowUp"),
        (number, "ArrowDown"),
        (box.locator("input[type=checkbox]"), "Space"),
        (box.get_by_role("button", name="far"), "Enter"),
    ]
    page.locator(".jp-CodeCell").focus()
    before = first
    for control, key in moves:
        reach_by_tab(page, control, "Shift+Tab" if key == "Enter" else "Tab")
        cells = cells_shown(page)
        page.keyboard.press(key)
        wait_until(page, lambda before=before: picture(page) != before, what=key)
        assert cells_shown(page) == cells, f"{key} reached the notebook"
        before = picture(page)
    reach_by_tab(page, box.get_by_role("button", name="Reset"))
    page.keyboard.press("Enter")
    wait_until(page, lambda: picture(page) == first)

    reach_by_tab(page, box.locator(".widget-play button").first)
    page.keyboard.press("Enter")
    end = "document.querySelector('.noUi-handle').ariaValueNow === '5.0'"
    wait_until(page, lambda: page.evaluate(end), seconds=10, what="playing")
    wait_until(page, lambda: picture(page) != first)

    reach_by_tab(page, letter)
    page.keyboard.press("Shift+Enter")
    # JupyterLab's shortcuts with Shift, Ctrl or Alt go on working in a list
    page.wait_for_selector('.jp-CodeCell .jp-InputPrompt:text-is("[2]:")', timeout=20_000)
    nothing_went_wrong(page)
    page.close()


def reach_by_tab(page, control, key: str = "Tab") -> None:
    """Press Tab, or Shift+Tab, until the control has the focus."""
    for _ in range(20):
        if control.evaluate("control => control === document.activeElement"):
            return
        page.keyboard.press(key)
    pytest.fail(f"{control} is not reached by {key}")


def cells_shown(page) -> list[str]:
    """The classes of all cells: their number, kinds, and which is active or selected."""
    return page.evaluate("() => [...document.querySelectorAll('.jp-Cell')].map(c => c.className)")


def picture(page) -> str:
    """What the page shows of the control's picture, as text."""
    return page.evaluate(
        """() => {
            const image = document.querySelector('.widget-image');
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            canvas.getContext('2d').drawImage(image, 0, 0);
            return canvas.toDataURL();
        }"""
    )


def wait_until(page, holds, seconds: float = 5, what: str = "it") -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what} did nothing in {seconds} s"
        page.wait_for_timeout(50)

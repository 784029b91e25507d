"""The control that takes a folder of one's own, in a real browser, by keyboard alone."""

import nbformat
import pytest
from PIL import Image

from tests.browser import test_browser as by_hand
from tests.browser.test_browser import nothing_went_wrong, open_notebook, run_all, wait_until

lab, browser, pytestmark = by_hand.lab, by_hand.browser, by_hand.pytestmark

CELL = """
from course_lib.data import datasets
from course_lib.page.own_folder import own_folder

control = own_folder("COURSE_PHOTOS", lambda path: datasets.load("photos", "all", folder=path))
control
"""
BUSY = f"""
import time
{CELL}
control.path.observe(lambda change: time.sleep(1), names="value")
control
"""


@pytest.fixture(params=[CELL])
def page(request, browser, lab):
    file = lab[1] / "97_folder.ipynb"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    cells = [nbformat.v4.new_code_cell(request.param.strip())]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), file)
    page = open_notebook(browser, lab, file.name)
    run_all(page, file, seconds=60)
    yield page
    nothing_went_wrong(page)
    page.close()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "My photos ü"
    folder.mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (30, 20)).save(folder / f"{name}.jpg")
    return folder


def test_a_folder_is_typed_taken_and_forgotten(page, folder, tmp_path):
    shown = page.locator(".jp-OutputArea-output").last
    field = shown.locator("input")
    field.focus()
    page.keyboard.type(str(tmp_path / "My"))
    offered = shown.locator("option")
    values = "options => options.map(option => option.value)"
    wait_until(page, lambda: offered.evaluate_all(values) == [str(folder)], what="what is offered")
    page.keyboard.type(" photos ü/nowhere")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_until(page, lambda: "There is no folder" in shown.inner_text(), what="what is wrong")
    field.fill(str(folder))
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    wait_until(
        page, lambda: "2 photographs" in shown.inner_text(), seconds=30, what="what was understood"
    )
    assert "run the cells below once more" in shown.inner_text()
    page.screenshot(path=tmp_path / "chosen.png")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_until(page, lambda: "Nothing is chosen" in shown.inner_text(), what="that it is forgotten")
    assert field.input_value() == ""


@pytest.mark.parametrize("page", [BUSY], indirect=True)
def test_all_that_was_typed_counts_while_the_kernel_is_busy(page, folder):
    shown = page.locator(".jp-OutputArea-output").last
    shown.locator("input").focus()
    page.keyboard.type(str(folder))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_until(page, lambda: "2 photographs" in shown.inner_text(), seconds=30, what="the folder")
    assert shown.locator("input").input_value() == str(folder)

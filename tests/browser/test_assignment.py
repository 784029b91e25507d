"""An assignment in a real browser: a wrong answer, a right one, saved, marked, and the page that the student gets."""

import shutil

import pytest

from course_lib.machine import ROOT
from course_lib.marking.cage import find_cage
from course_lib.marking.mark import mark, prepare
from course_lib.marking.pages import student_page
from course_lib.marking.release import read_release
from course_lib.marking.submissions import Submission
from tests.browser import test_browser as by_hand
from tests.browser.test_browser import nothing_went_wrong, open_notebook, run_all, wait_until
from tests.browser.test_walk import show
from tests.marking.handed_in import IOU, NO_UNION

lab, browser, pytestmark = by_hand.lab, by_hand.browser, by_hand.pytestmark
NAME = "3_boxes"


def run_cell(page, cell) -> None:
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def test_a_wrong_iou_a_right_one_and_the_page_of_the_marker(browser, lab, tmp_path):
    file = lab[1] / f"{NAME}.ipynb"
    shutil.copy(ROOT / "notebooks" / "assignments" / f"{NAME}.ipynb", file)
    page = open_notebook(browser, lab, f"{NAME}.ipynb")
    run_all(page, file, seconds=200)
    answer = page.locator(".jp-CodeCell", has_text="def iou(a, b):")
    check = page.locator(".jp-CodeCell", has_text='check("iou", iou)')
    output = check.locator(".jp-OutputArea")
    assert "not attempted" in show(output).inner_text()
    for code, verdict, images in ((NO_UNION, "not right yet", 1), (IOU, "iou: right", 0)):
        show(answer).locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(code.strip())
        page.keyboard.press("Control+Enter")
        show(check)
        run_cell(page, check)
        wait_until(page, lambda word=verdict: word in output.inner_text(), seconds=60)
        show(output)
        page.wait_for_timeout(500)
        page.screenshot(path=tmp_path / f"{verdict[:9]}.png")
        assert output.locator("img").count() == images
        if images:
            assert "counts the shared part twice" in " ".join(output.inner_text().split())
    page.keyboard.press("Control+s")
    wait_until(page, lambda: IOU.strip().splitlines()[1] in file.read_text(), seconds=20)
    nothing_went_wrong(page)

    handed_in = Submission("ana", file)
    report = mark(prepare(handed_in, NAME), read_release(NAME), "secret", find_cage())
    assert {r.task: r.outcome for r in report.results} == {
        r.task: "right" if r.task == "iou" else "not attempted" for r in report.results
    }
    written = tmp_path / "ana.html"
    written.write_text(student_page(report, read_release(NAME).assignment), encoding="utf-8")
    page.goto(written.as_uri())
    assert page.locator("h1").inner_text() == "Boxes: ana"
    assert page.locator(".points").first.inner_text() == "2 of 26 points"
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    page.close()
    print(f"\npictures: {tmp_path.name}")


@pytest.mark.parametrize("name", ["1_embeddings_and_search", "5_verification"])
def test_an_assignment_opens_as_it_was_committed(browser, lab, name):
    shutil.copy(ROOT / "notebooks" / "assignments" / f"{name}.ipynb", lab[1] / f"{name}.ipynb")
    page = open_notebook(browser, lab, f"{name}.ipynb")
    page.wait_for_selector("summary")
    page.locator("summary").first.click()
    assert page.locator("details[open]").count() == 1
    nothing_went_wrong(page)
    page.close()

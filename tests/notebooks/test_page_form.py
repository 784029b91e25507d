"""What the build makes of a source: blanks, slides, folded sections, numbers in the prose."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.page_form import fill_in, give_form, refused_claims, with_blanks, with_solutions

AREA = '''def area(box):
    """Width times height."""
    x1, y1, x2, y2 = box
    # BEGIN SOLUTION
    width = x2 - x1

    return width * (y2 - y1)
    # END SOLUTION
'''


def test_a_student_gets_a_blank_and_its_length():
    assert with_blanks(AREA).splitlines()[2:] == [
        "    x1, y1, x2, y2 = box",
        "    ...  # your turn: 2 lines",
    ]
    names = {}
    exec(with_blanks(AREA), names)
    assert names["area"]((0, 0, 2, 3)) is None


def test_a_solution_is_the_source_without_the_marks():
    names = {}
    exec(with_solutions(AREA), names)
    assert names["area"]((0, 0, 2, 3)) == 6
    assert "SOLUTION" not in with_solutions(AREA)


def test_two_blanks_in_one_cell():
    assert with_blanks(AREA + AREA).count("...  # your turn: 2 lines") == 2


@pytest.mark.parametrize("mark", ["# BEGIN SOLUTION", "# END SOLUTION"])
def test_a_mark_that_stands_alone_is_refused(mark):
    for form in (with_blanks, with_solutions):
        with pytest.raises(ValueError, match="stands alone"):
            form(AREA.replace(f"    {mark}\n", ""))


def formed(*cells, **options) -> nbformat.NotebookNode:
    notebook = new_notebook(cells=list(cells))
    give_form(notebook, **options)
    return notebook


def test_only_exercise_cells_are_blanked():
    exercise = new_code_cell(AREA, metadata={"tags": ["exercise"]})
    assert "your turn" in formed(exercise.copy()).cells[0].source
    assert "width = x2 - x1" in formed(exercise.copy(), solved=True).cells[0].source
    assert formed(new_code_cell(AREA)).cells[0].source == AREA


def test_headings_begin_slides_and_deeper_sections_are_left_out():
    cells = [
        new_markdown_cell("# Title\n\nwords"),
        new_code_cell("1"),
        new_markdown_cell("### Part"),
        new_code_cell("2", metadata={"tags": ["fragment"]}),
        new_markdown_cell("## Deeper: more"),
        new_markdown_cell("### Part of it"),
        new_code_cell("3", metadata={"tags": ["slide"]}),
        new_markdown_cell("## Next"),
    ]
    notebook = formed(*cells)
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]
    assert kinds == ["slide", None, "subslide", "fragment", "skip", "skip", "skip", "slide"]
    folded = [cell.metadata.get("jp-MarkdownHeadingCollapsed", False) for cell in notebook.cells]
    assert folded == [False] * 4 + [True] + [False] * 3
    assert [cell.id for cell in notebook.cells[:2]] == ["cell-000", "cell-001"]


def output(**data) -> nbformat.NotebookNode:
    return new_output("display_data", data={key.replace("_", "/"): v for key, v in data.items()})


def test_the_numbers_of_the_run_stand_in_the_prose():
    run = new_code_cell(
        "", outputs=[new_output("display_data", {"text/x-record": "recorded: a.b = 0.9 = x"})]
    )
    notebook = new_notebook(cells=[new_markdown_cell("It is {{a.b}}."), run])
    fill_in(notebook)
    assert notebook.cells[0].source == "It is 0.9 = x."
    notebook.cells[0].source = "It is {{a.c}}."
    with pytest.raises(ValueError, match=r"the prose names \['a.c'\], recorded are \['a.b'\]"):
        fill_in(notebook)


def test_claims_that_do_not_hold_are_named():
    run = new_code_cell(
        "", outputs=[output(text_plain="Holds: a"), output(text_plain="Does not hold: b")]
    )
    assert refused_claims(new_notebook(cells=[run])) == ["Does not hold: b"]

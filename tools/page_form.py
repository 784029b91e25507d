"""What the build makes of a source's cells: blanks for the student, slides, folded sections, numbers in the prose.

In a source a solution stands between two lines, in a cell that is tagged "exercise":

    # %% tags=["exercise"]
    def area(box):
        # BEGIN SOLUTION
        x1, y1, x2, y2 = box
        return (x2 - x1) * (y2 - y1)
        # END SOLUTION

The page that students get has `...  # your turn: 2 lines` in its place.
"""

import re

from nbformat import NotebookNode

from course_lib.page.notebook import RECORD

SLIDES = ("slide", "subslide", "fragment", "skip")
SOLUTION = re.compile(
    r"^(?P<indent> *)# BEGIN SOLUTION\n(?P<body>.*?)^ *# END SOLUTION$", re.MULTILINE | re.DOTALL
)
NAME = re.compile(r"\{\{([\w.-]+)\}\}")
REFUSED = re.compile(r"^Does not hold: ")


def with_blanks(code: str) -> str:
    """The student's form of a cell: for each solution a blank that says how many lines it had."""
    blanked = SOLUTION.sub(_blank, code)
    _check_markers(blanked)
    return blanked


def with_solutions(code: str) -> str:
    """The cell with its solutions, without their marks."""
    solved = SOLUTION.sub(lambda found: found["body"].rstrip("\n"), code)
    _check_markers(solved)
    return solved


def _blank(found: re.Match) -> str:
    lines = [line for line in found["body"].splitlines() if line.strip()]
    return f"{found['indent']}...  # your turn: {len(lines)} line{'s' * (len(lines) != 1)}"


def _check_markers(code: str) -> None:
    if left := re.search(r"^ *# (BEGIN|END) SOLUTION.*$", code, re.MULTILINE):
        raise ValueError(f"an exercise's marks do not pair: {left[0].strip()!r} stands alone")


def give_form(notebook: NotebookNode, solved: bool = False) -> None:
    """Blanks (or solutions), a slide mark at headings and tags, "Deeper" sections folded and left out of the slides."""
    deeper = False
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
        tags = cell.metadata.get("tags", [])
        if "exercise" in tags:
            cell.source = (with_solutions if solved else with_blanks)(cell.source)
        heading = re.match(r"(#{1,3}) (.*)", cell.source) if cell.cell_type == "markdown" else None
        if heading and len(heading[1]) <= 2:
            deeper = heading[2].startswith("Deeper:")
            if deeper:
                cell.metadata["jp-MarkdownHeadingCollapsed"] = True
        kind = next((tag for tag in tags if tag in SLIDES), None)
        if deeper:
            kind = "skip"
        elif kind is None and heading:
            kind = "slide" if len(heading[1]) <= 2 else "subslide"
        if kind:
            cell.metadata["slideshow"] = {"slide_type": kind}


def records(notebook: NotebookNode) -> dict[str, str]:
    """Name -> what `record` wrote in the run."""
    lines = [
        output["data"][RECORD]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if RECORD in output.get("data", {})
    ]
    return dict(line.removeprefix("recorded: ").split(" = ", 1) for line in lines)


def fill_in(notebook: NotebookNode) -> None:
    """Write the recorded numbers where the prose has their names in double braces.

    Raises:
        ValueError: a name that was never recorded.
    """
    known = records(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if unknown := sorted(set(NAME.findall(cell.source)) - set(known)):
                raise ValueError(f"the prose names {unknown}, recorded are {sorted(known)}")
            cell.source = NAME.sub(lambda found: known[found[1]], cell.source)


def refused_claims(notebook: NotebookNode) -> list[str]:
    """Claims that did not hold in the run."""
    texts = [
        "".join(output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    ]
    return [text for text in texts if REFUSED.match(text)]

"""Numbers in prose come from the run: an output shows each decimal, or it stands in a formula or beside its source."""

import re

import pytest

from tests.notebooks.test_notebooks import NOTEBOOKS, outputs, read

NUMBER = re.compile(r"(?<![\w.\]/])(?:\d{1,3}(?:,\d{3})+|\d*\.\d+|\d+(?:\.\d+)?%)(?![\w/])")
# Formulas, code, addresses.
APART = re.compile(r"\$[^$]*\$|`[^`]*`|\]\([^)]*\)", re.DOTALL)
# A sentence that names where its numbers are from: a year in parentheses, a link, the lecture's own figures.
SOURCE = re.compile(r"\(\w[^()]*\b(?:19|20)\d\d\b[^()]*\)|\]\(http|\blectures?\b")

# Pages of the old form, and how many of their numbers have no output: may only fall.
STILL = {
    "02_embeddings": 3,
    "03_pair_and_triplet_losses": 8,
    "04_margin_losses": 10,
    "06_search_and_hashing": 12,
    "09_two_stage_detectors": 15,
    "10_one_stage_detectors": 19,
}


def plain(number: str) -> str:
    """One form for .938, 0.938 and 0.9380; for 6,084 and 6084; for 94% and 94."""
    number = number.replace(",", "").rstrip("%").lstrip("0")
    return number.rstrip("0").rstrip(".") if "." in number else number


def unaccounted(prose: list[str], shown: str) -> list[str]:
    """Decimals, percentages and numbers of four digits and more that neither an output nor a source accounts for."""
    known = {plain(n) for n in re.findall(r"\d[\d,]*\.?\d*%?|\.\d+", shown)}
    sentences = [s for text in prose for s in re.split(r"(?<=[.?!:])\s+|\n\n|\n\* |\|", text)]
    return [
        number
        for sentence in sentences
        if not SOURCE.search(sentence)
        for number in NUMBER.findall(APART.sub(" ", sentence))
        if plain(number) not in known
    ]


def test_what_counts_as_accounted_for():
    shown = "mAP@.5 0.9380, 6084 boxes, 25.0% of them"
    fine = [
        "mAP is .938: 6,084 boxes, 25%.",
        "The slope is $.77$, `0.123`.",
        "LFW gives 99.53% (Deng and others, 2019).",
        "See [the paper](https://example.org/1.25).",
        "The lecture has 99.53%.",
    ]
    assert unaccounted(fine, shown) == []
    assert unaccounted(["Here .77. The lecture has .5.", "And 1,234 of 30%"], shown) == [
        ".77", "1,234", "30%",
    ]  # fmt: skip


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_numbers_in_prose_come_from_the_run(path):
    notebook = read(path)
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    shown = " ".join(
        str(part)
        for output in outputs(notebook)
        for kind, part in {"text/": output.get("text", ""), **output.get("data", {})}.items()
        if kind.startswith("text/")
    )
    lone = unaccounted(prose, shown)
    assert len(lone) <= STILL.get(path.stem, 0), lone

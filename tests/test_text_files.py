"""Text files are UTF-8 on every machine: without `encoding=`, Windows would read and write another."""

import ast

import pytest

from course_lib.machine import ROOT


def without_encoding(text: str) -> list[int]:
    """The lines of a program that open a text file and do not say in which encoding."""
    lines = []
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        mode = call.args[1].value if len(call.args) > 1 and hasattr(call.args[1], "value") else "r"
        opens_text = isinstance(call.func, ast.Name) and name == "open" and "b" not in str(mode)
        reads = name == "read_text" and not call.args
        if opens_text or reads or name == "write_text":
            if "encoding" not in {keyword.arg for keyword in call.keywords}:
                lines.append(call.lineno)
    return lines


@pytest.mark.parametrize("folder", ["course_lib", "tools", "notebooks/source"])
def test_every_text_file_is_opened_as_utf_8(folder):
    paths = sorted((ROOT / folder).rglob("*.py"))
    lines = {path.name: without_encoding(path.read_text(encoding="utf-8")) for path in paths}
    assert lines and not {name: numbers for name, numbers in lines.items() if numbers}


@pytest.mark.parametrize(
    "line, noticed",
    [
        ("open(path)", True),
        ("open(path, 'w')", True),
        ("open(path, 'rb')", False),
        ("open(path, encoding='utf-8')", False),
        ("path.read_text()", True),
        ("path.read_text('utf-8')", False),
        ("path.write_text(text)", True),
        ("Image.open(path)", False),
    ],
)
def test_what_is_noticed(line, noticed):
    assert bool(without_encoding(line)) == noticed

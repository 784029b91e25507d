"""What makes a form plain: short, one sentence over it, torch alone, nothing written in place."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import course_lib.by_definition as package

FILES = sorted(Path(inspect.getfile(package)).parent.glob("*.py"))
FORMS = [
    pytest.param(file, node, id=f"{file.stem}.{node.name}")
    for file in FILES
    for node in ast.parse(file.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef)
]


def faults(source):
    """What is not plain in the source of a function."""
    node = ast.parse(source).body[0]
    docstring = ast.get_docstring(node) or ""
    lines = node.end_lineno - node.lineno + 1 - len(docstring.splitlines())
    names = [n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)]
    return {
        "long": lines > 16,  # the line of its name, and fifteen
        "without a sentence": len(docstring.splitlines()) != 1,
        "refuses": any(isinstance(n, ast.Raise | ast.Assert) for n in ast.walk(node)),
        "in place": any(re.fullmatch(r"[a-z]\w*[a-z]_", name) for name in names)
        or any(isinstance(n, ast.AugAssign) for n in ast.walk(node)),
    }


@pytest.mark.parametrize("file, node", FORMS)
def test_every_form_is_plain(file, node):
    source = ast.get_source_segment(file.read_text(encoding="utf-8"), node)
    assert [name for name, is_so in faults(source).items() if is_so] == []


@pytest.mark.parametrize(
    "body, fault",
    [
        ("x = 1\n" * 16, "long"),
        ("x.clamp_(0)", "in place"),
        ("x += 1", "in place"),
        ("raise ValueError", "refuses"),
    ],
)
def test_what_is_not_plain_is_seen(body, fault):
    body = "".join(f"    {line}\n" for line in body.splitlines())
    assert faults(f'def f(x):\n    """One sentence."""\n{body}')[fault]
    assert faults(f"def f(x):\n{body}")["without a sentence"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_they_import_torch_and_each_other(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert {name.name for name in node.names} <= {"torch", "math"}
        if isinstance(node, ast.ImportFrom):
            assert node.module.startswith("course_lib.by_definition.")


def test_the_package_re_exports_nothing():
    assert [type(n) for n in ast.parse(FILES[0].read_text(encoding="utf-8")).body] == [ast.Expr]
    assert FILES[0].name == "__init__.py" and len(FORMS) > 60

"""What code says without its layout, and the library files that it reaches."""

import textwrap
from importlib import metadata

import pytest

from course_lib import sources
from course_lib.machine import ROOT
from course_lib.sources import bare_source, library_used_by, version_of


def library(folder, **files):
    for name, text in files.items():
        path = folder.joinpath("course_lib", *name.split("__in__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder / "course_lib"


@pytest.mark.parametrize(
    "line, reached",
    [
        ("import course_lib.a.b", ["a/__init__", "a/b", "c"]),
        ("import course_lib.a.b as x", ["a/__init__", "a/b", "c"]),
        ("from course_lib.a.b import f", ["a/__init__", "a/b", "c"]),
        ("from course_lib.a import b", ["a/__init__", "a/b", "c"]),
        ("from course_lib import a", ["a/__init__"]),
        ("from course_lib import c, a", ["a/__init__", "c"]),
        ("import os, course_lib.c", ["c"]),
        ("from .a.b import *", ["a/__init__", "a/b", "c"]),
        ("from . import c", ["c"]),
        ("def f():\n    if 1:\n        from course_lib import c", ["c"]),
        ("LATER = {'c': 'course_lib.c:load'}", ["c"]),
        ("import torch, course_library", []),
        ("'''see course_lib.c'''", []),
    ],
)
def test_every_form_of_import_is_followed(line, reached, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    folder = library(
        tmp_path, __init__="", a__in____init__="", a__in__b="from ..c import g", c="", start=line
    )
    found = [
        x.relative_to(folder).with_suffix("").as_posix()
        for x in library_used_by(folder / "start.py")
    ]
    assert found == sorted(["start", *(["__init__"] if reached else []), *reached])


def test_a_change_of_a_file_is_seen_and_a_comment_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    folder = library(tmp_path, start='"""Said."""\nasync def f():\n    """Said."""\n    return 1\n')
    plain = bare_source(folder / "start.py")
    library(tmp_path, start="# why\nasync def f():\n\n    return (\n        1)\n")
    assert bare_source(folder / "start.py") == plain
    library(tmp_path, start="async def f():\n    return 2\n")
    assert bare_source(folder / "start.py") != plain
    library(tmp_path, start="from course_lib import start\n")
    assert library_used_by(folder / "start.py") == [folder / "start.py"]


def test_versions_of_packages():
    assert version_of("torch.nn") == metadata.version("torch")
    assert version_of("sklearn.svm") == metadata.version("scikit-learn")
    assert version_of("math") == version_of("json.decoder") == version_of("builtins")
    assert [version_of(x) for x in ("__main__", "course_lib.cache", "nowhere", None)] == [None] * 4


def test_a_file_and_all_it_imports():
    found = library_used_by(ROOT / "course_lib" / "search" / "retrieval.py")
    assert [path.stem for path in found] == ["__init__", "arguments", "retrieval"]

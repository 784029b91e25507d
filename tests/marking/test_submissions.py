"""What was handed in: found, read, and never followed out of its folder."""

import json
import os

import pytest

from course_lib.marking.submissions import (
    Submission,
    Unreadable,
    code_cells,
    files_beside,
    notebook_of,
    submissions,
    write_files,
)
from tests.marking.handed_in import NAME, notebook


def put(folder, name=f"{NAME}.ipynb", cells=("x = 1",), **more):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(notebook(cells, **more)), encoding="utf-8")
    return path


def test_a_folder_holds_students_folders_and_notebooks(tmp_path):
    put(tmp_path / "ana")
    put(tmp_path, "bo.ipynb")
    put(tmp_path, "ana.ipynb")
    put(tmp_path / ".hidden")
    (tmp_path / "notes.pdf").touch()
    names = [s.student for s in submissions(tmp_path)]
    assert names == ["ana", "ana.ipynb", "bo", "notes.pdf"]


def test_no_folder(tmp_path):
    with pytest.raises(NotADirectoryError, match="there is no folder"):
        submissions(tmp_path / "nowhere")


def test_the_notebook_is_the_one_named_so_or_the_only_one(tmp_path):
    own = tmp_path / "ana"
    other = put(own / "deeper", "other.ipynb")
    put(own / ".ipynb_checkpoints", f"{NAME}.ipynb")
    assert notebook_of(Submission("ana", own), NAME) == other
    named = put(own / "deeper")
    assert notebook_of(Submission("ana", own), NAME) == named
    put(own)
    with pytest.raises(Unreadable, match="there are 2 notebooks"):
        notebook_of(Submission("ana", own), NAME)


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_links_are_not_followed(tmp_path):
    real = put(tmp_path / "real")
    own = tmp_path / "ana"
    own.mkdir()
    (own / f"{NAME}.ipynb").symlink_to(real)
    (tmp_path / "bo").symlink_to(tmp_path / "real")
    for name in ("ana", "bo"):
        with pytest.raises(Unreadable, match="links are not followed"):
            notebook_of(Submission(name, tmp_path / name), NAME)
    put(own, "mine.ipynb")
    (own / "secret.py").symlink_to("/etc/passwd")
    assert files_beside(Submission("ana", own), own / "mine.ipynb") == {}


def test_code_cells_are_read_and_nothing_else(tmp_path):
    cells = notebook(["x = 1", " ", "y = 2"])
    cells["cells"][0]["source"] = ["x = 1\n", "z = 3"]
    cells["cells"][2]["source"] = "y = '\ud800'"
    cells["cells"].append({"cell_type": "markdown", "source": "# y"})
    cells["cells"].append({"cell_type": "code", "source": {"a": 1}})
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(cells), encoding="utf-8")
    assert code_cells(path) == ["x = 1\nz = 3", "y = '?'"]


@pytest.mark.parametrize(
    "content, said",
    [
        ("", "empty"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "format is None"),
        ('{"nbformat": 5, "cells": []}', "format is 5"),
        ('{"nbformat": 4}', "no list of cells"),
        ('{"nbformat": 4, "cells": [3]}', "no list of cells"),
        ('{"nbformat": 3, "worksheets": []}', "no list of cells"),
        ('{"nbformat": 3, "worksheets": [5]}', "no list of cells"),
    ],
)
def test_what_is_no_notebook_is_told(tmp_path, content, said):
    path = tmp_path / "a.ipynb"
    path.write_text(content)
    with pytest.raises(Unreadable, match=said):
        code_cells(path)


def test_a_huge_notebook_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("course_lib.marking.submissions.LARGEST", 2**20)
    path = tmp_path / "a.ipynb"
    path.write_bytes(b" " * (2**20 + 1))
    with pytest.raises(Unreadable, match="has 1 MB; at most 1"):
        code_cells(path)


def test_files_beside_are_copied_but_not_without_end(tmp_path, monkeypatch):
    own = tmp_path / "ana"
    path = put(own)
    (own / "tools").mkdir()
    (own / "tools" / "helper.py").write_text("x = 1")
    found = files_beside(Submission("ana", own), path)
    assert found == {"tools/helper.py": b"x = 1"}
    to = write_files(found, tmp_path / "to")
    assert (to / "tools" / "helper.py").read_text() == "x = 1"
    assert (to / "tools").stat().st_mode & 0o777 == 0o755
    monkeypatch.setattr("course_lib.marking.submissions.BESIDE", 3)
    assert files_beside(Submission("ana", own), path) is None
    assert files_beside(Submission("a", path), path) == {}

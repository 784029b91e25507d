"""The committed tables that notebooks show: known to be stale as soon as something they were made from has changed."""

import ast
import json

import pytest

from tools import (
    make_contrastive,
    make_detr_curves,
    make_pretexts,
    make_tables,
    make_verification,
    tables,
)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A course with a library of one file, and a tool with its table."""
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "course_lib" / "rows.py").write_text("ROWS = {'a': 1}\n")
    (tmp_path / "tool.py").write_text("SEED = 1\n")
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    monkeypatch.setattr(tables, "RECORDS", tmp_path / "made_from.json")
    rows = type(tables)("course_lib.rows")
    rows.__file__ = str(tmp_path / "course_lib" / "rows.py")
    monkeypatch.setattr(tables.sys, "modules", {"course_lib.rows": rows, "torch": tables.torch})
    monkeypatch.setattr(tables.sys, "argv", ["make_tables"])
    return tmp_path


def make(folder, value=0.5):
    """Whether something was computed."""
    asked = []

    def compute():
        asked.append("all")
        return {"tar": {"a": [value, value]}}

    def confirm(content):
        asked.append("some")
        return {"a": value}, {row: values[0] for row, values in content["tar"].items()}

    tables.make(folder / "table.json", str(folder / "tool.py"), compute, confirm)
    return asked


def test_a_fresh_table_is_not_computed_again(small, capsys):
    assert make(small) == ["all"] and make(small) == []
    assert capsys.readouterr().out.endswith("table.json: fresh\n")
    record = json.loads((small / "made_from.json").read_text())["table.json"]
    assert list(record) == ["torch", "course_lib/rows.py", "tool.py"]


@pytest.mark.parametrize(
    "name, text",
    [("course_lib/rows.py", "ROWS = {'a': 2}"), ("tool.py", "SEED = 2"), ("tool.py", None)],
)
def test_what_it_was_made_from_has_changed(small, capsys, name, text):
    make(small)
    if text is None:
        (small / name).unlink()
    else:
        (small / name).write_text(text)
    assert tables.changed_since(small / "table.json") == [name]
    assert make(small) == ["all"] and make(small) == []
    assert f"table.json: stale, changed: {name}\n" in capsys.readouterr().out


def test_another_torch_and_a_lost_table_or_record_count(small, monkeypatch):
    make(small)
    monkeypatch.setattr(tables.torch, "__version__", "99.0+cpu")
    assert tables.changed_since(small / "table.json") == ["torch"]
    assert make(small) == ["all"]
    monkeypatch.setattr(tables.torch, "__version__", "99.0+cu130")
    assert make(small) == []
    for lost in ("table.json", "made_from.json"):
        (small / lost).unlink()
        assert make(small) == ["all"]


def test_comments_docstrings_and_layout_do_not_count(small):
    make(small)
    (small / "tool.py").write_text('"""What for."""\n\n# the seed\nSEED = (\n    1\n)\n')
    assert make(small) == []


def test_confirming_keeps_what_agrees_and_refuses_what_does_not(small, monkeypatch, capsys):
    make(small)
    (small / "tool.py").write_text("SEED = 2\n")
    monkeypatch.setattr(tables.sys, "argv", ["make_tables", "--confirm"])
    kept = [(small / name).read_bytes() for name in ("table.json", "made_from.json")]
    with pytest.raises(SystemExit, match=r"table\.json: a is 0\.502 now, 0\.5 was kept"):
        make(small, 0.502)
    assert kept == [(small / name).read_bytes() for name in ("table.json", "made_from.json")]
    assert make(small, 0.5009) == ["some"] and make(small) == []
    assert kept[0] == (small / "table.json").read_bytes()
    assert "table.json: confirmed" in capsys.readouterr().out


def test_confirming_refuses_other_rows(small, monkeypatch):
    make(small)
    (small / "tool.py").write_text("SEED = 2\n")
    (small / "table.json").write_text(json.dumps({"tar": {"b": [0.5]}}))
    monkeypatch.setattr(tables.sys, "argv", ["make_tables", "--confirm"])
    with pytest.raises(SystemExit, match=r"other rows now, \['a', 'b'\]"):
        make(small)


def test_rows_of_figures_are_put_together_seed_by_seed_and_taken_apart():
    compute, confirm = tables.of_rows(
        lambda seed: {"a": {"x": seed, "y": 2 * seed}}, (3, 4), {"n": 1}
    )
    made = compute()
    assert made == {"recipe": {"n": 1}, "figures": {"a": {"x": [3, 4], "y": [6, 8]}}}
    now, kept = confirm(made)
    assert now == kept == {"a, x": 3, "a, y": 6}
    made["figures"]["a"]["y"][0] = 7
    assert confirm(made) == ({"a, x": 3, "a, y": 6}, {"a, x": 3, "a, y": 7})


def test_every_python_gives_the_same_digest(small):
    """3.12 adds type parameters, 3.13 leaves out what is empty, 3.14 what is only loaded."""
    (small / "tool.py").write_text("def f(a, *, b=[]):\n    return a, 'x=[]', None\n")
    newer = "FunctionDef(name='f', args=arguments(args=[arg(arg='a')], kwonlyargs=[arg(arg='b')], "
    newer += "kw_defaults=[List()]), body=[Return(value=Tuple(elts=[Name(id='a'), "
    newer += "Constant(value='x=[]'), Constant(value=None)]))])"
    here = tables._alike(ast.dump(ast.parse((small / "tool.py").read_text())))
    assert here == tables._alike(f"Module(body=[{newer}])")
    assert tables._alike(ast.dump(ast.parse("f(a, [])"))) != tables._alike(
        ast.dump(ast.parse("f(a)"))
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "tool", [make_tables, make_detr_curves, make_pretexts, make_contrastive, make_verification]
)
def test_the_committed_tables_are_fresh(tool):
    changed = tables.changed_since(tool.TABLE)
    assert not changed, f"{tool.TABLE.name} is stale, make tables (or ARGS=--confirm): {changed}"

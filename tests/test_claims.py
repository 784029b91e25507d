"""The claims tool: what a condition's value, bound and margin are, and a notebook that fails and goes on."""

import ast
import json

import numpy as np
import pytest
import torch

from tools import claims
from tools.claim_measuring import Recorder, instrumented


def measured(condition: str, before: str = "", **names: object) -> dict:
    """The record of one claim with this condition, after other lines of its cell."""
    recorder = Recorder()
    cell = instrumented(ast.parse(f"{before}\nclaim('said', {condition})"))
    exec(compile(cell, "cell", "exec"), {**recorder.names, **names})
    return recorder.claims["said"]


@pytest.mark.parametrize(
    ("condition", "value", "bound", "margin"),
    [
        ("a > b + 0.08", 0.5, 0.28, 0.22),
        ("a >= 0.6", 0.5, 0.6, -0.1),
        ("b < a", 0.2, 0.5, 0.3),
        ("0.3 < a < 0.6", 0.5, 0.6, 0.1),
        ("a > 0.1 and b > 0.1", 0.2, 0.1, 0.1),
        ("all(x < 1 for x in (a, b))", 0.5, 1, 0.5),
        ("all([x < 1 for x in (a, b)])", 0.5, 1, 0.5),
        ("(torch.tensor([a, b]) < torch.tensor([1.0, 0.3])).all()", 0.2, 0.3, 0.1),
        ("bool((np.array([a, b]) < 1).all())", 0.5, 1, 0.5),
        ("torch.tensor([a]).max() < 1", 0.5, 1, 0.5),
    ],
)
def test_the_comparison_nearest_to_failing_is_told(condition, value, bound, margin):
    record = measured(condition, a=0.5, b=0.2, torch=torch, np=np)
    assert record == {
        "holds": margin > 0,
        "value": pytest.approx(value),
        "bound": pytest.approx(bound),
        "margin": pytest.approx(margin),
    }


def test_of_several_that_fail_the_first_is_told_as_python_would_find_it():
    assert measured("1 > 2 and absent > 1")["margin"] == -1


def test_equality_has_a_value_and_no_margin():
    assert measured("2 + 2 == 4") == {"holds": True, "value": 4.0, "bound": 4.0}
    assert measured("[1, 2] == [1]") == {"holds": False}
    assert measured("'damaged' in 'it is damaged'") == {"holds": True}


def test_what_compares_no_numbers_only_holds_or_not():
    names = {"torch": torch, "x": torch.zeros(2)}
    assert measured("torch.equal(x, x)", **names) == {"holds": True}
    assert measured("torch.isclose(x[0], x[1] + 1)", **names) == {"holds": False}


def test_a_comparison_inside_a_value_stays_as_it_is():
    assert measured("(x > 0.5).float().mean() > 0.4", x=torch.tensor([0.0, 1.0]))["value"] == 0.5


def test_a_name_that_the_cell_gave_to_a_comparison_is_measured():
    assert measured("wider", "wider = a > 2", a=3)["margin"] == 1


def test_a_condition_that_cannot_be_computed_is_recorded():
    assert measured("absent > 1") == {
        "holds": False,
        "error": "NameError: name 'absent' is not defined",
    }
    assert "error" in measured("x > 1", x=torch.zeros(2))


SOURCE = """# %% [markdown]
# # A page
# %%
from course_lib.page.notebook import claim

SEED = 0
# %%
claim("twins", SEED > 6)
claim("twins", SEED > 5)
# %%
def share():
    return SEED / 10
# %%
for k in (0, 1):
    claim(f"share {k}", share() > 0.5 + k)
# %%
raise RuntimeError("stop")
# %%
import inspect
claim("...and on, the source of a function at hand", "SEED / 10" in inspect.getsource(share))
"""


def test_a_source_is_run_on_another_seed_and_goes_on_after_failures(tmp_path, monkeypatch):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "03_toy.py").write_text(SOURCE)
    (tmp_path / "source" / "00_unseeded.py").write_text("# %%\nx = 1\n")
    monkeypatch.setattr(claims, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(claims.time, "monotonic", claims.time.monotonic)
    monkeypatch.chdir(tmp_path)
    answer = tmp_path / "answer.json"
    claims.main(["7", "--here", str(answer)])
    found = json.loads(answer.read_text())
    assert found["claims"] == {
        "twins": {"holds": True, "value": 7, "bound": 6, "margin": 1},
        "twins (2)": {"holds": True, "value": 7, "bound": 5, "margin": 2},
        "share 0": {"holds": True, "value": 0.7, "bound": 0.5, "margin": 0.2},
        "share 1": {"holds": False, "value": 0.7, "bound": 1.5, "margin": -0.8},
        "...and on, the source of a function at hand": {"holds": True},
    }
    assert found["errors"] == ["code cell 4: RuntimeError: stop"]


def run_of(margin: float, errors: tuple = ()) -> dict:
    record = {"holds": margin > 0, "value": 1.0, "bound": 1.0 - margin, "margin": margin}
    return {"claims": {"good": {"holds": True}, "close": record}, "errors": list(errors)}


def test_runs_are_merged_and_written_in_one_order():
    pieces = [
        ("08_x", 22, run_of(-0.1, ["stop"])),
        ("03_y", 21, run_of(0.3)),
        ("08_x", 21, run_of(0.2)),
    ]
    there, back = {}, {}
    for piece in pieces:
        there = claims.merged(there, *piece)
    for piece in reversed(pieces):
        back = claims.merged(back, *piece)
    assert claims.as_text(there) == claims.as_text(back)
    assert json.loads(claims.as_text(there)) == there
    assert there["seeds"] == [21, 22]
    assert there["errors"] == {"08_x": {"22": ["stop"]}}
    lines = claims.table(there).splitlines()
    assert lines[1].startswith("08") and " 22 " in lines[1] and "-0.1" in lines[1]
    assert lines[2].startswith("03") and lines[2].endswith("close")


def test_a_run_replaces_what_was_known_of_its_notebook_and_seed():
    before = claims.merged(
        {}, "08_x", 21, {"claims": {"old": {"holds": False}}, "errors": ["stop"]}
    )
    after = claims.merged(before, "08_x", 21, run_of(0.2))
    assert list(after["notebooks"]["08_x"]) == ["good", "close"] and after["errors"] == {}


def claims_of(source) -> set[str]:
    """The texts of the claims that every run of a notebook makes: not those that wait for a data set."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    made = {
        id(call)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If)
        for call in ast.walk(branch)
    }
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and id(node) not in made
        if getattr(node.func, "id", "") == "claim" and isinstance(node.args[0], ast.Constant)
    }


@pytest.mark.skipif(not claims.RESULTS.exists(), reason="no claims recorded: make claims SEEDS=...")
def test_the_recorded_claims_are_the_sources_and_hold_on_seven_seeds():
    recorded = json.loads(claims.RESULTS.read_text(encoding="utf-8"))
    assert recorded["errors"] == {} and len(recorded["seeds"]) >= 7
    sources = {path.stem for path in (claims.NOTEBOOKS / "source").glob("*.py") if claims_of(path)}
    assert set(recorded["notebooks"]) == sources - {"00_start_here"}
    for name, texts in recorded["notebooks"].items():
        assert claims_of(claims.NOTEBOOKS / "source" / f"{name}.py") <= set(texts), (
            f"run {name} again"
        )
        for text, runs in texts.items():
            assert sorted(map(int, runs)) == recorded["seeds"], f"{name}: {text}"
            assert all(run["holds"] for run in runs.values()), f"{name}: {text}"

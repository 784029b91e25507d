"""What `make tables` does with a committed table: nothing where it is fresh; it is computed anew where it is stale.

data/results/made_from.json names, for each table, what its making had loaded: the files of the library and the tool,
each with a digest of what it does (not of comments, docstrings and layout), and torch's version. A table is stale once
any of these has changed. Most changes of a library file change no figure: `--confirm` computes the first data seed
again, and takes the table for fresh where every figure comes out as it stands. (The record is a file of its own: the
notebooks that show a table are not stale because it was confirmed.)
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from course_lib.machine import ROOT
from course_lib.sources import bare_source

RECORDS = ROOT / "data" / "results" / "made_from.json"
# How far a figure may lie from the one that was kept: machines round differently.
TOLERANCE = 1e-3


def _alike(tree: str) -> str:
    """A dumped syntax tree as every Python writes it: older ones also name what is empty, or only loaded."""
    return re.sub(r"\w+=(?:\[\]|Load\(\))(?:, )?", "", tree).replace(", )", ")")


def digest(path: Path) -> str:
    """What a Python file does, in eight letters: the same in every version of Python; "gone" without the file."""
    if not path.exists():
        return "gone"
    return hashlib.sha256(_alike(bare_source(path)).encode()).hexdigest()[:8]


def made_from(tool: Path) -> dict[str, str]:
    """What this process has loaded: torch's version, and a digest of the tool and of each file of the library."""
    loaded = [m.__file__ for name, m in sys.modules.items() if name.split(".")[0] == "course_lib"]
    names = {Path(path).resolve().relative_to(ROOT).as_posix() for path in (*loaded, tool)}
    return {name: _now(name) for name in ("torch", *sorted(names))}


def _now(name: str) -> str:
    return torch.__version__.partition("+")[0] if name == "torch" else digest(ROOT / name)


def _records() -> dict[str, dict[str, str]]:
    return json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else {}


def changed_since(table: Path) -> list[str]:
    """What has changed of all that a table was made from; empty where it is fresh."""
    kept = _records().get(table.name, {})
    if not table.exists() or not kept:
        return [table.name]
    return [name for name, value in kept.items() if value != _now(name)]


def make(
    table: Path,
    tool: str,
    compute: Callable[[], dict],
    confirm: Callable[[dict], tuple[dict, dict]],
) -> None:
    """Compute a table that is stale, or confirm it where the command says `--confirm`.

    Args:
        table: the committed file.
        tool: the file that makes it.
        compute: all of its content.
        confirm: content -> the figures of one data seed, row by row: computed again, and as they were kept.
    Raises:
        SystemExit: a figure differs from the kept one by more than 0.001, or there are other rows; nothing is written.
    """
    changed = changed_since(table)
    print(f"{table.name}: {'stale, changed: ' + ', '.join(changed) if changed else 'fresh'}")
    if not changed:
        return
    if "--confirm" in sys.argv[1:]:
        now, kept = confirm(json.loads(table.read_text(encoding="utf-8")))
        if now.keys() != kept.keys():
            raise SystemExit(f"{table.name}: other rows now, {sorted(now.keys() ^ kept.keys())}")
        for name, value in now.items():
            if not np.allclose(value, kept[name], rtol=0, atol=TOLERANCE):
                raise SystemExit(f"{table.name}: {name} is {value} now, {kept[name]} was kept")
        print(f"{table.name}: confirmed")
    else:
        _write(table, compute())
    _write(RECORDS, _records() | {table.name: made_from(Path(tool))})


def of_rows(
    figures: Callable[[int], dict[str, dict[str, float]]], seeds: Sequence[int], recipe: dict
) -> tuple[Callable[[], dict], Callable[[dict], tuple[dict, dict]]]:
    """What `make` needs for a table of rows of figures.

    Args:
        figures: data seed -> row -> what was measured -> a figure.
        seeds: data seeds; of each figure the table holds one for each.
        recipe: what the table says of itself.
    Returns:
        compute, confirm.
    """

    def compute() -> dict:
        found = [figures(seed) for seed in seeds]
        rows = {
            row: {kind: [one[row][kind] for one in found] for kind in kinds}
            for row, kinds in found[0].items()
        }
        return {"recipe": recipe, "figures": rows}

    def confirm(content: dict) -> tuple[dict, dict]:
        kept = {
            row: {kind: v[0] for kind, v in kinds.items()}
            for row, kinds in content["figures"].items()
        }
        return _flat(figures(seeds[0])), _flat(kept)

    return compute, confirm


def _flat(rows: dict[str, dict[str, float]]) -> dict[str, float]:
    return {f"{row}, {kind}": value for row, kinds in rows.items() for kind, value in kinds.items()}


def _write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8", newline="\n")

"""Run the notebooks on other data seeds, and record how far each claim is from failing: data/results/claims.json.

    python -m tools.claims 21 22 23                      every notebook on three seeds; some hours
    python -m tools.claims 21 22 --notebooks 03 08       two of them
    python -m tools.claims                               show what was recorded, run nothing

The sources are run as they stand, `SEED` (and notebook 04's `FACES`) replaced: each run in a process of its own, with
a cache of its own for each seed. A claim that fails is recorded and the rest goes on, and so is an error in a cell.
What earlier runs recorded of other notebooks and seeds is kept, so the table can be made in pieces. Values that are
times were measured beside whatever else the machine did.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jupytext
from IPython.core.interactiveshell import InteractiveShell
from tqdm import tqdm
from traitlets.config import Config

from tools.claim_measuring import Recorder, instrumented

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
RESULTS = ROOT / "data" / "results" / "claims.json"
SEEDED = r"^(SEED|FACES) = \d+"


class Instrument:
    """What IPython asks to rewrite a cell before it runs."""

    visit = staticmethod(instrumented)


def run_cells(cells: list[str]) -> tuple[dict[str, dict], list[str]]:
    """Execute cells in an IPython shell: the record of every claim, and what went wrong in which cell."""
    config = Config(
        {"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}
    )
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)  # the one that `display` writes to
    recorder, errors = Recorder(), []
    shell.push(recorder.names, interactive=False)
    shell.ast_transformers.append(Instrument())
    for number, cell in enumerate(cells):
        outcome = shell.run_cell(cell, store_history=False)
        error = outcome.error_before_exec or outcome.error_in_exec
        if error is not None:
            errors.append(f"code cell {number}: {type(error).__name__}: {error}")
    return recorder.claims, errors


def run_notebook(source: Path, seed: int) -> dict:
    """Execute a notebook's source on another data seed, here and now."""
    text = source.read_text(encoding="utf-8")
    text, replaced = re.subn(SEEDED, rf"\1 = {seed}", text, flags=re.MULTILINE)
    if replaced == 0:
        raise SystemExit(f"{source.name}: no line `SEED = ...` to replace")
    # `fit` squeezes a training that takes too long. Here only its own work counts: the machine may be busy.
    time.monotonic = time.process_time
    os.chdir(NOTEBOOKS)
    cells = [c.source for c in jupytext.reads(text, "py:percent").cells if c.cell_type == "code"]
    claims, errors = run_cells(cells)
    return {"claims": claims, "errors": errors}


def run_apart(source: Path, seed: int, printed: Path | None) -> dict:
    """`run_notebook` in a process of its own, with the seed's own cache."""
    folder = Path(os.environ.get("COURSE_CACHE_DIR") or ROOT / "data" / "cache")
    environment = os.environ | {"MPLBACKEND": "agg", "TQDM_DISABLE": "1"}
    environment["COURSE_CACHE_DIR"] = str(folder / f"claims-{seed}")
    with tempfile.TemporaryDirectory() as place:
        answer = Path(place) / "answer.json"
        command = [sys.executable, "-m", "tools.claims", str(seed), "--notebooks", source.stem[:2]]
        done = subprocess.run(
            [*command, "--here", str(answer)],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if printed:
            printed.mkdir(parents=True, exist_ok=True)
            (printed / f"{source.stem[:2]}-{seed}.txt").write_bytes(done.stdout)
        if not answer.exists():
            last = done.stdout.decode(errors="replace").strip().splitlines()[-1:]
            return {"claims": {}, "errors": [f"the process ended with {done.returncode}: {last}"]}
        return json.loads(answer.read_text(encoding="utf-8"))


def merged(results: dict, name: str, seed: int, outcome: dict) -> dict:
    """The results with those of one run in the place of what was known of this notebook on this seed."""
    notebooks = {key: dict(value) for key, value in results.get("notebooks", {}).items()}
    errors = {key: dict(value) for key, value in results.get("errors", {}).items()}
    known = notebooks.get(name, {})
    texts = dict.fromkeys([*outcome["claims"], *known])  # in the newest order
    claims = {text: dict(known.get(text, {})) for text in texts}
    for text, runs in claims.items():
        runs.pop(str(seed), None)
        if text in outcome["claims"]:
            runs[str(seed)] = outcome["claims"][text]
    notebooks[name] = {text: runs for text, runs in claims.items() if runs}
    errors.setdefault(name, {}).pop(str(seed), None)
    if outcome["errors"]:
        errors[name][str(seed)] = outcome["errors"]
    seeds = {int(s) for claims in notebooks.values() for runs in claims.values() for s in runs}
    return {
        "command": f"python -m tools.claims {' '.join(map(str, sorted(seeds)))}",
        "seeds": sorted(seeds),
        "notebooks": notebooks,
        "errors": {key: value for key, value in errors.items() if value},
    }


def as_text(results: dict) -> str:
    """JSON, a line for each claim and seed; notebooks and seeds in order, claims as they stand in the notebook."""

    def in_order(runs: dict) -> list[str]:
        return sorted(runs, key=int)

    lines = ["{", f' "command": {json.dumps(results["command"])},']
    lines += [f' "seeds": {json.dumps(results["seeds"])},']
    for part in ("notebooks", "errors"):
        lines.append(f' "{part}": {{')
        for name in sorted(results[part]):
            lines.append(f"  {json.dumps(name)}: {{")
            if part == "errors":
                runs = results[part][name]
                lines += [f"   {json.dumps(s)}: {json.dumps(runs[s])}," for s in in_order(runs)]
            else:
                for text, runs in results[part][name].items():
                    lines.append(f"   {json.dumps(text, ensure_ascii=False)}: {{")
                    lines += [
                        f"    {json.dumps(s)}: {json.dumps(runs[s])}," for s in in_order(runs)
                    ]
                    lines.append("   },")
            lines.append("  },")
        lines.append(" },")
    text = "\n".join([*lines, "}"]) + "\n"
    return re.sub(r",(\n *})", r"\1", text)


def table(results: dict) -> str:
    """A line for each claim, those that fail on a seed first, then by their smallest margin."""
    rows = []
    for name, claims in results["notebooks"].items():
        for text, runs in claims.items():
            failing = [s for s in sorted(runs, key=int) if not runs[s]["holds"]]
            margins = [run["margin"] for run in runs.values() if "margin" in run]
            values = [run["value"] for run in runs.values() if "value" in run]
            shown = f"{min(values):9.4g} - {max(values):<9.4g}" if values else " " * 21
            least = f"{min(margins):9.3g}" if margins else " " * 9
            order = (not failing, min(margins) if margins else float("inf"), name)
            line = (
                f"{name[:2]} {len(runs):5}  {','.join(failing) or '-':12}{least}  {shown}  {text}"
            )
            rows.append((order, line))
    head = "nb seeds  fails on      margin       value                claim"
    lines = [head, *(line for _, line in sorted(rows, key=lambda row: row[0]))]
    for name, runs in results["errors"].items():
        lines += [f"{name[:2]} seed {s}: {e}" for s in sorted(runs, key=int) for e in runs[s]]
    return "\n".join(lines)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", type=int, nargs="*")
    parser.add_argument("--notebooks", nargs="*", help="how their names begin; without it 02 to 10")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--printed", type=Path, help="a folder for what each run printed")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(words)
    sources = sorted((NOTEBOOKS / "source").glob("[0-9][0-9]_*.py"))
    sources = [s for s in sources if re.search(SEEDED, s.read_text(encoding="utf-8"), re.MULTILINE)]
    if chosen.notebooks:
        sources = [s for s in sources if s.stem.startswith(tuple(chosen.notebooks))]
    if chosen.here:
        answer = run_notebook(sources[0], chosen.seeds[0])
        chosen.here.write_text(json.dumps(answer), encoding="utf-8")
        return
    for seed, source in tqdm([(seed, source) for seed in chosen.seeds for source in sources]):
        outcome = run_apart(source, seed, chosen.printed)
        known = chosen.results.read_text(encoding="utf-8") if chosen.results.exists() else "{}"
        results = merged(json.loads(known), source.stem, seed, outcome)
        chosen.results.parent.mkdir(parents=True, exist_ok=True)
        chosen.results.write_text(as_text(results), encoding="utf-8", newline="\n")
    print(table(json.loads(chosen.results.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()

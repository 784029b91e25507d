"""Build notebooks/*.ipynb from notebooks/source/*.py: every cell executed, outputs in.

    python -m tools.build_notebooks            those whose source, or whose part of the library, has changed
    python -m tools.build_notebooks --all      every one
    python -m tools.build_notebooks 02 04      these

A notebook carries the fingerprint of all that its outputs were made from: its source, the files of the library that its
kernel had loaded at the end, and the records in data/ that those name. Cells and outputs are written so that the
same inputs give the same file: no times, no random ids, no widget state, no versions. The measured seconds go into
data/run_times.json, and from there, with the lecture map, into README.md.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

from course_lib.machine import ROOT
from course_lib.page.own_folder import SWITCHES
from course_lib.page.syllabus import DATA, RUN_TIMES, lecture_map, notebooks, time_table
from tools.empty_cache import VARIABLE, empty_cache
from tools.page_form import fill_in, give_form, refused_claims

NOTEBOOKS = ROOT / "notebooks"
README = ROOT / "README.md"
CELL_SECONDS = 180
WIDGET = "application/vnd.jupyter.widget-view+json"
# Run at the end of a notebook, and taken out again: the files of the library that its kernel has loaded.
WHAT_IS_LOADED = """import json, sys
print(json.dumps([module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "course_lib"]))"""


def inputs_of(source: Path, loaded: list[str]) -> list[Path]:
    """What a notebook is made from: its source, the library's files that its run loaded, the records that those name.

    Args:
        source: of the notebook.
        loaded: files of the library, as "course_lib/embeddings/distances.py".
    """
    files = [source, *(ROOT / name for name in loaded)]
    texts = [path.read_text(encoding="utf-8") for path in files if path.exists()]
    records = [path for pattern in ("*.json", "*.toml") for path in sorted(DATA.rglob(pattern))]
    return files + [r for r in records if any(f'"{r.name}"' in text for text in texts)]


def fingerprint(source: Path, loaded: list[str]) -> str:
    """Of everything that `inputs_of` names; line endings do not count."""
    digest = hashlib.sha256()
    for path in inputs_of(source, loaded):
        digest.update(path.name.encode())
        digest.update(path.read_text(encoding="utf-8").encode() if path.exists() else b"")
    return digest.hexdigest()[:16]


def is_fresh(source: Path) -> bool:
    """Whether the notebook was built from this source and from these files of the library."""
    built = built_from(target_of(source))
    return bool(built) and built["inputs"] == fingerprint(source, built["files"])


def target_of(source: Path) -> Path:
    return NOTEBOOKS / f"{source.stem}.ipynb"


def built_from(notebook: Path) -> dict:
    """What a notebook says of its making: "inputs", a fingerprint, and "files", what its run had loaded at its end."""
    if not notebook.exists():
        return {}
    return json.loads(notebook.read_text(encoding="utf-8"))["metadata"].get("course", {})


def cells_of(source: Path, solved: bool = False) -> nbformat.NotebookNode:
    """The notebook of a source, not executed: with blanks for the student, or with the solutions."""
    notebook = jupytext.read(source)
    give_form(notebook, solved)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    return notebook


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Remove what differs between two executions: the ids of live widgets (their pictures stay)."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "text" in output:
                output.text = re.sub(r": trained in \d+ s\b", ": trained", output.text)
            output.get("data", {}).pop(WIDGET, None)
            output.get("metadata", {}).pop(WIDGET, None)
    notebook.metadata.pop("widgets", None)


def build(source: Path, trained: Path | None = None) -> dict[str, float]:
    """Execute a notebook with an empty cache, as a newcomer would, and write it; the seconds this took.

    Where data/notebooks.toml names what is trained before, that is in the cache: `trained` is a folder where weights
    are kept from one notebook to the next. Where it is given, the notebook is run once more, as it runs later, with
    what the first run has kept.
    """
    notebook = cells_of(source)
    metadata = notebook.metadata.copy()
    notebook.cells.append(nbformat.v4.new_code_cell(WHAT_IS_LOADED))
    with empty_cache() as folder:
        if trained:
            train_before(source.stem, trained)
            shutil.copytree(trained, folder, dirs_exist_ok=True)
        seconds = {"first": execute(notebook)}
        if trained:
            seconds["later"] = execute(cells_of(source))
    files = loaded_files(notebook.cells.pop())
    if refused := refused_claims(notebook):
        raise SystemExit(f"{source.stem} is not written: {'; '.join(refused)}")
    fill_in(notebook)
    metadata["course"] = {"files": files, "inputs": fingerprint(source, files)}
    notebook.metadata = metadata
    tidy(notebook)
    nbformat.write(notebook, target_of(source))
    return seconds


def loaded_files(cell: nbformat.NotebookNode) -> list[str]:
    """The files of the library that `WHAT_IS_LOADED`, run in a cell, has named."""
    loaded = json.loads(cell.outputs[0].text)
    return sorted({Path(path).resolve().relative_to(ROOT).as_posix() for path in loaded})


def execute(notebook: nbformat.NotebookNode) -> float:
    """Run all cells in a new kernel; the seconds it took."""
    started = time.monotonic()
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": NOTEBOOKS}},
        record_timing=False,
        store_widget_state=False,
    )
    client.execute()
    return time.monotonic() - started


def train_before(name: str, folder: Path | None = None) -> None:
    """Train what takes longer than a notebook may, the recipes that data/notebooks.toml names; record how long."""
    for entry in notebooks():
        if entry["name"] == name and "trained_before" in entry:
            command = [sys.executable, "-m", "course_lib.recipes", *entry["trained_before"]]
            where = {VARIABLE: str(folder)} if folder else {}
            run = subprocess.run(
                command, check=True, env=os.environ | where, stdout=subprocess.PIPE, text=True
            )
            _, *parts = re.split(r"^recipe (\w+)\n", run.stdout, flags=re.MULTILINE)
            for recipe, said in zip(parts[::2], parts[1::2], strict=True):
                if taken := re.findall(r": trained in (\d+) s$", said, flags=re.MULTILINE):
                    record_seconds(f"recipe-{recipe}", {"first": sum(map(int, taken))})


def record_seconds(name: str, seconds: dict[str, float]) -> None:
    """Write measured times down, in whole seconds, but for those that are about what stands there: machines are noisy.

    Args:
        name: of a notebook, or "recipe-" and what is trained before.
        seconds: of the first run, and of later ones.
    """
    times = json.loads(RUN_TIMES.read_text(encoding="utf-8")) if RUN_TIMES.exists() else {}
    kept = times.setdefault(name, {})
    for run, taken in seconds.items():
        if run not in kept or abs(taken - kept[run]) > max(3, 0.15 * kept[run]):
            kept[run] = round(taken)
    RUN_TIMES.write_text(
        json.dumps(times, indent=1, sort_keys=True) + "\n", encoding="utf-8", newline="\n"
    )


def readme_with_tables(text: str) -> str:
    """README with its two generated parts, between their marks, as they should be now."""
    for mark, content in (
        ("lecture map", lecture_map("notebooks/")),
        ("time table", time_table("notebooks/")),
    ):
        begin, end = f"<!-- {mark}: written by make notebooks -->", f"<!-- end of {mark} -->"
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        if not re.search(pattern, text, flags=re.DOTALL):
            raise SystemExit(f"README.md has lost its marks for the {mark}: {begin} ... {end}")
        whole = f"{begin}\n\n{content}\n\n{end}"
        text = re.sub(pattern, lambda _, whole=whole: whole, text, flags=re.DOTALL)
    return text


def chosen_sources(words: list[str]) -> list[Path]:
    """The sources to build; 00_start_here, which shows the others' times, comes last."""
    sources = sorted(
        (NOTEBOOKS / "source").glob("[0-9][0-9]_*.py"),
        key=lambda path: (path.stem[:2] == "00", path),
    )
    unlisted = {path.stem for path in sources} ^ {entry["name"] for entry in notebooks()}
    if unlisted:
        raise SystemExit(
            f"data/notebooks.toml and notebooks/source do not name the same notebooks: {sorted(unlisted)}"
        )
    if words == ["--all"]:
        return sources
    unknown = [word for word in words if not any(path.stem.startswith(word) for path in sources)]
    if unknown:
        raise SystemExit(
            f"no notebook begins with {unknown}; there are {[path.stem for path in sources]}"
        )
    return [
        path for path in sources if any(path.stem.startswith(word) for word in words) or not words
    ]


def main() -> None:
    words = sys.argv[1:]
    # In the notebooks' kernels: no progress bars, nobody has answered anything, or chosen a folder.
    os.environ |= {
        "TQDM_DISABLE": "1",
        "COURSE_PROGRESS": os.devnull,
        "COURSE_FOLDERS": os.devnull,
    }
    for switch in SWITCHES:
        os.environ.pop(switch, None)
    sources = chosen_sources(words)
    stale = sources if words else [path for path in sources if not is_fresh(path)]
    progress = tqdm(stale, disable=False)
    with tempfile.TemporaryDirectory() as trained:
        for source in progress:
            progress.set_description(source.stem)
            record_seconds(source.stem, build(source, Path(trained)))
            # 00_start_here shows its own, now newer, time.
            if not is_fresh(source):
                build(source, Path(trained))
    README.write_text(
        readme_with_tables(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n"
    )
    print(f"{len(stale)} of {len(sources)} notebooks built")


if __name__ == "__main__":
    main()

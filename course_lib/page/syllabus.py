"""The lecture map and the time table, as markdown, from the course's own records in `data/`."""

import json
import tomllib

from course_lib.machine import ROOT

DATA = ROOT / "data"
# Notebook or "recipe-..." -> seconds of a first run and of later ones, written by `make notebooks`.
RUN_TIMES = DATA / "run_times.json"


def lectures() -> list[dict]:
    """Every lecture with its topics: id, title, and the notebook and section that treat it."""
    return tomllib.loads((DATA / "syllabus.toml").read_text(encoding="utf-8"))["lecture"]


def notebooks() -> list[dict]:
    """Every notebook there is: name, title, budget in seconds, and the measured seconds, None where not yet measured.

    `measured_seconds` is a run with an empty cache but for what is trained before, `first_seconds` one
    that trains these, too, `later_seconds` one that finds all in the cache.
    """
    measured = json.loads(RUN_TIMES.read_text(encoding="utf-8")) if RUN_TIMES.exists() else {}
    entries = tomllib.loads((DATA / "notebooks.toml").read_text(encoding="utf-8"))["notebook"]
    for entry in entries:
        own = measured.get(entry["name"], {})
        trained = [measured.get(f"recipe-{r}", {}) for r in entry.get("trained_before", ())]
        parts = [part.get("first") for part in (own, *trained)]
        entry["measured_seconds"], entry["later_seconds"] = own.get("first"), own.get("later")
        entry["first_seconds"] = None if None in parts else sum(parts)
    return entries


def lecture_map(folder: str = "") -> str:
    """One table a lecture: topic, and the notebook section that treats it or the notebook that will.

    Args:
        folder: stands before the notebooks' file names in links: "notebooks/" in README, nothing in a notebook.
    """
    names = {entry["name"][:2]: entry["name"] for entry in notebooks()}
    parts = []
    for lecture in lectures():
        covered = sum(bool(topic["section"]) for topic in lecture["topics"])
        rows = ["| topic | | where |", "|---|---|---|"]
        for topic in lecture["topics"]:
            where = f"*not covered yet (planned for {topic['notebook']})*"
            if topic["section"]:
                name, anchor = names[topic["notebook"]], topic["section"].replace(" ", "-")
                where = f"[{topic['notebook']} · {topic['section']}]({folder}{name}.ipynb#{anchor})"
            rows.append(f"| {topic['id']} | {topic['title']} | {where} |")
        summary = f"{lecture['id']} · {lecture['title']} — {covered} of {len(lecture['topics'])} topics covered"
        parts.append(
            f"<details><summary><b>{summary}</b></summary>\n\n" + "\n".join(rows) + "\n\n</details>"
        )
    return "\n\n".join(parts)


def time_table(folder: str = "") -> str:
    """Every notebook with the time it took to run from top to bottom on two CPU cores, the first time and later."""
    rows = ["| notebook | first run | later runs |", "|---|--:|--:|"]
    for entry in notebooks():
        times = [
            "not measured yet"
            if entry[f"{run}_seconds"] is None
            else f"{entry[f'{run}_seconds']} s"
            for run in ("first", "later")
        ]
        link = f"[{entry['name'][:2]} · {entry['title']}]({folder}{entry['name']}.ipynb)"
        rows.append(f"| {link} | {' | '.join(times)} |")
    return "\n".join(rows)

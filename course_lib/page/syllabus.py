"""The lecture map and the time table, as markdown, from the course's own records in `data/`."""

import json
import tomllib

from course_lib.machine import ROOT

DATA = ROOT / "data"
RUN_TIMES = DATA / "run_times.json"  # notebook -> seconds, written by `make notebooks`


def lectures() -> list[dict]:
    """Every lecture with its topics: id, title, and the notebook and section that treat it."""
    return tomllib.loads((DATA / "syllabus.toml").read_text(encoding="utf-8"))["lecture"]


def notebooks() -> list[dict]:
    """Every notebook there is: name, title, budget in seconds, measured seconds (None before the first run)."""
    measured = json.loads(RUN_TIMES.read_text(encoding="utf-8")) if RUN_TIMES.exists() else {}
    entries = tomllib.loads((DATA / "notebooks.toml").read_text(encoding="utf-8"))["notebook"]
    return [{**entry, "measured_seconds": measured.get(entry["name"])} for entry in entries]


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
    """Every notebook with the seconds it took to run from top to bottom on two CPU cores, and its budget."""
    rows = ["| notebook | measured | budget |", "|---|--:|--:|"]
    for entry in notebooks():
        seconds = entry["measured_seconds"]
        measured = "not measured yet" if seconds is None else f"{seconds} s"
        link = f"[{entry['name'][:2]} · {entry['title']}]({folder}{entry['name']}.ipynb)"
        rows.append(f"| {link} | {measured} | {entry['budget_seconds']} s |")
    return "\n".join(rows)

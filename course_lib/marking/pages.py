"""Pages about marks: one for each student, one about all for the instructor. HTML that needs nothing but itself."""

import html
from collections import Counter
from collections.abc import Sequence

from course_lib.exercises.assigned import Assignment, title_of
from course_lib.marking.report import Report, Result
from course_lib.page.plots import MUTED, OTHER, SAME

COLOURS = {"right": SAME, "slow": SAME, "not attempted": MUTED, "ungradable": "#7A5195"}
WORDS = {
    "right": "right",
    "slow": "right, but needlessly slow",
    "wrong": "not right yet",
    "crashed": "crashed",
    "not attempted": "not attempted",
    "ungradable": "could not be judged",
}
ORDER = tuple(WORDS)
STYLE = """
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #222; }
body { max-width: 62em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin: 2em 0 .2em; }
.points { font-weight: bold; white-space: nowrap; }
.said { margin: .2em 0; color: #555; }
pre { border-left: 4px solid; padding: .4em .8em; background: #f7f7f7; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.warn { border: 1px solid #D55E00; padding: .5em .8em; }
img { max-width: 100%; }
table { border-collapse: collapse; }
td, th { padding: .3em .8em; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top; }
td.number { text-align: right; white-space: nowrap; }
.bar { display: flex; width: 22em; height: 1.1em; } .bar span { display: block; height: 100%; }
"""
HOW = "Each answer was tried on the inputs of your page and, where it was right there, on others by the same rules."
NO_CAGE = (
    "This was marked without isolation: the program ran as an ordinary process, with limits on time and "
    "memory only."
)


def points(value: float | None) -> str:
    """As they are written: 3, 1.5, a dash where there are none.

    >>> points(3.0), points(1.5), points(None)
    ('3', '1.5', '–')
    """
    return "–" if value is None else f"{value:g}"


def student_page(report: Report, assignment: Assignment) -> str:
    """What a student reads: for each exercise the verdict, the smallest case, the hint, the points."""
    title = f"{assignment.title}: {report.student}"
    head = f"<h1>{_safe(title)}</h1>"
    if report.trouble:
        said = f"Nothing could be marked: {_safe(report.trouble)}."
        return _page(title, f'{head}<p class="warn">{said} Please hand in again.</p>')
    total = points(report.points)
    head += f'<p class="points">{total} of {assignment.points} points</p>'
    if not report.caged:
        head += f'<p class="warn">{NO_CAGE}</p>'
    notes = "".join(f"<li>{_safe(note)}</li>" for note in report.notes)
    head += f"<p>{HOW}</p>"
    rows = "".join(_row(result) for result in report.results)
    table = f"<table><tr><th>exercise</th><th></th><th>points</th></tr>{rows}</table>"
    parts = "".join(_exercise(result) for result in report.results)
    more = f"<h2>Cells that failed</h2><ul>{notes}</ul>" if notes else ""
    return _page(title, head + table + parts + more)


def _row(result: Result) -> str:
    colour = COLOURS.get(result.outcome, OTHER)
    earned = f"{points(result.points)} of {result.most}"
    return (
        f'<tr><td><a href="#{_safe(result.task)}">{_safe(result.task)}</a></td>'
        f'<td style="color:{colour}">{WORDS[result.outcome]}</td><td class="number">{earned}</td></tr>'
    )


def _exercise(result: Result) -> str:
    colour = COLOURS.get(result.outcome, OTHER)
    body = f'<h2 id="{_safe(result.task)}">{_safe(result.task)}</h2>'
    earned = f"{points(result.points)} of {result.most} points"
    body += f'<p class="said">{_safe(result.title.rstrip("."))}. <span class="points">{earned}</span></p>'
    body += f'<pre style="border-color:{colour}">{_safe(result.text)}</pre>'
    if result.remark:
        body += f"<p>{_safe(result.remark)}</p>"
    if result.png:
        alt = f"{result.task}: the case above, drawn"
        body += f'<img alt="{_safe(alt)}" src="data:image/png;base64,{_safe(result.png)}">'
    return body


def summary_page(reports: Sequence[Report], assignment: Assignment) -> str:
    """What an instructor reads: how the class did, which exercises are hard, which mistakes are frequent."""
    marked = [report for report in reports if not report.trouble]
    title = f"{assignment.title}: {len(reports)} submissions"
    body = f"<h1>{_safe(title)}</h1>" + _spread(marked, assignment)
    if any(not report.caged for report in marked):
        body += f'<p class="warn">{NO_CAGE}</p>'
    body += "<h2>Exercises</h2>" + _outcomes(marked, assignment)
    body += "<h2>Frequent mistakes</h2>" + _mistakes(marked)
    troubled = [report for report in reports if report.points is None]
    if troubled:
        rows = "".join(
            f"<tr><td>{_safe(r.student)}</td><td>{_safe(r.trouble or _unjudged(r))}</td></tr>"
            for r in troubled
        )
        body += f"<h2>To be looked at by hand</h2><table>{rows}</table>"
    return _page(title, body)


def _unjudged(report: Report) -> str:
    names = [result.task for result in report.results if result.points is None]
    return f"could not be judged: {', '.join(names)}"


def _spread(marked: Sequence[Report], assignment: Assignment) -> str:
    totals = sorted(report.points for report in marked if report.points is not None)
    if not totals:
        return "<p>None could be marked.</p>"
    middle = totals[len(totals) // 2]
    full = sum(total == assignment.points for total in totals)
    said = f"Half of the class has {points(middle)} of {assignment.points} points or more; {full} have all."
    return f"<p>{said}</p>"


def _outcomes(marked: Sequence[Report], assignment: Assignment) -> str:
    """A bar for each exercise: how many got which outcome."""
    rows = ""
    for i, exercise in enumerate(assignment.exercises):
        counts = Counter(report.results[i].outcome for report in marked)
        bar = "".join(
            f'<span title="{WORDS[o]}: {counts[o]}" style="background:{COLOURS.get(o, OTHER)};'
            f'opacity:{0.5 if o in ("slow", "crashed") else 1};flex:{counts[o]}"></span>'
            for o in ORDER
            if counts[o]
        )
        said = ", ".join(f"{counts[o]} {WORDS[o]}" for o in ORDER if counts[o])
        name = f"<td>{_safe(exercise.task)}<br><small>{_safe(title_of(exercise.task))}</small></td>"
        rows += f'<tr>{name}<td><div class="bar">{bar}</div><small>{said}</small></td></tr>'
    return f"<table>{rows}</table>"


def _mistakes(marked: Sequence[Report]) -> str:
    """The hints by how often they were given, each with one student's picture."""
    found: dict[tuple[str, str], list[Result]] = {}
    for report in marked:
        for result in report.results:
            if result.hint:
                found.setdefault((result.task, result.hint), []).append(result)
    rows = ""
    for (task, hint), results in sorted(found.items(), key=lambda item: -len(item[1])):
        png = next((result.png for result in results if result.png), "")
        alt = f"{task}: a case of this mistake"
        image = (
            f'<img alt="{_safe(alt)}" style="width:26em" src="data:image/png;base64,{_safe(png)}">'
        )
        shown = image if png else ""
        said = f"<b>{_safe(task)}</b>: {_safe(hint)}<br>{shown}"
        rows += f'<tr><td class="number">{len(results)}</td><td>{said}</td></tr>'
    return f"<table>{rows}</table>" if rows else "<p>No known mistake was met.</p>"


def _page(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><title>{_safe(title)}</title><style>{STYLE}</style>'
    rule = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{rule}">'
    return f'<!doctype html><html lang="en"><head>{policy}{head}</head><body>{body}</body></html>\n'


def _safe(text: str) -> str:
    """As text, never as a part of the page."""
    return html.escape(text.encode("utf-8", "replace").decode())

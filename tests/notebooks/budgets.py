"""A pytest plugin for the nbval run: fail when a notebook takes more than twice its budget.

    pytest -p tests.notebooks.budgets --nbval notebooks/*.ipynb

The seconds of a notebook are those of its cells, added up; with xdist they are added up where the reports come in.
What tests.notebooks.controls adds after the last cell is none of them.
"""

from collections import Counter
from pathlib import Path

import pytest

from course_lib.page.syllabus import notebooks
from tests.notebooks.controls import NAME


class Budgets:
    def __init__(self):
        self.seconds = Counter()
        self.budget = {entry["name"]: entry["budget_seconds"] for entry in notebooks()}

    def pytest_runtest_logreport(self, report):
        # the node id lacks the file where it lies outside the project
        file = Path(report.location[0])
        if file.suffix == ".ipynb" and not report.nodeid.endswith(f"::{NAME}"):
            self.seconds[file.stem] += report.duration

    def too_slow(self) -> dict[str, float]:
        return {
            name: s
            for name, s in self.seconds.items()
            if s > 2 * self.budget.get(name, float("inf"))
        }

    def pytest_sessionfinish(self, session):
        if self.too_slow() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        for name, seconds in sorted(self.seconds.items()):
            terminalreporter.write_line(
                f"{name}: {seconds:.0f} s, budget {self.budget.get(name, '-')} s"
            )
        for name, seconds in self.too_slow().items():
            terminalreporter.write_line(
                f"FAILED {name} took {seconds:.0f} s, more than twice its budget of {self.budget[name]} s",
                red=True,
            )


def pytest_configure(config):
    config.pluginmanager.register(Budgets(), "notebook-budgets")

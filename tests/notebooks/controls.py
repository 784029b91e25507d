"""A pytest plugin for the nbval run: after a notebook's last cell, move every control in the same kernel.

    pytest -p tests.notebooks.controls --nbval notebooks/*.ipynb

A slider goes to both of its ends, a list through its options, a check box both ways, and every button is pressed;
what lies on a board is moved towards its corner, and chosen: nothing may fail, each control must change the picture,
and a move must be quick. That a key reaches a control, and
a picture the page, is for the browser test.
"""

import inspect
import os
from collections import defaultdict

import nbformat
from nbval.plugin import IPyNbCell, IPyNbFile

NAME = "controls"
# Nobody has answered anything or chosen a folder, and nothing is kept: inherited by the kernels.
os.environ |= {"COURSE_PROGRESS": os.devnull, "COURSE_FOLDERS": os.devnull}


def move_every_control():
    """Runs in the notebook's kernel, which finds the controls among its live widgets."""
    import statistics
    import time

    from ipywidgets.widgets import widget

    live = list(widget._instances.values())
    views = [w for w in live if type(w).__name__ == "Explorer"]
    boards = [w for w in live if type(w).__name__ == "Board"]
    assert views or boards, "there is nothing to move"
    for board in boards:
        milliseconds = []
        for name, item in board.items.items():
            line = [(x / 2, x / 3) for x in board.size]
            near = [line] if item.start == () else [0.9 * x for x in item.start]
            start = board.values[name]
            for value in () if item.fixed else (near, start):
                started = time.perf_counter()
                board.set(**{name: value})
                milliseconds.append(1000 * (time.perf_counter() - started))
                assert board.error is None, (board.alt, board.values, board.error)
            board.click(name)
            assert board.error is None, (board.alt, name, board.error)
        assert statistics.median(milliseconds or [0]) < 400, (board.alt, milliseconds)
    for view in views:
        milliseconds = []

        def move(what, *arguments, view=view, milliseconds=milliseconds):
            started = time.perf_counter()
            what(*arguments)
            milliseconds.append(1000 * (time.perf_counter() - started))
            assert view.error is None, (view.alt, view.values, view.error)

        for name, control in view.controls.items():
            start, pictures = control.value, {view.png}
            if hasattr(control, "min"):
                ends = [control.min, control.max]
            else:
                ends = [value for _, value in getattr(control, "_options_full", ())] or [not start]
            for value in [*(end for end in ends if end != start), start]:
                move(setattr, control, "value", value)
                pictures.add(view.png)
            assert len(pictures) > 1, f"{name} changes nothing in the picture: {view.alt}"
        for button in view.children[0].children:
            move(button.click)
        assert statistics.median(milliseconds) < 400, (view.alt, milliseconds)
        assert max(milliseconds) < 5000, (view.alt, milliseconds)


def pytest_collection_modifyitems(items):
    for file in {item.parent: None for item in items if isinstance(item.parent, IPyNbFile)}:
        # an assignment has no controls
        if file.path.parent.name == "assignments":
            continue
        last = max(i for i, item in enumerate(items) if item.parent is file)
        code = inspect.getsource(move_every_control) + "\nmove_every_control()"
        options = defaultdict(bool)  # of nbval: nothing is skipped, nothing compared
        number = items[last].cell_num + 1
        cell = nbformat.v4.new_code_cell(code)
        added = IPyNbCell.from_parent(file, name=NAME, cell_num=number, cell=cell, options=options)
        items.insert(last + 1, added)

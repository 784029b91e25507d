"""A control that chooses a folder of one's own, and remembers it for the page.

    photos = own_folder("COURSE_PHOTOS", look=count)
    photos.folder                 # a Path, or None while nothing is chosen

What is chosen is kept in data/own_folders.json, or in what COURSE_FOLDERS names. An environment variable of the
control's name, COURSE_PHOTOS, goes before it.
"""

import asyncio
import contextlib
import html
import io
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets

from course_lib.machine import ROOT
from course_lib.page.plots import OTHER, SAME

SWITCHES = ("COURSE_PHOTOS", "COURSE_VOC", "COURSE_FACES", "COURSE_CLASSES")
MOST = 50  # folders that are offered while one types
WAIT = 0.5  # seconds from the button to the look into the folder: see `_choose_soon`


class OwnFolder(widgets.VBox):
    """A field for the path of a folder, a button that takes it and one that forgets it; made by `own_folder`."""

    def __init__(self, switch: str, look: Callable[[Path], object]):
        self.switch, self.look = switch, look
        self.folder: Path | None = None
        kept = os.environ.get(switch) or _remembered().get(switch) or ""
        self.path = widgets.Combobox(
            value=kept,
            placeholder="~/Pictures",
            description="Folder",
            ensure_option=False,
            layout=widgets.Layout(width="min(100%, 760px)"),
        )
        self.use = widgets.Button(
            description="Use this folder", layout=widgets.Layout(width="auto")
        )
        self.forget = widgets.Button(description="Forget it", layout=widgets.Layout(width="auto"))
        self.message = widgets.HTML()
        self.path.observe(self._offer, names="value")
        self.use.on_click(lambda _: self._choose_soon())
        self.forget.on_click(lambda _: self.choose(""))
        if kept and _absolute(kept).is_dir():
            self.folder = _absolute(kept)
            self.message.value = _said(f"{kept} is used in the cells below.", SAME)
        elif kept:
            self.message.value = _said(f"There is no folder {kept}.", OTHER)
        super().__init__([self.path, widgets.HBox([self.use, self.forget]), self.message])

    def choose(self, path: str) -> None:
        """Take a folder as the button does: look into it, say what was understood, remember it; "" forgets it."""
        self.path.value = path
        if not path.strip():
            self.folder = None
            _remember(self.switch, None)
            self.message.value = _said("Nothing is chosen.", SAME)
            return
        if not _absolute(path).is_dir():
            self.message.value = _said(f"There is no folder {path.strip()}.", OTHER)
            return
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), warnings.catch_warnings(record=True) as noticed:
                warnings.simplefilter("always")
                self.look(_absolute(path))
        except Exception as error:  # whatever is wrong with the folder is told, not thrown
            self.message.value = _said(str(error), OTHER)
            return
        self.folder = _absolute(path)
        _remember(self.switch, str(self.folder))
        lines = [*said.getvalue().splitlines(), *(str(warning.message) for warning in noticed)]
        lines.append("Now run the cells below once more, in order.")
        self.message.value = _said("\n".join(lines), SAME)

    def _choose_soon(self) -> None:
        """Take what was typed, all of it: while the kernel is busy the browser holds keys back, but not the button."""
        self.message.value = _said("Looking into it ...", SAME)
        asyncio.get_running_loop().call_later(WAIT, lambda: self.choose(self.path.value))

    def _offer(self, change: object) -> None:
        """Offer the folders that begin with what was typed."""
        typed = self.path.value
        above, slash, begins = typed.rpartition("/")
        try:
            inside = sorted(
                entry.name
                for entry in os.scandir(_absolute(above + slash if slash else "."))
                if entry.name.startswith(begins) and entry.name[0] != "." and entry.is_dir()
            )
        except OSError:
            inside = []
        self.path.options = [f"{above}{slash}{name}" for name in inside[:MOST]]

    def _repr_mimebundle_(self, **options):
        """The live control; for readers without a kernel a sentence."""
        live = super()._repr_mimebundle_(**options)
        plain = f"A field for the path of a folder of your own ({self.switch}=/path make lab sets it, too)."
        return {**(live[0] if isinstance(live, tuple) else live), "text/plain": plain}


def own_folder(switch: str, look: Callable[[Path], object]) -> OwnFolder:
    """A control for a folder of one's own.

    Args:
        switch: the environment variable that sets it, too, one of `SWITCHES`.
        look: is called with a folder that is there, before it is taken: what it prints is shown; what it raises is
            shown, and the folder refused.
    Returns:
        A widget: `.folder` is what is chosen, or None; `.choose(path)` does what the button does.
    Raises:
        ValueError: another switch.
    """
    if switch not in SWITCHES:
        raise ValueError(f"own_folder: switch must be one of {SWITCHES}, got {switch!r}")
    return OwnFolder(switch, look)


def _absolute(path: str) -> Path:
    return Path(os.path.expanduser(path.strip())).absolute()


def _said(text: str, colour: str) -> str:
    lines = html.escape(text).replace("\n", "<br>")
    return f'<div role="status" style="color:{colour}">{lines}</div>'


def _file() -> Path:
    return Path(os.environ.get("COURSE_FOLDERS") or ROOT / "data" / "own_folders.json").expanduser()


def _remembered() -> dict[str, str]:
    """Switch -> folder; a file that is missing or broken remembers nothing."""
    try:
        kept = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    pairs = kept.items() if isinstance(kept, dict) else ()
    return {switch: path for switch, path in pairs if isinstance(path, str)}


def _remember(switch: str, path: str | None) -> None:
    """Keep one folder, or forget it; where the file cannot be written, it is known as long as the page runs."""
    kept = {**_remembered(), switch: path}
    with contextlib.suppress(OSError):
        text = json.dumps({s: p for s, p in kept.items() if p}, indent=1)
        _file().parent.mkdir(parents=True, exist_ok=True)
        _file().write_text(text, encoding="utf-8")

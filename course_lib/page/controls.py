"""Controls to move: `explore` redraws one figure from the values of sliders, lists and check boxes.

It is a box of controls over one figure, not ipywidgets' `interact`: it redraws into one image without flicker,
carries a static one for those who only read, and shows its errors. A test can use it like a person:

    >>> from course_lib.page.plots import panels
    >>> view = explore(lambda k: panels()[0], alt="an empty figure", k=(1, 5, 1))
    >>> before = view.png; view.set(k=4); view.png == before, view.error is None
    (True, True)
"""

import html
import inspect
import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real

import ipywidgets as widgets
from matplotlib.figure import Figure

from course_lib.page.plots import OTHER, check_alt, check_figure, picture_bundle, to_png

# Read aloud by screen readers where the script below does not run.
UNSEEN = "position:absolute;left:-9999px"
# Runs as the box is shown; ipywidgets itself can do neither. In a list, arrows and letters choose: JupyterLab, which
# listens higher up, would move to another cell or insert one ("b"). Its Ctrl+S or Shift+Enter still work there.
# A clicker's keys turn slides and move no slider. The image gets its alternative text.
ON_SHOW = """
const box = this.closest('.widget-vbox'), image = box.querySelector('.widget-image');
box.addEventListener('keydown', event => {
    const turns = document.body.dataset.jpDeckMode && event.key.startsWith('Page');
    const shortcut = event.ctrlKey || event.metaKey || event.altKey || event.key === 'Enter';
    if (turns || event.target.matches('select') && !shortcut) event.stopImmediatePropagation();
    if (turns) box.parentElement.dispatchEvent(new KeyboardEvent('keydown', event));
}, true);
[image.alt, this.nextElementSibling.hidden] = [this.nextElementSibling.textContent, true];
"""


class Explorer(widgets.VBox):
    """Controls over one figure; made by `explore`."""

    def __init__(
        self,
        draw: Callable[..., Figure],
        alt: str,
        controls: dict[str, widgets.Widget],
        presets: dict,
        play: str | None,
    ):
        self.draw, self.alt, self.controls = draw, alt, controls
        self.error: Exception | None = None
        self.start, self.busy = self.values, False
        # A drawing that fails at once fails the cell, like any other code.
        fig = self._drawn()
        self.png = self.first_png = to_png(fig)
        self.width = round(100 * fig.get_figwidth())
        layout = widgets.Layout(width=f"{self.width}px", max_width="100%")
        # No tooltip: it breaks the Image of ipywidgets 8.
        self.image = widgets.Image(value=self.png, format="png", layout=layout)
        self.spoken = widgets.HTML(
            f'<style onload="{html.escape(ON_SHOW)}"></style>'
            f'<span style="{UNSEEN}">At the start: {html.escape(alt)}</span>'
        )
        self.message = widgets.HTML()
        for control in controls.values():
            control.observe(self.redraw, names="value")
        buttons = []
        for name, values in {**presets, "Reset": self.start}.items():
            button = widgets.Button(
                description=name, tooltip=f"{name}: {values}", layout=widgets.Layout(width="auto")
            )
            button.on_click(lambda _, values=values: self.set(**values))
            buttons.append(button)
        rows = {**controls, **({play: _player(controls[play])} if play else {})}
        super().__init__(
            [widgets.HBox(buttons), *rows.values(), self.image, self.spoken, self.message]
        )

    @property
    def values(self) -> dict:
        """The value of every control."""
        return {name: control.value for name, control in self.controls.items()}

    def _drawn(self) -> Figure:
        fig = self.draw(**self.values)
        check_figure(f"explore: what {_name(self.draw)} returns", fig)
        return fig

    def set(self, **values) -> None:
        """Move several controls, then redraw once."""
        if unknown := sorted(set(values) - set(self.controls)):
            raise ValueError(
                f"explore: there is no control {unknown}; there are {sorted(self.controls)}"
            )
        self.busy = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self.busy = False
        self.redraw()

    def redraw(self, change: object = None) -> None:
        """Draw the figure for the controls' values; where that fails, keep the old one and show why."""
        if self.busy:
            return
        try:
            self.png = self.image.value = to_png(self._drawn())
            self.error, self.message.value = None, ""
        # Shown, not swallowed: a callback's traceback would be lost.
        except Exception as error:
            self.error = error
            self.message.value = f'<span style="color:{OTHER}">{html.escape(f"{type(error).__name__}: {error}")}</span>'

    def _repr_mimebundle_(self, **options):
        """The live widget, with its first figure for readers without a kernel."""
        live = super()._repr_mimebundle_(**options)
        still, metadata = picture_bundle(self.first_png, self.alt, self.width)
        return {**live, **still}, metadata


def explore(
    draw: Callable[..., Figure],
    alt: str,
    presets: Mapping[str, dict] | None = None,
    labels: Mapping[str, str] | None = None,
    play: str | None = None,
    **controls,
) -> Explorer:
    """A figure and the controls that redraw it.

    Args:
        draw: a plain function of keyword arguments that returns a Figure; its defaults are where the controls start.
        alt: what one should see in the figure they start with.
        presets: name -> values of some controls; a button each, beside Reset.
        labels: name of a control -> what is written beside it; without one its name.
        play: name of a slider that gets buttons to play, pause and stop, a step a second.
        controls: for each argument of `draw`, (low, high, step) for a slider, a list or a dict (label -> value) for
            a drop-down, True or False for a check box.
    Returns:
        A widget: `.controls[name].value` can be set, `.png` is the figure, `.error` what went wrong last, or None.
    Raises:
        TypeError, ValueError: a control that cannot be made, or that `draw` does not take; a preset without a control;
            a start or a preset that the control cannot take; `draw` returns no Figure.

    Whatever `draw` raises when a control is moved is shown under the figure, which stays as it was.
    """
    check_alt("explore", alt)
    taken = inspect.signature(draw).parameters
    if strangers := set(controls) - set(taken):
        raise ValueError(f"explore: {_name(draw)} takes {list(taken)}, and not {sorted(strangers)}")
    preset = {name for values in (presets or {}).values() for name in values}
    for what, named in (("a preset sets", preset), ("a label names", set(labels or {}))):
        if strangers := sorted(named - set(controls)):
            raise ValueError(f"explore: {what} {strangers}, the controls are {sorted(controls)}")
    if lacking := [n for n, p in taken.items() if _is_required(p) and n not in controls]:
        raise ValueError(
            f"explore: {_name(draw)} needs {lacking}, the controls are {sorted(controls)}"
        )
    made = {}
    for name, what in controls.items():
        default = taken[name].default
        made[name] = _control(name, what, None if default is inspect.Parameter.empty else default)
        made[name].description = (labels or {}).get(name, name.replace("_", " "))
    for label, values in (presets or {}).items():
        for name, value in values.items():
            _check_value(f"explore: preset {label!r} sets {name} to", made[name], value)
    if play is not None and not isinstance(made.get(play), widgets.IntSlider):
        raise ValueError(f"explore: play must name a slider of whole numbers, got {play!r}")
    return Explorer(draw, alt, made, dict(presets or {}), play)


def _player(slider: widgets.IntSlider) -> widgets.HBox:
    """A slider, and buttons that move it a step a second, in the browser: a figure that is late is left out."""
    buttons = widgets.Play(
        value=slider.value,
        min=slider.min,
        max=slider.max,
        step=slider.step,
        interval=1000,
        show_repeat=False,
        layout=widgets.Layout(width="auto"),
    )
    row = widgets.HBox([slider, buttons])
    # A link lives as long as somebody holds it.
    row.link = widgets.jslink((buttons, "value"), (slider, "value"))
    return row


def _control(name: str, what: object, start: object) -> widgets.Widget:
    """The control for one argument: check box, slider or drop-down; `start` is its first value, if not None."""
    look = {"style": {"description_width": "10em"}}
    look["layout"] = widgets.Layout(width="min(100%, 520px)")
    begins = f"explore: {name} starts at"
    if isinstance(what, bool):
        control = widgets.Checkbox(value=what, indent=True, **look)
        return _set(begins, control, start)
    if isinstance(what, list | dict) and len(what) > 0:
        options = list(what.items()) if isinstance(what, dict) else what
        control = widgets.Dropdown(options=options, **look)
        return _set(begins, control, start)
    if isinstance(what, tuple) and len(what) == 3 and all(isinstance(v, int | float) for v in what):
        low, high, step = what
        if not (-math.inf < low < high < math.inf and step > 0):
            raise ValueError(
                f"explore: {name} must be (low, high, step) with low < high and step > 0, got {what}"
            )
        whole = all(isinstance(v, int) for v in what)
        middle = low + (high - low) / step // 2 * step
        slider = widgets.IntSlider if whole else widgets.FloatSlider
        look |= {} if whole else {"readout_format": ".3g"}
        middle = int(middle) if whole else middle
        control = slider(value=middle, min=low, max=high, step=step, **look)
        return _set(begins, control, start)
    raise TypeError(
        f"explore: {name} must be (low, high, step), a list, a dict, True or False, got {what!r}"
    )


def _set(begins: str, control: widgets.Widget, start: object) -> widgets.Widget:
    """The control, moved to where it starts."""
    if start is not None:
        _check_value(begins, control, start)
        control.value = start
    return control


def _check_value(begins: str, control: widgets.Widget, value: object) -> None:
    """Raise ValueError unless the control can have this value: a slider would take the nearest, without a word."""
    if isinstance(control, widgets.IntSlider | widgets.FloatSlider):
        kind = Integral if isinstance(control, widgets.IntSlider) else Real
        fits = isinstance(value, kind) and control.min <= value <= control.max
        can = f"{control.min}..{control.max}"
    elif isinstance(control, widgets.Checkbox):
        fits, can = isinstance(value, bool), "True or False"
    else:
        values = [value for _, value in control._options_full]
        fits, can = any(value is v or value == v for v in values), f"one of {values}"
    if not fits:
        raise ValueError(f"{begins} {value!r}, and can be {can}")


def _is_required(parameter: inspect.Parameter) -> bool:
    named = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return named and parameter.default is parameter.empty


def _name(draw: Callable) -> str:
    return getattr(draw, "__name__", type(draw).__name__)

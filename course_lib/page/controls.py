"""Controls to move: `explore` redraws one picture from the values of sliders, lists and check boxes.

It is a box of controls over one picture, not ipywidgets' `interact`: it redraws into one image without flicker,
carries a static picture for those who only read, and shows its errors. A test can use it like a person:

    >>> from course_lib.page.plots import panels
    >>> view = explore(lambda k: panels()[0], alt="an empty figure", k=(1, 5, 1))
    >>> before = view.png; view.set(k=4); view.png == before, view.error is None
    (True, True)
"""

import base64
import html
import inspect
from collections.abc import Callable, Mapping

import ipywidgets as widgets
from matplotlib.figure import Figure

from course_lib.page.plots import to_png

GOOD, BAD = "#0072B2", "#D55E00"
UNSEEN = "position:absolute;left:-9999px"  # read aloud by screen readers, which find no text on an Image widget


def picture_bundle(png: bytes, alt: str, width: int) -> tuple[dict, dict]:
    """A picture as Jupyter displays it, and its metadata: shown `width` pixels wide."""
    data = {"image/png": base64.b64encode(png).decode(), "text/plain": f"Figure: {alt}"}
    return data, {"image/png": {"width": width, "alt": alt}}


class Explorer(widgets.VBox):
    """Controls over one picture; made by `explore`."""

    def __init__(
        self,
        draw: Callable[..., Figure],
        alt: str,
        controls: dict[str, widgets.Widget],
        presets: dict,
    ):
        self.draw, self.alt, self.controls = draw, alt, controls
        self.error: Exception | None = None
        self.start = self.values
        self.busy = False
        fig = draw(
            **self.values
        )  # a drawing that fails at once fails the cell, like any other code
        self.png = self.first_png = to_png(fig)
        self.width = round(100 * fig.get_figwidth())
        layout = widgets.Layout(width=f"{self.width}px", max_width="100%")
        self.image = widgets.Image(
            value=self.png, format="png", layout=layout
        )  # a tooltip breaks ipywidgets 8's Image
        self.spoken = widgets.HTML(
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
        super().__init__(
            [widgets.HBox(buttons), *controls.values(), self.image, self.spoken, self.message]
        )

    @property
    def values(self) -> dict:
        """The value of every control."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values) -> None:
        """Move several controls, then redraw once."""
        self.busy = True
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self.busy = False
        self.redraw()

    def redraw(self, change: object = None) -> None:
        """Draw the picture for the controls' values; where that fails, keep the old picture and say why."""
        if self.busy:
            return
        try:
            self.png = self.image.value = to_png(self.draw(**self.values))
            self.error, self.message.value = None, ""
        except Exception as error:  # shown, not swallowed: a callback's traceback would be lost
            self.error = error
            self.message.value = f'<span style="color:{BAD}">{html.escape(f"{type(error).__name__}: {error}")}</span>'

    def _repr_mimebundle_(self, **options):
        """The live widget, with its first picture for readers without a kernel."""
        live = super()._repr_mimebundle_(**options)
        still, metadata = picture_bundle(self.first_png, self.alt, self.width)
        return {**live, **still}, metadata


def explore(
    draw: Callable[..., Figure], alt: str, presets: Mapping[str, dict] | None = None, **controls
) -> Explorer:
    """A picture and the controls that redraw it.

    Args:
        draw: a plain function of keyword arguments that returns a Figure; its defaults are where the controls start.
        alt: what one should see in the picture they start with.
        presets: name -> values of some controls; a button each, beside Reset.
        controls: for each argument of `draw`, (low, high, step) for a slider, a list or a dict (label -> value) for
            a drop-down, True or False for a check box.
    Returns:
        A widget: `.controls[name].value` can be set, `.png` is the picture, `.error` what went wrong last, or None.
    Raises:
        TypeError, ValueError: a control that cannot be made, or that `draw` does not take; a preset without a control.

    Whatever `draw` raises when a control is moved is shown under the picture, which stays as it was.
    """
    taken = inspect.signature(draw).parameters
    if strangers := set(controls) - set(taken):
        raise ValueError(
            f"explore: {draw.__name__} takes {list(taken)}, and not {sorted(strangers)}"
        )
    if strangers := {name for values in (presets or {}).values() for name in values} - set(
        controls
    ):
        raise ValueError(
            f"explore: a preset sets {sorted(strangers)}, the controls are {sorted(controls)}"
        )
    if not alt.strip():
        raise ValueError(
            "explore: alt must say what one should see in the picture, got an empty text"
        )
    made = {}
    for name, what in controls.items():
        default = taken[name].default
        made[name] = make_control(
            name, what, None if default is inspect.Parameter.empty else default
        )
    return Explorer(draw, alt, made, dict(presets or {}))


def make_control(name: str, what: object, start: object) -> widgets.Widget:
    """The control for one argument: check box, slider or drop-down; `start` is its first value, if not None."""
    look = {"description": name.replace("_", " "), "style": {"description_width": "10em"}}
    look["layout"] = widgets.Layout(width="min(100%, 520px)")
    if isinstance(what, bool):
        return widgets.Checkbox(value=what if start is None else start, indent=True, **look)
    if isinstance(what, list | dict) and len(what) > 0:
        values = list(what.values()) if isinstance(what, dict) else what
        options = list(what.items()) if isinstance(what, dict) else what
        return widgets.Dropdown(
            options=options, value=values[0] if start is None else start, **look
        )
    if isinstance(what, tuple) and len(what) == 3 and all(isinstance(v, int | float) for v in what):
        low, high, step = what
        if not (low < high and step > 0):
            raise ValueError(
                f"explore: {name} must be (low, high, step) with low < high and step > 0, got {what}"
            )
        whole = all(isinstance(v, int) for v in what)
        start = low + (high - low) / step // 2 * step if start is None else start
        kind = widgets.IntSlider if whole else widgets.FloatSlider
        shown = {} if whole else {"readout_format": ".3g"}
        return kind(
            value=int(start) if whole else start, min=low, max=high, step=step, **look, **shown
        )
    raise TypeError(
        f"explore: {name} must be (low, high, step), a list, a dict, True or False, got {what!r}"
    )

"""A question before a result: the reader commits to an answer, then reads why.

predict("What is 1 + 1?", ["1", "2"], answer=1, why=["That is one of them.", "Two."], name="00.sum")
"""

import html
import re
from collections.abc import Sequence

import ipywidgets as widgets

from course_lib.page.plots import OTHER, SAME
from course_lib.page.progress import remember

# Keys choose an option and press the button: JupyterLab, which listens higher up, would take them for shortcuts.
# A clicker's keys go on to it.
KEEP_KEYS = """
const box = this.closest('.widget-vbox');
box.onkeydown = event => {
    const shortcut = event.ctrlKey || event.metaKey || event.shiftKey || event.key.startsWith('Page');
    if (event.target.matches('input, button') && !shortcut) event.stopPropagation();
};
"""


class Prediction(widgets.VBox):
    """A question with its options; made by `predict`. A test can answer it like a reader: choose, then commit."""

    def __init__(self, question: str, options: list[str], answer: int, why: list[str], name: str):
        self.question, self.options, self.answer, self.why = question, options, answer, why
        self.name = name
        self.outcome: str | None = None
        asked = widgets.HTML(
            f'<style onload="{html.escape(KEEP_KEYS)}"></style><b>Predict.</b> {_escaped(question)}'
        )
        # No option is chosen at first: an answer is the reader's own.
        self.radio = widgets.RadioButtons(
            options=[(text, i) for i, text in enumerate(options)],
            index=None,
            layout=widgets.Layout(width="auto"),
        )
        self.button = widgets.Button(
            description="Commit", disabled=True, layout=widgets.Layout(width="auto")
        )
        self.again = widgets.Button(
            description="Ask me again", layout=widgets.Layout(width="auto", display="none")
        )
        self.message = widgets.HTML()
        self.radio.observe(self._chosen, names="index")
        self.button.on_click(lambda _: self.commit())
        self.again.on_click(lambda _: self.reset())
        buttons = widgets.HBox([self.button, self.again])
        layout = widgets.Layout(border_left=f"4px solid {SAME}", padding="2px 0 2px 12px")
        super().__init__([asked, self.radio, buttons, self.message], layout=layout)

    def _chosen(self, change: object) -> None:
        self.button.disabled = self.radio.index is None

    def choose(self, option: int) -> None:
        """Mark an option, as a click does."""
        self.radio.index = option

    def commit(self) -> None:
        """Take the chosen answer, freeze the options, and show why; nothing is chosen: nothing happens."""
        chosen = self.radio.index
        if chosen is None or self.outcome is not None:
            return
        self.outcome = "right" if chosen == self.answer else "wrong"
        self.radio.disabled = self.button.disabled = True
        self.again.layout.display = ""
        self.message.value = self._explanation(chosen)
        remember(
            "predict",
            self.name,
            self.outcome,
            chosen=chosen,
            question=self.question,
            options=self.options,
            answer=self.answer,
            why=self.why,
        )

    def _explanation(self, chosen: int) -> str:
        right = chosen == self.answer
        word, colour = ("Right.", SAME) if right else ("Not this one.", OTHER)
        lines = [f'<b style="color:{colour}">{word}</b> {_escaped(self.why[chosen])}']
        if not right:
            better = _escaped(self.options[self.answer])
            lines.append(f'<b style="color:{SAME}">{better}:</b> {_escaped(self.why[self.answer])}')
        # Screen readers say it as it appears.
        return '<div role="status">' + "<br>".join(lines) + "</div>"

    def reset(self) -> None:
        """Ask again, as at the start; what was answered stays in the record."""
        self.outcome, self.message.value = None, ""
        self.again.layout.display = "none"
        self.radio.disabled = False
        self.radio.index = None

    def _repr_mimebundle_(self, **options):
        """The live widget; for readers without a kernel the question and its options, not the answer."""
        live = super()._repr_mimebundle_(**options)
        letters = [f"({chr(97 + i)}) {text}" for i, text in enumerate(self.options)]
        plain = "\n".join([f"Predict: {self.question}", *(f"  {line}" for line in letters)])
        items = "".join(f"<li>{_escaped(text)}</li>" for text in self.options)
        page = f'<b>Predict.</b> {_escaped(self.question)}<ol type="a">{items}</ol>'
        return {
            **(live[0] if isinstance(live, tuple) else live),
            "text/plain": plain,
            "text/html": page,
        }


def predict(
    question: str, options: Sequence[str], answer: int, why: Sequence[str], name: str
) -> Prediction:
    """A question the reader answers before the result is shown.

    Args:
        question: one sentence or two.
        options: two or more answers; the wrong ones are misconceptions that people have.
        answer: which of them is right, counted from 0.
        why: for each option one line: what is true in it, and what tempts.
        name: page and question, as "08.touching_cars"; the reader's answer is kept under it.
    Returns:
        A widget: `.choose(i)` and `.commit()` answer it, `.outcome` is "right", "wrong" or None.
    Raises:
        TypeError, ValueError: a text that is none or is empty; fewer than two options; as many reasons as options are
            wanting; an answer that is no option; another form of name.
    """
    for what, value in {"question": question, "name": name}.items():
        _check_text(what, value)
    options, why = _texts("options", options), _texts("why", why)
    if len(options) < 2 or len(set(options)) < len(options):
        raise ValueError(f"predict: options must be two or more, all different, got {options}")
    if len(why) != len(options):
        raise ValueError(
            f"predict: why must have a line for each of {len(options)} options, got {len(why)}"
        )
    if isinstance(answer, bool) or not isinstance(answer, int):
        raise TypeError(f"predict: answer must be an int, got {type(answer).__name__}")
    if not 0 <= answer < len(options):
        raise ValueError(f"predict: answer must be 0..{len(options) - 1}, got {answer}")
    if not re.fullmatch(r"\d\d\.[a-z0-9_]+", name):
        raise ValueError(f"predict: name must be as '08.touching_cars', got {name!r}")
    return Prediction(question, options, answer, why, name)


def _texts(what: str, values: Sequence[str]) -> list[str]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"predict: {what} must be a list of texts, got {type(values).__name__}")
    for value in values:
        _check_text(what, value)
    return list(values)


def _check_text(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"predict: {what} must be text, got {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"predict: {what} must say something, got an empty text")


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)

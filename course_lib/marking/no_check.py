"""The check of an assignment as it is where a submission is marked: it says nothing, for the marker judges."""


def checker(*_, **__):
    """-> a `check` that does nothing"""

    def check(name: str, answer: object) -> None:
        """Nothing: what is judged here is judged outside."""

    return check


def images_to_train(*_) -> None:
    """Nothing: no cell that shows images runs here."""


def images_to_validate(*_) -> None:
    """Nothing: no cell that shows images runs here."""

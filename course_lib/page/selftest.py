"""A self-test for when something does not work: what is installed, what the machine has, whether widgets answer."""

import platform
import re
import sys
import time
from importlib.metadata import PackageNotFoundError, version

from course_lib.machine import ROOT

PACKAGES = [
    "torch",
    "torchvision",
    "numpy",
    "matplotlib",
    "scikit-learn",
    "ipywidgets",
    "jupyterlab",
    "umap-learn",
]
LOCK = ROOT / "requirements.txt"


def self_test() -> list[tuple[str, str, str]]:
    """Look at Python, packages, processor, arithmetic and widgets.

    Returns:
        Rows (what, its version or value, "ok" or what to do), with a head row.
    """
    rows = [("what", "found", "verdict")]
    rows.append(
        (
            "Python",
            platform.python_version(),
            "ok"
            if sys.version_info >= (3, 11)
            else "3.11 or newer is needed: `make lab PYTHON=python3.12`",
        )
    )
    rows += [(name, *_check_package(name)) for name in PACKAGES]
    try:
        rows += _check_torch()
    except Exception as error:  # a broken torch must not hide the other rows
        rows.append(
            ("torch", f"{type(error).__name__}: {error}", "run `make clean`, then `make lab`")
        )
    rows.append(("controls", *_check_controls()))
    return rows


def _locked_versions(package: str) -> list[str]:
    """The versions of a package that the lock allows (they may differ by Python version)."""
    return re.findall(
        rf"^{re.escape(package)}==(\S+)", LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE
    )


def _check_package(package: str) -> tuple[str, str]:
    try:
        installed = version(package)
    except PackageNotFoundError:
        return "missing", "run `make lab`, which installs what is missing"
    allowed = _locked_versions(package)
    fits = installed.partition("+")[0] in allowed
    return installed, "ok" if fits else (
        f"tested with {' or '.join(allowed)}: run `make clean`, then `make lab`"
    )


def _check_torch() -> list[tuple[str, str, str]]:
    import torch
    import torchvision

    started = time.perf_counter()
    product = torch.ones(1000, 1000) @ torch.ones(1000, 1000)
    milliseconds = 1000 * (time.perf_counter() - started)
    kept = torchvision.ops.nms(
        torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5
    ).tolist()
    gpu = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else "none: the course does not need one"
    )
    return [
        ("GPU", gpu, "ok"),
        ("threads", str(torch.get_num_threads()), "ok"),
        (
            "a matrix product",
            f"{milliseconds:.0f} ms",
            "ok" if product[0, 0] == 1000 else "wrong result: run `make clean`, then `make lab`",
        ),
        (
            "torch and torchvision",
            "work together",
            "ok" if kept == [0] else "do not fit: run `make clean`, `make lab`",
        ),
    ]


def _check_controls() -> tuple[str, str]:
    """Move a slider as a person would, and see whether the picture changes."""
    from course_lib.page.controls import explore
    from course_lib.page.plots import panels

    def draw(width: int):
        fig, (ax,) = panels()
        ax.barh(["width"], [width])
        return fig

    view = explore(draw, alt="a bar", width=(1, 9, 1))
    before = view.png
    view.controls["width"].value = 9
    moved = view.png != before and view.error is None
    return ("a slider redraws its picture" if moved else "a slider does not redraw its picture"), (
        "ok"
        if moved
        else "run `make clean`, then `make lab`; if a slider is not shown at all, reload the page"
    )

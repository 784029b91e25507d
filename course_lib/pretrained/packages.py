"""Where the weights lie that come as packages; nothing of such a package is imported."""

from importlib.util import find_spec
from pathlib import Path


def file_of(where: str, package: str, file: str, advice: str) -> Path:
    """The path of a file in an installed package.

    Args:
        where: who needs it, for the message.
        package: its name in Python.
        file: its path inside the package.
        advice: what to do where it is missing.
    Raises:
        ModuleNotFoundError: no such package, or another version of it, without the file.
    """
    spec = find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    paths = [path for folder in folders if (path := Path(folder, file)).exists()]
    if not paths:
        raise ModuleNotFoundError(f"{where}: {package}/{file} is not installed: {advice}")
    return paths[0]

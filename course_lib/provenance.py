"""What a result depends on."""

import ast
from pathlib import Path

from course_lib.machine import ROOT


def library_used_by(source: Path) -> list[Path]:
    """A Python file and every module of the library that it reaches by imports, each once, in order of their names."""
    found, waiting = set(), [source]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_lib"):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                modules = [ROOT / (name.replace(".", "/") + ".py") for name in names]
                waiting += [module for module in modules if module.exists()]
    return sorted(found)

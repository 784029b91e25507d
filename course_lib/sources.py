"""What code says without its layout: compiled functions, the library's files, the versions of packages."""

import ast
import dis
import functools
import inspect
import itertools
import os
import re
import sys
import types
from bisect import bisect_left
from importlib import metadata, util
from pathlib import Path

from course_lib.cache import fingerprint
from course_lib.machine import ROOT

MISSING = object()  # what a name stands for that nobody has defined yet


@functools.cache
def _installed(root: str) -> str | None:
    """The version of an installed package, or Python's; None for code of one's own: a cell, a file beside it."""
    python = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    if root in sys.builtin_module_names:
        return python
    try:
        spec = util.find_spec(root) if root not in ("__main__", "course_lib") else None
    except (ValueError, ImportError):
        return None
    if spec is None:
        return None
    where = Path([*(spec.submodule_search_locations or ()), spec.origin or "."][0])
    if {"site-packages", "dist-packages"}.isdisjoint(where.parts):
        if str(where) == "frozen" or Path(os.__file__).parent in where.parents:
            return python
    for name in (root, *_distributions().get(root, ())):
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        # What is installed to be edited lies elsewhere: it is one's own.
        if Path(package.locate_file(where.name)).resolve() == where.resolve():
            return package.version
    return None


_distributions = functools.cache(metadata.packages_distributions)


def version_of(module: object) -> str | None:
    return _installed(module.split(".")[0]) if isinstance(module, str) else None


def address_of(thing: object) -> str | None:
    """Where a function or class is found by its name: "torch.nn.functional.relu"; None where that finds another."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    found = sys.modules.get(module)
    for part in str(name).split("."):
        found = getattr(found, part, None)
    return f"{module}.{name}" if name and found is thing else None


def wrapped_by_packages(thing: object) -> types.FunctionType | None:
    """The function inside a package's wrappers; None where a layer is no package's, or there is none.

    Importing torch._dynamo, as an optimizer does, puts a wrapper around torch.manual_seed: it is the same as before.
    """
    while isinstance(thing, types.FunctionType) and version_of(thing.__globals__.get("__name__")):
        if not hasattr(thing, "__wrapped__"):
            return thing
        thing = thing.__wrapped__
    return None


def _instructions(code: types.CodeType) -> list[dis.Instruction]:
    """What a code does, without placeholders and the names, docstrings and line numbers of classes."""
    every = [
        x for x in dis.get_instructions(code) if x.opname not in ("NOP", "CACHE", "EXTENDED_ARG")
    ]
    labels = ("__doc__", "__module__", "__qualname__", "__firstlineno__", "__static_attributes__")
    left = {
        j
        for i, x in enumerate(every)
        if x.opname == "STORE_NAME" and x.argval in labels and "LOAD" in every[i - 1].opname
        for j in (i - 1, i)
    }
    return [x for i, x in enumerate(every) if i not in left]


@functools.cache
def code_text(code: types.CodeType) -> str:
    """A fingerprint of what a code does, whatever its file, its lines and its comments."""
    every, jumps = _instructions(code), {*dis.hasjrel, *dis.hasjabs}
    offsets = [x.offset for x in every]
    parts = []
    for x in every:
        if x.opname == "KW_NAMES":
            # Python 3.11 does not look them up.
            value = code.co_consts[x.arg]
        elif isinstance(x.argval, types.CodeType):
            value = code_text(x.argval)
        elif x.opcode in jumps:
            # To which instruction, not to which byte.
            value = bisect_left(offsets, x.argval)
        else:
            value = x.argval if x.opcode in dis.hasconst else x.argrepr or x.arg
        parts.append((x.opname, value))
    handlers = [
        (*(bisect_left(offsets, at) for at in (e.start, e.end, e.target)), e.depth, e.lasti)
        for e in dis.Bytecode(code).exception_entries
    ]
    sizes = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    kinds = code.co_flags & (
        inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_GENERATOR | inspect.CO_COROUTINE
    )
    return fingerprint(parts, handlers, sizes, kinds, code.co_varnames, code.co_freevars)


@functools.cache
def code_names(code: types.CodeType) -> list[tuple]:
    """The globals that a code and the codes in it name, as ("F", "relu"), and its imports: (level, name, wanted)."""
    every, found = _instructions(code), set()
    for i, x in enumerate(every):
        if x.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            more = itertools.takewhile(
                lambda y: y.opname in ("LOAD_ATTR", "LOAD_METHOD"), every[i + 1 :]
            )
            found.add((x.argval, *(y.argval for y in more)))
        elif x.opname == "IMPORT_NAME":
            found.add((every[i - 2].argval, x.argval, every[i - 1].argval))
        elif isinstance(x.argval, types.CodeType):
            found.update(code_names(x.argval))
    return sorted(found, key=repr)


def closure_of(function: types.FunctionType) -> dict[str, object]:
    """The variables of the functions around it that a function uses, by name."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            found[name] = MISSING
    return found


def files_of(module: str) -> list[Path]:
    """The files that importing a module of the library runs: its own and those of the packages above it."""
    parts = module.split(".")
    places = [ROOT.joinpath(*parts[:n]) for n in range(1, len(parts) + 1)]
    files = [file for place in places for file in (place / "__init__.py", place.with_suffix(".py"))]
    return [file for file in files if file.exists()]


@functools.cache
def _parsed(path: Path, modified: int, size: int) -> tuple[str, set[str]]:
    """A file without docstrings and comments, and the names of the library's modules that it imports."""
    tree, imports = ast.parse(path.read_bytes()), set()
    package = ".".join(path.relative_to(ROOT).parent.parts) if ROOT in path.parents else None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (package or not node.level):
            base = util.resolve_name("." * node.level + (node.module or ""), package)
            imports.update((base, *(f"{base}.{alias.name}" for alias in node.names)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # A table of what is imported when it is asked for: "course_lib.data.drawn:faces".
            imports.update(re.findall(r"^(course_lib[.\w]*)(?::\w+)?$", node.value))
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree), {name for name in imports if name.split(".")[0] == "course_lib"}


def _read(path: Path) -> tuple[str, set[str]]:
    state = path.stat()
    return _parsed(path, state.st_mtime_ns, state.st_size)


def bare_source(path: Path) -> str:
    """What a Python file does: its syntax tree without docstrings, comments and layout."""
    return _read(path)[0]


def library_used_by(source: Path) -> list[Path]:
    """A Python file and every file of the library that it reaches by imports, each once, in order of their names.

    Imports inside functions count, and so do the packages' `__init__` files on the way.
    """
    found, waiting = set(), [Path(source)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [file for name in _read(path)[1] for file in files_of(name)]
    return sorted(found)

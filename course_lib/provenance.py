"""What a result depends on, found from the function that makes it.

`depends_on(train)` is a plain structure for `fingerprint`. It holds what runs: the compiled code of `train` (which
knows no comments, docstrings and blank lines), its defaults, closure and attributes, and the live value of every
global that it names, at any depth: numbers and tensors by value; functions, classes and models in the same way as
`train` itself. Of the library it also holds the files reached by imports; of an installed package, the version.

What is looked up by a text cannot be seen: getattr(thing, name) counts as the whole `thing`, and eval is refused.
"""

import copyreg
import functools
import importlib
import sys
import types
from collections import ChainMap
from collections.abc import Iterator
from importlib import util
from pathlib import Path, PurePath

import numpy as np
import torch
from torch import Tensor, nn

from course_lib import sources
from course_lib.cache import fingerprint
from course_lib.machine import ROOT

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
# Packages whose objects are no more than their pickled state; a Figure or a widget is more.
_STATE_IS_ALL = {"torch", "torchvision", "numpy", "scipy", "sklearn", "PIL"}
_SEES_EVERYTHING = (eval, exec, globals, __import__)
_CARRIERS = {
    property: ("fget", "fset", "fdel"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    functools.cached_property: ("func",),
    type(functools.cache(len)): ("__wrapped__",),
}
# Attributes of a class that Python makes by itself: names, line numbers, tables of what the methods say already.
_AUTOMATIC = set(
    "__module__ __qualname__ __doc__ __dict__ __weakref__ __annotations__ __annotate__ __annotate_func__ "
    "__annotations_cache__ __firstlineno__ __static_attributes__ __dataclass_fields__ __dataclass_params__ "
    "__slotnames__ __abstractmethods__ _abc_impl __parameters__ __orig_bases__ _backward_cls".split()
)


def depends_on(*things: object) -> tuple:
    """Everything that determines what functions (or models, or other values) do, for `fingerprint`.

    Args:
        things: functions, classes, modules, models, plain values; containers of such.
    Returns:
        What each of them is; the library files that they reach, without docstrings and comments.
    Raises:
        TypeError: the value of something that they name cannot be told: an open file, a lock, a figure, an iterator.

    The order of a dict counts: a loop over it goes that way. Device and gradients of a tensor do not. The structure
    holds tensors, not copies of them: take its fingerprint before anything is trained.

    >>> def trainer(margin):
    ...     return lambda x: (x - margin).relu()
    >>> keys = [fingerprint(depends_on(trainer(margin))) for margin in (0.5, 0.5, 0.6)]
    >>> keys[0] == keys[1], keys[0] == keys[2]
    (True, False)
    """
    walk = _Walk()
    told = [walk.tell(x, (getattr(x, "__name__", type(x).__name__),), True) for x in things]
    files = sorted({path for start in walk.files for path in sources.library_used_by(start)})
    return told, {path.relative_to(ROOT).as_posix(): sources.bare_source(path) for path in files}


class _Walk:
    """One walk over all that some things name; each function, model, list... is entered once, then counts by number.

    A `chain` is how something was reached: ("train()", "settings", "['log']"). What a module of the library holds is
    made by its files, so that its value may be untold (not `strict`).
    """

    def __init__(self):
        # id -> number, and the thing itself: an id is good for as long as it lives.
        self.seen: dict[int, tuple[int, object]] = {}
        self.files: set[Path] = set()

    def tell(self, thing: object, chain: tuple[str, ...], strict: bool) -> object:
        """A plain structure that says what a thing is."""
        kind = type(thing)
        if kind in _PLAIN:
            return thing
        if thing is sources.MISSING:
            return ("missing",)
        if strict and any(thing is x for x in _SEES_EVERYTHING):
            return self.refuse(thing, chain, strict)
        if kind is tuple:
            return "tuple", self.each(enumerate(thing), chain, strict)
        if id(thing) in self.seen:
            return "again", self.seen[id(thing)][0]
        self.seen[id(thing)] = len(self.seen), thing
        if kind is list:
            return "list", self.each(enumerate(thing), chain, strict)
        if kind is dict:
            return "dict", self.pairs(thing, chain, strict)
        if kind in (set, frozenset):
            items = sorted(thing, key=lambda x: fingerprint(_Walk().tell(x, chain, strict)))
            return kind.__name__, self.each(enumerate(items), chain, strict)
        if isinstance(thing, Tensor):
            if kind not in (Tensor, nn.Parameter) or thing.is_meta or thing.is_quantized:
                return self.refuse(thing, chain, strict)
            return kind.__name__, thing.requires_grad, thing.detach()
        if kind is np.ndarray and not thing.dtype.hasobject:
            return "array", thing
        if kind is torch.Generator:
            return "generator", str(thing.device), thing.get_state()
        if kind in _CARRIERS:
            parts = {name: getattr(thing, name) for name in _CARRIERS[kind]}
            return kind.__name__, self.pairs(parts, chain, strict)
        if isinstance(thing, types.ModuleType):
            return self.module(thing, chain)
        home = getattr(thing, "__module__", None)
        # types.CodeType calls itself builtins.code, where nothing is found.
        by_name = f"{home}.{thing.__qualname__}" if isinstance(thing, type) else None
        if (address := sources.address_of(thing) or by_name) and (
            version := sources.version_of(home)
        ):
            return "of a package", address, version
        if kind is types.FunctionType:
            return self.function(thing, chain)
        if isinstance(thing, type):
            return self.type(thing, chain)
        return self.state(thing, chain, strict)

    def each(self, items: Iterator, chain: tuple[str, ...], strict: bool) -> list:
        return [self.tell(x, (*chain, f"[{i}]"), strict) for i, x in items]

    def pairs(self, items: dict, chain: tuple[str, ...], strict: bool, dot: bool = False) -> list:
        told = []
        for key, value in items.items():
            place = (*chain, f".{key}" if dot else f"[{key!r}]" if type(key) in _PLAIN else "[...]")
            told += [self.tell(key, (*place, " (a key)"), strict), self.tell(value, place, strict)]
        return told

    def library(self, name: str | None) -> bool:
        """Whether a module is the library's; its file counts then."""
        if str(name).split(".")[0] != "course_lib":
            return False
        self.files.update(sources.files_of(name))
        return True

    def module(self, module: types.ModuleType, chain: tuple[str, ...]) -> tuple:
        """A module as a whole: a package by its version, the library by its files, others by what they hold."""
        name = module.__name__
        if (version := sources.version_of(name)) or self.library(name):
            return "module", name, version
        held = {k: v for k, v in sorted(vars(module).items()) if not k.startswith("__")}
        return "module", self.pairs(held, chain, True, dot=True)

    def function(self, f: types.FunctionType, chain: tuple[str, ...]) -> tuple:
        """A function: what it does, its defaults, closure and attributes, and all that it names."""
        chain, code = (*chain[:-1], f"{chain[-1]}()"), f.__code__
        # Not f.__module__: a wrapper that a package puts around a function of one's own claims to be that function.
        home = f.__globals__.get("__name__")
        version, library = sources.version_of(home), self.library(home)
        parts = [sources.code_text(code), version]
        for held in (f.__defaults__, f.__kwdefaults__, sources.closure_of(f), vars(f)):
            held = held if isinstance(held, dict) else {"a default": held}
            parts.append(self.pairs(held, chain, True, dot=True))
        if version is None:
            scope = ChainMap(f.__globals__, f.__builtins__)
            for names in sources.code_names(code):
                if isinstance(names[0], str):
                    parts.append((names, self.named(names, scope, chain, not library)))
                elif not library:
                    parts += self.imported(*names, f.__globals__.get("__package__"), chain)
        return "function", parts

    def named(self, names: tuple, scope: dict, chain: tuple[str, ...], strict: bool) -> object:
        """The value of a global name, or of module.name."""
        thing, home, rest = scope.get(names[0], sources.MISSING), None, list(names[1:])
        while rest and isinstance(thing, types.ModuleType):
            home, thing = thing, getattr(thing, rest.pop(0), sources.MISSING)
        chain = (*chain, ".".join(names[: len(names) - len(rest)]))
        if home and not isinstance(thing, types.ModuleType):
            version = sources.version_of(home.__name__)
            inside = sources.wrapped_by_packages(thing)
            if version and (inside or not isinstance(thing, (*_PLAIN, types.FunctionType, type))):
                return "of a package", home.__name__, names, sources.address_of(inside), version
            strict = strict and not self.library(home.__name__)
        return self.tell(thing, chain, strict)

    def imported(self, level, name, wanted, package, chain) -> list:
        """What a function of one's own imports when it runs: from name import wanted."""
        try:
            name = util.resolve_name("." * level + name, package)
            if version := sources.version_of(name):
                return [(name, wanted, version)]
            scope = {name: importlib.import_module(name)}
            for part in wanted or ():
                if not hasattr(scope[name], part):
                    importlib.import_module(f"{name}.{part}")
        except ImportError:
            return [(name, wanted, "missing")]
        paths = [(name, part) for part in wanted or ()] or [(name,)]
        return [(path, self.named(path, scope, chain, True)) for path in paths]

    def type(self, cls: type, chain: tuple[str, ...]) -> tuple:
        """A class: its bases, its metaclass, its methods and attributes."""
        strict = not self.library(cls.__module__)
        held = {k: v for k, v in sorted(vars(cls).items()) if k not in _AUTOMATIC}
        above = self.tell((*cls.__bases__, type(cls)), chain, strict)
        return "class", above, self.pairs(held, chain, strict, dot=True)

    def state(self, thing: object, chain: tuple[str, ...], strict: bool) -> tuple:
        """An object as pickle would rebuild it: from which class or function, with which state."""
        kind = type(thing)
        roots = {x.__module__.split(".")[0] for x in kind.__mro__} - _STATE_IS_ALL
        foreign = any(map(sources.version_of, roots - sys.stdlib_module_names))
        if foreign or (isinstance(thing, Iterator) and sources.version_of(kind.__module__)):
            return self.refuse(thing, chain, strict)
        if not strict and isinstance(thing, PurePath):
            return "path", kind.__name__
        try:
            reduce = copyreg.dispatch_table.get(kind)
            parts = reduce(thing) if reduce else thing.__reduce_ex__(4)
        except Exception:
            return self.refuse(thing, chain, strict)
        if isinstance(parts, str):
            return "named", self.tell(kind, chain, strict), parts
        make, args, state, items, pairs = (*parts, None, None, None)[:5]
        if isinstance(thing, nn.Module):
            # Hooks have numbers of this process: only their order counts.
            state = {k: list(v.values()) if "_hooks" in k and v else v for k, v in state.items()}
        return (
            "object",
            self.tell(make, chain, strict),
            self.each(enumerate(args), chain, strict),
            self.pairs(state if isinstance(state, dict) else {"state": state}, chain, strict, True),
            self.each(enumerate(items or ()), chain, strict),
            self.pairs(dict(pairs or ()), chain, strict),
        )

    def refuse(self, thing: object, chain: tuple[str, ...], strict: bool) -> tuple:
        if not strict:
            self.seen.pop(id(thing), None)  # whoever else names it may be strict
            return "as its file makes it", f"{type(thing).__module__}.{type(thing).__qualname__}"
        last = max((i for i, part in enumerate(chain) if part.endswith("()")), default=-1)
        name, by = "".join(chain[last + 1 :]), " -> ".join(chain[: last + 1])
        raise TypeError(
            f"depends_on: the value of '{name}'{f', which {by} names,' if by else ''} cannot be told "
            f"(a {type(thing).__qualname__}): pass it as an argument or make it a plain value"
        )

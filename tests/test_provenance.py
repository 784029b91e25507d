"""What a result depends on is found from the function: nothing that counts is missed, nothing else counts."""

import abc
import collections
import dataclasses
import enum
import functools
import io
import itertools
import linecache
import math
import os
import random
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib.cache import fingerprint
from course_lib.data import drawn
from course_lib.data.holders import LabelledImages
from course_lib.machine import ROOT
from course_lib.metric_learning.margins import MarginSoftmax
from course_lib.metric_learning.pairs import rho_cosine, rho_l2
from course_lib.provenance import depends_on
from course_lib.recipes import faces as face_recipe
from course_lib.training import loop


def key(*things):
    return fingerprint(depends_on(*things))


def cell(source, name="train", file="<cell>", **given):
    """What a cell defines under a name; a file other than <cell> is one whose text Python knows."""
    source = textwrap.dedent(source)
    if file != "<cell>":
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    space = {"__name__": "__main__", **given}
    exec(compile(source, file, "exec"), space)
    return space[name]


CELL = """
import torch
from torch.nn import functional as F
from course_lib.training.batches import batches
from course_lib.training.loop import fit

STEPS = {steps}
SETTINGS = {{"lr": {lr}, "wide": ({wide}, "relu")}}

def far(x):
    return near(x - 1) if x > {far} else x

def near(x):
    return far(x - 2) if x > {near} else x

class Head(torch.nn.Module):
    bias = {bias}

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        torch.nn.init.constant_(self.layer.weight, {weight})
        torch.nn.init.zeros_(self.layer.bias)
        self.slope = {slope}

    def forward(self, x):
        return far(x) + self.bias + {forward}

def trainer(margin, scale={scale}):
    head = Head()

    def loss(model, x, y):
        return [F.relu(head(v) - margin + {inner}) for v in x if v in {{"a", "b", {member!r}}}]

    def train(model, x, y, *, mirrored={mirrored}):
        try:
            return fit(model, batches(x, y, size={size}), loss, steps=STEPS, **SETTINGS)
        except ValueError:
            return scale

    return train

train = trainer({margin})
"""
SLOTS = "steps lr wide far near bias weight slope forward scale inner member mirrored size margin".split()


@given(
    st.fixed_dictionaries(dict.fromkeys(SLOTS, st.integers(0, 300))),
    st.sampled_from(SLOTS),
    st.sampled_from(["<cell>", "a known cell"]),
)
@settings(max_examples=60, deadline=None)
def test_any_one_number_of_a_cell_counts_and_the_same_cell_does_not(values, changed, file):
    first = key(cell(CELL.format(**values), file=file))
    assert key(cell(CELL.format(**values), file=file)) == first
    for other in (values[changed] + 1, float(values[changed])):
        assert key(cell(CELL.format(**values | {changed: other}), file=file)) != first


PLAIN = CELL.format(**dict.fromkeys(SLOTS, 3))


def test_comments_docstrings_blank_lines_and_the_order_of_definitions_do_not_count():
    lines = PLAIN.splitlines()
    spaced = "\n".join(f"\n\n{' ' * (len(x) - len(x.lstrip()))}# why\n{x}  # so" for x in lines)
    told = []
    for line in lines:
        told.append(line)
        if line.lstrip().startswith(("def ", "class ")):
            told.append(" " * (len(line) - len(line.lstrip()) + 4) + '"""What it is for."""')
    blocks = PLAIN.split("\n\n")
    far, near = (next(b for b in blocks if b.startswith(f"def {n}")) for n in ("far", "near"))
    moved = PLAIN.replace(far, "@").replace(near, far).replace("@", near)
    more = "UNRELATED = 5\ndef stranger(): return STEPS\n" + PLAIN + "\nUNRELATED = 6"
    assert moved != PLAIN
    same = {key(cell(text)) for text in (PLAIN, spaced, "\n".join(told), moved, more)}
    assert len(same) == 1


def test_a_class_within_a_function_has_neither_lines_nor_docstrings():
    plain = "def train():\n  class A:\n    n = 1\n    for i in range(3): n += i\n  return A"
    told = "\n\ndef train():\n  class A:\n    'said'\n    n = 1\n    for i in range(3): n += i\n  return A"
    assert key(cell(plain)) == key(cell(told)) != key(cell(plain.replace("n = 1", "n = 2")))


@pytest.mark.slow
def test_the_key_is_the_same_in_every_process(tmp_path):
    source = PLAIN + "\nNAMES = {'a', 'b', 'c', (1, 'd')}\nG = torch.Generator().manual_seed(3)\n"
    source += "import enum\nclass Kind(enum.Enum):\n    A = 1\n    B = 'b'\n"
    source += "def both(*a): return train(*a), NAMES, G, Kind.A, torch.relu, max"
    program = tmp_path / "program.py"
    program.write_text(
        "from course_lib.provenance import depends_on\nfrom course_lib.cache import fingerprint\n"
        + source
        + "\nprint(fingerprint(depends_on(both)))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True)
    assert ran.stdout.strip() == key(cell(source, "both")), ran.stderr


def test_cells_of_ipython():
    """A function that a later cell defines anew is another; the old one, still at hand, is itself."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    first = (
        "import torch\nSTEPS = 3\ndef helper(x): return x\ndef train(x): return helper(x) * STEPS"
    )
    again = "def train(x): return helper(x) + STEPS"

    def run(text):
        assert shell.run_cell(text, store_history=True).success
        return shell.user_ns["train"]

    old = run(first)
    keys = [key(old), key(run(again)), key(old)]
    keys += [key(run(first)), key(run("STEPS = 4")), key(run("def helper(x): return -x"))]
    assert keys[0] == keys[2] == keys[3] and len(set(keys)) == 4
    shell.run_cell("%%time\ndef train(x):\n    return helper(x) + STEPS")
    run("STEPS = 3\ndef helper(x): return x")
    assert key(shell.user_ns["train"]) == keys[1]


# The three proofs that results were stale.
def test_a_constant_two_functions_away_counts():
    text = """
        from course_lib.training.batches import batches
        from course_lib.training.loop import cross_entropy, fit
        LR = 5e-3
        def inner(model, images, labels):
            return fit(model, batches(images, labels, 16), cross_entropy, steps=STEPS, lr=LR)
        def train(model, images, labels):
            return inner(model, images, labels)
    """
    keys = [key(cell(text, STEPS=steps)) for steps in (20, 200, 20)]
    assert keys[0] == keys[2] != keys[1]
    assert key(cell(text)) not in keys  # not defined yet: no error


def test_a_margin_a_measure_and_a_seed_in_a_closure_count():
    text = """
        import torch
        from course_lib.metric_learning.pairs import pair_loss
        from course_lib.training.batches import identity_batches
        from course_lib.training.loop import fit
        def trainer(rho, margin):
            def loss(model, images, labels):
                x = model["encoder"](images)
                i, j = torch.triu_indices(len(x), len(x), offset=1)
                return pair_loss(rho(x[i], x[j]), labels[i] == labels[j], margin)
            def train(model, images, labels):
                sample = identity_batches(images, labels, identities=4, photos=4)
                return fit(model, sample, loss, steps=5, seed=SEED, label="pairs")
            return train
    """
    keys = [
        key(cell(text, "trainer", SEED=seed)(rho, margin))
        for seed, rho, margin in (
            (0, rho_cosine, 0.5),
            (0, rho_cosine, 1.9),
            (0, rho_l2, 0.5),
            (7, rho_cosine, 0.5),
        )
    ]
    assert len(set(keys)) == 4 and key(cell(text, "trainer", SEED=0)(rho_cosine, 0.5)) == keys[0]


def test_a_change_within_the_library_counts(monkeypatch):
    """As a student makes it in a cell, for functions, closures and whatever is named as module.name."""
    train = cell(
        "def train(): return face_recipe.STEPS, face_recipe.verify", face_recipe=face_recipe
    )
    things = [face_recipe.face_trainer(0), face_recipe.face_trainer, train, drawn.faces]
    before = [key(x) for x in things]
    assert before[0] == key(face_recipe.face_trainer(0)) != key(face_recipe.face_trainer(1))
    with monkeypatch.context() as patch:
        patch.setattr(face_recipe, "STEPS", 7)
        assert [key(x) == y for x, y in zip(things, before, strict=True)] == [0, 0, 0, 1]
        assert key(face_recipe.face_trainer(0)) != before[0]
    with monkeypatch.context() as patch:
        patch.setitem(drawn.FIRST, "test", 5_000_000)
        assert [key(x) == y for x, y in zip(things, before, strict=True)] == [1, 1, 1, 0]
    with monkeypatch.context() as patch:
        patch.setattr(loop.nn.utils, "clip_grad_norm_", lambda *a: 1)
        assert key(face_recipe.face_trainer(0)) != before[0]
    assert [key(x) for x in things] == before


class Model(nn.Module):
    def __init__(self, margin=0.5, tied=False):
        super().__init__()
        self.a, self.b, self.margin = nn.Linear(2, 2), nn.Linear(2, 2), margin
        for layer in (self.a, self.b):
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)
        if tied:
            self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))


def changed(change):
    model = Model()
    change(model)
    return model


def test_models_by_their_class_settings_and_weights():
    models = [
        Model(),
        Model(margin=0.4),
        Model(tied=True),
        changed(lambda m: m.eval()),
        changed(lambda m: m.a.weight.data.mul_(2)),
        changed(lambda m: m.a.requires_grad_(False)),
        changed(lambda m: setattr(m, "b", nn.Linear(2, 2, bias=False))),
        changed(lambda m: m.register_buffer("film", torch.zeros(2), persistent=False)),
        changed(lambda m: m.a.register_forward_hook(lambda m, x, y: y + 1)),
        changed(lambda m: m.a.register_forward_hook(lambda m, x, y: y + 2)),
        nn.Sequential(nn.Linear(2, 2), nn.ReLU()),
        nn.Sequential(nn.Linear(2, 2), nn.GELU()),
        nn.Dropout(0.1),
        nn.Dropout(0.2),
        nn.LSTM(2, 2),
        nn.MultiheadAttention(4, 2),
        MarginSoftmax(3, 2, s=4),
        MarginSoftmax(3, 2, s=5),
    ]
    keys = [key(model) for model in models]
    assert len(set(keys)) == len(models) and [key(model) for model in models] == keys
    assert keys[8] == key(changed(lambda m: m.a.register_forward_hook(lambda m, x, y: y + 1)))
    trained = Model()
    trained(torch.ones(1, 2)).sum().backward()  # what a gradient leaves behind is no part of it
    assert key(trained) == keys[0]


def wrap(f):
    @functools.wraps(f)
    def wrapper(*args):
        return f(*args) + 1

    return wrapper


# Texts of cells that define `train`; within a line each differs from the others.
FAMILIES = {
    "defaults": ["def train(x=1): pass", "def train(x=2): pass", "def train(*, x=2): pass"],
    "order of try": [
        "def train():\n try:\n  a(); b()\n except E: pass",
        "def train():\n try:\n  a()\n except E: pass\n b()",
    ],
    "lambdas in one line": [
        "train = (lambda x: x + 1, lambda x: x + 2)[0]",
        "train = (lambda x: x + 1, lambda x: x + 2)[1]",
    ],
    "types of constants": ["def train(): return 1", "def train(): return True", "def train(): return 1."],
    "signs": ["def train(): return 0.", "def train(): return -0."],
    "keywords": ["def train(): f(a=1)", "def train(): f(b=1)"],
    "members": ["def train(x): return x in {'a', 'b'}", "def train(x): return x in {'a', 'c'}"],
    "generators": ["def train(): yield 1", "def train(): return 1", "async def train(): return 1"],
    "decorated": [
        "@wrap\ndef train(x): return x",
        "@wrap\ndef train(x): return -x",
        "def train(x): return x",
    ],
    "no_grad": [
        "@torch.no_grad()\ndef train(x): return x",
        "@torch.enable_grad()\ndef train(x): return x",
        "@torch.no_grad()\ndef train(x): return -x",
    ],
    "memory": [
        "@functools.lru_cache\ndef train(x): return x",
        "@functools.lru_cache\ndef train(x): return -x",
    ],
    "partial": [
        "def f(x, y): return x\ntrain = functools.partial(f, 1)",
        "def f(x, y): return x\ntrain = functools.partial(f, 2)",
        "def f(x, y): return y\ntrain = functools.partial(f, 1)",
    ],
    "methods": [
        "class A:\n n = 1\n def go(self): return self.n\na = A(); a.n = 2\ntrain = a.go",
        "class A:\n n = 1\n def go(self): return self.n\na = A(); a.n = 3\ntrain = a.go",
        "class A:\n n = 1\n def go(self): return -self.n\na = A(); a.n = 2\ntrain = a.go",
        "class A:\n n = 1\n def go(self): return self.n\n def other(self): pass\na = A(); a.n = 2\ntrain = a.go",
    ],
    "callables": [
        "class A:\n def __init__(s, n): s.n = n\n def __call__(s): return s.n\ntrain = A(1)",
        "class A:\n def __init__(s, n): s.n = n\n def __call__(s): return s.n\ntrain = A(2)",
        "class A:\n __slots__ = ('n',)\n def __init__(s, n): s.n = n\n def __call__(s): return s.n\ntrain = A(1)",
        "class A:\n __slots__ = ('n',)\n def __init__(s, n): s.n = n\n def __call__(s): return s.n\ntrain = A(2)",
    ],
    "classes": [
        "class B:\n x = 1\nclass A(B):\n def go(self): return super().x\ndef train(): return A()",
        "class B:\n x = 2\nclass A(B):\n def go(self): return super().x\ndef train(): return A()",
        "class B:\n x = 1\nclass A(B):\n def go(self): return super().y\ndef train(): return A()",
        "class B:\n x = 1\nclass A(B):\n @property\n def go(self): return super().x\ndef train(): return A()",
        "class B:\n x = 1\nclass A(B):\n @property\n def go(self): return super().y\ndef train(): return A()",
        "class B:\n x = 1\nclass A(B):\n @functools.cached_property\n def go(self): return 1\ndef train(): return A()",
        "class B:\n x = 1\nclass A(B):\n @staticmethod\n def go(): return 1\ndef train(): return A()",
        "class B:\n x = 1\nclass A(B):\n @staticmethod\n def go(): return 2\ndef train(): return A()",
    ],
    "dataclasses": [
        "@dataclass\nclass C:\n lr: float = 1\ndef train(): return C()",
        "@dataclass\nclass C:\n lr: float = 2\ndef train(): return C()",
        "@dataclass\nclass C:\n lr: list = field(default_factory=list)\ndef train(): return C()",
        "@dataclass\nclass C:\n lr: list = field(default_factory=dict)\ndef train(): return C()",
        "@dataclass\nclass C:\n lr: float = 1\nc = C(2)\ndef train(): return c",
        "@dataclass\nclass C:\n lr: float = 1\nc = C(3)\ndef train(): return c",
        "C = collections.namedtuple('C', 'a b')\nc = C(1, 2)\ndef train(): return c",
        "C = collections.namedtuple('C', 'a b')\nc = C(1, 3)\ndef train(): return c",
        "C = collections.namedtuple('C', 'a d')\nc = C(1, 2)\ndef train(): return c",
    ],
    "enums": [
        "class K(enum.Enum):\n A = 1\n B = 2\ndef train(): return K.A",
        "class K(enum.Enum):\n A = 1\n B = 3\ndef train(): return K.A",
        "class K(enum.Enum):\n B = 2\n A = 1\ndef train(): return list(K)",
    ],
    "abstract": [
        "class A(abc.ABC):\n @abc.abstractmethod\n def f(self): return 1\ndef train(): return A",
        "class A(abc.ABC):\n @abc.abstractmethod\n def f(self): return 2\ndef train(): return A",
        "class A(abc.ABC):\n def f(self): return 2\ndef train(): return A",
    ],
    "own gradients": [
        "class R(Function):\n @staticmethod\n def backward(c, g): return -g\ndef train(x): return R.apply(x)",
        "class R(Function):\n @staticmethod\n def backward(c, g): return g\ndef train(x): return R.apply(x)",
    ],
    "named only within": [
        "N = 1\ndef train():\n def inner():\n  return [N for _ in range(3)]\n return inner",
        "N = 2\ndef train():\n def inner():\n  return [N for _ in range(3)]\n return inner",
        "N = 1\ndef train():\n class Inner:\n  n = N\n return Inner",
        "N = 2\ndef train():\n class Inner:\n  n = N\n return Inner",
    ],
    "imported when it runs": [
        "def train():\n from course_lib.metric_learning import margins\n return margins",
        "def train():\n from course_lib.metric_learning import triplets\n return triplets",
        "def train():\n from course_lib.metric_learning.triplets import mined_triplet_loss as f\n return f",
        "def train():\n from course_lib.metric_learning.pairs import contrastive_loss as f\n return f",
        "def train():\n import course_lib.metric_learning.triplets\n return course_lib.metric_learning.triplets",
        "def train():\n from torch import nn\n return nn",
        "def train():\n import torch.nn.functional as F\n return F",
        "def train():\n import nowhere.to_be_found\n return nowhere",
    ],
    "of packages": [
        "def train(): return torch.relu",
        "def train(): return torch.nn.functional.relu",
        "def train(): return torch.float32",
        "def train(): return torch.float64",
        "def train(): return math.pi",
        "def train(): return len",
        "def train(): return max",
    ],
    "values": [
        f"V = {value}\ndef train(): return V"
        for value in (
            "torch.zeros(3)", "torch.zeros(3, dtype=torch.int64)", "np.zeros(3)", "[0, 0]", "(0, 0)", "{0: 0, 1: 0}",
            "{1: 0, 0: 0}", "{0, 1}", "frozenset({0, 1})", "{len, max}", "None", "torch.Generator().manual_seed(1)",
            "torch.Generator().manual_seed(2)", "np.random.default_rng(1)", "np.random.default_rng(2)",
            "random.Random(1)", "random.Random(2)", "np.float32(1)", "np.array([1, 'a'], dtype=object)",
            "np.array([1, 'b'], dtype=object)", "Path('a')", "Path('b')", "range(3)", "slice(3)",
            "collections.Counter('ab')",
            "collections.OrderedDict(a=1)", "collections.defaultdict(int)", "collections.defaultdict(list)",
            "LabelledImages(torch.zeros(2, 1, 4, 4), torch.zeros(2).long(), ['a', 'b'])",
            "LabelledImages(torch.zeros(2, 1, 4, 4), torch.ones(2).long(), ['a', 'b'])", "torch.device('cpu')",
            "torch.Size([1])",
            "torch.distributions.Normal(0., 1.)", "torch.distributions.Normal(0., 2.)",
            "np.ma.array([1, 2], mask=[0, 1])", "np.ma.array([1, 2], mask=[1, 0])", "nn.Parameter(torch.zeros(3))",
        )
    ],
}  # fmt: skip
MODULES = (torch, nn, abc, math, random, functools, enum, collections)
HANDY = {module.__name__.split(".")[-1]: module for module in MODULES}
HANDY |= {
    "Function": torch.autograd.Function,
    "dataclass": dataclasses.dataclass,
    "field": dataclasses.field,
}
HANDY |= {"np": np, "Path": Path, "LabelledImages": LabelledImages, "wrap": wrap}


@pytest.mark.parametrize("family", FAMILIES)
def test_tells_apart(family):
    keys = [key(cell(text, **HANDY)) for text in FAMILIES[family]]
    assert len(set(keys)) == len(keys)
    assert [key(cell(text, **HANDY)) for text in FAMILIES[family]] == keys


@pytest.mark.parametrize(
    "make, kind",
    [
        (lambda: open(os.devnull), "TextIOWrapper"),
        (threading.Lock, "lock"),
        (socket.socket, "socket"),
        (matplotlib.figure.Figure, "Figure"),
        (lambda: iter([1, 2]), "list_iterator"),
        (lambda: (x for x in "ab"), "generator"),
        (lambda: itertools.count(), "count"),
        (lambda: torch.empty(2, device="meta"), "Tensor"),
        (lambda: io.BufferedReader(io.BytesIO()), "BufferedReader"),
        (lambda: nn.LazyLinear(2), "UninitializedParameter"),
        (lambda: eval, "builtin_function_or_method"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_cannot_be_told_is_refused_by_name(make, kind):
    thing = make()
    train = cell(
        "def write(): return log\ndef inner(): return write\ndef train(): inner()", log=thing
    )
    said = "depends_on: the value of 'log.*', which train\\(\\) -> inner\\(\\) -> write\\(\\) names, cannot "
    with pytest.raises(TypeError, match=f"{said}be told \\(a {kind}\\): pass it as an argument"):
        depends_on(train)
    within = cell("def train(): return settings", settings={"logs": [1, thing]})
    with pytest.raises(TypeError, match=r"'settings\['logs'\]\[1\].*', which train\(\) names"):
        depends_on(within)
    if hasattr(thing, "close"):
        thing.close()


def test_what_a_package_wraps_is_not_taken_for_the_package(monkeypatch):
    """torch.no_grad() gives its wrapper the name of what it wraps, and in a notebook that name finds it."""
    main, keys = sys.modules["__main__"], []
    for sign in "+-+":
        train = cell(f"@torch.no_grad()\ndef train(x): return {sign}x", torch=torch)
        monkeypatch.setattr(main, "train", train, raising=False)
        keys.append(key(train))
    assert keys[0] == keys[2] != keys[1]


def test_what_a_package_wraps_around_its_own_function_later_does_not_count(monkeypatch):
    """Importing torch._dynamo, as an optimizer does, does this to torch.manual_seed."""
    train = cell("def train(): torch.manual_seed(0)", torch=torch)
    keys = [key(train)]
    for inside in (torch.random.manual_seed, torch.nn.functional.gelu, lambda seed: None):
        monkeypatch.setattr(torch, "manual_seed", torch.no_grad()(inside))
        keys.append(key(train))
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_a_widget_is_refused():
    import ipywidgets

    class Mine(ipywidgets.Output):
        pass

    for out in (ipywidgets.Output(), Mine()):
        with pytest.raises(TypeError, match="'out', which train\\(\\) names, cannot be told \\(a "):
            depends_on(cell("def train(): out.clear()", out=out))


def test_training_does_not_change_the_key():
    text = """
        import torch
        from torch import nn
        from course_lib.training.batches import batches
        from course_lib.training.loop import cross_entropy, fit
        def train(model, x, y):
            return fit(model, batches(x, y, 4), cross_entropy, steps=3)
    """
    train, model = cell(text), nn.Linear(2, 2)
    before, untrained = key(train), key(model)
    train(model, torch.rand(9, 2), torch.arange(9) % 2)
    assert key(train) == before and key(model) != untrained


def test_loops_end():
    ring, knot = [1], {}
    ring.append(ring)
    knot["self"] = Model()
    knot["self"].friend = knot["self"].margin_of = [knot]
    for thing in (ring, knot):
        assert key(cell("def train(): return it", it=thing)) == key(
            cell("def train(): return it", it=thing)
        )
    with pytest.raises(TypeError, match="part 0\\[1\\] holds itself"):
        fingerprint(ring)


def test_everything_that_a_page_may_name_can_be_told():
    """Every function and class of torch and numpy's fronts; each in the same way twice."""
    for module in (torch, nn, nn.functional, nn.init, torch.linalg, torch.optim, np, math):
        for name in dir(module):
            if not name.startswith("_"):
                train = cell(f"def train(): return m.{name}", m=module)
                if name not in ("ScalingType", "SwizzleType"):
                    assert key(train) == key(train)


def test_a_file_of_ones_own_counts_by_what_it_does(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    keys = []
    for text in (
        "N = 1\ndef f(): return N",
        "# why\nN = 1\ndef f(): return N",
        "N = 2\ndef f(): return N",
    ):
        (tmp_path / "my_helpers_of_today.py").write_text(text)
        sys.modules.pop("my_helpers_of_today", None)
        module = __import__("my_helpers_of_today")
        by_name = cell("def train(): return h.f()", h=module)
        whole = cell("def train(): return getattr(h, 'f')()", h=module)
        late = cell("def train():\n from my_helpers_of_today import f\n return f()")
        keys.append([key(x) for x in (by_name, whole, late)])
        linecache.clearcache()
        os.utime(tmp_path / "my_helpers_of_today.py", (len(keys), len(keys)))
    assert keys[0] == keys[1]
    assert all(x != y for x, y in zip(keys[0], keys[2], strict=True))


def test_code_that_is_older_than_its_file_is_not_taken_for_the_file(tmp_path):
    """A module edited after it was imported: what runs is the old code."""
    file = tmp_path / "edited.py"
    texts = ["def train():\n    return 1\n", "def train():\n    return 2\n"]
    file.write_text(texts[0])
    old = cell(texts[0], file=str(file))
    before = key(old)
    file.write_text(texts[1])
    linecache.checkcache()
    assert key(old) == before != key(cell(texts[1], file=str(file)))


def test_the_library_counts_by_the_files_reached_and_no_others():
    names = set(depends_on(cell("def train(): return f", f=face_recipe.face_trainer))[1])
    assert {
        f"course_lib/{x}.py" for x in ("recipes/faces", "metric_learning/margins", "training/loop")
    } <= names
    assert (
        not {f"course_lib/{x}.py" for x in ("page/plots", "detection/anchors", "search/hashing")}
        & names
    )


def test_a_key_over_a_thousand_pictures_costs_hardly_more_than_reading_them_once():
    """They are named three times. 12 MB are read in 25 to 50 ms, the rest is 15."""
    people = LabelledImages(
        torch.rand(1000, 3, 32, 32), torch.arange(1000) // 20, [*map(str, range(50))]
    )
    text = PLAIN + "\ndef again(): return people\ndef all(): return train, again, people, images"
    train = cell(text, "all", people=people, images=people.images)
    key(train)

    def seconds(work):
        started = time.process_time()
        work()
        return time.process_time() - started

    plain = min(seconds(lambda: fingerprint(people.images)) for _ in range(5))
    assert min(seconds(lambda: key(train)) for _ in range(5)) < 1.5 * plain + 0.05


@pytest.mark.slow
def test_loading_torchs_compiler_is_no_change():
    """It wraps torch.manual_seed, and every optimiser loads it: the second model of a page had another key at times."""
    code = """
import torch
from course_lib.cache import fingerprint
from course_lib.provenance import depends_on
def train(): return torch.manual_seed(0), torch.manual_seed(1)
before = fingerprint(depends_on(train))
import torch._dynamo
print(hasattr(torch.manual_seed, "__wrapped__"), before == fingerprint(depends_on(train)))
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["True", "True"]

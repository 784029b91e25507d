"""How far a claim of a notebook is from failing: its condition, rewritten so that the comparisons in it are measured.

What one sees at a claim `a > b + 0.08`: the value a, the bound b + 0.08, and the margin a - b - 0.08, by how much it
holds (below 0: by how much it fails). Of several comparisons the one nearest to failing is told. A condition that does
not compare numbers (`torch.equal(...)`) has none of the three.
"""

import ast
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

SIGNS = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!="}
PLAIN = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass
class Measured:
    """A truth value, with the comparison that decided it."""

    holds: object
    value: float | None = None
    bound: float | None = None
    margin: float | None = None

    def __bool__(self) -> bool:
        return bool(self.holds)

    def record(self) -> dict:
        """Holds, and where numbers were compared value, bound and margin, to five digits."""
        rest = {name: getattr(self, name) for name in ("value", "bound", "margin")}
        rest = {name: float(f"{x:.5g}") for name, x in rest.items() if x is not None}
        return {"holds": bool(self.holds), **rest}


def compare(left: object, sign: str, right: object) -> Measured:
    """One comparison. Of tensors, the element nearest to failing."""
    holds, ordered = PLAIN[sign](left, right), sign[0] in "<>"
    try:
        values, bounds = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (left, right)))
    except (TypeError, ValueError, RuntimeError):  # words, lists of several lengths
        return Measured(holds)
    if values.size == 0 or (values.size > 1 and not ordered):
        return Measured(holds)
    margins = values - bounds if sign[0] == ">" else bounds - values
    worst = int(np.argmin(np.where(np.isnan(margins), -np.inf, margins)))
    numbers = [float(x.flat[worst]) for x in (values, bounds, margins)]
    return Measured(holds, *(numbers if ordered else numbers[:2]))


def every(items: Iterable) -> Measured:
    """`all`, or a chain of `and`: the part nearest to failing; it stops at the first that fails, as Python does."""
    nearest = Measured(True)
    for item in items:
        item = item if isinstance(item, Measured) else Measured(item)
        if not item:
            return item
        if item.margin is not None and (nearest.margin is None or item.margin < nearest.margin):
            nearest = item
    return nearest


def in_turn(*parts: Callable[[], object]) -> Iterator[object]:
    """What is joined by `and`, computed only when it is its turn."""
    return (part() for part in parts)


class MeasureClaims(ast.NodeTransformer):
    """Rewrites claim(text, condition) so that the comparisons in the condition are measured.

    Understood are comparisons, chains of them, `and`, all(...), (...).all(), bool(...), and a name that the same cell
    gave to one of these. Whatever else stands in a condition is computed as it is.
    """

    def __init__(self, cell: ast.Module):
        self.named = {}
        for line in cell.body:
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                self.named[line.targets[0].id] = line.value

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not (isinstance(node.func, ast.Name) and node.func.id == "claim" and len(node.args) > 1):
            return self.generic_visit(node)
        text, condition, *rest = node.args
        return call("_record_claim", text, later(self.measured(condition)), *rest)

    def measured(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Name(id=name) if isinstance(self.named.get(name), ast.Compare | ast.BoolOp):
                return self.measured(self.named[name])
            case ast.Compare(ops=ops) if all(type(op) in SIGNS for op in ops):
                sides = [node.left, *node.comparators]
                parts = [
                    call("_compare", sides[i], ast.Constant(SIGNS[type(op)]), sides[i + 1])
                    for i, op in enumerate(ops)
                ]
            case ast.BoolOp(op=ast.And()):
                parts = [self.measured(value) for value in node.values]
            case ast.Call(
                func=ast.Name(id="all"), args=[ast.GeneratorExp() | ast.ListComp() as each]
            ):
                each.elt = self.measured(each.elt)
                return call("_every", each)
            case (
                ast.Call(func=ast.Attribute(value=inside, attr="all"), args=[])
                | ast.Call(func=ast.Name(id="bool"), args=[inside])
            ):
                within = self.measured(inside)
                return within if within is inside else call("_whole", within)
            case _:
                return node
        return parts[0] if len(parts) == 1 else call("_every", call("_in_turn", *map(later, parts)))


def call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


def later(value: ast.expr) -> ast.Lambda:
    """lambda: value"""
    nothing = ast.arguments([], [], None, [], [], None, [])
    return ast.Lambda(nothing, value)


def whole(measured: Measured) -> Measured:
    """(a < b).all(): true for every element."""
    holds = measured.holds
    measured.holds = bool(holds.all()) if hasattr(holds, "all") else bool(holds)
    return measured


def instrumented(cell: ast.Module) -> ast.Module:
    """The cell with every claim measured."""
    return ast.fix_missing_locations(MeasureClaims(cell).visit(cell))


class Recorder:
    """What stands in the place of `claim`: it writes down and lets go on."""

    def __init__(self):
        self.claims: dict[str, dict] = {}
        self.names = {"_record_claim": self.claim, "_compare": compare, "_every": every}
        self.names |= {"_in_turn": in_turn, "_whole": whole}

    def claim(self, text: str, condition: Callable[[], object], *_: object, **__: object) -> None:
        try:
            answer = condition()
            answer = answer if isinstance(answer, Measured) else Measured(answer)
            record = answer.record()
        except Exception as error:
            record = {"holds": False, "error": f"{type(error).__name__}: {error}"}
        label, number = text, 1
        while label in self.claims:
            number += 1
            label = f"{text} ({number})"
        self.claims[label] = record
        print(f"CLAIM {record} {label}")

"""Wrong functions by the hundred: a plain form with one operator, number, call or line changed."""

import ast
import copy
import inspect
from collections.abc import Iterator

COMPARED = {ast.Lt: ast.LtE, ast.LtE: ast.Gt, ast.Gt: ast.GtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq}
COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
CALLED = {"min": "max", "max": "min", "all": "any", "any": "all", "exp": "log", "log": "exp"}


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What a node may be changed to."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARED:
        yield ast.Compare(node.left, [COMPARED[type(node.ops[0])]()], node.comparators)
    if isinstance(node, ast.BinOp) and type(node.op) in COMPUTED:
        yield ast.BinOp(node.left, COMPUTED[type(node.op)](), node.right)
        yield ast.BinOp(node.right, node.op, node.left)
        yield node.left
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)
    if isinstance(node, ast.Name) and node.id in CALLED:
        yield ast.Name(CALLED[node.id], node.ctx)
    if isinstance(node, ast.Attribute) and node.attr in CALLED:
        yield ast.Attribute(node.value, CALLED[node.attr], node.ctx)
    if isinstance(node, ast.Call) and len(node.args) == 2:
        yield ast.Call(node.func, node.args[::-1], node.keywords)
    if isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    if isinstance(node, ast.While):
        yield ast.While(ast.Constant(True), node.body, node.orelse)
    if isinstance(node, ast.Assign | ast.Return | ast.If) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield ast.Pass()


def mutants(module, function: str, changed: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    """Every mutant of `function` in which one thing in one of the functions `changed` is another.

    Yields what was changed, as source, and the function, in a module of its own.
    """
    tree = ast.parse(inspect.getsource(module))
    for name in changed:
        place = next(i for i, n in enumerate(tree.body) if getattr(n, "name", "") == name)
        count = sum(1 for _ in _sites(tree.body[place]))
        for number in range(count):
            new = copy.deepcopy(tree)
            parent, field, index, node = list(_sites(new.body[place]))[number]
            for change in changes(node):
                value = getattr(parent, field)
                if index is None:
                    setattr(parent, field, change)
                else:
                    value[index] = change
                room = {"__name__": "mutant"}
                source = ast.unparse(ast.fix_missing_locations(new))
                exec(compile(source, "<mutant>", "exec"), room)
                if index is None:
                    setattr(parent, field, node)
                else:
                    value[index] = node
                said = f"{name}: {ast.unparse(node)} -> {ast.unparse(change)}"
                yield " ".join(said.split()), room[function]


def _sites(function: ast.FunctionDef) -> Iterator[tuple]:
    """Every node below a function, with the place where it stands; the docstring and the arguments are left alone."""
    for parent in ast.walk(function):
        for field, value in ast.iter_fields(parent):
            if field in ("args", "decorator_list") and isinstance(value, ast.arguments):
                continue
            nodes = enumerate(value) if isinstance(value, list) else [(None, value)]
            for index, node in nodes:
                if isinstance(node, ast.AST):
                    yield parent, field, index, node

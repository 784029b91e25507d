"""Who may touch whom: the rooms of course_lib, and the imports between them."""

import ast
from pathlib import Path

import pytest

from course_lib.machine import ROOT

LIBRARY = ROOT / "course_lib"
# Room -> the rooms that it may import from, beside itself. A name with a dot is one module of a room.
MAY_TOUCH = {
    "arguments": "",
    "machine": "",
    "cache": "machine",
    "sources": "cache machine",
    "provenance": "cache machine sources",
    "by_definition": "",
    "embeddings": "arguments",
    "detection": "arguments",
    "metric_learning": "arguments embeddings",
    "verification": "arguments embeddings",
    "landmarks": "arguments embeddings",
    "self_supervision": "arguments embeddings data.variations",
    "search": "arguments embeddings cache",
    "pretrained": "arguments",
    "render": "",
    "data": "arguments cache machine provenance render",
    "training": "cache machine provenance",
    "detectors": "arguments machine detection embeddings training data.holders",
    "recipes": "arguments cache machine pretrained embeddings metric_learning verification detection "
    "detectors self_supervision data training",
    "page": "arguments machine",
    # the open exercises draw their images, train, and are scored
    "exercises": "by_definition page data embeddings self_supervision training verification",
    "marking": "arguments machine exercises page",
}


def imports_of(path: Path, library: Path = LIBRARY) -> set[str]:
    """The modules of the library that a file imports, anywhere in it: "detection.overlap"."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports name the whole way, from course_lib on"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    names = {n.removeprefix("course_lib.") for n in names if n.startswith("course_lib.")}
    return {n for n in names if (library / (n.replace(".", "/") + ".py")).exists()}


def modules(library: Path = LIBRARY) -> dict[str, Path]:
    """Every module by its name within the library: "detection.overlap" -> its file."""
    return {
        ".".join(path.relative_to(library).with_suffix("").parts): path
        for path in sorted(library.rglob("*.py"))
        if path.name != "__init__.py"
    }


def trespassers(library: Path = LIBRARY) -> list[str]:
    """The imports that the table does not allow."""
    wrong = []
    for name, path in modules(library).items():
        room = name.split(".")[0]
        allowed = {room, *MAY_TOUCH[room].split()}
        for other in sorted(imports_of(path, library)):
            if other.split(".")[0] not in allowed and other not in allowed:
                wrong.append(f"{name} imports {other}")
    return wrong


def circles(library: Path = LIBRARY) -> list[str]:
    """The modules from which imports lead back to themselves."""
    arrows = {name: imports_of(path, library) for name, path in modules(library).items()}

    def reached(name: str) -> set[str]:
        seen, waiting = set(), [name]
        while waiting:
            new = arrows[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    return [name for name in arrows if name in reached(name)]


def test_every_room_is_in_the_table():
    assert {name.split(".")[0] for name in modules()} == set(MAY_TOUCH)


def test_nobody_touches_whom_they_may_not():
    assert trespassers() == []


def test_no_import_leads_back():
    assert circles() == []


def test_packages_hold_a_sentence_and_nothing_else():
    for path in LIBRARY.rglob("__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        allowed = ["__version__"] if path.parent == LIBRARY else []
        assert ast.get_docstring(ast.Module(body, [])), path
        assert [node.targets[0].id for node in body[1:]] == allowed, path


def test_one_name_has_one_address():
    """No module gives out what another defines: nobody imports a name from where it is not defined."""
    defined = {}
    for name, path in modules().items():
        body = ast.parse(path.read_text(encoding="utf-8")).body
        defined[name] = {node.name for node in body if hasattr(node, "name")}
        for node in body:
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            defined[name] |= {x.id for t in targets if t for x in ast.walk(t) if hasattr(x, "id")}
    files = [
        *LIBRARY.rglob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
        *(ROOT / "tools").rglob("*.py"),
    ]
    for path in [*files, *(ROOT / "notebooks" / "source").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = (getattr(node, "module", None) or "").removeprefix("course_lib.")
            if isinstance(node, ast.ImportFrom) and module in defined:
                borrowed = {alias.name for alias in node.names} - defined[module]
                assert not borrowed, f"{path.name} imports {borrowed} from {module}, not their home"


@pytest.fixture
def copy(tmp_path):
    """A library of three files, with every room's name allowed to be there."""
    for name, text in {
        "embeddings/distances.py": "from course_lib.arguments import shape\n",
        "arguments.py": "def shape(x): ...\n",
        "page/notebook.py": "def figure(fig): ...\n",
    }.items():
        path = tmp_path / "course_lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "course_lib"


@pytest.mark.parametrize(
    "line",
    [
        "from course_lib.page.notebook import figure",
        "from course_lib.page import notebook",
        "import course_lib.page.notebook",
        "def f():\n    from course_lib.page.notebook import figure",
    ],
)
def test_an_import_put_the_wrong_way_round_is_noticed(copy, line):
    assert trespassers(copy) == circles(copy) == []
    (copy / "embeddings" / "distances.py").write_text(line + "\n")
    assert trespassers(copy) == ["embeddings.distances imports page.notebook"]


def test_a_circle_is_noticed(copy):
    (copy / "arguments.py").write_text("from course_lib.embeddings.distances import x\n")
    assert circles(copy) == ["arguments", "embeddings.distances"]

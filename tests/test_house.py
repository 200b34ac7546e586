"""The rooms of the house: imports point downwards only, and nobody looks back."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOMS = ("crawler", "flows", "models", "tasks")
TRAINING = "patina.tasks.training.__main__"  # a program: it alone in tasks reads params
# What a room may import of the others
MAY = {
    "crawler": set[str](),
    "models": set[str](),
    "tasks": {"models"},
    "params": {"tasks", "models"},
    "flows": {"crawler", "params", "tasks", "models"},
    "cli": {"flows", "crawler", "params", "tasks", "models"},
}
FOR_FLOWS = {"prefect", "prefect_dask", "mlflow", "dvc"}


def module_of(file: Path) -> str:
    """The name under which it is imported."""
    parts = file.with_suffix("").parts
    name = ".".join(parts if parts[0] == "patina" else ("patina", *parts))
    return name.removesuffix(".__init__")


SOURCES = {
    module_of(file): file
    for room in (*ROOMS, "patina")
    for file in Path(room).rglob("*.py")
    if file != Path("patina/__init__.py")
}


def imported_by(module: str) -> Iterator[str]:
    """The modules that it names, wherever in it; of ours, files and packages rather than names."""
    for node in ast.walk(ast.parse(SOURCES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module}: imports of ours say patina"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in SOURCES else node.module


def room_of(module: str) -> str:
    return module.split(".")[1]


def part_of(module: str) -> str:
    """The inner room, such as patina.tasks.io; the module itself where there is none."""
    parts = module.split(".")
    return ".".join(parts[:3]) if parts[1] == "tasks" else module


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_imports_point_downwards(module: str) -> None:
    room = room_of(module)
    allowed = MAY[room] | {room} | ({"params"} if module == TRAINING else set())
    for imported in imported_by(module):
        first, _, rest = imported.partition(".")
        assert first not in {*ROOMS, "cli", "params"}, f"{module} imports {imported}, not patina.*"
        if first == "patina" and rest:
            assert room_of(imported) in allowed, f"{module} imports {imported}"
        if room not in ("flows", "cli"):
            assert first not in FOR_FLOWS, f"{module} imports {imported}"


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        module: {other for other in imported_by(module) if other in SOURCES and other != module}
        for module in SOURCES
    }
    TopologicalSorter(graph).prepare()


def test_no_room_of_tasks_imports_another_that_imports_it() -> None:
    graph: dict[str, set[str]] = {}
    for module in SOURCES:
        if room_of(module) == "tasks":
            others = {part_of(each) for each in imported_by(module) if each in SOURCES}
            graph.setdefault(part_of(module), set()).update(others - {part_of(module)})
    TopologicalSorter(graph).prepare()

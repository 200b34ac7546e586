"""Reads from the source text of each module of Patina what it imports, anywhere in the file."""

import ast
from functools import cache
from pathlib import Path

FOLDERS = ("crawler", "flows", "models", "tasks")


def module_of(file: Path) -> str:
    """The import name of a file."""
    parts = file.with_suffix("").parts
    name = ".".join(parts if parts[0] == "patina" else ("patina", *parts))
    return name.removesuffix(".__init__")


SOURCES = {
    module_of(file): file
    for folder in (*FOLDERS, "patina")
    for file in sorted(Path(folder).rglob("*.py"))
    if file != Path("patina/__init__.py")
}


@cache
def imported_by(module: str) -> frozenset[str]:
    """The modules that `module` imports: of Patina, modules and packages, not the names in them."""
    found = set()
    for node in ast.walk(ast.parse(SOURCES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{module}: imports of Patina's modules begin with patina"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in SOURCES else node.module for name in inner}
    return frozenset(found)


@cache
def named_in_text(module: str) -> frozenset[str]:
    """The modules of Patina whose names are strings in `module`, because it runs them as
    programs.
    """
    nodes = ast.walk(ast.parse(SOURCES[module].read_text(encoding="utf-8")))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return frozenset(texts & set(SOURCES))


def closure(module: str, cut: frozenset[str]) -> set[str]:
    """`module`, and all modules of Patina that it imports or runs, also indirectly.

    cut: modules that are left out.
    """
    found: set[str] = set()
    waiting = {module}
    while waiting:
        found |= waiting
        named = {each for name in waiting for each in imported_by(name) | named_in_text(name)}
        waiting = named & set(SOURCES)
        waiting -= found | cut
    return found

"""The structure of the project: imports go in one direction only."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml
from imports import FOLDERS, SOURCES, closure, imported_by

# The folders from which each folder may import
ALLOWED = {
    "errors": set[str](),
    "formats": set[str](),
    "codestream": set[str](),
    "crawler": {"codestream", "formats"},
    "models": {"errors"},
    "tasks": {"codestream", "errors", "formats", "models"},
    "params": {"errors", "crawler", "tasks", "models"},
    "flows": {"errors", "formats", "crawler", "params", "tasks", "models"},
    "app": {"errors", "params", "tasks", "models"},
    "cli": {"errors", "app", "flows", "crawler", "params", "tasks", "models"},
}
FOR_FLOWS = {"prefect", "prefect_dask", "mlflow", "dvc"}


def folder_of(module: str) -> str:
    return module.split(".")[1]


def part_of(module: str) -> str:
    """The inner package, such as patina.tasks.io, or else the module itself."""
    parts = module.split(".")
    return ".".join(parts[:3]) if parts[1] == "tasks" else module


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_imports_go_in_one_direction(module: str) -> None:
    folder = folder_of(module)
    allowed = ALLOWED[folder] | {folder}
    for imported in imported_by(module):
        first, _, rest = imported.partition(".")
        assert first not in {*FOLDERS, "cli", "params"}, (
            f"{module} imports {imported}, not patina.*"
        )
        if first == "patina" and rest:
            assert folder_of(imported) in allowed, f"{module} imports {imported}"
        if folder not in ("flows", "cli"):
            assert first not in FOR_FLOWS, f"{module} imports {imported}"


def test_no_module_imports_itself_through_other_modules() -> None:
    graph = {
        module: {other for other in imported_by(module) if other in SOURCES and other != module}
        for module in SOURCES
    }
    TopologicalSorter(graph).prepare()


def test_no_folder_of_tasks_imports_another_that_imports_it() -> None:
    graph: dict[str, set[str]] = {}
    for module in SOURCES:
        if folder_of(module) == "tasks":
            others = {part_of(each) for each in imported_by(module) if each in SOURCES}
            graph.setdefault(part_of(module), set()).update(others - {part_of(module)})
    TopologicalSorter(graph).prepare()


STAGES = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
# Modules that a stage imports, but which do not change its outputs: they run and report it. The
# values that `params` reads are among the stage's own `params` in dvc.yaml.
RUNNING = frozenset(
    {"patina.params", "patina.formats", "patina.errors"}
    | {
        f"patina.flows.{name}"
        for name in ("batches", "places", "mlflow_registry", "supervisor", "tracking")
    }
    | {
        f"patina.flows.{name}"
        for name in ("guarded_server", "mlflow_model", "prefect_server", "messages")
    }
)


def code_of(stage: str) -> list[Path]:
    """The dependencies of a stage that contain code."""
    return [Path(dep) for dep in STAGES[stage]["deps"] if dep.split("/")[0] in (*FOLDERS, "patina")]


def is_empty(file: Path) -> bool:
    """Whether the file contains only a docstring."""
    return len(ast.parse(file.read_text(encoding="utf-8")).body) == 1


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_all_the_code_that_it_imports(stage: str) -> None:
    files = {SOURCES[name] for name in closure(f"patina.flows.{stage}", RUNNING)}
    missed = {file for file in files if not any(file.is_relative_to(d) for d in code_of(stage))}
    missed -= {file for file in missed if is_empty(file)}
    assert not missed, f"dvc.yaml: {stage} does not depend on {sorted(map(str, missed))}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_no_code_that_it_does_not_import(stage: str) -> None:
    files = {SOURCES[name] for name in closure(f"patina.flows.{stage}", RUNNING)}
    idle = [d for d in code_of(stage) if not any(file.is_relative_to(d) for file in files)]
    assert not idle, f"dvc.yaml: {stage} depends on {idle} in vain"

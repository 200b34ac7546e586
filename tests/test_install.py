"""The wheel, with only its dependencies, restores a scan."""

import os
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
import pyvips
from packaging.requirements import Requirement
from test_scans import painted

HEAVY = {"dask", "dvc", "keras", "mlflow", "prefect", "scikit-learn", "scrapy", "tensorflow"}
# Runs the command, and refuses to import what is named
GUARD = """
import sys
refused = set(sys.argv.pop(1).split(","))
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in refused:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)
sys.meta_path.insert(0, Guard())
from patina import cli
cli.main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(".", source, ignore=shutil.ignore_patterns(".*", "data", "scans", "build"))
    build = ["pip", "wheel", str(source), "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([sys.executable, "-m", *build], check=True, stdout=subprocess.DEVNULL)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def asked_for(wheel: zipfile.ZipFile) -> list[Requirement]:
    """The dependencies of the wheel without extras."""
    place = next(name for name in wheel.namelist() if name.endswith("METADATA"))
    lines = message_from_string(wheel.read(place).decode()).get_all("Requires-Dist", [])
    return [each for each in map(Requirement, lines) if wanted(each)]


def wanted(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def closure(requirements: list[Requirement]) -> set[str]:
    """The names of all packages that these depend on."""
    names: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        try:
            found = distribution(requirement.name)
        except PackageNotFoundError:
            continue
        if found.name.lower() not in names:
            names.add(found.name.lower())
            waiting += [each for each in map(Requirement, found.requires or []) if wanted(each)]
    return names | {"pyvips-binary", "cffi", "pycparser"}


def test_the_wheel_does_not_depend_on_the_libraries_of_the_pipeline(wheel: zipfile.ZipFile) -> None:
    names = closure(asked_for(wheel))
    assert {"openvino", "pyvips", "numpy"} <= names
    assert not names & HEAVY


@pytest.mark.parametrize("words", [["restore", "a.png"], ["degrade", "a.png", "--steps", "jpeg:1"]])
def test_the_wheel_restores_without_the_libraries_of_the_pipeline(
    wheel: zipfile.ZipFile, tmp_path: Path, words: list[str]
) -> None:
    wheel.extractall(tmp_path / "site")
    names = closure(asked_for(wheel))
    others = {
        module
        for module, owners in packages_distributions().items()
        if not {owner.lower() for owner in owners} & names
    }
    ours = {path.name.removesuffix(".py") for path in (tmp_path / "site").iterdir()}
    assert "keras" in others
    pyvips.Image.black(64, 48, bands=3).copy(interpretation="srgb").write_to_file(
        str(tmp_path / "a.png")
    )
    command = [
        sys.executable,
        "-c",
        GUARD,
        ",".join(sorted(others - ours)),
        *words,
        "-o",
        "out.png",
    ]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").exists()


HOSTILE = 'raise SystemExit("a package of somebody else was taken for one of Patina")\n'


@pytest.fixture(scope="module")
def installed(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `patina` of an environment with the wheel and this environment's packages."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    [site] = (home / "lib").glob("python*/site-packages")
    others = [path for path in sys.path if path.endswith("site-packages")]
    # An editable installation of Patina in that folder has no effect: its .pth file is not read
    (site / "others.pth").write_text("\n".join(others))
    assert wheel.filename
    install = ["pip", "--python", str(python), "install", "--no-deps", "--no-index"]
    subprocess.run(
        [sys.executable, "-m", *install, wheel.filename], check=True, stdout=subprocess.DEVNULL
    )
    ask = [str(python), "-c", "import patina; print(patina.__file__)"]
    printed = subprocess.run(ask, cwd=home, capture_output=True, text=True, check=True).stdout
    assert Path(printed.strip()).is_relative_to(home)
    return home / "bin" / "patina"


@pytest.mark.parametrize("kind", ["packages", "modules"])
def test_other_packages_with_the_same_names_change_nothing(
    installed: Path, tmp_path: Path, kind: str
) -> None:
    hostile = tmp_path / "hostile"
    for name in ("crawler", "flows", "models", "tasks", "cli", "params", "errors", "codestream"):
        file = hostile / (f"{name}/__init__.py" if kind == "packages" else f"{name}.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HOSTILE)
    painted().write_to_file(str(tmp_path / "a.tif"))
    done = subprocess.run(
        [installed, "restore", "a.tif", "-o", "out"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(hostile)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert (tmp_path / "out" / "a.tif").exists()

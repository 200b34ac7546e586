"""The locked packages agree with pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = tomllib.loads(Path("pyproject.toml").read_text())["project"]
RUNTIME = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["pipeline"]
DEV = RUNTIME + PROJECT["optional-dependencies"]["dev"]
PIN = re.compile(
    r"^(?P<name>[a-z0-9.-]+)==(?P<version>\S+)(?P<rest>(?:.*\\\n)+.*\n(?:    #.*\n)*)", re.M
)


def name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


@pytest.mark.parametrize(
    ("lock", "wanted"), [("requirements.txt", RUNTIME), ("requirements-dev.txt", DEV)]
)
def test_pyproject_and_the_locked_versions_agree(lock: str, wanted: list[str]) -> None:
    pins: dict[str, list[re.Match[str]]] = {}  # of some there is one for each group of Pythons
    for pin in PIN.finditer(Path(lock).read_text()):
        pins.setdefault(name(pin["name"]), []).append(pin)
    requirements = [Requirement(text) for text in wanted]
    stale = [
        str(requirement)
        for requirement in requirements
        if not any(
            requirement.specifier.contains(pin["version"])
            for pin in pins.get(name(requirement.name), [])
        )
    ]
    ours = {
        key
        for key, found in pins.items()
        if any(f"{PROJECT['name']} (pyproject.toml)" in pin["rest"] for pin in found)
    }
    stale += sorted(ours - {name(requirement.name) for requirement in requirements})
    assert not stale, f"{lock} disagrees with pyproject.toml about {stale}: run `make lock`"


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_every_locked_version_has_hashes_and_no_host_name(lock: str) -> None:
    text = Path(lock).read_text()
    assert all("--hash=sha256:" in pin["rest"] for pin in PIN.finditer(text))
    assert "://" not in text

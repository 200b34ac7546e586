"""Versions of the software that restores a scan."""

import platform
from functools import lru_cache
from importlib import metadata

import pyvips

PACKAGES = {
    "patina": "patina-restoration",
    "openvino": "openvino",
    "numpy": "numpy",
    "opencv": "opencv-python-headless",
}


@lru_cache
def versions() -> dict[str, str]:
    """Versions of Patina, Python and the libraries, by name."""
    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    packages = {name: _version(package) for name, package in PACKAGES.items()}
    return packages | {"libvips": libvips, "python": platform.python_version()}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # run from a folder without installation
        return "unknown"

"""Packages lie in the root of a checkout, and are installed as patina.*; see pyproject.toml."""

from setuptools import find_packages, setup

ROOMS = ("crawler", "flows", "models", "tasks")

setup(
    packages=[
        *find_packages(include=["patina*"]),
        *(f"patina.{room}" for room in find_packages(include=[f"{r}*" for r in ROOMS])),
    ],
    package_dir={"patina": "patina"} | {f"patina.{room}": room for room in ROOMS},
)

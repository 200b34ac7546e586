"""Patina restores deteriorated images of artworks, and trains what restores them.

In a checkout the folders of its packages, such as tasks/, lie beside this one, not in it.
"""

from pathlib import Path

if not (Path(__file__).parent / "tasks").is_dir():
    __path__.append(str(Path(__file__).parents[1]))

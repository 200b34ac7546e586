"""Invented works for the museums: their data and pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

Json = dict[str, Any]
Source = Path | Callable[[], bytes]


@dataclass(frozen=True)
class Work:
    """A work of art; data that the museum does not know are "" or None."""

    number: int
    title: str
    image: Source  # of the largest size; read on request
    width: int = 200  # pixels of the largest size, as the museum states
    height: int = 160
    small: Source | None = None  # of the other sizes; `image` if None
    artist: str = ""
    date: str = ""
    begin: int | None = None
    end: int | None = None
    medium: str = ""
    department: str = ""
    accession: str = ""
    public: bool = True
    version: str = "2024-05-06T07:08:09-05:00"  # time of the last change of the record


@lru_cache(maxsize=256)
def picture(seed: int, suffix: str = ".jpg", width: int = 200, height: int = 160) -> bytes:
    """An encoded picture of a gradient with seeded noise; always the same bytes."""
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, 3))
    shade = np.linspace(60, 180, height)[:, None, None]
    pixels = np.clip(shade + noise, 0, 255).astype(np.uint8)
    return pyvips.Image.new_from_array(pixels).write_to_buffer(suffix)


def painted(number: int, title: str, **said: Any) -> Work:
    """A work with its own pictures, JPEG or PNG in turn, whose record states the size of a
    large scan.
    """
    suffix = (".jpg", ".png")[number % 2]
    large, small = partial(picture, number, suffix), partial(picture, number, suffix, 100, 80)
    usual: Json = {"accession": f"1916.{number}", "width": 1800, "height": 1440}
    return Work(number, title, large, small=small, **usual | said)


def exhibition() -> list[Work]:
    """Nine invented works: 103 has only a title; 108 and 109 are not free.

    A search for "night" among oils of the 17th century in European Painting finds 101 and 102. Each
    of 104 to 107 fails just one of the four conditions.
    """
    oil: Json = {"medium": "Oil on canvas", "department": "European Painting"}
    ink: Json = {"medium": "Ink on paper", "department": "European Painting"}
    isles: Json = {"medium": "Oil on panel", "department": "Arts of the Isles"}
    odile = "Odile Varga\nNorland, 1611–1660"
    return [
        painted(101, "Harbour by Night", artist=odile, date="1645", begin=1645, end=1645, **oil),
        painted(
            102, "Night Ferry", artist="T. Eberlein", date="1690s", begin=1690, end=1699, **oil
        ),
        painted(103, "Still Life with a Broken Jug", accession=""),
        painted(104, "Night Train", artist="A. Quist", date="c. 1889", begin=1884, end=1894, **oil),
        painted(
            105, "Reader at Night", artist="A. Quist", date="1650", begin=1650, end=1650, **ink
        ),
        painted(106, "Night Watchman", artist="Nuno", date="1630", begin=1630, end=1630, **isles),
        painted(107, "Noon in the Salt Pans", date="1666", begin=1666, end=1666, **oil),
        painted(108, "Neon", artist="B. Roth", date="1994", begin=1994, end=1994, public=False),
        painted(109, "Neon II", artist="B. Roth", date="1995", begin=1995, end=1995, public=False),
    ]

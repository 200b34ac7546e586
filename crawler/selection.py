"""The filters of a crawl."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from patina.crawler.items import Artwork, CrawlError, Rendition

TOLERANCE = 1.05  # because the servers of museums round requested sizes


def _filter(default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"help": help_text})


@dataclass(frozen=True)
class Selection:
    """The filters of a crawl. The values "" and 0 filter nothing.

    Command line options and the keys of the section crawl in params.yaml are made from these
    fields. A period is "1600-1699" or a single year; years BC are negative, such as "-500--400".
    Raises CrawlError if the period is invalid or a number is negative.
    """

    query: str = _filter(
        "", "Words to search for; with iiif, the address of a manifest or collection."
    )
    department: str = _filter("", "Part of a department's name.")
    medium: str = _filter("", "Part of the medium, such as oil.")
    period: str = _filter("", "Years, such as 1600-1699.")
    limit: int = _filter(0, "The number of works to fetch; 0: all.")
    max_pixels: int = _filter(0, "The largest size of an image in pixels; 0: any size.")

    def __post_init__(self) -> None:
        self.years()
        for name, value in asdict(self).items():
            if isinstance(value, int) and value < 0:
                raise CrawlError(f"{name} {value}: give 0 or more")

    @classmethod
    def read(cls, file: Path) -> "Selection":
        """Read a selection from a JSON file, an object with a key for each field.

        Raises CrawlError if the file is not valid.
        """
        try:
            return cls(**json.loads(file.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            known = ", ".join(each.name for each in fields(cls))
            raise CrawlError(
                f"--selection {file}: {error}; give a JSON object with keys of {known}"
            ) from error

    def years(self) -> tuple[int, int] | None:
        """First and last year of `period`; None if it is "". Raises CrawlError if it is invalid."""
        if not self.period:
            return None
        found = re.fullmatch(r"(-?\d+)(?:-(-?\d+))?", self.period.replace(" ", ""))
        begin, end = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if begin > end:
            raise CrawlError(f"period {self.period!r}: give years, such as 1600-1699 or 1889")
        return begin, end

    def wants(self, work: Artwork) -> bool:
        """Whether the record of a work matches department, medium and period.

        The museum's own search filters, too, but none by all three, and some only roughly.
        """
        years = self.years()
        if years and work.begin is not None:
            end = work.begin if work.end is None else work.end
            if end < years[0] or work.begin > years[1]:
                return False
        elif years:
            return False
        named = ((self.department, work.department), (self.medium, work.medium))
        return all(asked.casefold() in said.casefold() for asked, said in named)

    def fits(self, width: int, height: int) -> bool:
        """Whether an image of this size in pixels is not larger than `max_pixels`."""
        return not self.max_pixels or width * height <= self.max_pixels * TOLERANCE

    def fitting(self, renditions: list[Rendition]) -> list[Rendition]:
        """The renditions that fit or have no known size, in the order given."""
        return [size for size in renditions if self.fits(size.width, size.height)]

    def key(self) -> str:
        """A hash of the filters without `limit` and `max_pixels`."""
        asked = asdict(self) | {"limit": 0, "max_pixels": 0}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]

"""Which works of a museum are wanted."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass

from patina.crawler.items import Artwork, CrawlError, Rendition

TOLERANCE = 1.05  # a museum's servers round the sizes they are asked for


@dataclass(frozen=True)
class Selection:
    """What `patina crawl` was asked for. Text that is "" and numbers that are 0 ask nothing."""

    query: str = ""
    department: str = ""  # part of its name
    medium: str = ""  # part of it, as "oil"
    period: str = ""  # "1600-1699", or a single year; years before Christ as "-500--400"
    limit: int = 0  # works
    max_pixels: int = 0  # of an image

    def years(self) -> tuple[int, int] | None:
        """First and last year of `period`; raises CrawlError when it is none."""
        if not self.period:
            return None
        found = re.fullmatch(r"(-?\d+)(?:-(-?\d+))?", self.period.replace(" ", ""))
        begin, end = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if begin > end:
            raise CrawlError(f"period {self.period!r}: give years, such as 1600-1699 or 1889")
        return begin, end

    def wants(self, work: Artwork) -> bool:
        """Whether a museum's record answers to department, medium and period.

        A museum's own search is asked too, but none filters by all three, and some forgive much.
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
        """Whether an image of that size, pixels, is not larger than was asked for."""
        return not self.max_pixels or width * height <= self.max_pixels * TOLERANCE

    def fitting(self, renditions: list[Rendition]) -> list[Rendition]:
        """Those that fit or do not say their size, in the order given."""
        return [size for size in renditions if self.fits(size.width, size.height)]

    def key(self) -> str:
        """Names what was asked for, however many works were to be fetched."""
        asked = asdict(self) | {"limit": 0, "max_pixels": 0}
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]

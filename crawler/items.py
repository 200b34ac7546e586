"""What a crawl passes along: one `Artwork` a work, and the error that is the user's to mend."""

from dataclasses import dataclass, field
from pathlib import Path


class CrawlError(Exception):
    """A crawl cannot go on; the message says what, where and what to do."""


class LaterError(CrawlError):
    """A crawl cannot go on now, but may later: the network or the museum is at fault."""


@dataclass(frozen=True)
class Rendition:
    """One size in which a museum offers a work's image; 0 where it does not say how large."""

    url: str
    width: int = 0  # pixels
    height: int = 0


@dataclass
class Artwork:
    """A work as its spider found it, then what the pipelines learn of it. Text missing is ""."""

    id: str = ""  # safe as a file name, the same in every crawl
    number: str = ""  # what the museum's API calls it
    version: str = ""  # changes when the museum's record does; "" where a listing does not tell

    title: str = ""
    artist: str = ""
    date: str = ""
    medium: str = ""
    department: str = ""
    institution: str = ""
    accession: str = ""
    licence: str = ""
    licence_url: str = ""
    source: str = ""  # the work's page, or the path of a scan
    begin: int | None = None  # years between which the work was made; before Christ below 0
    end: int | None = None
    renditions: list[Rendition] = field(default_factory=list)  # the best first
    local: Path | None = None  # a file to copy instead of a URL to fetch

    image_url: str = ""  # of the rendition that was taken
    asked_width: int = 0  # pixels, as the museum announced them
    asked_height: int = 0
    max_pixels: int = 0  # that was asked for when it was filed
    etag: str = ""  # what the museum's server said of the image's version
    last_modified: str = ""
    retrieved: str = ""  # when the image came, ISO 8601, UTC
    kept: bool = False  # its bytes are those of an earlier crawl

    file: str = ""  # relative to the harvest, "" when no bytes arrived
    suffix: str = ""  # from the content
    sha256: str = ""
    size_bytes: int = 0
    width: int = 0
    height: int = 0
    fault: str = ""  # "kind" or "kind: detail"; "" for a sound work
    withdrawn: str = ""  # why a work that was filed before may not be used any more

    @property
    def ok(self) -> bool:
        """Whether the work has its place among the sound ones."""
        return bool(self.file) and not (self.fault or self.withdrawn)

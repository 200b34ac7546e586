"""The item of a crawl, one `Artwork` for each work, and errors that the user can correct."""

from dataclasses import dataclass, field
from pathlib import Path


class CrawlError(Exception):
    """A crawl cannot continue; the message says what is wrong, where, and what to do."""


class LaterError(CrawlError):
    """A crawl cannot continue now, but may later, because the network or the museum failed."""


@dataclass(frozen=True)
class Rendition:
    """One size in which a museum offers the image of a work."""

    url: str
    width: int = 0  # pixels; 0: unknown
    height: int = 0  # pixels; 0: unknown


@dataclass
class Artwork:
    """A work with the data that the spider found, then those that the pipelines add.

    Missing text is "".
    """

    id: str = ""  # a safe file name, the same in every crawl
    number: str = ""  # identifier in the museum's API
    version: str = ""  # changes when the museum's record changes; "" if the listing has none

    title: str = ""
    artist: str = ""
    date: str = ""  # in the museum's words
    medium: str = ""
    department: str = ""
    institution: str = ""
    accession: str = ""  # accession number
    licence: str = ""  # "" unless the record says that work and image are free
    licence_url: str = ""
    source: str = ""  # web page of the work, or path of the scan
    begin: int | None = None  # first year in which it may have been made; negative: BC
    end: int | None = None  # last year
    renditions: list[Rendition] = field(default_factory=list)  # the largest first
    local: Path | None = None  # a local file that is copied instead of a download

    image_url: str = ""  # of the rendition that was fetched
    asked_width: int = 0  # pixels, as the museum announced them
    asked_height: int = 0  # pixels, likewise
    max_pixels: int = 0  # the selection's value when the work was saved
    etag: str = ""  # HTTP header of the image
    last_modified: str = ""  # HTTP header of the image
    retrieved: str = ""  # time of the download, ISO 8601, UTC
    kept: bool = False  # its file is from an earlier crawl

    file: str = ""  # path relative to the harvest; "" if there are no bytes
    suffix: str = ""  # by the content
    sha256: str = ""  # of the file
    size_bytes: int = 0  # of the file
    width: int = 0  # pixels
    height: int = 0  # pixels
    fault: str = ""  # why it is rejected: "kind" or "kind: detail"; "" if it has no fault
    withdrawn: str = ""  # why a work that was saved before may no longer be used

    @property
    def ok(self) -> bool:
        """Whether the work is accepted."""
        return bool(self.file) and not (self.fault or self.withdrawn)

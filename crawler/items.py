"""What a crawl passes along: one `Artwork` a work, and the error that is the user's to mend."""

from dataclasses import dataclass
from pathlib import Path


class CrawlError(Exception):
    """A crawl cannot go on; the message says what, where and what to do."""


@dataclass
class Artwork:
    """A work as its spider found it, then what the pipelines learn of it. Text missing is ""."""

    id: str = ""  # safe as a file name, the same in every crawl
    title: str = ""
    artist: str = ""
    date: str = ""
    medium: str = ""
    institution: str = ""
    licence: str = ""
    source: str = ""  # the work's page, or the path of a scan
    image_url: str | None = None
    local: Path | None = None  # a file to copy instead of a URL to fetch

    file: str = ""  # relative to the harvest, "" when no bytes arrived
    suffix: str = ""  # from the content
    sha256: str = ""
    size_bytes: int = 0
    width: int = 0
    height: int = 0
    fault: str = ""  # "kind" or "kind: detail"; "" for a sound work

"""A lab's own scans in a folder; nothing is requested from the network."""

import asyncio
import os
import unicodedata
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from scrapy import Spider
from scrapy.signals import item_dropped, item_error, item_scraped

from crawler.items import Artwork, CrawlError
from crawler.loaders import ArtworkLoader, short_hash, slug

EXTENSIONS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".jp2")
AT_ONCE = 8


def images_in(folder: Path) -> list[Path]:
    """The image files under `folder`, by extension, sorted by their path within it."""
    if not folder.is_dir():
        raise CrawlError(f"--folder {folder}: not a folder; give one that holds image files")
    found = sorted(walk(folder.resolve()))
    if not found:
        known = " ".join(extension[1:] for extension in EXTENSIONS)
        raise CrawlError(f"--folder {folder}: no image file in it; looked for {known}")
    return found


def walk(root: Path) -> Iterator[Path]:
    """Image files under `root`, links that lead out of it and hidden names left alone."""
    for parent, folders, names in os.walk(root):
        # macOS leaves "._scan.tif" beside "scan.tif": the extension of an image, but no image
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if name.startswith(".") or path.suffix.lower() not in EXTENSIONS:
                continue
            if path.is_file() and path.resolve().is_relative_to(root):
                yield path


def work_id(relative: Path) -> str:
    """Readable, and apart from every other path: "Box 2/a.tif" is "box-2-a-" and ten hex digits."""
    name = unicodedata.normalize("NFC", relative.as_posix())  # macOS and Linux spell é differently
    return f"{slug(str(relative.with_suffix('')))}-{short_hash(name)}".lstrip("-")


class FolderSpider(Spider):
    """Yields each image file of a folder and its subfolders."""

    name = "folder"

    def __init__(self, folder: str, institution: str = "", **arguments: Any) -> None:
        super().__init__(**arguments)
        self.root = Path(folder).resolve()
        self.images = images_in(Path(folder))
        self.institution = institution

    async def start(self) -> AsyncIterator[Artwork]:
        """Yield the scans, a few at a time, and stay until the last has been dealt with.

        Scrapy notices at once that a spider's start has ended, but only every five seconds that
        items which follow no request have.
        """
        free = asyncio.Semaphore(AT_ONCE)

        def dealt_with() -> None:
            free.release()

        for signal in (item_scraped, item_dropped, item_error):
            self.crawler.signals.connect(dealt_with, signal)
        for path in self.images:
            await free.acquire()
            yield self.artwork(path)
        for _ in range(AT_ONCE):
            await free.acquire()

    def artwork(self, path: Path) -> Artwork:
        relative = path.relative_to(self.root)
        loader = ArtworkLoader()
        loader.add_value("id", work_id(relative))
        loader.add_value("title", path.stem)
        loader.add_value("institution", self.institution)
        loader.add_value("licence", "unknown")
        loader.add_value("source", relative.as_posix())
        loader.add_value("local", path)
        return loader.load_item()

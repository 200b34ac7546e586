"""The user's own scans in a folder; no network is used."""

import os
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from patina.crawler.harvest import Harvest
from patina.crawler.items import Artwork, CrawlError
from patina.crawler.loaders import ArtworkLoader, short_hash, slug
from patina.crawler.selection import Selection
from patina.crawler.spiders.museum import PacedSpider
from patina.formats import COLLECTED_SUFFIXES


def images_in(folder: Path) -> list[Path]:
    """The image files in `folder`, by suffix, sorted by path. Raises CrawlError if there are
    none.
    """
    if not folder.is_dir():
        raise CrawlError(f"--folder {folder}: not a folder; give a folder with image files")
    found = sorted(walk(folder.resolve()))
    if not found:
        known = " ".join(suffix[1:] for suffix in COLLECTED_SUFFIXES)
        raise CrawlError(f"--folder {folder}: there is no image file in it; supported: {known}")
    return found


def walk(root: Path) -> Iterator[Path]:
    """Image files in `root`, without hidden names and links that lead outside."""
    for parent, folders, names in os.walk(root):
        # macOS writes "._scan.tif" beside "scan.tif", which is not an image
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if name.startswith(".") or path.suffix.lower() not in COLLECTED_SUFFIXES:
                continue
            if path.is_file() and path.resolve().is_relative_to(root):
                yield path


def work_id(relative: Path) -> str:
    """A readable and unique id: of "Box 2/a.tif" it is "box-2-a-" and ten hex digits."""
    name = unicodedata.normalize("NFC", relative.as_posix())  # macOS and Linux encode é differently
    return f"{slug(str(relative.with_suffix('')))}-{short_hash(name)}".lstrip("-")


class FolderSpider(PacedSpider):
    """Yields each image file of a folder and its subfolders."""

    name = "folder"

    def __init__(
        self,
        harvest: Harvest,
        selection: Selection,
        *,
        folder: str,
        institution: str = "",
        **arguments: Any,
    ) -> None:
        super().__init__(harvest, selection, **arguments)
        self.root = Path(folder).resolve()
        self.images = images_in(Path(folder))
        self.institution = institution

    async def works(self) -> AsyncIterator[Artwork]:
        """The works, by path."""
        for path in self.images:
            yield self.artwork(path)

    def artwork(self, path: Path) -> Artwork:
        """The work of the image file `path`."""
        relative = path.relative_to(self.root)
        loader = ArtworkLoader()
        loader.add_value("id", work_id(relative))
        loader.add_value("title", path.stem)
        loader.add_value("institution", self.institution)
        loader.add_value("licence", "unknown")
        loader.add_value("source", relative.as_posix())
        loader.add_value("local", path)
        with suppress(FileNotFoundError):  # it is gone; the copy will report that
            facts = path.stat()
            loader.add_value("version", f"{facts.st_size}-{facts.st_mtime_ns}")
        return loader.load_item()

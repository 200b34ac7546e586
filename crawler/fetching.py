"""Downloads the images of works, and limits the number of bytes for one work.

Scrapy's FilesPipeline is not used: it takes an incomplete file for an up-to-date one, saves one
file for several works with the same image URL, and logs a traceback for every 404.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scrapy import Request
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError, StopDownload
from scrapy.http.request import NO_CALLBACK
from scrapy.signals import bytes_received

from patina.crawler.harvest import ABOUT_THE_WORK, RECORD_FIELDS, Row
from patina.crawler.items import Artwork, Rendition
from patina.crawler.network import DOWNLOAD_ERRORS, GONE
from patina.crawler.pipelines import HarvestPipeline
from patina.crawler.text import reason_of
from patina.crawler.verify import size_of

TRY_SMALLER = ("too large", *(f"download failed: HTTP {status}" for status in GONE))
CHUNK_BYTES = 2**20
MOST_BYTES = 512 * 2**20  # maximum of an image of any size
BYTES_A_PIXEL = 8  # four channels of 16 bit
SPARE_BYTES = 16 * 2**20  # allowance for metadata
BUDGET = 2  # all sizes of one work together may have this many times the bytes of the largest


@dataclass
class Budget:
    """Number of bytes that may still be downloaded for one work, for all sizes and tries."""

    left: int


def most_bytes(max_pixels: int) -> int:
    """Maximum file size in bytes of an image of `max_pixels` pixels; 0: of any size."""
    return min(MOST_BYTES, SPARE_BYTES + BYTES_A_PIXEL * max_pixels) if max_pixels else MOST_BYTES


class ImagePipeline(HarvestPipeline):
    """Downloads (or copies) the original bytes of a work, in the largest size that fits."""

    def open_spider(self) -> None:
        """Count received bytes; part of Scrapy's interface."""
        self.crawler.signals.connect(self.received, bytes_received)

    def received(self, data: bytes, request: Request) -> None:
        """Stop a download that exceeds the budget of its work."""
        budget = request.meta.get("budget")
        if budget:
            budget.left -= len(data)
            if budget.left < 0:
                raise StopDownload

    async def process_item(self, item: Artwork) -> Artwork:
        """Fetch the image of a work that has no up-to-date image, fault or withdrawal."""
        if item.kept or item.fault or item.withdrawn:
            return item
        if item.local:
            await asyncio.to_thread(self.copy, item, item.local)
        else:
            await self.fetch(item)
        return item

    def copy(self, item: Artwork, source: Path) -> None:
        """Copy the local file `source` to the harvest."""
        try:
            file = source.open("rb")
        except OSError as error:
            item.fault = f"cannot be read: {error.strerror}"
            return
        with file:
            self.harvest.take(item, iter(lambda: file.read(CHUNK_BYTES), b""))

    async def fetch(self, item: Artwork) -> None:
        """Try the sizes that fit, the largest first; `item.fault` is the fault of the last one."""
        renditions = self.spider.selection.fitting(item.renditions)
        if not renditions:
            least = item.renditions[-1]
            item.fault = (
                f"too large: the smallest size offered is {least.width}×{least.height} pixels"
            )
        most = most_bytes(self.spider.selection.max_pixels)
        budget = Budget(BUDGET * most)
        for rendition in renditions:
            item.fault = await self.fetch_rendition(item, rendition, most, budget)
            if budget.left < 0 or not item.fault.startswith(TRY_SMALLER):
                return

    async def fetch_rendition(
        self, item: Artwork, rendition: Rendition, most: int, budget: Budget
    ) -> str:
        """Download one size; return its fault, "" if it has none."""
        record = self.harvest.record(item.id)
        ours = record.get("image_url") == rendition.url and self.harvest.intact(record)
        unless = unless_changed(record) if ours else {}
        meta = {"dont_cache": True, "download_maxsize": most, "budget": budget}
        try:
            request = Request(rendition.url, headers=unless, callback=NO_CALLBACK, meta=meta)
            response = await self.download(request)
        except DownloadCancelledError:
            return f"too large: more than {most / 1e6:.0f} MB"
        except StopDownload:
            return f"too large: all its sizes together exceed {BUDGET * most / 1e6:.0f} MB"
        except DownloadTimeoutError:
            return "too large: the download did not end in time"
        except (*DOWNLOAD_ERRORS, TypeError) as error:
            return f"download failed: {reason_of(error)}"
        if response.status == 304 and unless:
            self.count("not_modified")
            fresh = {
                name: getattr(item, name) for name in (*ABOUT_THE_WORK, "version", "max_pixels")
            }
            vars(item).update({name: record[name] for name in RECORD_FIELDS} | fresh)
            item.suffix, item.kept = Path(item.file).suffix, True
            return ""
        if response.status != 200:
            return f"download failed: HTTP {response.status}"
        item.image_url = rendition.url
        item.asked_width, item.asked_height = rendition.width, rendition.height
        item.etag, item.last_modified = (
            (response.headers.get(name) or b"").decode("latin-1")
            for name in ("ETag", "Last-Modified")
        )
        if self.spider.museum:
            item.retrieved = datetime.now(UTC).isoformat(timespec="seconds")
        await asyncio.to_thread(self.harvest.take, item, [response.body])
        self.count("fetched")
        width, height = await asyncio.to_thread(size_of, self.harvest.folder / item.file)
        if not self.spider.selection.fits(width, height):
            return f"too large: the museum sent {width}×{height} pixels; raise max_pixels"
        return ""


def unless_changed(record: Row) -> dict[str, str]:
    """Headers that request an image only if it differs from the saved one."""
    headers = {"If-None-Match": record["etag"], "If-Modified-Since": record["last_modified"]}
    return {name: value for name, value in headers.items() if value}

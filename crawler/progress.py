"""Progress of a crawl: a bar on a terminal, else a line every few seconds."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from scrapy.crawler import Crawler
from scrapy.signals import item_dropped, item_error, item_scraped, spider_closed, spider_opened
from twisted.internet.task import LoopingCall

from patina.crawler.spiders.museum import PacedSpider

SHOWN = ("found", "filed", "waited_ms", "bytes")


class Bar(Progress):
    """A progress bar of the processed works."""

    def __init__(self, crawler: Crawler, console: Console) -> None:
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        super().__init__(TextColumn("  crawl"), *columns, console=console, transient=True)
        self.shown = self.add_task("crawl", total=None)
        crawler.signals.connect(self.opened, spider_opened)
        for signal in (item_scraped, item_dropped, item_error):
            crawler.signals.connect(self.step, signal)

    def opened(self, spider: PacedSpider) -> None:
        """Set the total, if it is known."""
        self.update(self.shown, total=spider.enough or None)

    def step(self) -> None:
        """Count one processed work."""
        self.advance(self.shown)


class Lines:
    """Prints a line to stderr every `every_s` seconds during a crawl."""

    def __init__(self, crawler: Crawler, console: Console, every_s: float) -> None:
        self.crawler, self.console = crawler, console
        self.every_s, self.seconds = every_s, 0.0
        self.call = LoopingCall(self.print_line)
        crawler.signals.connect(self.opened, spider_opened)
        crawler.signals.connect(self.closed, spider_closed)

    def opened(self) -> None:
        """Start the clock."""
        self.call.start(self.every_s, now=False)

    def closed(self) -> None:
        """Stop the clock."""
        if self.call.running:
            self.call.stop()

    def print_line(self) -> None:
        """Print the counters of the crawl."""
        self.seconds += self.every_s
        line = progress_line(self.crawler, self.seconds)
        # Names of files may look like markup or emoji
        self.console.print(line, emoji=False, markup=False, highlight=False, soft_wrap=True)


def progress_line(crawler: Crawler, seconds: float) -> str:
    """The counters of the crawl so far, in words."""
    assert crawler.stats
    assert isinstance(crawler.spider, PacedSpider)
    counted = crawler.stats.get_stats()
    found, filed, waited_ms, size_bytes = (counted.get(f"patina/{name}", 0) for name in SHOWN)
    enough = f" of {crawler.spider.enough}" if crawler.spider.enough else ""
    return (
        f"crawl {crawler.spider.name}: {found} found, {filed} filed{enough}, "
        f"{size_bytes / 1e6:.1f} MB, {waited_ms / 1000:.0f} s of waiting in {seconds:.0f} s"
    )

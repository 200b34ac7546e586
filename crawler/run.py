"""Runs one crawl in this process: `python -m patina.crawler.run --source sample --out DIR`.

Scrapy's reactor cannot be started twice, so each crawl needs its own process.
"""

import json
import os
import re
import signal
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from scrapy.crawler import Crawler, CrawlerProcess
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from patina.crawler import MUSEUMS
from patina.crawler.harvest import Harvest, write_atomically
from patina.crawler.items import CrawlError, LaterError
from patina.crawler.network import replay_from
from patina.crawler.options import with_filters
from patina.crawler.progress import Bar, Lines
from patina.crawler.sample.museum import Museum
from patina.crawler.selection import Selection
from patina.crawler.settings import FIRST_WAIT_S
from patina.crawler.spiders.museum import MuseumSpider, PacedSpider
from patina.crawler.text import plain

EPILOG = """
Examples:

python -m patina.crawler.run --source sample --works 48 --seed 0 --out data/artworks

python -m patina.crawler.run --source folder --folder ~/scans --institution Archive --out harvest

python -m patina.crawler.run --source artic --query monet --contact me@lab.org --out harvest

If a crawl was interrupted, the same command continues it.
"""
LINE_EVERY_S = 10.0
TRY_LATER = 75  # exit code for an error of the museum or the network (EX_TEMPFAIL in sysexits.h)


class Outcome(dict[str, Any]):
    """The counters of a crawl, as numbers and texts; a missing counter is 0."""

    def __missing__(self, name: str) -> int:
        return 0

    @classmethod
    def of(cls, source: str, crawler: Crawler, seconds: float) -> "Outcome":
        """The outcome of a crawl that took `seconds`."""
        spider = crawler.spider
        assert isinstance(spider, PacedSpider)
        assert crawler.stats
        stats = crawler.stats.get_stats()
        ours = {k.removeprefix("patina/"): v for k, v in stats.items() if k.startswith("patina/")}
        reasons = {k.removeprefix("rejected/"): v for k, v in sorted(ours.items()) if "/" in k}
        status = Counter(
            {
                k.rpartition("/")[2]: v
                for k, v in sorted(stats.items())
                if k.startswith("downloader/response_status_count/")
            }
        )
        return cls(
            {k: v for k, v in ours.items() if "/" not in k},
            source=source,
            rejected=reasons,
            requests=dict(status),
            from_cache=stats.get("httpcache/hit", 0),
            seconds=round(seconds, 1),
            notes=[plain(note) for note in getattr(spider, "notes", [])],
        )

    def summary(self) -> str:
        """The summary line of the crawl."""
        rejected = f"{sum(self['rejected'].values())} rejected"
        if self["rejected"]:
            reasons = (f"{number} {reason}" for reason, number in self["rejected"].items())
            rejected += f" ({', '.join(reasons)})"
        parts = [
            f"{self['found']} found",
            f"{self['filed']} filed ({self['up_to_date']} from an earlier crawl)",
            rejected,
            *(f"{self[name]} {word}" for name, word in OPTIONAL.items() if self[name]),
            f"{self['bytes'] / 1e6:.1f} MB",
            f"{self['seconds']:.1f} s",
        ]
        if self["waited_ms"] >= 1000:
            parts.append(f"{self['waited_ms'] / 1000:.0f} s of waiting")
        return f"crawl {self['source']}: {', '.join(parts)}"


OPTIONAL = {"filtered": "outside the filters", "withdrawn": "withdrawn by the museum"}


def crawl(
    source: str, settings: Settings, arguments: dict[str, Any], every_s: float = LINE_EVERY_S
) -> tuple[Outcome, list]:
    """Run the spider named `source`; return its counters, and errors that are not about one work.

    every_s: seconds between two lines of progress, if there is no terminal.
    """
    started = time.monotonic()
    process = CrawlerProcess(settings)
    crawler = process.create_crawler(source)
    errors: list[BaseException] = []
    process.crawl(crawler, **arguments).addErrback(lambda failure: errors.append(failure.value))
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, leave)
    console = Console(stderr=True)
    shown: AbstractContextManager = (
        Bar(crawler, console)
        if console.is_terminal
        else nullcontext(Lines(crawler, console, every_s))
    )
    with shown:
        process.start(install_signal_handlers=False)
    if not isinstance(crawler.spider, PacedSpider):
        raise errors[0]
    errors += crawler.spider.failures
    return Outcome.of(source, crawler, time.monotonic() - started), errors


def leave(signum: int, _: Any) -> None:
    """Stop at once; all saved files are complete, and the next crawl continues."""
    os.write(2, b"crawl: stopped; run the command again to continue\n")
    os._exit(128 + signum)


def settings_for(
    source: str, *, cache: Path, contact: str, delay_s: float, replay_origin: str, log_level: str
) -> Settings:
    """Scrapy's settings. Raises CrawlError if the source is unknown, or a museum needs a
    contact.
    """
    settings = Settings()
    settings.setmodule("patina.crawler.settings")
    settings.set("HTTPCACHE_DIR", str(cache.resolve()))
    settings.set("USER_AGENT", f"Patina (+{contact})" if contact else "Patina")
    if log_level:
        settings.set("LOG_LEVEL", log_level.upper())
    loader = SpiderLoader.from_settings(settings)
    if source not in loader.list():
        known = ", ".join(sorted(loader.list()))
        raise CrawlError(f"--source {source!r}: unknown; known: {known}")
    spider = loader.load(source)
    if replay_origin:
        replay_from(settings, replay_origin)
    elif issubclass(spider, MuseumSpider) and not re.fullmatch(CONTACT, contact):
        raise CrawlError(
            f"{source} wants to know who sends requests: set crawl.contact or --contact to your "
            "e-mail or web address"
        )
    least_s = 0.0 if replay_origin else getattr(spider, "delay_s", 0.0)
    settings.set("DOWNLOAD_DELAY", max(least_s, delay_s))
    return settings


CONTACT = r"[^@\s()]+@[^@\s()]+\.[^@\s()]+|https?://[^\s()]+"


def make_folder(out: Path) -> Path:
    """Make the folder `out` if it is missing. Raises CrawlError if that fails."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CrawlError(f"--out {out}: the folder cannot be made: {error.strerror}") from error
    return out


def folder_arguments(folder: Path | None, institution: str, out: Path) -> dict[str, Any]:
    """Arguments of the spider `folder`. Raises CrawlError if they are invalid."""
    if folder is None:
        raise CrawlError("--source folder needs --folder PATH, the folder of the scans")
    if out.resolve().is_relative_to(folder.resolve()):
        raise CrawlError(
            f"--out {out}: it is inside --folder {folder}, so the next crawl would read it; "
            "give a folder outside"
        )
    return {"folder": str(folder), "institution": institution}


NO_FILTERS: dict[str, Any] = {}
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog=EPILOG)
@with_filters
def main(
    source: Annotated[str, typer.Option(help=f"{', '.join(MUSEUMS)}, sample or folder.")],
    out: Annotated[
        Path, typer.Option(help="The folder of the harvest; it is made if it is missing.")
    ],
    cache: Annotated[
        Path | None, typer.Option(help="The folder of cached responses; the default is beside OUT.")
    ] = None,
    works: Annotated[
        int, typer.Option(min=1, help="The number of works in the sample museum.")
    ] = 48,
    seed: Annotated[int, typer.Option(min=0, help="The seed of the sample museum.")] = 0,
    folder: Annotated[Path | None, typer.Option(help="The folder of your own scans.")] = None,
    institution: Annotated[
        str, typer.Option(help="The institution that holds the scanned works.")
    ] = "",
    selection: Annotated[
        Path | None,
        typer.Option(help="A JSON file with the filters below; options override it."),
    ] = None,
    filters: dict[str, Any] = NO_FILTERS,
    contact: Annotated[
        str, typer.Option(help="Your e-mail or web address; the museum sees it.")
    ] = "",
    delay_s: Annotated[
        float,
        typer.Option(
            min=0, help="Seconds between requests; the museum's own delay is the minimum."
        ),
    ] = 0,
    first_wait_s: Annotated[
        float,
        typer.Option(
            min=0, help="First pause in seconds for a busy museum; it is doubled each time."
        ),
    ] = FIRST_WAIT_S,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count the works of the listing.")
    ] = False,
    replay_origin: Annotated[
        str, typer.Option(help="A server on this machine that answers instead of all hosts.")
    ] = "",
    line_every_s: Annotated[
        float, typer.Option(min=0.05, help="Seconds between lines of progress, without a terminal.")
    ] = LINE_EVERY_S,
    stats: Annotated[
        Path | None, typer.Option(help="A JSON file for the counters of the crawl.")
    ] = None,
    log_level: Annotated[
        str, typer.Option(help="Scrapy's log on stderr: DEBUG, INFO, WARNING or ERROR.")
    ] = "",
) -> None:
    """Fetch works into a harvest: artworks/, records/, manifest.jsonl, rejected.jsonl."""
    cache = cache or out.resolve().with_name(f".{out.resolve().name}.http")
    own_museum = source == "sample" and not replay_origin
    try:
        wanted = replace(Selection.read(selection) if selection else Selection(), **filters)
        extra = folder_arguments(folder, institution, out) if source == "folder" else {}
        with Museum(works, seed) if own_museum else nullcontext() as museum:
            settings = settings_for(
                source,
                cache=cache,
                contact=contact,
                delay_s=delay_s,
                replay_origin=museum.origin if museum else replay_origin,
                log_level=log_level,
            )
            settings.set("FIRST_WAIT_S", first_wait_s)
            harvest = Harvest(make_folder(out))
            with harvest.locked(make_folder(cache) / "lock"):
                if dry_run:
                    extra["dry_run"] = True
                arguments = {"harvest": harvest, "selection": wanted, **extra}
                outcome, errors = crawl(source, settings, arguments, line_every_s)
    except (CrawlError, OSError) as error:
        fail(source, error)
    if stats:
        write_atomically(stats, [json.dumps(outcome, indent=1).encode()])
    report(outcome, errors, settings, dry_run, out)


def report(
    outcome: Outcome,
    errors: list[BaseException],
    settings: Settings,
    dry_run: bool,
    out: Path,
) -> None:
    """Print the result of the crawl, and exit with its exit code."""
    source = outcome["source"]
    for note in outcome["notes"]:
        say(f"crawl {source}: {note}")
    if dry_run and not errors:
        say(forecast(outcome, settings.getfloat("DOWNLOAD_DELAY")))
        return
    if outcome["found"]:
        say(outcome.summary())
    if errors:
        fail(source, errors[0], more=len(errors) - 1)
    if not outcome["found"]:
        fail(source, CrawlError("no work was found; check the query and the filters"))
    if outcome["found"] == outcome["filtered"]:
        fail(source, CrawlError("no work that was found matches the filters"))
    if not outcome["filed"]:
        fail(source, CrawlError(f"no work was filed; {out / 'rejected.jsonl'} lists the reasons"))


def say(text: str, *, err: bool = False) -> None:
    """Print a line to the terminal, without control characters."""
    typer.echo(plain(text), err=err)


def forecast(outcome: Outcome, delay_s: float) -> str:
    """The number of works to fetch, and the duration at the museum's pace.

    Record and image come from two hosts, which are requested in parallel.
    """
    seconds = outcome["to_fetch"] * delay_s
    lasts = f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
    return (
        f"crawl {outcome['source']}: {outcome['found']} found, {outcome['up_to_date']} up to date,"
        f" {outcome['to_fetch']} to fetch: at least {lasts} at one request every {delay_s:g} s"
    )


def fail(source: str, error: BaseException, more: int = 0) -> None:
    """Print the error and exit, with TRY_LATER if the same crawl may succeed later."""
    kind = "" if isinstance(error, (CrawlError, OSError)) else f"{type(error).__name__}: "
    say(f"crawl {source}: {kind}{error}" + (f" (and {more} more)" if more else ""), err=True)
    raise typer.Exit(TRY_LATER if isinstance(error, LaterError) else 1)


if __name__ == "__main__":
    app()

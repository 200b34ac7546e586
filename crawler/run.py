"""Runs one crawl in this process: `python -m patina.crawler.run --source sample --out DIR`.

Scrapy's reactor cannot be started twice, so that whoever wants two crawls starts two processes.
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

A crawl that was cut short goes on where it stopped when it is run again.
"""
LINE_EVERY_S = 10.0
TRY_LATER = 75  # exit code: the museum or the network was at fault, as sysexits.h has it


class Outcome(dict[str, Any]):
    """What a crawl counted, as plain numbers and texts; what was not counted is 0."""

    def __missing__(self, name: str) -> int:
        return 0

    @classmethod
    def of(cls, source: str, crawler: Crawler, seconds: float) -> "Outcome":
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
        """The crawl in a few words."""
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


OPTIONAL = {"filtered": "not asked for", "withdrawn": "withdrawn by the museum"}


def crawl(
    source: str, settings: Settings, arguments: dict[str, Any], every_s: float = LINE_EVERY_S
) -> tuple[Outcome, list]:
    """Run the spider named `source` to its end: what it counted, and errors beyond single works.

    every_s: seconds between two lines of progress, where there is no terminal.
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
    """Stop at once: what is filed is whole, and a crawl that is run again goes on from there."""
    os.write(2, b"crawl: stopped; run it again to go on\n")
    os._exit(128 + signum)


def settings_for(
    source: str, *, cache: Path, contact: str, delay_s: float, replay_origin: str, log_level: str
) -> Settings:
    """Scrapy's settings; raises CrawlError when a museum could not tell whom to write to."""
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
            f"{source} asks to know who is calling: give crawl.contact, an e-mail or web address"
        )
    least_s = 0.0 if replay_origin else getattr(spider, "delay_s", 0.0)
    settings.set("DOWNLOAD_DELAY", max(least_s, delay_s))
    return settings


CONTACT = r"[^@\s()]+@[^@\s()]+\.[^@\s()]+|https?://[^\s()]+"


def make_folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CrawlError(f"--out {out}: cannot be made a folder: {error.strerror}") from error
    return out


def folder_arguments(folder: Path | None, institution: str, out: Path) -> dict[str, Any]:
    """What the spider of a folder is told; raises CrawlError for what cannot be."""
    if folder is None:
        raise CrawlError("--source folder needs --folder PATH, where the scans are")
    if out.resolve().is_relative_to(folder.resolve()):
        raise CrawlError(
            f"--out {out}: lies in --folder {folder}, so it would be crawled next time"
        )
    return {"folder": str(folder), "institution": institution}


NO_FILTERS: dict[str, Any] = {}
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog=EPILOG)
@with_filters
def main(
    source: Annotated[str, typer.Option(help=f"{', '.join(MUSEUMS)}, sample or folder.")],
    out: Annotated[Path, typer.Option(help="Folder of the harvest; made if missing.")],
    cache: Annotated[
        Path | None, typer.Option(help="What the museum answered before; beside OUT if not given.")
    ] = None,
    works: Annotated[int, typer.Option(min=1, help="Works in the sample museum.")] = 48,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample museum.")] = 0,
    folder: Annotated[Path | None, typer.Option(help="Folder of your own scans.")] = None,
    institution: Annotated[str, typer.Option(help="Who holds the scanned works.")] = "",
    selection: Annotated[
        Path | None,
        typer.Option(help="The filters below as a JSON file; options given here go before it."),
    ] = None,
    filters: dict[str, Any] = NO_FILTERS,
    contact: Annotated[str, typer.Option(help="Your e-mail or web address, for museums.")] = "",
    delay_s: Annotated[
        float, typer.Option(min=0, help="Seconds between requests; at least the museum's own.")
    ] = 0,
    first_wait_s: Annotated[
        float, typer.Option(min=0, help="Pause for a busy museum that names none; then doubled.")
    ] = FIRST_WAIT_S,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count, from the listing.")
    ] = False,
    replay_origin: Annotated[
        str, typer.Option(help="A server on this machine that answers for all hosts.")
    ] = "",
    line_every_s: Annotated[
        float, typer.Option(min=0.05, help="Between lines of progress, without a terminal.")
    ] = LINE_EVERY_S,
    stats: Annotated[Path | None, typer.Option(help="File for what was counted, as JSON.")] = None,
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
    tell(outcome, errors, settings, dry_run, out)


def tell(
    outcome: Outcome,
    errors: list[BaseException],
    settings: Settings,
    dry_run: bool,
    out: Path,
) -> None:
    """Say how the crawl went, and exit with what it was worth."""
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
        fail(source, CrawlError("nothing is found there for what was asked"))
    if outcome["found"] == outcome["filtered"]:
        fail(source, CrawlError("none of the works found is what was asked for"))
    if not outcome["filed"]:
        fail(source, CrawlError(f"no work was filed; {out / 'rejected.jsonl'} says why"))


def say(text: str, *, err: bool = False) -> None:
    """A line on the terminal, whatever of it a museum or a file's name has said."""
    typer.echo(plain(text), err=err)


def forecast(outcome: Outcome, delay_s: float) -> str:
    """What a crawl would fetch, and how long the museum's pace makes that last.

    A work's record and its image come from two hosts, so that both keep the pace at once.
    """
    seconds = outcome["to_fetch"] * delay_s
    lasts = f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
    return (
        f"crawl {outcome['source']}: {outcome['found']} found, {outcome['up_to_date']} up to date,"
        f" {outcome['to_fetch']} to fetch: at least {lasts} at one in {delay_s:g} s"
    )


def fail(source: str, error: BaseException, more: int = 0) -> None:
    """Say what went wrong, and leave; with TRY_LATER when it may go right later."""
    kind = "" if isinstance(error, (CrawlError, OSError)) else f"{type(error).__name__}: "
    say(f"crawl {source}: {kind}{error}" + (f" (and {more} more)" if more else ""), err=True)
    raise typer.Exit(TRY_LATER if isinstance(error, LaterError) else 1)


if __name__ == "__main__":
    app()

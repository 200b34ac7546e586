"""Runs one crawl in this process: `python -m crawler.run --source sample --out DIR`.

Scrapy's reactor cannot be started twice, so that whoever wants two crawls starts two processes.
"""

import os
import signal
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from scrapy.crawler import CrawlerProcess
from scrapy.settings import Settings
from scrapy.signals import item_error, spider_closed, spider_error
from scrapy.spiderloader import SpiderLoader
from twisted.python.failure import Failure

from crawler.items import CrawlError
from crawler.museum import Museum

EPILOG = """
Examples:

python -m crawler.run --source sample --works 48 --seed 0 --out data/artworks

python -m crawler.run --source folder --folder ~/scans --institution "City Archive" --out harvest

A crawl that was cut short goes on where it stopped when it is run again.
"""


class Outcome(NamedTuple):
    """What a crawl counted, and what went wrong beyond single works."""

    counts: dict[str, int]
    errors: list[str]

    def count(self, name: str) -> int:
        return self.counts.get(name, 0)


def crawl(source: str, out: Path, log_level: str | None = None, **arguments: str) -> Outcome:
    """Run the spider named `source` to its end; works arrive in `out`, see crawler.pipelines."""
    settings = Settings()
    settings.setmodule("crawler.settings")
    settings.set("HARVEST", str(out))
    if log_level:
        settings.set("LOG_LEVEL", log_level.upper())
    counts: dict[str, int] = {}
    errors: list[str] = []

    def closed(reason: str) -> None:
        stats = crawler.stats.get_stats() if crawler.stats else {}
        ours = {name: number for name, number in stats.items() if name.startswith("patina/")}
        counts.update({name.removeprefix("patina/"): number for name, number in ours.items()})
        if reason != "finished":
            errors.append(f"stopped early ({reason}); run it again to go on")

    def note(failure: Failure, **_: Any) -> None:
        error = failure.value
        name = "" if isinstance(error, CrawlError) else f"{type(error).__name__}: "
        errors.append(f"{name}{error}")

    process = CrawlerProcess(settings)
    crawler = process.create_crawler(source)
    crawler.signals.connect(note, spider_error)
    crawler.signals.connect(note, item_error)
    crawler.signals.connect(closed, spider_closed)
    process.crawl(crawler, **arguments).addErrback(note)
    # Scrapy's own way to stop waits for ever for items that follow no request, as a folder's do
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, leave)
    process.start(install_signal_handlers=False)
    return Outcome(counts, errors)


def leave(signum: int, _: Any) -> None:
    """Stop at once: what is filed is whole, and a crawl that is run again goes on from there."""
    os.write(2, b"crawl: stopped; run it again to go on\n")
    os._exit(128 + signum)


def summary(source: str, outcome: Outcome, seconds: float) -> str:
    """The crawl in a line: found, filed, rejected by reason, bytes, seconds."""
    reasons = {
        key.removeprefix("rejected/"): number
        for key, number in sorted(outcome.counts.items())
        if key.startswith("rejected/")
    }
    rejected = f"{sum(reasons.values())} rejected"
    if reasons:
        rejected += f" ({', '.join(f'{number} {reason}' for reason, number in reasons.items())})"
    return (
        f"crawl {source}: {outcome.count('found')} found, {outcome.count('filed')} filed"
        f" ({outcome.count('kept')} from an earlier crawl), {rejected},"
        f" {outcome.count('bytes') / 1e6:.1f} MB, {seconds:.1f} s"
    )


def spider_arguments(source: str, folder: Path | None, institution: str, out: Path) -> dict:
    """What the spider of `source` is told; raises CrawlError for what cannot be."""
    known = sorted(
        SpiderLoader.from_settings(Settings({"SPIDER_MODULES": ["crawler.spiders"]})).list()
    )
    if source not in known:
        raise CrawlError(f"--source {source!r}: unknown; known: {', '.join(known)}")
    if source != "folder":
        return {}
    if folder is None:
        raise CrawlError("--source folder needs --folder PATH, where the scans are")
    if out.resolve().is_relative_to(folder.resolve()):
        raise CrawlError(
            f"--out {out}: lies in --folder {folder}, so it would be crawled next time"
        )
    return {"folder": str(folder), "institution": institution}


def make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CrawlError(f"--out {out}: cannot be made a folder: {error.strerror}") from error


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog=EPILOG)
def main(
    source: Annotated[str, typer.Option(help="Spider to run: sample, folder.")],
    out: Annotated[Path, typer.Option(help="Folder of the harvest; made if missing.")],
    works: Annotated[int, typer.Option(min=1, help="Works in the sample museum.")] = 48,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample museum.")] = 0,
    origin: Annotated[
        str, typer.Option(help="Sample museum that is running already, else one is started.")
    ] = "",
    folder: Annotated[Path | None, typer.Option(help="Folder of your own scans.")] = None,
    institution: Annotated[str, typer.Option(help="Who holds the scanned works.")] = "",
    log_level: Annotated[
        str | None, typer.Option(help="Scrapy's log on stderr: DEBUG, INFO, WARNING or ERROR.")
    ] = None,
) -> None:
    """Fetch works into a harvest: artworks/, manifest.jsonl, rejected/ and rejected.jsonl."""
    started = time.monotonic()
    try:
        arguments = spider_arguments(source, folder, institution, out)
        make_folder(out)
        begin_museum = source == "sample" and not origin
        with Museum(works, seed) if begin_museum else nullcontext() as museum:
            if source == "sample":
                arguments["origin"] = museum.origin if museum else origin
            outcome = crawl(source, out, log_level, **arguments)
    except (CrawlError, OSError) as error:
        fail(source, str(error))
    if outcome.count("found"):
        typer.echo(summary(source, outcome, time.monotonic() - started))
    if outcome.errors:
        more = f" (and {len(outcome.errors) - 1} more)" if outcome.errors[1:] else ""
        fail(source, outcome.errors[0] + more)
    if not outcome.count("filed"):
        fail(source, f"no work was filed; {out / 'rejected.jsonl'} says why of each that was found")


def fail(source: str, message: str) -> None:
    typer.echo(f"crawl {source}: {message}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()

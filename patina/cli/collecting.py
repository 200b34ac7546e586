"""`patina crawl`."""

from typing import Annotated, Any

import typer

from patina.crawler import MUSEUMS
from patina.crawler.options import with_filters
from patina.errors import InputError

NO_FILTERS: dict[str, Any] = {}
MUSEUM = f"{', '.join(MUSEUMS[:-1])} or {MUSEUMS[-1]}"


@with_filters
def crawl(
    source: Annotated[
        str | None, typer.Argument(help=f"{MUSEUM}; the default is crawl.source.")
    ] = None,
    query: Annotated[
        str | None,
        typer.Argument(
            help="Words to search for; with iiif, the address of a manifest or collection."
        ),
    ] = None,
    filters: dict[str, Any] = NO_FILTERS,
    contact: Annotated[
        str | None, typer.Option(help="Your e-mail or web address; the museum sees it.")
    ] = None,
    delay_s: Annotated[
        float | None,
        typer.Option(help="Seconds between requests; the museum's own delay is the minimum."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only count the works to fetch, and estimate the time."),
    ] = False,
    push: Annotated[
        bool, typer.Option("--push", help="Also copy the works to DVC's remote.")
    ] = False,
    replay_origin: Annotated[
        str, typer.Option(help="A server on this machine that answers instead of the museum.")
    ] = "",
) -> None:
    """Fetch public-domain works of a museum into data/harvest/, at the pace that the museum allows.

    The defaults of the options are in the section crawl of params.yaml. If a crawl was
    interrupted, the same command continues it. Later crawls fetch new and changed works only.

    Examples:  patina crawl artic monet --limit 50 --contact me@lab.org
               patina crawl met --department European --period 1600-1699 --dry-run
               patina crawl iiif https://museum.org/iiif/collection.json --limit 0
    """
    from patina import params
    from patina.flows.crawl_process import fetch

    given = {
        "source": source,
        "query": query,
        **filters,
        "contact": contact,
        "delay_s": delay_s,
    }
    asked = params.load(crawl={k: v for k, v in given.items() if v is not None}).crawl
    if not asked.is_museum:
        raise InputError(f"crawl: {asked.source!r} is not a museum; give {MUSEUM}")
    options = [*(["--dry-run"] if dry_run else [])]
    options += [f"--replay-origin={replay_origin}"] if replay_origin else []
    fetch(asked, options, push=push)
    if not dry_run:
        typer.echo(
            f"The works are in data/harvest/{asked.source}/, under DVC. To keep this version:\n"
            f"  git add data/harvest/.gitignore data/harvest/{asked.source}.dvc\n"
            f"  dvc exp run -S crawl.source={asked.source}   (or harvest, for all museums)"
        )

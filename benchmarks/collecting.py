"""Crawls a folder of real images as if it were the Art Institute of Chicago's API, on loopback.

    python benchmarks/collecting.py FOLDER [--delay-s 0.1] [--kills 5] [--seed 0]

FOLDER has images and a catalogue.jsonl with a line for each: id, file, title, artist, date, medium,
institution. Three crawls are compared: one without interruption; one that is killed (SIGKILL to the
whole process group) at random moments and continued; and a repetition of the first one. Prints the
number of requests of each kind, the pace, the time, and a hash of the images. Exit code 1 if the
images differ, or if an image was requested again that had been saved.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.replay.museums import Artic  # noqa: E402 -- found by the line above
from tests.replay.works import Work  # noqa: E402 -- and this

IN_A_ROW = 50
MUSEUM = "Art Institute of Chicago"


class Crawl(NamedTuple):
    """The figures of one crawl, with all its parts."""

    seconds: float
    parts: int
    works: int
    images: Counter[int]
    records: int
    listings: int
    fastest_s: float  # shortest time of IN_A_ROW requests to one host
    again: int  # requests for images of works that had been saved
    digest: str  # of all image files


def main() -> None:
    """Run the crawls, print the table, and exit."""
    asked = arguments()
    works = catalogue(asked.folder)
    console = Console(width=120)
    console.print(f"{len(works)} works, a request to each host every {asked.delay_s} s")
    with tempfile.TemporaryDirectory() as folder, Artic(works, page=100) as museum:
        whole = crawl(museum, Path(folder) / "whole", asked.delay_s)
        moments = random.Random(asked.seed)
        kills = sorted(moments.uniform(0.05, 0.95) for _ in range(asked.kills))
        killed = crawl(museum, Path(folder) / "killed", asked.delay_s, kills)
        later = crawl(museum, Path(folder) / "whole", asked.delay_s)
    console.print(table({"whole": whole, "killed": killed, "repetition": later}))
    once = all(number == 1 for number in whole.images.values())
    good = {
        "all works, each image once": whole.works == len(whole.images) == len(works) and once,
        "the killed crawl ends with the same bytes": killed.digest == whole.digest,
        "no image of a saved work was requested again": not (killed.again or later.again),
        "the repetition requests only the listing": not (later.images or later.records),
        "the pace was kept": whole.fastest_s >= (IN_A_ROW - 1) * asked.delay_s * 0.95,
    }
    for what, held in good.items():
        console.print(f"{'yes' if held else 'NO ':3}  {what}")
    sys.exit(not all(good.values()))


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--delay-s", type=float, default=0.1)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def catalogue(folder: Path) -> list[Work]:
    """The works of MUSEUM in the catalogue."""
    lines = (folder / "catalogue.jsonl").read_bytes().splitlines()
    rows = [row for row in map(json.loads, lines) if row["institution"] == MUSEUM]
    return [
        Work(
            int(row["id"].removeprefix("artic-")),
            row["title"],
            folder / row["file"],
            width=row["width"],
            height=row["height"],
            artist=row["artist"],
            date=row["date"],
            medium=row["medium"],
        )
        for row in rows
    ]


def crawl(museum: Artic, out: Path, delay_s: float, kills: list[float] | None = None) -> Crawl:
    """Crawl to the end. kills: shares of all images after which the crawl is killed."""
    museum.requests.clear()
    started, parts, again = time.monotonic(), 1, 0
    for share in kills or []:
        before = filed(out)
        crawler = start(museum, out, delay_s)
        while len(museum.asked("image")) < share * len(museum.works) and crawler.poll() is None:
            time.sleep(random.random() * delay_s)  # a random moment of a request
        os.killpg(crawler.pid, signal.SIGKILL)
        crawler.wait()
        again += asked_again(museum, before)
        parts += 1
    before = filed(out)
    if start(museum, out, delay_s).wait():
        sys.exit("the crawl failed")
    again += asked_again(museum, before)
    return Crawl(
        time.monotonic() - started,
        parts,
        len(filed(out)),
        Counter(request.number for request in museum.asked("image")),
        len(museum.asked("record")),
        len(museum.asked("listing")),
        fastest_s(museum),
        again,
        digest(out),
    )


def start(museum: Artic, out: Path, delay_s: float) -> subprocess.Popen:
    """Start a crawl in its own process group."""
    command = [sys.executable, "-m", "patina.crawler.run", "--source=artic", f"--out={out}"]
    command += [f"--replay-origin={museum.origin}", f"--delay-s={delay_s}"]
    museum.mark = len(museum.requests)  # type: ignore[attr-defined]  # where this part begins
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True)


def filed(out: Path) -> set[int]:
    """Numbers of the works that have a record."""
    return {int(path.stem.removeprefix("artic-")) for path in (out / "records").glob("*.json")}


def asked_again(museum: Artic, before: set[int]) -> int:
    """Number of requests of this part for images of the works `before`, saved earlier."""
    part = museum.requests[museum.mark :]  # type: ignore[attr-defined]
    return sum(request.kind == "image" and request.number in before for request in part)


def fastest_s(museum: Artic) -> float:
    """The shortest time of IN_A_ROW requests to one host.

    Single intervals would measure the delays of this machine.
    """
    by_host: dict[str, list[float]] = defaultdict(list)
    for request in museum.requests:
        by_host[request.host].append(request.at)
    spans = [
        last - first
        for times in by_host.values()
        for first, last in zip(times, times[IN_A_ROW - 1 :], strict=False)
    ]
    return min(spans, default=float("inf"))


def digest(out: Path) -> str:
    """A hash of the names and bytes of all images."""
    whole = hashlib.sha256()
    for path in sorted((out / "artworks").iterdir()):
        whole.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]


def table(crawls: dict[str, Crawl]) -> Table:
    """A table with a line for each crawl."""
    shown = Table(
        "crawl",
        "parts",
        "works",
        "images",
        "records",
        "listings",
        "s",
        f"fastest {IN_A_ROW} s",
        "bytes",
    )
    for name, one in crawls.items():
        asked = (sum(one.images.values()), one.records, one.listings)
        cells = (
            one.parts,
            one.works,
            *asked,
            round(one.seconds, 1),
            round(one.fastest_s, 2),
            one.digest,
        )
        shown.add_row(name, *map(str, cells))
    return shown


if __name__ == "__main__":
    main()

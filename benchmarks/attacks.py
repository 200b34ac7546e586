"""Runs `patina restore` and `patina undo` on hostile and damaged files, and prints a table.

    python benchmarks/attacks.py [--only WORD] [--mutants 400 [--seed 1]] [--limit-s 300]

Each row is a folder with the files of one function of benchmarks/hostile.py, and one intact scan.
A row passes if the run ends within --limit-s, without a traceback; if the process has at most BOUND
bytes of its own memory (RssAnon); if the intact scan is restored; and if each other file is
restored, or set aside with a reason, as the row demands.

--mutants: number of scans and of change packages with flipped, missing and repeated bytes, which
are tried in addition. benchmarks/kills.py tries runs that are killed. Exit code: 0, or 1 if a row
fails.
"""

import argparse
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pyvips

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from hostile import ASIDE, EITHER, ROWS, painted  # noqa: E402 -- found by the line above

from patina.tasks.imaging.memory import BOUND  # noqa: E402
from patina.tasks.io.atomic import sha256_of  # noqa: E402
from patina.tasks.restoration.undo import UndoError, package_of, undo  # noqa: E402

SOUND = "zz-sound.png"


class Ran(NamedTuple):
    """How a run ended: exit code, output, seconds, and maximum bytes of its own memory."""

    code: int
    output: str
    seconds: float
    bytes: int


def restored(inbox: Path, outbox: Path, limit_s: float, *options: str) -> Ran:
    """Run `patina restore`, and kill it after `limit_s` seconds."""
    words = [sys.executable, "-m", "patina.cli", "restore", str(inbox), "-o", str(outbox), *options]
    started, most = time.monotonic(), 0
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen(words, cwd=inbox.parent, stdout=output, stderr=output) as process:
            while process.poll() is None:
                most = max(most, own_memory(process.pid))
                seconds = time.monotonic() - started
                if seconds > limit_s:
                    process.send_signal(signal.SIGKILL)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Ran(process.returncode, text, time.monotonic() - started, most)


def own_memory(pid: int) -> int:
    """Bytes of memory of the process, without mapped files."""
    with suppress(OSError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) * 1024
    return 0


def faults(ran: Ran, outbox: Path, inbox: Path, wanted: str) -> Iterator[str]:
    """The faults of a run, in words. wanted: ASIDE, DONE or EITHER."""
    if ran.code not in (0, 1):
        yield f"exit code {ran.code}"
    if "Traceback" in ran.output:
        yield "traceback"
    if "\x1b[2J" in ran.output:
        yield "writes control characters to the terminal"
    if ran.bytes > BOUND:
        yield f"{ran.bytes / 1e9:.1f} GB"
    table = outbox / "summary.csv"
    if not table.exists():
        yield "no summary"
        return
    with table.open(newline="", errors="surrogateescape") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    if len(rows) != sum(1 for path in inbox.rglob("*") if not path.is_dir()):
        yield f"{len(rows)} files in the summary"
    for name, row in rows.items():
        aside = row["outcome"] == "set aside"
        if aside and (not row["reason"] or row["reason"].endswith("()")):
            yield f"{name}: no reason"
        if name.endswith(SOUND):
            if aside:
                yield "the intact scan was set aside"
        elif wanted != EITHER and aside != (wanted == ASIDE):
            yield f"{Path(name).name}: {row['outcome']}, not {wanted}: {row['reason'][:90]}"


def passed(name: str, ran: Ran, found: list[str]) -> bool:
    """Print a row of the table; return whether there is no fault."""
    verdict = "holds" if not found else f"FAILS: {'; '.join(found[:4])}"
    print(f"| {name.replace('_', ' ')} | {ran.seconds:.0f} | {ran.bytes / 1e6:.0f} | {verdict} |")  # noqa: T201
    sys.stdout.flush()
    return not found


def run_row(name: str, folder: Path, limit_s: float) -> bool:
    """Make the files of a row, restore them, and print the row; return whether it passed."""
    inbox, outbox = folder / name, folder / f"{name}-out"
    inbox.mkdir()
    wanted = ROWS[name](inbox)
    painted().write_to_file(str(inbox / SOUND))
    ran = restored(inbox, outbox, limit_s)
    found = list(faults(ran, outbox, inbox, wanted))
    shutil.rmtree(inbox)
    shutil.rmtree(outbox, ignore_errors=True)
    return passed(name, ran, found)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """`content` with some bytes flipped, cleared, repeated, removed, or cut off."""
    data, way = bytearray(content), chance.randrange(5)
    at, size = chance.randrange(len(data)), chance.randrange(1, 200)
    if way == 0:
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif way == 1:
        del data[at:]
    elif way == 2:
        data[at : at + size] = bytes(size)
    elif way == 3:
        data[at:at] = data[at : at + size]
    else:
        del data[at : at + size]
    return bytes(data)


def mutants(count: int, seed: int, folder: Path, limit_s: float) -> bool:
    """Restore `count` mutated scans in one run; return whether there is no fault."""
    chance, inbox = random.Random(seed), folder / "mutants"
    inbox.mkdir()
    kinds = [".png", ".tif", ".jpg", ".webp", ".gif", ".avif"]
    whole = [(suffix, painted().write_to_buffer(suffix)) for suffix in kinds]
    whole.append((".tif", painted().tiffsave_buffer(tile=True, compression="lzw")))
    whole.append((".jpg", painted().jpegsave_buffer(interlace=True)))
    for number in range(count):
        suffix, content = whole[number % len(whole)]
        (inbox / f"{number:03}{suffix}").write_bytes(mutated(content, chance))
    painted().write_to_file(str(inbox / SOUND))
    ran = restored(inbox, folder / "mutants-out", limit_s)
    return passed(
        f"{count} mutated scans", ran, list(faults(ran, folder / "mutants-out", inbox, EITHER))
    )


def packages(count: int, seed: int, folder: Path, limit_s: float) -> bool:
    """Undo with `count` mutated packages: each gives the original, or UndoError and no file."""
    chance, inbox, started = random.Random(seed), folder / "packed", time.monotonic()
    inbox.mkdir()
    for name, options in (("a.tif", {}), ("b.png", {})):
        painted().write_to_file(str(inbox / name), **options)
    ran = restored(inbox, folder / "packed-out", limit_s, "--package")
    found, back = [], folder / "back"
    for number in range(count):
        result = folder / "packed-out" / ("a.tif", "b.png")[number % 2]
        package = folder / "mutated.zip"
        package.write_bytes(mutated(package_of(result).read_bytes(), chance))
        try:
            undo(result, package, back)
            if sha256_of(back) != sha256_of(inbox / result.name):
                found.append(f"{number}: another file")
            back.unlink()
        except UndoError:
            if back.exists() or [*folder.glob(".patina-*")]:
                found.append(f"{number}: a file is left")
        except Exception as error:  # noqa: BLE001 -- any other error is a fault
            found.append(f"{number}: {type(error).__name__}")
    return passed(
        f"{count} mutated packages", ran._replace(seconds=time.monotonic() - started), found
    )


def main() -> int:
    """Run all rows, and print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="Run only rows whose name contains this word.")
    parser.add_argument("--mutants", type=int, default=0, help="Number of mutants.")
    parser.add_argument("--seed", type=int, default=1, help="Seed of the mutants.")
    parser.add_argument("--limit-s", type=float, default=300.0, help="Maximum seconds of a run.")
    asked = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    print(f"libvips {pyvips.version(0)}.{pyvips.version(1)}, bound {BOUND / 1e9:.1f} GB\n")  # noqa: T201
    print("| row | seconds | MB | verdict |\n|---|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        held = [run_row(each, folder, asked.limit_s) for each in ROWS if asked.only in each]
        if asked.mutants:
            given = asked.mutants, asked.seed, folder, asked.limit_s
            held += [mutants(*given), packages(*given)]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

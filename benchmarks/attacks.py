"""Hostile and unlucky files against `patina restore` and `patina undo`, as a table.

    python benchmarks/attacks.py [--only WORD] [--mutants 400 [--seed 1]] [--limit-s 300]

Each row is a folder of files that this program makes (benchmarks/hostile.py), beside one sound
scan. A row holds when the run ends by itself within --limit-s, without a traceback, with at most
BOUND bytes of memory of its own (RssAnon), with the sound scan restored, and each other file
restored or set aside with a reason, as the row says.

--mutants: so many scans and change packages with flipped, lost and repeated bytes, too. Runs that
are killed: benchmarks/kills.py. Exit code: 0, or 1 when a row fails.
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
    """How a run ended: exit code, what it told, seconds, most bytes of memory of its own."""

    code: int
    told: str
    seconds: float
    bytes: int


def restored(inbox: Path, outbox: Path, limit_s: float, *options: str) -> Ran:
    """Run `patina restore`; kill it when it takes longer."""
    words = [sys.executable, "-m", "patina.cli", "restore", str(inbox), "-o", str(outbox), *options]
    started, most = time.monotonic(), 0
    with tempfile.TemporaryFile() as told:
        with subprocess.Popen(words, cwd=inbox.parent, stdout=told, stderr=told) as process:
            while process.poll() is None:
                most = max(most, own_memory(process.pid))
                seconds = time.monotonic() - started
                if seconds > limit_s:
                    process.send_signal(signal.SIGKILL)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
        told.seek(0)
        text = told.read().decode(errors="replace")
    return Ran(process.returncode, text, time.monotonic() - started, most)


def own_memory(pid: int) -> int:
    """Bytes that the process has for itself; files that it maps are none."""
    with suppress(OSError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) * 1024
    return 0


def faults(ran: Ran, outbox: Path, inbox: Path, wanted: str) -> Iterator[str]:
    """What does not hold."""
    if ran.code not in (0, 1):
        yield f"exit code {ran.code}"
    if "Traceback" in ran.told:
        yield "traceback"
    if "\x1b[2J" in ran.told:
        yield "steers the terminal"
    if ran.bytes > BOUND:
        yield f"{ran.bytes / 1e9:.1f} GB"
    table = outbox / "summary.csv"
    if not table.exists():
        yield "no summary"
        return
    with table.open(newline="", errors="surrogateescape") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    if len(rows) != sum(1 for path in inbox.rglob("*") if not path.is_dir()):
        yield f"{len(rows)} files told of"
    for name, row in rows.items():
        aside = row["outcome"] == "set aside"
        if aside and (not row["reason"] or row["reason"].endswith("()")):
            yield f"{name}: no reason"
        if name.endswith(SOUND):
            if aside:
                yield "the sound scan was set aside"
        elif wanted != EITHER and aside != (wanted == ASIDE):
            yield f"{Path(name).name}: {row['outcome']}, not {wanted}: {row['reason'][:90]}"


def told_of(name: str, ran: Ran, found: list[str]) -> bool:
    """Print a row of the table; whether it holds."""
    verdict = "holds" if not found else f"FAILS: {'; '.join(found[:4])}"
    print(f"| {name.replace('_', ' ')} | {ran.seconds:.0f} | {ran.bytes / 1e6:.0f} | {verdict} |")  # noqa: T201
    sys.stdout.flush()
    return not found


def run_row(name: str, folder: Path, limit_s: float) -> bool:
    """Make the files of a row, restore them, and tell."""
    inbox, outbox = folder / name, folder / f"{name}-out"
    inbox.mkdir()
    wanted = ROWS[name](inbox)
    painted().write_to_file(str(inbox / SOUND))
    ran = restored(inbox, outbox, limit_s)
    found = list(faults(ran, outbox, inbox, wanted))
    shutil.rmtree(inbox)
    shutil.rmtree(outbox, ignore_errors=True)
    return told_of(name, ran, found)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """With bytes flipped, lost, repeated, or cut off."""
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
    """Scans of many kinds in one run."""
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
    return told_of(
        f"{count} mutated scans", ran, list(faults(ran, folder / "mutants-out", inbox, EITHER))
    )


def packages(count: int, seed: int, folder: Path, limit_s: float) -> bool:
    """Change packages: the original, or UndoError and no file."""
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
        except Exception as error:  # noqa: BLE001 -- any other is what is looked for here
            found.append(f"{number}: {type(error).__name__}")
    return told_of(
        f"{count} mutated packages", ran._replace(seconds=time.monotonic() - started), found
    )


def main() -> int:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name holds this word")
    parser.add_argument("--mutants", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1, help="of the mutants")
    parser.add_argument("--limit-s", type=float, default=300.0, help="seconds of a run, at most")
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

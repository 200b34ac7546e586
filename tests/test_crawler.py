"""Real crawls of the sample museum on this machine, each in its own process."""

import hashlib
import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import crawling
import numpy as np
import pytest
import pyvips
from crawling import PYTHON

from patina.crawler.items import CrawlError
from patina.crawler.loaders import ArtworkLoader
from patina.crawler.run import folder_arguments, settings_for
from patina.crawler.sample.museum import IMAGE, RECORD, Museum
from patina.crawler.spiders.folder import images_in, work_id
from patina.crawler.verify import examine

ROOT = Path(__file__).resolve().parents[1]
WORKS = 7


def command(*arguments: object) -> list[str]:
    """The command line of a crawl."""
    return [*PYTHON, "-m", "patina.crawler.run", "--line-every-s", "3600", *map(str, arguments)]


def run(*arguments: object) -> crawling.Ended:
    return crawling.run("--line-every-s", "3600", *map(str, arguments))


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def images_asked_for(museum: Museum) -> list[str]:
    return [path for path in museum.requests if IMAGE.fullmatch(path)]


def picture(height: int = 200, width: int = 160, flat_rows: int = 0) -> np.ndarray:
    """Seeded noise around a gradient, above `flat_rows` grey rows."""
    noise = np.random.default_rng(7).normal(0, 12, (height, width, 3))
    shade = np.linspace(60, 180, height)[:, None, None]
    pixels = np.clip(shade + noise, 0, 255).astype(np.uint8)
    pixels[height - flat_rows :] = 128
    return pixels


def encoded(pixels: np.ndarray, suffix: str, **options: Any) -> bytes:
    return pyvips.Image.new_from_array(pixels).write_to_buffer(suffix, **options)


class Harvest(NamedTuple):
    folder: Path
    museum: Museum
    said: str


@pytest.fixture(scope="module")
def harvest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harvest]:
    """The sample museum after one crawl; tests that crawl again do not change the harvest."""
    folder = tmp_path_factory.mktemp("harvest")
    with Museum(WORKS, page_size=4) as museum:
        done = run("--source", "sample", "--replay-origin", museum.origin, "--out", folder)
        assert (done.code, done.error) == (0, "")
        yield Harvest(folder, museum, done.said)


def test_every_public_domain_work_is_fetched_once_from_several_pages(harvest: Harvest) -> None:
    manifest = rows(harvest.folder / "manifest.jsonl")
    assert [work["id"] for work in manifest] == [f"sample-{1001 + n}" for n in range(WORKS)]
    pages = [path for path in harvest.museum.requests if "/artworks/search" in path]
    assert len(pages) == 2
    first_round = images_asked_for(harvest.museum)[:WORKS]
    assert len(set(first_round)) == WORKS
    assert rows(harvest.folder / "rejected.jsonl") == []
    assert f"{WORKS} found, {WORKS} filed (0 from an earlier crawl), 0 rejected" in harvest.said
    assert "/robots.txt" in harvest.museum.requests


def test_files_have_the_bytes_that_the_museum_sent(harvest: Harvest) -> None:
    for number, work in enumerate(rows(harvest.folder / "manifest.jsonl")):
        served = harvest.museum.jpeg(number)
        assert (harvest.folder / work["file"]).read_bytes() == served
        assert (work["sha256"], work["size_bytes"]) == (sha256(served), len(served))


def test_a_line_of_the_manifest_has_the_artist_and_the_source(harvest: Harvest) -> None:
    work = rows(harvest.folder / "manifest.jsonl")[0]
    words = harvest.museum.painted(0)[1]
    assert {name: work[name] for name in ("title", "artist", "date", "medium")} == {
        name: words[name] for name in ("title", "artist", "date", "medium")
    }
    assert (work["institution"], work["licence"]) == ("Patina sample museum", "CC0")
    assert work["source"] == "https://sample-museum.invalid/artworks/1001"
    assert work["file"] == "artworks/sample-1001.jpg"
    assert max(work["width"], work["height"]) == 640


def test_a_second_crawl_fetches_only_what_is_missing_or_changed(harvest: Harvest) -> None:
    before = (harvest.folder / "manifest.jsonl").read_bytes()
    (harvest.folder / "artworks/sample-1002.jpg").unlink()
    (harvest.folder / "artworks/sample-1005.jpg").write_bytes(
        b"\xff\xd8\xff and then the disk failed"
    )
    harvest.museum.requests.clear()
    done = run(
        "--source", "sample", "--replay-origin", harvest.museum.origin, "--out", harvest.folder
    )
    wanted = {harvest.museum.image_id(number) for number in (1, 4)}
    assert {path.split("/")[3] for path in images_asked_for(harvest.museum)} == wanted
    records = [path for path in harvest.museum.requests if RECORD.match(path)]
    assert len(records) == 2  # of the others the listing says that they are as they were
    assert "7 filed (5 from an earlier crawl)" in done.said
    assert (harvest.folder / "manifest.jsonl").read_bytes() == before


class StallingMuseum(Museum):
    """Sends two images, and keeps the client waiting for the third."""

    def __init__(self, works: int) -> None:
        super().__init__(works)
        self.given = threading.Semaphore(2)
        self.asked_for_a_third, self.go_on = threading.Event(), threading.Event()

    def jpeg(self, number: int) -> bytes:
        if not self.given.acquire(blocking=False):
            self.asked_for_a_third.set()
            self.go_on.wait(60)
        return super().jpeg(number)


def test_a_killed_crawl_is_resumed(tmp_path: Path) -> None:
    with StallingMuseum(4) as museum:
        call = command("--source", "sample", "--replay-origin", museum.origin, "--out", tmp_path)
        with subprocess.Popen(call, cwd=ROOT) as crawl:
            assert museum.asked_for_a_third.wait(60)
            crawl.kill()
        museum.go_on.set()
        filed = {path.stem for path in (tmp_path / "records").glob("[!.]*.json")}
        museum.requests.clear()
        answers = tmp_path.with_name(f".{tmp_path.name}.http")
        (answers / ".0123.json.7.part").write_bytes(b"half an answer")
        done = run("--source", "sample", "--replay-origin", museum.origin, "--out", tmp_path)
        assert done.code == 0
        assert list(answers.glob(".*.part")) == []
        assert len(images_asked_for(museum)) == 4 - len(filed)
    assert len(rows(tmp_path / "manifest.jsonl")) == 4
    assert not list(tmp_path.rglob("*.part"))


def test_an_interrupted_crawl_stops_at_once_and_says_how_to_continue(tmp_path: Path) -> None:
    with StallingMuseum(3) as museum:
        call = command("--source", "sample", "--replay-origin", museum.origin, "--out", tmp_path)
        with subprocess.Popen(call, cwd=ROOT, stderr=subprocess.PIPE, text=True) as crawl:
            assert museum.asked_for_a_third.wait(60)
            crawl.send_signal(signal.SIGINT)
            assert (
                crawl.communicate(timeout=10)[1]
                == "crawl: stopped; run the command again to continue\n"
            )
        museum.go_on.set()
    assert crawl.returncode == 130
    assert not (tmp_path / "manifest.jsonl").exists()


class CarelessMuseum(Museum):
    """Breaks off the image of work 1, sends a web page for work 2, and has lost work 3."""

    def jpeg(self, number: int) -> bytes:
        if number == 2:
            return b"<!DOCTYPE html><p>Too many requests"
        return super().jpeg(number)[: 9000 if number == 1 else None]


def test_invalid_records_and_images_are_set_aside_and_the_others_are_saved(tmp_path: Path) -> None:
    with CarelessMuseum(5) as museum:
        museum.numbers["elsewhere"] = museum.numbers.pop(museum.image_id(3))
        done = run("--source", "sample", "--replay-origin", museum.origin, "--out", tmp_path)
    reasons = {work["id"]: work["reason"] for work in rows(tmp_path / "rejected.jsonl")}
    assert reasons.keys() == {"sample-1002", "sample-1003", "sample-1004"}
    assert reasons["sample-1002"].startswith("truncated or damaged JPEG: ")
    assert reasons["sample-1003"].startswith("not an image: starts with b'<!DOCTYPE ht'")
    assert reasons["sample-1004"] == "download failed: HTTP 404"
    assert sorted(path.name for path in (tmp_path / "rejected").iterdir()) == [
        "sample-1002.jpg",
        "sample-1003.bin",
    ]
    assert "2 filed" in done.said
    assert "3 rejected (1 download failed, 1 not an image, 1 truncated" in done.said
    assert (done.code, done.error) == (0, "")


def test_robots_txt_is_obeyed_and_mentioned_in_the_message(tmp_path: Path) -> None:
    with Museum(1, robots="User-agent: *\nDisallow: /\n") as museum:
        done = run("--source", "sample", "--replay-origin", museum.origin, "--out", tmp_path)
        assert museum.requests == ["/robots.txt"]
    assert done.code == 1
    assert done.error.endswith(": Forbidden by robots.txt\n")
    assert len(done.error.splitlines()) == 1


def test_the_sample_museum_is_started_for_a_crawl_and_serves_the_same_works_each_time(
    tmp_path: Path,
) -> None:
    done = run("--source", "sample", "--works", 2, "--seed", 3, "--out", tmp_path)
    assert done.code == 0, done.error
    museum = Museum(2, seed=3)
    works = rows(tmp_path / "manifest.jsonl")
    assert [work["sha256"] for work in works] == [sha256(museum.jpeg(n)) for n in (0, 1)]
    assert sha256(museum.jpeg(0)) != sha256(Museum(2, seed=4).jpeg(0))


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A lab's folder: three good scans, one of them twice, five bad ones, and other files."""
    folder = tmp_path / "scans"
    (folder / "Box 2").mkdir(parents=True)
    good = encoded(picture(), ".jpg", Q=95)
    sixteen_bit = picture().astype(np.uint16) * 257
    files = {
        "portrait.png": encoded(picture(), ".png"),
        "Box 2/Été.TIF": encoded(sixteen_bit, ".tif"),
        "Box 2/portrait.PNG": encoded(255 - picture(), ".png"),
        "same again.png": encoded(picture(), ".png"),
        "cut.jpg": good[: len(good) // 2],
        "letter.jpg": b"Dear Theo",
        "empty.webp": b"",
        "grey.jpg": encoded(picture(flat_rows=60), ".jpg", Q=90),
        "icon.png": encoded(picture(63, 160), ".png"),
        "catalogue.jsonl": b"{}",
        "._portrait.png": b"\0\5\x16\7",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (tmp_path / "outside.png").write_bytes(files["portrait.png"])
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    return folder


def test_scans_in_a_folder_are_copied_and_unreadable_ones_are_set_aside(
    scans: Path, tmp_path: Path
) -> None:
    out = tmp_path / "harvest"
    call = ("--source", "folder", "--folder", scans, "--institution", "City Lab", "--out", out)
    done = run(*call)
    assert (done.code, done.error) == (0, "")
    assert "9 found, 3 filed" in done.said
    rejected = "1 broken download, 1 duplicate, 2 not an image, 1 too small, 1 truncated or damaged"
    assert f"6 rejected ({rejected} JPEG)" in done.said
    works = {work["source"]: work for work in rows(out / "manifest.jsonl")}
    assert works.keys() == {"portrait.png", "Box 2/Été.TIF", "Box 2/portrait.PNG"}
    for source, work in works.items():
        assert (out / work["file"]).read_bytes() == (scans / source).read_bytes()
        assert (work["institution"], work["licence"]) == ("City Lab", "unknown")
        assert (work["width"], work["height"]) == (160, 200)
    assert works["Box 2/Été.TIF"]["title"] == "Été"
    assert works["Box 2/Été.TIF"]["file"].endswith(".tif")
    reasons = {work["source"]: work["reason"] for work in rows(out / "rejected.jsonl")}
    assert reasons["grey.jpg"] == "broken download: flat from row 144 to the bottom"
    assert reasons["letter.jpg"].startswith("not an image: starts with b'Dear Theo'; supported: ")
    assert reasons["empty.webp"].startswith("not an image: the file is empty")
    assert reasons["cut.jpg"].startswith("truncated or damaged JPEG: ")
    assert reasons["icon.png"] == "too small: 160×63 pixels, less than 64 a side"
    original = works["portrait.png"]["id"]
    assert reasons["same again.png"] == f"duplicate: the same bytes as {original}"
    assert len(reasons) == 6


def test_a_scan_is_copied_again_only_when_it_has_changed(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "harvest"
    call = ("--source", "folder", "--folder", scans, "--out", out)
    run(*call)
    inodes = {path: path.stat().st_ino for path in (out / "artworks").iterdir()}
    manifest = (out / "manifest.jsonl").read_bytes()
    assert "3 filed (3 from an earlier crawl)" in run(*call).said
    assert (out / "manifest.jsonl").read_bytes() == manifest
    assert {path for path in inodes if path.stat().st_ino != inodes[path]} == set()
    (scans / "portrait.png").write_bytes(encoded(picture(240), ".png"))
    assert "4 filed (3 from an earlier crawl)" in run(*call).said
    works = {work["source"]: work for work in rows(out / "manifest.jsonl")}
    changed = out / works["portrait.png"]["file"]
    assert {path for path in inodes if path.stat().st_ino != inodes[path]} == {changed}
    assert works["portrait.png"]["height"] == 240


def test_a_missing_folder_is_an_error_of_one_line(tmp_path: Path) -> None:
    nowhere, out = tmp_path / "nowhere", tmp_path / "out"
    done = run("--source", "folder", "--folder", nowhere, "--out", out)
    assert done.code == 1
    assert done.error == (
        f"crawl folder: --folder {nowhere}: not a folder; give a folder with image files\n"
    )


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (None, "--source folder needs --folder PATH"),
        (Path(), "--out harvest: it is inside --folder ."),
    ],
)
def test_an_invalid_option_is_an_error(folder: Path | None, expected: str) -> None:
    with pytest.raises(CrawlError, match=re.escape(expected)):
        folder_arguments(folder, "", Path("harvest"))


def test_the_error_for_an_unknown_source_lists_the_known_ones(tmp_path: Path) -> None:
    known = "known: artic, cleveland, folder, iiif, met, sample"
    with pytest.raises(CrawlError, match=f"^--source 'louvre': unknown; {known}$"):
        settings_for(
            "louvre", cache=tmp_path, contact="", delay_s=0, replay_origin="", log_level=""
        )


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "catalogue.jsonl").write_text("{}")
    with pytest.raises(CrawlError, match="there is no image file in it; supported: jpg"):
        images_in(tmp_path)


def test_ids_of_works_differ_even_if_their_slugs_are_equal() -> None:
    ids = [work_id(Path(name)) for name in ("a/b.png", "a b.png", "a-b.tif", "絵.png")]
    assert len(set(ids)) == 4
    assert ids[0].startswith("a-b-")


@pytest.mark.parametrize("hostile", ["../../etc/passwd", "a/b", "..", "x" * 300, "CON:1", "-rf"])
def test_an_id_of_a_museum_cannot_be_a_path_outside_the_harvest(hostile: str) -> None:
    loader = ArtworkLoader()
    loader.add_value("id", hostile)
    assert set(loader.load_item().id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    assert 0 < len(loader.load_item().id) <= 100


def test_missing_values_become_empty_text() -> None:
    loader = ArtworkLoader()
    loader.add_value("title", "  Water\n Lilies ")
    loader.add_value("date", None)
    item = loader.load_item()
    assert (item.title, item.date, item.image_url) == ("Water Lilies", "", "")


@pytest.mark.parametrize(
    ("flat_rows", "fault"),
    [(0, ""), (8, ""), (40, "broken download: flat from row 160 to the bottom")],
)
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_a_flat_band_counts_from_a_tenth_of_the_height(
    flat_rows: int, fault: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / "work"
    lossless = {"lossless": True} if suffix == ".webp" else {}
    path.write_bytes(encoded(picture(flat_rows=flat_rows), suffix, **lossless))
    assert examine(path) == (suffix, 160, 200, fault)


def test_a_dark_background_is_not_taken_for_a_truncated_file(tmp_path: Path) -> None:
    pixels = picture()
    pixels[100:] = np.random.default_rng(1).integers(4, 14, (100, 160, 3))
    path = tmp_path / "work"
    path.write_bytes(encoded(pixels, ".jpg", Q=85))
    assert examine(path).fault == ""


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jp2"])
def test_a_truncated_file_is_detected_in_every_format(suffix: str, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    data = cv2.imencode(suffix, picture())[1].tobytes()
    path = tmp_path / "work"
    path.write_bytes(data)
    assert examine(path) == (suffix, 160, 200, "")
    path.write_bytes(data[: len(data) * 2 // 3])
    assert examine(path).fault.startswith("truncated or damaged ")

"""Properties of every museum: a real crawl of a server on this machine, and later crawls."""

import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from crawling import CONTACT, FREE, Crawl, copied, crawl, played
from replay.serving import Replay
from replay.works import exhibition, picture
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader

from patina.crawler import MUSEUMS
from patina.crawler.run import TRY_LATER, Outcome, forecast


@pytest.fixture(scope="module")
def first(kind: type[Replay], tmp_path_factory: pytest.TempPathFactory) -> Crawl:
    """A crawl of all works of a museum with three works a page, which lists 109 by mistake."""
    with kind(exhibition(), page=3, misfiled=[109]) as museum:
        return crawl(museum, tmp_path_factory.mktemp(kind.source) / "whole")


def repeated(first: Crawl, folder: Path) -> Crawl:
    """The record of 101 changed, and the image of 102; 104 to 106 were withdrawn.

    Of these, 104 is not listed, 105 has no record, and 106 is still listed by mistake.
    """
    now = datetime.now(UTC).isoformat()
    works = [work for work in exhibition() if work.number != 105]
    with type(first.museum)(works, page=3, misfiled=[106, 109]) as museum:
        museum.change(101, title="Harbour, Nocturne", version=now)
        museum.change(102, image=partial(picture, 1102), version=now)
        for number in (104, 106):
            museum.change(number, public=False, version=now)
        return crawl(museum, folder)


def counted(first: Crawl, folder: Path) -> Crawl:
    with type(first.museum)(exhibition(), page=3, misfiled=[109]) as museum:
        return crawl(museum, folder, "--dry-run")


def down(first: Crawl, folder: Path) -> Crawl:
    """A museum that withdrew a work earlier, and whose server does not run now."""
    shutil.copy(folder / "rejected.jsonl", folder / "withdrawn.jsonl")
    return crawl(first.museum, folder, "--first-wait-s", 0.1)


@pytest.fixture(scope="module")
def later(first: Crawl, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Crawl]:
    """Later crawls by name, each in a copy of the first harvest."""
    folder = tmp_path_factory.mktemp("later")
    scenes = (down, repeated, counted)
    for scene in scenes:
        copied(first, folder / scene.__name__)
    return played(scenes, first, folder)


@pytest.fixture(scope="module")
def again(later: dict[str, Crawl]) -> Crawl:
    return later["repeated"]


def test_every_free_work_of_all_pages_is_fetched_once(first: Crawl) -> None:
    assert (first.code, first.error) == (0, "")
    assert list(first.rows("manifest.jsonl")) == [first.id(number) for number in FREE]
    assert first.works("image") == list(FREE)
    assert len([one for one in first.asked if one.kind == "listing"]) == first.museum.listings
    assert "8 found, 7 filed (0 from an earlier crawl), 1 rejected" in first.said


def test_nothing_beyond_the_limit_is_requested(first: Crawl, tmp_path: Path) -> None:
    with type(first.museum)(exhibition(), page=3, misfiled=[109]) as museum:
        made = crawl(museum, copied(first, tmp_path / "few"), "--limit", 2)
    assert set(made.works("record")) <= {101, 102}
    assert "5 works of an earlier crawl were not checked again" in made.said
    assert made.filed() == set(FREE)


def test_works_of_another_search_do_not_count_towards_the_limit(
    first: Crawl, tmp_path: Path
) -> None:
    with type(first.museum)(exhibition()) as museum:
        made = crawl(museum, copied(first, tmp_path / "ink"), "--medium", "ink", "--limit", 3)
    assert made.stats["filed"] == 1
    assert not made.works("image")
    assert made.filed() == set(FREE)


def test_the_image_of_a_work_under_copyright_is_never_requested(first: Crawl) -> None:
    assert first.works("record") == [*FREE, 109]
    assert first.reason(109) == "not in the public domain by its own record"


def test_saved_files_have_the_bytes_of_the_museum(first: Crawl) -> None:
    for number in FREE:
        row = first.rows("manifest.jsonl")[first.id(number)]
        assert (first.folder / row["file"]).read_bytes() == first.museum.image(number)


def test_a_line_of_the_manifest_has_the_artist_the_source_and_the_licence(first: Crawl) -> None:
    museum, work = first.museum, first.museum.works[101]
    row, best = first.rows("manifest.jsonl")[first.id(101)], museum.offers(work)[0]
    retrieved = datetime.fromisoformat(row.pop("retrieved"))
    assert abs((datetime.now(UTC) - retrieved).total_seconds()) < 3600
    assert len(row.pop("sha256")) == 64
    assert row == {
        "id": first.id(101),
        "file": f"artworks/{first.id(101)}.png",
        "title": "Harbour by Night",
        "artist": "Odile Varga Norland, 1611–1660",
        "date": "1645",
        "medium": "Oil on canvas",
        "department": "European Painting",
        "institution": museum.institution,
        "accession": "1916.101",
        "licence": "CC0",
        "licence_url": "https://creativecommons.org/publicdomain/zero/1.0/",
        "source": museum.page_of(work),
        "image_url": best.url,
        "asked_width": best.width,
        "asked_height": best.height,
        "size_bytes": len(museum.image(101)),
        "width": 200,
        "height": 160,
    }


def test_unknown_facts_about_a_work_are_empty_text(first: Crawl) -> None:
    row = first.rows("manifest.jsonl")[first.id(103)]
    unknown = ("artist", "date", "medium", "department", "accession")
    assert [row[name] for name in unknown] == [""] * len(unknown)


def test_robots_txt_is_requested_first_and_every_request_names_the_contact(first: Crawl) -> None:
    for host in (first.museum.api, first.museum.images):
        kinds = [request.kind for request in first.asked if request.host == host]
        assert (kinds[0], kinds.count("robots")) == ("robots", 1)
    assert {request.agent for request in first.asked} == {f"Patina (+{CONTACT})"}


def test_only_changed_works_are_requested_again(again: Crawl) -> None:
    assert (again.code, again.error) == (0, "")
    assert again.sent("record") == [101, 102, 104, 105, 106]
    if "record" not in again.museum.listing_kinds:
        assert again.works("record") == [101, 102, 104, 105, 106, 109]
    assert again.works("image") == [101, 102]
    assert "4 filed (3 from an earlier crawl)" in again.said


def test_a_changed_record_is_saved_without_fetching_its_image_again(
    first: Crawl, again: Crawl
) -> None:
    assert [one.status for one in again.asked if one.kind == "image" and one.number == 101] == [304]
    before, now = (made.rows("manifest.jsonl")[made.id(101)] for made in (first, again))
    assert now == before | {"title": "Harbour, Nocturne"}
    assert (again.folder / now["file"]).read_bytes() == first.museum.image(101)


def test_a_changed_image_is_fetched_again(again: Crawl) -> None:
    row = again.rows("manifest.jsonl")[again.id(102)]
    assert (again.folder / row["file"]).read_bytes() == picture(1102)
    assert row["size_bytes"] == len(picture(1102))


def test_a_work_that_the_museum_removed_is_set_aside_and_not_deleted(
    first: Crawl, again: Crawl
) -> None:
    assert again.filed() == {101, 102, 103, 107}
    not_free = "not in the public domain by its own record"
    withdrawn = again.rows("withdrawn.jsonl")
    assert {number: withdrawn[again.id(number)]["reason"] for number in (104, 105, 106)} == {
        104: not_free,
        105: "record gone: HTTP 404",
        106: not_free,
    }
    for work, row in withdrawn.items():
        assert row["file"].startswith("withdrawn/")
        number = again.museum.number(work)
        assert (again.folder / row["file"]).read_bytes() == first.museum.image(number)
    left = {path.stem for path in (again.folder / "artworks").iterdir()}
    assert left == {path.stem for path in (again.folder / "records").iterdir()}
    assert left == set(again.rows("manifest.jsonl"))


def test_a_dry_run_counts_from_the_listing_alone(first: Crawl, later: dict[str, Crawl]) -> None:
    made = later["counted"]
    assert (made.code, made.error) == (0, "")
    assert {request.kind for request in made.asked} == {"robots", *made.museum.listing_kinds}
    assert "8 found, 7 up to date, 1 to fetch: at least 0 s" in made.said
    assert made.rows("manifest.jsonl") == first.rows("manifest.jsonl")


def test_nothing_changes_if_the_museum_does_not_answer(
    first: Crawl, later: dict[str, Crawl]
) -> None:
    made = later["down"]
    assert made.code == TRY_LATER
    assert "the listing is incomplete: " in made.error
    for name in ("manifest.jsonl", "rejected.jsonl", "listed.json"):
        assert (made.folder / name).read_bytes() == (first.folder / name).read_bytes()


def test_a_dry_run_prints_the_duration_of_the_crawl() -> None:
    counted = Outcome(source="artic", found=100, up_to_date=10, to_fetch=90)
    assert forecast(counted, 1.0).endswith("90 to fetch: at least 90 s at one request every 1 s")


def test_the_museums_are_those_that_have_a_spider() -> None:
    settings = Settings({"SPIDER_MODULES": ["patina.crawler.spiders"]})
    spiders = SpiderLoader.from_settings(settings)
    assert sorted(MUSEUMS) == sorted(name for name in spiders.list() if spiders.load(name).museum)

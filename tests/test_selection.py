"""Which works and sizes are selected."""

import json
from dataclasses import asdict, fields
from inspect import signature
from pathlib import Path

import pytest
from crawling import Crawl, copied, crawl, played
from replay.museums import Met
from replay.serving import Replay
from replay.works import exhibition

from patina.cli.collecting import crawl as command
from patina.crawler.items import Artwork, CrawlError, Rendition
from patina.crawler.run import main
from patina.crawler.selection import Selection
from patina.params import Params


def narrowed(kind: type[Replay], folder: Path) -> Crawl:
    options = ("--department", "European Painting", "--medium", "oil", "--period", "1600-1699")
    with kind(exhibition(), page=1) as museum:
        return crawl(museum, folder, *museum.asking("night"), *options)


def limited(kind: type[Replay], folder: Path) -> Crawl:
    """Three works, none larger than the second size offered."""
    with kind(exhibition()) as museum:
        second = museum.offers(museum.works[101])[1]
        most = second.width * second.height or 100 * 80
        return crawl(museum, folder, "--limit", 3, "--max-pixels", most)


@pytest.fixture(scope="module")
def crawls(kind: type[Replay], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Crawl]:
    """Crawls of a museum by name, each with its own server."""
    return played((limited, narrowed), kind, tmp_path_factory.mktemp(kind.source))


def test_query_department_medium_and_period_are_all_sent_to_the_museum(
    crawls: dict[str, Crawl],
) -> None:
    assert crawls["narrowed"].filed() == {101, 102}
    assert crawls["narrowed"].works("image") == [101, 102]


def test_the_limit_of_works_and_the_largest_allowed_size_are_used(crawls: dict[str, Crawl]) -> None:
    made = crawls["limited"]
    rows = made.rows("manifest.jsonl")
    assert (made.code, len(rows), len(set(made.works("image")))) == (0, 3, 3)
    museum = made.museum
    offers = [museum.offers(museum.works[number])[1] for number in sorted(made.filed())]
    assert [row["image_url"] for row in rows.values()] == [offer.url for offer in offers]
    assert {(row["width"], row["height"]) for row in rows.values()} == {(100, 80)}


def test_a_larger_size_is_fetched_after_the_limit_was_raised(
    crawls: dict[str, Crawl], tmp_path: Path
) -> None:
    small = crawls["limited"]
    with type(small.museum)(exhibition()) as museum:
        made = crawl(museum, copied(small, tmp_path / "larger"), "--limit", 3)
        assert made.works("image") == [101, 102, 103]
        for row in made.rows("manifest.jsonl").values():
            number = museum.number(row["id"])
            assert (made.folder / row["file"]).read_bytes() == museum.image(number)


def test_the_error_for_an_unknown_department_lists_those_of_the_met(tmp_path: Path) -> None:
    with Met(exhibition()) as museum:
        made = crawl(museum, tmp_path / "harvest", "--dry-run", "--department", "Cheese")
    assert made.code == 1
    assert "department 'Cheese': unknown; the Met has Arts of the Isles, European" in made.error


@pytest.mark.parametrize(
    ("period", "years"),
    [
        ("", None),
        ("1600-1699", (1600, 1699)),
        ("1889", (1889, 1889)),
        (" 1600 - 1699 ", (1600, 1699)),
        ("-500--400", (-500, -400)),
        ("-50-50", (-50, 50)),
        ("-500", (-500, -500)),
        ("7", (7, 7)),
    ],
)
def test_a_period_is_one_year_or_a_range(period: str, years: tuple[int, int] | None) -> None:
    assert Selection(period=period).years() == years


@pytest.mark.parametrize("period", ["baroque", "1699-1600", "1600-", "16-17-18", "-", " ", "1_600"])
def test_an_invalid_period_is_an_error(period: str) -> None:
    with pytest.raises(CrawlError, match=f"period '{period}': give years, such as 1600-1699"):
        Selection(period=period).years()


@pytest.mark.parametrize(
    ("begin", "end", "wanted"),
    [
        (1650, 1660, True),
        (1590, 1600, True),
        (1699, 1720, True),
        (1500, 1800, True),
        (1500, 1599, False),
        (1700, 1750, False),
        (1650, None, True),
        (None, None, False),
        (None, 1650, False),
    ],
)
def test_a_work_belongs_to_each_period_that_overlaps_its_years(
    begin: int | None, end: int | None, wanted: bool
) -> None:
    assert Selection(period="1600-1699").wants(Artwork(begin=begin, end=end)) == wanted


def test_department_and_medium_match_parts_of_the_record() -> None:
    work = Artwork(medium="Oil on canvas", department="European Painting")
    assert Selection(medium="OIL", department="european").wants(work)
    assert not Selection(medium="ink").wants(work)
    assert not Selection(department="Asian").wants(work)
    assert not Selection(medium="oil").wants(Artwork())


def test_the_sizes_that_fit_are_tried_in_their_order() -> None:
    sizes = [Rendition("a", 200, 100), Rendition("b"), Rendition("c", 103, 100)]
    assert Selection(max_pixels=10_000).fitting(sizes) == sizes[1:]
    assert Selection().fitting(sizes) == sizes


@pytest.mark.parametrize("name", [field.name for field in fields(Selection)])
def test_every_filter_has_an_option_and_a_key_in_params(name: str) -> None:
    assert name in Params.model_fields["crawl"].annotation.model_fields  # type: ignore[union-attr]
    for crawling in (command, main):
        assert name in signature(crawling).parameters


def test_a_selection_is_read_as_it_was_written(tmp_path: Path) -> None:
    file, wanted = tmp_path / "selection.json", Selection(query="night", limit=3)
    file.write_text(json.dumps(asdict(wanted)))
    assert Selection.read(file) == wanted
    for broken in ("{", "[]", '{"colour": "red"}'):
        file.write_text(broken)
        with pytest.raises(CrawlError, match="give a JSON object with keys of query, department"):
            Selection.read(file)


def test_an_option_overrides_the_file_of_filters(tmp_path: Path) -> None:
    (tmp_path / "selection.json").write_text('{"query": "night", "limit": 1}')
    with Met(exhibition()) as museum:
        given = ("--query", "", "--selection", tmp_path / "selection.json", "--limit", 2)
        made = crawl(museum, tmp_path / "harvest", *given)
    assert made.code == 0
    assert len(made.filed()) == 2


def test_a_negative_number_is_an_error() -> None:
    with pytest.raises(CrawlError, match="limit -1: give 0 or more"):
        Selection(limit=-1)


def test_the_key_of_a_selection_ignores_the_limit_and_the_size() -> None:
    key = Selection(query="night", limit=5, max_pixels=10).key()
    assert key == Selection(query="night").key()
    assert key != Selection(query="day").key()

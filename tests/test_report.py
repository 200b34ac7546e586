"""The report of an outbox: its sentences, order and pictures, and what it refuses."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
from outboxes import change_of, drawn_work, file_work

from patina.errors import InputError
from patina.tasks.restoration.report.figures import figures_of
from patina.tasks.restoration.report.page import as_script, write_report
from patina.tasks.restoration.report.previews import FILLED, PICTURES, Reduced
from patina.tasks.restoration.report.records import gather, printable
from patina.tasks.restoration.report.summary import outcome_of, summary_of


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ({}, "unchanged: no damage is certain enough to be treated"),
        (
            {"changed_share": 0, "noise": {"weight": 1}},
            "unchanged: no damage is certain enough to be treated",
        ),
        (
            {"changed_share": 0, "tone": {"weight": 0, "seen": "fading"}},
            "unchanged; possible fading, not corrected: try --force tone",
        ),
        (
            {
                "changed_share": 0.3,
                "damage": {"by_kind": {"line": 12, "spot": 1, "area": 0}, "filled_share": 0.004},
                "noise": {"weight": 1},
                "tone": {"weight": 0, "seen": "yellowing"},
            },
            "12 scratches and 1 spot filled; noise reduced; "
            "possible yellowing, not corrected: try --force tone; 0.40% of the surface filled",
        ),
        (
            {"damage": {"areas": 1, "weight": 0.6, "filled_share": 0.25, "proposed": [1, 2]}},
            "1 area filled at 60% of full strength; "
            "2 areas proposed, not filled: see the damage map, or try --force damage; "
            "25% of the surface filled",
        ),
        (
            {
                "damage": {
                    "by_kind": {"line": 1, "crack network": 2},
                    "weight": 1,
                    "weights": {"damage": 1, "craquelure": 0.5},
                }
            },
            "1 scratch and 2 patterns of age cracks filled (damage at 100% of full strength, "
            "age cracks at 50%)",
        ),
        (
            {
                "changed_share": 1,
                "noise": {"weight": 0.5},
                "jpeg": {"weight": 1},
                "tone": {"weight": 1, "seen": "yellowing", "delta_e2000": 5.31},
            },
            "noise reduced in part; JPEG artefacts reduced; yellowing corrected (mean ΔE2000 5.3)",
        ),
        ({"changed_share": 0.00001}, "less than 0.01% of the pixels altered"),
    ],
)
def test_a_sentence_tells_what_was_done_and_what_was_seen_but_not_treated(
    figures: dict, sentence: str
) -> None:
    assert summary_of(figures) == sentence


def test_a_work_of_which_no_pixel_differs_is_untouched() -> None:
    assert outcome_of({"changed_share": 0, "noise": {"weight": 1}}) == "untouched"
    assert outcome_of({"changed_share": 1e-6}) == "restored"
    assert outcome_of({"tone": {"weight": 0, "seen": "fading"}}) == "untouched"
    assert outcome_of({"tone": {"weight": 0.2}}) == "restored"


def test_the_sidecar_of_a_work_gives_the_figures_of_its_sentence() -> None:
    damage = {"weight": 1, "by_kind": {"line": 2}, "filled_share": 0.02, "kept": 1, "pieces": []}
    change = change_of(2, damage=damage, noise={"weight": 0.0}, jpeg={"weight": 1.0})
    assert summary_of(figures_of({"change": change})) == (
        "2 scratches filled; JPEG artefacts reduced; age cracks kept as part of the work; "
        "2.0% of the surface filled"
    )
    sound = change_of(0, damage={"weight": 0.0, "found_share": 0.012}, tone={"weight": 0.0})
    assert summary_of(figures_of({"change": sound})) == (
        "unchanged; possible damage on 1.2% of the surface, not filled: try --force damage"
    )
    assert figures_of({}) == figures_of({"change": []}) == {"changed_share": 0}


def test_flagged_works_come_first_then_what_was_set_aside_then_by_the_change(
    tmp_path: Path,
) -> None:
    for name, delta_e in (("little.tif", 0.5), ("deep/much.tif", 5.0), ("sound.tif", 0)):
        file_work(tmp_path, name, change_of(delta_e), pictures=False)
    file_work(tmp_path, "odd.tif", change_of(0.1), pictures=False, flags=["look at it"])
    (tmp_path / "failures.jsonl").write_text('{"file": "a.pdf", "reason": "a.pdf: no"}\n')
    works, _ = gather(tmp_path)
    assert [work["name"] for work in works] == [
        *("odd.tif", "a.pdf", "deep/much.tif", "little.tif", "sound.tif"),
    ]
    outcomes = [work["outcome"] for work in works]
    assert outcomes == ["restored", "set aside", "restored", "restored", "untouched"]


def test_a_report_keeps_the_first_works_and_counts_the_others(tmp_path: Path) -> None:
    for number in range(7):
        file_work(tmp_path, f"{number}.tif", change_of(number), pictures=False)
    works, left_out = gather(tmp_path, most=3)
    assert [work["name"] for work in works] == ["6.tif", "5.tif", "4.tif"]
    assert left_out == 4
    assert gather(tmp_path).left_out == 0


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"statement": 1}', "[" * 100_000, "\ud800", '"x"', "null"]
)
def test_files_that_are_no_sidecars_are_left_out(tmp_path: Path, content: str) -> None:
    file_work(tmp_path, "work.tif", change_of(1), pictures=False)
    (tmp_path / "other.json").write_bytes(content.encode(errors="surrogatepass"))
    assert [work["name"] for work in gather(tmp_path).works] == ["work.tif"]


def test_a_sidecar_with_parts_missing_or_of_another_kind_is_told_of_as_far_as_it_goes(
    tmp_path: Path,
) -> None:
    odd = {"source": [], "previews": {"key": "../../etc", "files": ["a.svg"]}, "flags": None}
    file_work(tmp_path, "work.tif", change_of(1), pictures=False, **odd)
    (work,), _ = gather(tmp_path)
    assert (work["key"], work["pictures"], work["flags"], work["width"]) == ("", [], [], None)
    write_report(tmp_path)


def test_a_sidecar_that_was_garbled_is_flagged_and_hides_no_other(tmp_path: Path) -> None:
    file_work(tmp_path, "good.tif", change_of(1), pictures=False)
    file_work(tmp_path, "a.tif", change_of(1), pictures=False, flags=5)
    file_work(tmp_path, "b.tif", change_of(1, damage={"weight": "x"}), pictures=False)
    works, _ = gather(tmp_path)
    assert [work["name"] for work in works] == ["a.tif", "b.tif", "good.tif"]
    assert works[0]["flags"] == works[1]["flags"] == ["the sidecar cannot be read"]
    assert works[0]["summary"].startswith("a.tif.json: the sidecar is damaged")


def test_a_report_of_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder"):
        write_report(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_figures_that_are_no_numbers_break_no_report(tmp_path: Path) -> None:
    place = file_work(tmp_path, "work.tif", change_of(1), pictures=False)
    place.write_text(place.read_text().replace('"share_of_pixels": 0.4', '"share_of_pixels": NaN'))
    report = write_report(tmp_path)
    assert isinstance(report, Path)
    assert "NaN" not in data_of(report)


def data_of(report: Path) -> str:
    page = report.read_text(encoding="utf-8")
    return page.split('id="data">', 1)[1].split("</script>", 1)[0]


def test_no_string_of_the_data_ends_the_script_that_holds_it() -> None:
    hostile = "</script><!--<script>\u2028\ud800\"'"
    written = as_script([hostile])
    assert "<" not in written
    assert written.isascii()
    assert json.loads(written) == [hostile]


def test_names_show_what_cannot_be_seen() -> None:
    assert printable("a\nb\x1b[31m\u202egpj.exe") == "a\\nb\\x1b[31m\\u202egpj.exe"
    assert printable("شهید‌زاده.tif — Ölskizze 雪.tif") == "شهید‌زاده.tif — Ölskizze 雪.tif"


def test_another_report_html_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>My own report</p>")
    with pytest.raises(InputError, match=r"report\.html: Patina did not write this file"):
        write_report(tmp_path)
    assert (tmp_path / "report.html").read_text() == "<p>My own report</p>"


def test_a_report_is_written_again_over_the_last_one(tmp_path: Path) -> None:
    file_work(tmp_path, "a.tif", change_of(1), pictures=False)
    write_report(tmp_path)
    file_work(tmp_path, "b.tif", change_of(2), pictures=False)
    report = write_report(tmp_path)
    assert isinstance(report, Path)
    assert [work["name"] for work in json.loads(data_of(report))["works"]] == ["b.tif", "a.tif"]


def test_previews_show_before_after_damage_and_change(tmp_path: Path) -> None:
    files = drawn_work().write(tmp_path)
    assert files["size"] == [400, 300]
    small = {"thumb.webp", "before.jpg", "after.jpg", "damage.webp", "change.webp"}
    assert {*files["files"]} == small == {path.name for path in tmp_path.iterdir()}
    before, after = (
        pyvips.Image.new_from_file(str(tmp_path / f"{n}.jpg")) for n in ("before", "after")
    )
    assert min(before(200, 151)) > 230
    assert np.allclose(after(200, 151), (178, 51, 51), atol=12)
    damage = pyvips.Image.new_from_file(str(tmp_path / "damage.webp"))
    assert np.allclose(damage(200, 151), (*FILLED, 255), atol=40)
    assert damage(200, 20)[3] == 0
    change = pyvips.Image.new_from_file(str(tmp_path / "change.webp"))
    red, _, blue, opacity = change(200, 151)
    assert blue > red  # it became darker
    assert opacity > 200
    assert (tmp_path / "thumb.webp").stat().st_size < 8000


def test_a_work_left_alone_has_one_picture_and_a_large_one_a_full_size_too(tmp_path: Path) -> None:
    assert drawn_work(changed=False).write(tmp_path)["files"] == ["before.jpg", "thumb.webp"]
    files = drawn_work(height=300, width=5000).write(tmp_path)
    assert {*files["files"]} == PICTURES
    assert files["size"] == [4096, 246]
    full = pyvips.Image.new_from_file(str(tmp_path / "before-full.jpg"))
    assert [full.width, full.height] == files["size"]


def test_previews_are_turned_as_a_viewer_turns_the_scan(tmp_path: Path) -> None:
    assert drawn_work().write(tmp_path, orientation=6)["size"] == [300, 400]
    before = pyvips.Image.new_from_file(str(tmp_path / "before.jpg"))
    assert (before.width, before.height) == (300, 400)
    assert min(before(148, 200)) > 230  # the scratch stands upright


@pytest.mark.parametrize("rows", [1, 7, 256])
def test_rows_in_turn_are_reduced_to_the_means_of_areas(rows: int) -> None:
    picture = np.random.default_rng(0).random((600, 900, 3), np.float32)
    reduced = Reduced((600, 900), 3, 300)
    for top in range(0, 600, rows):
        reduced.add(top, reduced.narrow(picture[top : top + rows]))
    at_once = cv2.resize(picture, (300, 200), interpolation=cv2.INTER_AREA) * 255
    assert np.abs(reduced.pixels - at_once).max() < 0.51

"""The contents of a condition report, on paper and on a screen."""

import json
import re
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
from condition_reports import DAMAGED, damage_left_half, text_of
from pypdf import PdfReader
from restorers import HEIGHT, WIDTH, restorer, scan

from patina.tasks.io.atomic import Record, sha256_of
from patina.tasks.restoration.colour_findings import findings
from patina.tasks.restoration.condition import (
    BLUE,
    HYPOTHESIS,
    ORANGE,
    RED,
    Condition,
    condition_of,
)
from patina.tasks.restoration.condition_html import html_of
from patina.tasks.restoration.condition_pdf import pdf_of
from patina.tasks.restoration.condition_report import file_reports, refuse_overwriting
from patina.tasks.restoration.damage_areas import LISTED, map_areas
from patina.tasks.restoration.examination import examined
from patina.tasks.restoration.lettering import FONT, MM_A_POINT, page, runs
from patina.tasks.restoration.numbered_areas import markers, row_of, table_of

NAMES = {"title": "神奈川沖浪裏 (The Great Wave)", "artist": "Zoë Müller, 北斎, العربية"}
EVERYTHING = {
    "title": NAMES["title"],
    "artist": NAMES["artist"],
    "accession": "<JP1847>",
}


def condition(tmp_path: Path, **given: str) -> Condition:
    source = tmp_path / "scan.tif"
    scan(source)
    with examined(source, DAMAGED) as found:
        damage_left_half(found.damage)
        return condition_of(found, given)


def test_a_report_names_areas_sizes_colours_treatments_weights_and_that_it_is_a_hypothesis(
    tmp_path: Path,
) -> None:
    found = condition(tmp_path, title="Winter", accession="1889.12")
    (area,) = found.areas
    assert area.px == HEIGHT * WIDTH // 2
    for text in (text_of(pdf_of(found)), html_of(found)):
        assert HYPOTHESIS in text
        assert "Winter" in text
        assert "1889.12" in text
        assert "Areas of damage: 1, 50% of the surface" in text
        assert "Found by Patina: 1 area (50% of the surface); pieces that are close" in text
        assert "Marked by a person: nothing." in text
        assert "Decided: 1 to be filled automatically." in text
        assert "Made from: the scan, before a result was saved" in text
        assert "300 dpi, as the file states" in text
        assert "1 area (50% of the surface): to be filled." in text
        assert "ΔE2000" in text
        assert "Treatments proposed" in text
        assert "SHA-256 0.1" in text  # of the weights
        assert re.search(r"\d{4}-\d\d-\d\d", text)
    assert row_of(area, found.mm_a_px)[-1] == "5.9 × 4.7 mm"


def test_every_script_is_written_drawn_or_spelt_out_and_nothing_is_dropped() -> None:
    with page() as pdf:
        known = frozenset(pdf.fonts[FONT].cmap)
    assert runs("Zoë Müller, العربية", known) == [("Zoë Müller, العربية", False)]
    assert runs("葛飾北斎 Hokusai", known) == [("葛飾北斎", True), (" Hokusai", False)]
    assert runs("ไท", known) == [("[U+0E44 U+0E17]", False)]


def test_a_line_about_the_software_is_written_to_its_end(tmp_path: Path) -> None:
    networks = ", ".join(f"network {number} 0123456789abcdef" for number in range(15))
    told = replace(condition(tmp_path), software={"Networks": networks})
    assert networks in text_of(pdf_of(told))


def test_names_in_latin_chinese_and_arabic_are_on_the_page(tmp_path: Path) -> None:
    pdf = pdf_of(condition(tmp_path, **NAMES))
    reader = PdfReader(BytesIO(pdf))
    assert reader.metadata is not None
    assert str(reader.metadata.title).endswith(f"{NAMES['artist']}, {NAMES['title']}")
    text = text_of(pdf)
    assert "Zoë Müller" in text
    assert "The Great Wave" in text
    assert any("\u0600" <= character < "\u0700" for character in text)
    (only,) = reader.pages
    drawn = [image.image.size for image in only.images if image.image and image.image.height == 120]
    assert len(drawn) == len("神奈川沖浪裏北斎")
    assert b"DejaVuSansCondensed" in pdf


def test_names_in_html_are_escaped_and_whole(tmp_path: Path) -> None:
    html = html_of(
        condition(tmp_path, title="<script>alert(1)</script> $x", artist=NAMES["artist"])
    )
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $x" in html
    assert NAMES["artist"] in html
    assert not re.search(r"(src|href)=\"(?!data:image/jpeg|#area-)", html)


def test_a_page_holds_the_largest_areas_and_sums_the_others(tmp_path: Path) -> None:
    source = tmp_path / "dust.png"
    cv2.imwrite(str(source), np.full((300, 400, 3), 128, np.uint8))
    with examined(source, restorer(0)) as found:
        damage = np.zeros((300, 400), np.uint8)
        for index in range(70):
            y, x = 20 + 36 * (index // 10), 20 + 38 * (index % 10)
            damage[y : y + 4 + index // 10, x : x + 5] = 255
        cv2.imwrite(str(found.damage), damage)
        dusty = condition_of(
            found, {"title": "x" * 1000, "artist": "y " * 500, "medium": "z" * 900}
        )
    assert len(dusty.areas) == LISTED
    text = text_of(pdf_of(dusty))
    assert "Areas of damage: 70," in text
    assert "Not listed: 30 smaller areas" in text
    assert "Signature" in text


def test_no_cell_of_the_table_covers_the_next_one(tmp_path: Path) -> None:
    source = tmp_path / "specks.png"
    cv2.imwrite(str(source), np.full((900, 1200, 3), 128, np.uint8))
    with examined(source, restorer(0)) as found:
        damage = np.zeros((900, 1200), np.uint8)
        damage[100:104, 900:904] = damage[700:704, 1190:1194] = 255
        cv2.imwrite(str(found.damage), damage)
        specks = condition_of(found, {})
    long = replace(specks.areas[1], length_px=123456.0, kind="crack network")
    (only,) = PdfReader(BytesIO(pdf_of(replace(specks, areas=[specks.areas[0], long])))).pages
    cells: list[tuple[float, float, str, float]] = []
    only.extract_text(
        visitor_text=lambda text, _cm, at, _font, size: cells.append((at[5], at[4], text, size))
    )
    row = sorted({cell[0] for cell in cells if "< 0.01%" in cell[2]})
    assert row
    with page() as pdf:
        for y in row:
            line = sorted((x, text.strip(), size) for at, x, text, size in cells if at == y)
            line = [cell for cell in line if cell[1]]
            assert len(line) > 5
            for (x, text, size), (then, _, _) in pairwise(line):
                pdf.set_font(FONT, "", size)
                assert x + pdf.get_string_width(text) / MM_A_POINT <= then


def test_areas_that_are_not_filled_have_another_colour(tmp_path: Path) -> None:
    source = tmp_path / "scan.tif"
    scan(source)
    with examined(source, DAMAGED) as found:
        damage = np.zeros((HEIGHT, WIDTH), np.uint8)
        damage[10:20, 10:20], damage[40:50, 60:70] = 255, 128
        cv2.imwrite(str(found.damage), damage)
        told = condition_of(found, {})
    assert told.mapped[15, 15].tolist() == RED.tolist()
    assert told.mapped[45, 65].tolist() == BLUE.tolist()
    assert told.legend == "Areas of damage; red: to be filled, blue: not filled"
    assert replace(told, made=True).legend == "Areas of damage; red: filled, blue: not filled"


@pytest.mark.parametrize(
    ("orientation", "box", "place"),
    [
        (1, [0.1, 0.2, 0.5, 0.5], "middle left"),
        (3, [0.5, 0.5, 0.9, 0.8], "middle right"),
        (6, [0.5, 0.1, 0.8, 0.5], "upper centre"),
        (7, [0.5, 0.5, 0.8, 0.9], "lower centre"),
    ],
)
def test_corrected_stains_have_boxes_numbers_and_rows(
    tmp_path: Path, orientation: int, box: list[float], place: str
) -> None:
    source = tmp_path / "scan.tif"
    scan(source)
    image = pyvips.Image.new_from_file(str(source)).copy_memory()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    image.write_to_file(str(source))
    with examined(source, DAMAGED) as found:
        damage_left_half(found.damage)
        stain = {"box": [0.1, 0.2, 0.4, 0.3], "share": 0.04, "judge_probability": 0.9}
        stains = {"weight": 1.0, "found": 1, "found_share": 0.04, "places": [stain]}
        change = found.sidecar["change"] | {"stains": stains}
        told = condition_of(replace(found, sidecar=found.sidecar | {"change": change}), {})
    (area,) = told.stains
    assert told.legend.endswith("blue: not filled, orange box: stain to be corrected")
    assert ("Stains", "1 stain (4.0% of the surface): to be corrected.") in told.treatments
    *_, row = table_of(told)
    assert (row[:2], row[-1]) == (("2", "stain"), "to be corrected")
    shares = [
        area.left / told.width,
        area.top / told.height,
        area.right / told.width,
        area.bottom / told.height,
    ]
    assert shares == pytest.approx(box, abs=0.01)
    assert told.mapped[area.top, (area.left + area.right) // 2].tolist() == ORANGE.tolist()
    assert row[2] == place
    assert "to be corrected" in text_of(pdf_of(told))


def test_the_number_of_proposed_areas_is_given_once(tmp_path: Path) -> None:
    source = tmp_path / "scan.tif"
    scan(source)
    flags = ["26 areas proposed, not filled", "the change of its colours is clear"]
    with examined(source, DAMAGED) as found:
        told = condition_of(replace(found, sidecar=found.sidecar | {"flags": flags}), {})
    assert told.notes == flags[1:]


def test_numbers_stand_apart_and_inside_the_picture() -> None:
    damage = np.zeros((400, 600), np.uint8)
    for x in range(10, 590, 40):
        damage[5:12, x : x + 8] = 255
    placed = markers(map_areas(damage).areas, 400, 600, 0.02)
    for one in placed:
        assert 0.02 <= one.x <= 0.98
        assert 0.02 <= one.y <= 400 / 600 - 0.02
        gaps = [np.hypot(one.x - other.x, one.y - other.y) for other in placed if other is not one]
        assert min(gaps) >= 0.0399


def test_the_harvest_that_a_scan_is_of_tells_of_the_work(tmp_path: Path) -> None:
    (tmp_path / "artworks").mkdir()
    source = tmp_path / "artworks" / "met-45434.tif"
    scan(source)
    lines = [
        {"id": "met-1", "file": "artworks/met-1.tif", "title": "Other", "sha256": "0"},
        {"id": "met-45434", "title": "Wave", "artist": "Hokusai", "accession": "JP1847"}
        | {"file": "artworks/met-45434.tif", "sha256": sha256_of(source)},
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with examined(source, DAMAGED) as found:
        told = condition_of(found, {"title": " Great wave "})
    assert told.work == {"title": "Great wave", "artist": "Hokusai", "accession": "JP1847"}


def test_a_scan_that_a_viewer_turns_is_reported_turned_with_its_areas(tmp_path: Path) -> None:
    source = tmp_path / "turned.tif"
    scan(source)
    image = pyvips.Image.new_from_file(str(source)).copy_memory()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.write_to_file(str(source))
    with examined(source, DAMAGED) as found:
        damage_left_half(found.damage)
        turned = condition_of(found, {})
    assert (turned.height, turned.width) == (WIDTH, HEIGHT)
    assert turned.before.shape == (WIDTH, HEIGHT, 3)
    (area,) = turned.areas  # on the left as it is stored: above, turned
    assert (area.top, area.bottom, area.place) == (0, WIDTH // 2, "upper centre")


def test_millimetres_come_from_the_user_before_the_file_and_from_no_made_up_resolution(
    tmp_path: Path,
) -> None:
    source = tmp_path / "scan.png"
    cv2.imwrite(str(source), np.full((90, 120, 3), 128, np.uint8))
    with examined(source, DAMAGED) as found:
        damage_left_half(found.damage, 90, 120)
        unknown = condition_of(found, {})
        known = condition_of(found, {}, width_mm=240)
    assert unknown.mm_a_px is None
    assert "resolution unknown" in unknown.scan["Size"]
    assert row_of(unknown.areas[0], unknown.mm_a_px)[-1] == "90 × 60 px"
    assert row_of(known.areas[0], known.mm_a_px)[-1] == "180 × 120 mm"


def test_colour_findings_tell_in_words_what_a_yellowed_and_a_sound_work_lack() -> None:
    rng = np.random.default_rng(0)
    sound = rng.integers(40, 220, (40, 60, 3)).astype(np.uint8)
    yellow = np.rint(sound * np.array([1, 0.95, 0.7])).astype(np.uint8)
    nowhere = np.zeros((40, 60), bool)
    told = " ".join(findings(yellow, sound, nowhere))
    assert "yellower (b* +" in told
    assert "darker (L* −" in told
    assert findings(sound, sound, nowhere) == [
        "Outside the areas of damage, the difference between scan and restored work is not visible "
        "(mean ΔE2000 0.0; in 90% of the pixels, at most 0.0).",
        "No fading, yellowing or darkening is corrected.",
    ]


def test_each_area_says_whether_it_is_filled_where_they_differ(tmp_path: Path) -> None:
    source = tmp_path / "scan.tif"
    scan(source)
    with examined(source, DAMAGED) as found:
        damage = np.zeros((HEIGHT, WIDTH), np.uint8)
        damage[10:20, 10:20], damage[50:56, 90:96] = 255, 128
        cv2.imwrite(str(found.damage), damage)
        told = dict(found.sidecar["change"], damage={"weight": 1})
        differing = replace(found, sidecar=found.sidecar | {"change": told})
        proposed = condition_of(differing, {})
        filed = condition_of(replace(differing, made=True), {})
        alike = condition_of(replace(found, sidecar=without(found.sidecar, "damage")), {})
    assert proposed.outcomes == {1: "to be filled", 2: "proposed"}
    assert [row[-1] for row in table_of(filed)] == ["Outcome", "filled", "proposed"]
    assert "lower right" in html_of(filed)
    assert "<td>proposed</td>" in html_of(filed)
    assert table_of(alike)[0][-1] == "Size"


def test_the_networks_of_a_model_are_named_with_what_tells_their_versions_apart(
    tmp_path: Path,
) -> None:
    source = tmp_path / "scan.tif"
    scan(source)
    with examined(source, DAMAGED) as found:
        model = found.sidecar["model"] | {"networks": {"noise": "d50c" * 16, "tone": "2b8c" * 16}}
        told = condition_of(replace(found, sidecar=found.sidecar | {"model": model}), {})
    assert f"noise {'d50c' * 4}, tone {'2b8c' * 4}" in text_of(pdf_of(told))


def without(sidecar: Record, part: str) -> Record:
    """The sidecar without the entry of one treatment."""
    change = {name: value for name, value in sidecar["change"].items() if name != part}
    return sidecar | {"change": change}


def test_reports_overwrite_reports_but_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "scan.tif"
    scan(source)
    file_reports(source, tmp_path, DAMAGED, given={})
    refuse_overwriting([source], tmp_path)
    (tmp_path / "scan.tif.condition.pdf").write_text("a curator's own")
    with pytest.raises(ValueError, match=r"scan\.tif\.condition\.pdf: Patina did not write"):
        refuse_overwriting([source], tmp_path)
    with pytest.raises(ValueError, match="would overwrite that of"):
        refuse_overwriting([source, tmp_path / "other" / "scan.tif"], tmp_path / "out")

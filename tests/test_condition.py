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
from pypdf import PdfReader
from restorers import HEIGHT, WIDTH, restorer, scan

from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import Record, sha256_of
from patina.tasks.restoration.batch import restore_scans, summary_in
from patina.tasks.restoration.colour_findings import findings
from patina.tasks.restoration.condition import (
    BLUE,
    HYPOTHESIS,
    RED,
    Condition,
    condition_of,
    key_of,
)
from patina.tasks.restoration.condition_html import html_of
from patina.tasks.restoration.condition_pdf import pdf_of
from patina.tasks.restoration.condition_report import file_reports, key_in, refuse_overwriting
from patina.tasks.restoration.damage_areas import LISTED, map_areas
from patina.tasks.restoration.examination import examined
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.lettering import FONT, MM_A_POINT, page, runs
from patina.tasks.restoration.numbered_areas import markers, row_of, table_of
from patina.tasks.restoration.sidecars import OutputOptions, map_of, sidecar_of, with_present_names
from patina.tasks.restoration.treatment_sentences import treatments_of

NAMES = {"title": "神奈川沖浪裏 (The Great Wave)", "artist": "Zoë Müller, 北斎, العربية"}
DAMAGED = restorer(0.1, damaged=40, fill=0.2)
EVERYTHING = {
    "title": NAMES["title"],
    "artist": NAMES["artist"],
    "accession": "<JP1847>",
}


def damage_left_half(path: Path, height: int = HEIGHT, width: int = WIDTH) -> None:
    damage = np.zeros((height, width), np.uint8)
    damage[:, : width // 2] = 255
    cv2.imwrite(str(path), damage)


def condition(tmp_path: Path, **given: str) -> Condition:
    source = tmp_path / "scan.tif"
    scan(source)
    with examined(source, DAMAGED) as found:
        damage_left_half(found.damage)
        return condition_of(found, given)


def text_of(pdf: bytes) -> str:
    (only,) = PdfReader(BytesIO(pdf)).pages
    return re.sub(r"\s+", " ", only.extract_text())


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
    networks = ", ".join(f"network {number} 0123456789abcdef" for number in range(9))
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


def test_a_result_is_reported_with_its_scan_and_what_was_done(tmp_path: Path) -> None:
    source, result = tmp_path / "in" / "scan.tif", tmp_path / "out" / "scan.tif"
    source.parent.mkdir()
    scan(source)
    with summary_in(result.parent) as outcomes:
        outcomes += restore_scans([(source, result)], DAMAGED, OutputOptions(maps=True))
    damage_left_half(map_of(result, "damage"))
    pdf, html = file_reports(result, tmp_path / "reports", DAMAGED, given={})
    assert pdf.name == "scan.tif.condition.pdf"
    for text in (text_of(pdf.read_bytes()), html.read_text()):
        assert "Treatments applied" in text
        assert "1 area (50% of the surface): filled." in text
        assert "Decided: 1 filled automatically." in text
        sidecar = json.loads(sidecar_of(result).read_text())
        assert f"scan.tif.json of {sidecar['restored']}" in text
        assert sidecar["result"]["sha256"] in text
    assert key_in(html) == key_of(sidecar, made=True) != key_of(sidecar, made=False)
    source.rename(source.with_name("moved.tif"))
    with pytest.raises(ImageError, match=r"scan\.tif, is not found; give it with --scan"):
        file_reports(result, tmp_path, DAMAGED, given={})
    moved = source.with_name("moved.tif")
    assert file_reports(result, tmp_path / "reports", DAMAGED, given={}, original=moved)
    with pytest.raises(ImageError, match="this is not the scan from which"):
        file_reports(result, tmp_path, DAMAGED, given={}, original=result)


def test_what_a_person_marked_is_parted_from_what_was_found_and_decided(tmp_path: Path) -> None:
    source = tmp_path / "in" / "scan.tif"
    source.parent.mkdir()
    scan(source)
    fill, leave = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    fill[50:60, 80:90], leave[: HEIGHT // 2] = 255, 255
    masks = {name: tmp_path / f"{name}.png" for name in ("fill", "leave")}
    for path, mask in zip(masks.values(), (fill, leave), strict=True):
        cv2.imwrite(str(path), mask)
    marks = OutputOptions(mask=masks["fill"], protect=masks["leave"])
    with examined(source, DAMAGED, marks=marks) as found:
        told = condition_of(found, {})
        unknown = condition_of(replace(found, masks={}), {})
    assert dict(told.decisions) == {
        "Found by Patina": "1 area (51% of the surface); pieces that are close together count as "
        "one.",
        "Marked by a person": "1 area (1.3% of the surface) to fill; 1 area (51% of the surface) "
        "to leave.",
        "Decided": "1 to be filled because marked by a person, 1 left because protected by a "
        "person.",
        "Change": "filled surface 2.4% (damage replaced by new pixels); altered pixels 50% (all "
        "that differ from the scan after all treatments).",
    }
    assert told.outcomes == {1: "left", 2: "marked to fill"}
    assert (
        "the places are unknown, as the mask is missing"
        in dict(unknown.decisions)["Marked by a person"]
    )


def test_a_report_counts_further_places_that_may_be_damage(tmp_path: Path) -> None:
    source = tmp_path / "scan.tif"
    scan(source)
    uncertain = restorer(0, damaged=40, gates=Gates.opened(damage_share=1))
    pdf, html = file_reports(source, tmp_path, uncertain, given={})
    for text in (text_of(pdf.read_bytes()), html.read_text()):
        assert "none. 1 further place may be damage and is not filled: 1 uncertain." in text


def test_a_report_without_a_damage_map_uses_the_options_of_the_result(tmp_path: Path) -> None:
    source, result = tmp_path / "in" / "scan.tif", tmp_path / "out" / "scan.tif"
    source.parent.mkdir()
    scan(source)
    careful = restorer(0, damaged=40, fill=0.1, gates=Gates.opened(damage_share=1))
    forced = replace(careful, forced=("damage",))
    with summary_in(result.parent) as outcomes:
        outcomes += restore_scans([(source, result)], forced, OutputOptions())
    pdf, _ = file_reports(result, tmp_path / "reports", careful, given={})
    assert "Decided: 1 filled automatically." in text_of(pdf.read_bytes())


def test_treatments_that_masks_ask_for_are_told_with_any_treat() -> None:
    change = {"stains": {"weight": 1.0}, "damage": {"weight": 1.0}}
    applied: Record = {"treat": [], "strength": {}}
    told = dict(treatments_of({"change": change, "applied": applied}, [], made=True))
    assert told["Stains"] == "Corrected."
    assert told["Damage"] == told["Colour"] == "Not selected."


def test_stains_were_part_of_tone_in_older_sidecars() -> None:
    strength = {"detail": 1.0, "damage": 1.0, "tone": 0.5, "craquelure": 1.0}
    older = {"treat": ["detail", "tone"], "force": ["tone"], "strength": strength}
    applied = with_present_names({"applied": older})["applied"]
    assert applied["treat"] == ["detail", "stains", "tone"]
    assert applied["force"] == ["stains", "tone"]
    assert applied["strength"] == strength | {"stains": 0.5}
    assert with_present_names({"applied": applied})["applied"] == applied


def test_what_a_mask_had_stay_is_not_told_as_filled(tmp_path: Path) -> None:
    source, result = tmp_path / "in" / "scan.tif", tmp_path / "out" / "scan.tif"
    source.parent.mkdir()
    scan(source)
    mask = tmp_path / "stays.png"
    cv2.imwrite(str(mask), np.full((HEIGHT, WIDTH), 255, np.uint8))
    marks = OutputOptions(protect=mask)
    with summary_in(result.parent) as outcomes:
        outcomes += restore_scans([(source, result)], DAMAGED, marks)
    with pytest.raises(ImageError, match=r"restored with --protect.*again with --maps"):
        file_reports(result, tmp_path / "reports", DAMAGED, given={})
    pdf, html = file_reports(result, tmp_path / "reports", DAMAGED, given={}, marks=marks)
    for text in (text_of(pdf.read_bytes()), html.read_text()):
        assert "left" in text
        assert "filled." not in text.replace("not filled.", "")


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

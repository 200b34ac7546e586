"""Condition reports of results, and what they say of options and masks."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from condition_reports import DAMAGED, damage_left_half, text_of
from restorers import HEIGHT, WIDTH, restorer, scan

from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.batch import restore_scans
from patina.tasks.restoration.condition import condition_of, key_of
from patina.tasks.restoration.condition_report import file_reports, key_in
from patina.tasks.restoration.examination import examined
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.outbox import summary_in
from patina.tasks.restoration.sidecars import OutputOptions, map_of, sidecar_of, with_present_names
from patina.tasks.restoration.treatment_sentences import treatments_of


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

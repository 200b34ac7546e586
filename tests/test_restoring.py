"""Which scans are restored, under which names, and what becomes of those that cannot be."""

import csv
from pathlib import Path

import pytest
import pyvips
from restorers import restorer, scan

from tasks.files import read_jsonl
from tasks.restoring import plan, restore_scans, summed_up, target_of


def test_bad_files_are_set_aside_with_their_reason_and_the_others_go_on(tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    (inbox / "deep").mkdir(parents=True)
    scan(inbox / "deep" / "good.TIF")
    scan(inbox / "whole.png")
    (inbox / "cut.png").write_bytes((inbox / "whole.png").read_bytes()[:2000])
    (inbox / "letter.jpg").write_text("Dear museum")
    (inbox / "notes.txt").write_text("not an image, not looked at")
    linear = pyvips.Image.new_from_file(str(inbox / "whole.png")).colourspace("scrgb")
    linear.write_to_file(str(inbox / "linear.tif"))
    outcomes = list(restore_scans(plan([inbox], outbox), restorer(0.1)))
    assert summed_up(outcomes, outbox) == "restore: 5 scans, 3 set aside, 0 flagged"
    reasons = {
        Path(fault["file"]).name: fault["reason"] for fault in read_jsonl(outbox / "failures.jsonl")
    }
    assert reasons["cut.png"] == "cut.png: no image that can be read to its end"
    assert reasons["letter.jpg"] == "letter.jpg: no image that can be read to its end"
    assert "convert it to RGB" in reasons["linear.tif"]
    with (outbox / "summary.csv").open(newline="") as file:
        rows = {Path(row["file"]).name: row for row in csv.DictReader(file)}
    assert rows["cut.png"]["reason"] == reasons["cut.png"]
    assert rows["whole.png"]["outcome"] == "restored"
    assert float(rows["whole.png"]["share_of_pixels"]) == 1
    restored = sorted(str(path.relative_to(outbox)) for path in outbox.rglob("*.json"))
    assert restored == ["deep/good.TIF.json", "whole.png.json"]


def test_a_batch_in_which_all_failed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"2 scans, 2 set aside, 0 flagged; see .*failures\.jsonl"):
        summed_up([{"file": "a", "reason": "b"}] * 2, tmp_path)


def test_an_inbox_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no image in this folder"):
        plan([tmp_path], tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="nowhere: no such file or folder"):
        plan([tmp_path / "nowhere"], tmp_path / "out")


def test_no_scan_is_overwritten_and_no_two_results_share_a_name(tmp_path: Path) -> None:
    for name in ("a.tif", "a.tiff", "a.TIF"):
        scan(tmp_path / name)
    with pytest.raises(ValueError, match=r"a\.TIF: its result would overwrite"):
        plan([tmp_path], tmp_path)
    targets = [target for _, target in plan([tmp_path], tmp_path / "out")]
    assert len(set(targets)) == 3


def test_results_in_the_inbox_are_no_scans(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    first = plan([tmp_path], tmp_path / "restored")
    list(restore_scans(first, restorer(0.1)))
    assert plan([tmp_path], tmp_path / "restored") == first


@pytest.mark.parametrize(
    ("place", "target"),
    [
        ("a/b.PNG", "a/b.PNG"),
        ("b.tiff", "b.tiff"),
        ("b.jpg", "b.jpg.tif"),
        ("b.webp", "b.webp.tif"),
    ],
)
def test_lossless_kinds_keep_their_names_and_lossy_ones_become_tiff(
    place: str, target: str
) -> None:
    assert target_of(Path(place)) == Path(target)

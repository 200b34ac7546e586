"""A batch: which scans are restored, the names of their results, and scans that fail."""

import csv
import os
import sys
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
from restorers import patina, restorer, scan

from patina.cli.restoring import lines_of
from patina.errors import InputError
from patina.tasks.io.atomic import read_jsonl
from patina.tasks.restoration.batch import restore_scans, run_summary
from patina.tasks.restoration.inbox import plan, target_of
from patina.tasks.restoration.outbox import summary_in
from patina.tasks.restoration.sidecars import OutputOptions


def test_bad_files_are_set_aside_with_a_reason_and_the_others_are_restored(tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    (inbox / "deep").mkdir(parents=True)
    scan(inbox / "deep" / "good.TIF")
    scan(inbox / "whole.png")
    (inbox / "cut.png").write_bytes((inbox / "whole.png").read_bytes()[:2000])
    (inbox / "letter.jpg").write_text("Dear museum")
    (inbox / "notes.txt").write_text("not an image, and ignored")
    linear = pyvips.Image.new_from_file(str(inbox / "whole.png")).colourspace("scrgb")
    linear.write_to_file(str(inbox / "linear.tif"))
    with summary_in(outbox) as outcomes:
        outcomes += restore_scans(plan([inbox], outbox), restorer(0.1))
    assert run_summary(outcomes, outbox) == "restore: 5 scans, 0 untouched, 3 set aside, 0 flagged"
    reasons = {
        Path(fault["file"]).name: fault["reason"] for fault in read_jsonl(outbox / "failures.jsonl")
    }
    end = "the image cannot be read completely"
    assert reasons["cut.png"] == f"cut.png: {end} (libpng read error)"
    assert reasons["letter.jpg"].startswith("letter.jpg: its first bytes are not those")
    assert "convert it to RGB" in reasons["linear.tif"]
    with (outbox / "summary.csv").open(newline="") as file:
        rows = {Path(row["file"]).name: row for row in csv.DictReader(file)}
    assert rows["cut.png"]["reason"] == reasons["cut.png"]
    assert rows["whole.png"]["outcome"] == "restored"
    assert float(rows["whole.png"]["share_of_pixels"]) == 1
    restored = sorted(str(path.relative_to(outbox)) for path in outbox.rglob("*.json"))
    assert restored == ["deep/good.TIF.json", "whole.png.json"]


def test_unsupported_images_are_reported_and_so_are_other_files_that_the_user_names(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(32))
    (tmp_path / "b.psd").write_bytes(b"8BPS\0\1" + bytes(32))
    (tmp_path / "letter.txt").write_text("Dear museum")
    scans = plan([tmp_path, tmp_path / "letter.txt"], tmp_path / "out")
    reasons = [outcome["reason"] for outcome in restore_scans(scans, restorer(0.1))]
    assert reasons == [
        "a.heic: HEIC is not supported; convert it to TIFF or PNG",
        "b.psd: PSD is not supported; convert it to TIFF or PNG",
        "letter.txt: its first bytes are not those of a supported image format; "
        "convert it to TIFF or PNG",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="others know no such names")
def test_scans_with_an_invalid_or_too_long_name_do_not_stop_the_others(tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    scan(inbox / "good.tif")
    latin = os.fsencode(inbox) + b"/caf\xe9.tif"
    Path(os.fsdecode(latin)).write_bytes((inbox / "good.tif").read_bytes())
    (inbox / f"{'x' * 247}.tif").write_bytes((inbox / "good.tif").read_bytes())
    (inbox / f"{'y' * 246}.tif").write_bytes((inbox / "good.tif").read_bytes())
    with patina(tmp_path, "restore", str(inbox), "-o", str(outbox)) as process:
        _, printed = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in printed
    failures = {
        failure["file"]: failure["reason"] for failure in read_jsonl(outbox / "failures.jsonl")
    }
    assert "is not valid UTF-8; rename it" in failures[os.fsdecode(latin)]
    assert "the name is too long to add .json" in failures[str(inbox / f"{'x' * 247}.tif")]
    assert len(failures) == 2
    with patina(tmp_path, "restore", str(inbox), "-o", str(outbox)) as process:
        process.communicate()
    assert len((outbox / "summary.csv").read_bytes().splitlines()) == 1 + 4
    assert len([*outbox.glob("*.json")]) == 2


def test_the_summary_lists_scans_of_earlier_and_of_interrupted_runs(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        scan(tmp_path / name)
    (tmp_path / "c.tif").write_text("Dear museum")
    outbox = tmp_path / "out"

    def run(*names: str, fail: bool = False) -> dict[str, str]:
        with suppress(KeyboardInterrupt), summary_in(outbox) as outcomes:
            scans = plan([tmp_path / name for name in names], outbox)
            outcomes += restore_scans(scans, restorer(0.1))
            if fail:
                raise KeyboardInterrupt
        with (outbox / "summary.csv").open(newline="") as file:
            return {Path(row["file"]).name: row["outcome"] for row in csv.DictReader(file)}

    assert run("a.tif", "c.tif", fail=True) == {"a.tif": "restored", "c.tif": "set aside"}
    assert run("b.tif") == {"a.tif": "restored", "b.tif": "restored", "c.tif": "set aside"}
    assert len(read_jsonl(outbox / "failures.jsonl")) == 1
    scan(tmp_path / "c.tif")
    assert set(run("c.tif").values()) == {"restored"}
    assert read_jsonl(outbox / "failures.jsonl") == []


def test_a_batch_in_which_every_scan_failed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"2 scans, 0 untouched, 2 set aside, 0 flagged; see .*failures\.jsonl"
    ):
        run_summary([{"file": "a", "reason": "b"}] * 2, tmp_path)


def test_an_inbox_without_images_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no image in this folder"):
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


def test_results_in_the_inbox_are_not_restored_again(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    first = plan([tmp_path], tmp_path / "restored")
    list(restore_scans(first, restorer(0.1)))
    assert plan([tmp_path], tmp_path / "restored") == first


def test_results_of_an_earlier_run_in_a_subfolder_are_not_restored_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scan(tmp_path / "a.tif")
    maps = OutputOptions(maps=True)
    [*restore_scans(plan([tmp_path / "a.tif"], tmp_path / "first"), restorer(0.1), maps)]
    scan(tmp_path / "first/b.tif")  # a scan beside the result
    found = plan([tmp_path], tmp_path / "second")
    assert [source for source, _ in found] == [tmp_path / "a.tif", tmp_path / "first/b.tif"]
    assert "1 results of earlier runs are left out" in caplog.text
    named = plan([tmp_path / "first"], tmp_path / "second")
    assert tmp_path / "first/a.tif" in [source for source, _ in named]


@pytest.mark.parametrize(
    ("place", "target"),
    [
        ("a/b.PNG", "a/b.PNG"),
        ("b.tiff", "b.tiff"),
        ("b.jpg", "b.jpg.tif"),
        ("b.webp", "b.webp.tif"),
    ],
)
def test_lossless_formats_keep_their_names_and_lossy_ones_become_tiff(
    place: str, target: str
) -> None:
    assert target_of(Path(place)) == Path(target)


def test_the_line_of_a_flagged_scan_tells_each_thing_once() -> None:
    told = {
        "outcome": "restored",
        "summary": "2 stains corrected; 1 area proposed, not filled: see the damage map",
        "flags": ["1 area proposed, not filled", "2 stains corrected", "the change is strong"],
    }
    assert lines_of(told, "a.tif", 1) == [
        "restored, flagged: a.tif: 2 stains corrected; 1 area proposed, not filled: see the damage "
        "map; the change is strong"
    ]


def test_who_sees_damage_in_an_untouched_scan_learns_what_to_do(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "plain.png"), np.full((96, 96, 3), 128, np.uint8))
    with patina(tmp_path, "restore", "plain.png", "--no-report") as process:
        _, printed = process.communicate()
    assert "hint: If you see damage in an untouched scan, pass --force damage" in printed


def test_scans_of_the_same_name_are_told_apart_on_the_terminal(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "page.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with patina(tmp_path, "restore", "in", "--no-report") as process:
        _, printed = process.communicate()
    told = [line.split(": ")[1] for line in printed.splitlines() if line.startswith("set aside")]
    assert told == ["a/page.png", "b/page.png"]


def test_a_scan_that_its_own_result_would_overwrite_is_named_once(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"a\.tif: its result would overwrite the scan itself; ch"):
        plan([tmp_path / "a.tif"], tmp_path)

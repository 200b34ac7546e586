"""The files in an outbox, and their owners; no single scan ends a run."""

import csv
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from restorers import patina, restorer, scan

from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import DRAFT, draft_folder, read_jsonl, sweep
from patina.tasks.restoration.batch import restore_scans
from patina.tasks.restoration.inbox import plan
from patina.tasks.restoration.outbox import locked_outbox, neutral, neutral_cell, summary_in
from patina.tasks.restoration.report import redraw
from patina.tasks.restoration.report.previews import FOLDER
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.sidecars import SIDECAR_BYTES, STATEMENT, OutputOptions, sidecar_of

ALL = OutputOptions(maps=True, package=True)


def outcomes_of(inbox: Path, outbox: Path, output: OutputOptions = ALL) -> dict[str, str]:
    """The reason, or else the outcome, of each scan."""
    with locked_outbox(outbox), summary_in(outbox) as outcomes:
        outcomes += restore_scans(plan([inbox], outbox), restorer(0.1), output)
    return {Path(each["file"]).name: each.get("reason", each["outcome"]) for each in outcomes}


def test_any_exception_sets_one_scan_aside_and_is_recorded_with_its_traceback(
    tmp_path: Path,
) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    for name in "abc":
        scan(inbox / f"{name}.tif")

    def failing(work: np.ndarray) -> np.ndarray:
        raise KeyError("a fault in a library")

    faulty = iter([restorer(0.1), restorer(0.1), restorer(0.1)])
    with locked_outbox(outbox), summary_in(outbox) as outcomes:
        for number, pair in enumerate(plan([inbox], outbox)):
            made = next(faulty)
            assert isinstance(made.networks, dict)
            if number == 1:
                made.networks["tone"] = failing
            outcomes += restore_scans([pair], made)
    assert [each["outcome"] for each in outcomes] == ["restored", "set aside", "restored"]
    [failure] = read_jsonl(outbox / "failures.jsonl")
    assert failure["reason"].startswith("b.tif: KeyError: ")
    assert failure["kind"] == "KeyError"
    assert "in failing" in failure["traceback"]


def test_a_scan_is_set_aside_if_a_network_gives_nan(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    [outcome] = restore_scans(plan([tmp_path / "a.tif"], tmp_path / "out"), restorer(float("nan")))
    assert "a.tif: " in outcome["reason"]
    assert "NaN" in outcome["reason"]
    assert not (tmp_path / "out/a.tif").exists()


@pytest.mark.parametrize("name", ["summary.csv", "failures.jsonl"])
def test_a_run_is_refused_if_the_outbox_has_tables_of_another_program(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("my,own\n1,2\n")
    with pytest.raises(ValueError, match=rf"{name}: Patina did not write this file"):
        locked_outbox(tmp_path).__enter__()
    assert (tmp_path / name).read_text() == "my,own\n1,2\n"


@pytest.mark.parametrize("suffix", ["damage.png", "difference.png", "change.zip"])
def test_files_that_patina_did_not_write_are_not_replaced_by_maps(
    suffix: str, tmp_path: Path
) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    outbox.mkdir()
    for name in "ab":
        scan(inbox / f"{name}.tif")
    mine = outbox / f"a.tif.{suffix}"
    mine.write_bytes(b"mine")
    (outbox / ".patina-notes").mkdir()
    (outbox / ".patina-notes/letter").write_text("mine")
    (outbox / ".patina-draft-x").symlink_to(inbox)
    outcomes = outcomes_of(inbox, outbox)
    assert "Patina did not write" in outcomes["a.tif"]
    assert outcomes["b.tif"] == "restored"
    assert mine.read_bytes() == b"mine"
    assert (outbox / ".patina-notes/letter").read_text() == "mine"
    assert len([*inbox.iterdir()]) == 2


def test_maps_of_a_killed_run_are_replaced(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    target = tmp_path / "out/a.tif"
    restore_file(tmp_path / "a.tif", target, restorer(0.1), ALL)
    sidecar_of(target).unlink()
    again = restore_file(tmp_path / "a.tif", target, restorer(0.1), ALL)
    assert len(again["beside"]) == 3


DAMAGED = [
    "[]",
    "3",
    json.dumps({"statement": STATEMENT}),
    json.dumps({"statement": STATEMENT, "source": 3, "result": {}, "model": {}, "change": {}}),
    json.dumps(dict.fromkeys(("statement", "source", "result", "model", "change"), STATEMENT)),
    json.dumps({"statement": STATEMENT, "source": {}, "result": {}, "model": {}, "change": {}}),
    "[" * 100_000,
    '{"statement": "',
    "\x00\xff",
    "",
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_sidecar_sets_one_scan_aside(content: str, tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    outbox.mkdir()
    for name in "ab":
        scan(inbox / f"{name}.tif")
    (outbox / "a.tif.json").write_text(content, encoding="latin-1")
    outcomes = outcomes_of(inbox, outbox, OutputOptions())
    assert outcomes["b.tif"] == "restored"
    assert outcomes["a.tif"] == "restored" or "a.tif" in outcomes["a.tif"]
    assert [*outbox.glob(".patina-*")] == []


def test_a_pipe_or_folder_in_the_place_of_a_result_sets_one_scan_aside(tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    outbox.mkdir()
    for name in "abcdefg":
        scan(inbox / f"{name}.tif")
    os.mkfifo(outbox / "a.tif.json")
    os.mkfifo(outbox / "note.json")
    (outbox / "endless.json").symlink_to("/dev/zero")
    os.mkfifo(outbox / "f.tif.damage.png")
    os.mkfifo(outbox / "g.tif.change.zip")
    (outbox / "b.tif").mkdir()
    (outbox / "c.tif.json").mkdir()
    (outbox / "d.tif").symlink_to(tmp_path / "nowhere")
    with summary_in(outbox, report=True):  # which reads every .json file of the outbox
        outcomes = outcomes_of(inbox, outbox, ALL)
    for name in "abcdfg":
        assert "Patina did not write" in outcomes[f"{name}.tif"]
    assert outcomes["e.tif"] == "restored"


def test_a_file_that_is_too_large_for_a_sidecar_is_not_read(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    outbox = tmp_path / "out"
    outbox.mkdir()
    for name in ("a.tif.json", "mine.json"):
        with (outbox / name).open("wb") as file:
            file.truncate(SIDECAR_BYTES + 1)
    with summary_in(outbox, report=True):
        outcomes = outcomes_of(tmp_path / "a.tif", outbox, OutputOptions())
    assert "Patina did not write" in outcomes["a.tif"]


def test_file_names_cannot_control_a_terminal_or_a_spreadsheet(tmp_path: Path) -> None:
    outbox = tmp_path / "out"
    outbox.mkdir()
    for odd in ("=cmd|'/C calc'!A0.tif", "a\rb.tif", "a\x1b[2Jb.tif", "@SUM(1)", "a\u2028b.tif"):
        with summary_in(outbox) as outcomes:
            outcomes.append({"file": odd, "result": "", "outcome": "set aside", "reason": odd})
    text = (outbox / "summary.csv").read_bytes().decode()
    assert not {"\r", "\x1b", "\u2028"} & {*text}
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 5
    assert not any(row["file"].startswith(("=", "@")) for row in rows)
    assert len(read_jsonl(outbox / "failures.jsonl")) == 5
    assert neutral("Zoë 图像 \x1b]0;x\x07") == "Zoë 图像 \\x1b]0;x\\x07"
    assert neutral_cell("+1") == "'+1"


def test_if_the_inbox_is_the_outbox_results_are_not_restored_again(
    tmp_path: Path,
) -> None:
    for name in ("a.jpg", "b.jpg"):
        scan(tmp_path / name)
    assert set(outcomes_of(tmp_path, tmp_path)) == {"a.jpg", "b.jpg"}
    sidecar_of(tmp_path / "b.jpg.tif").unlink()  # as if a run was killed
    scan(tmp_path / "c.jpg")
    assert outcomes_of(tmp_path, tmp_path) == dict.fromkeys(("a.jpg", "b.jpg", "c.jpg"), "restored")


def test_hidden_files_are_ignored_and_linked_folders_get_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("in/a.jfif", "in/._a.jpg", "in/@eaDir/a.jpg", "in/.Trash/b.jpg", "far/c.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        scan(tmp_path / "x.jpg")
        (tmp_path / name).write_bytes((tmp_path / "x.jpg").read_bytes())
    (tmp_path / "in/box").symlink_to(tmp_path / "far")
    (tmp_path / "in/gone.tif").symlink_to(tmp_path / "nowhere")
    (tmp_path / "in/itself.tif").symlink_to(tmp_path / "in/itself.tif")
    found = [source.name for source, _ in plan([tmp_path / "in"], tmp_path / "out")]
    assert found == ["a.jfif", "gone.tif", "itself.tif"]
    assert "in/box: a link to a folder, not followed" in caplog.text
    twice = plan([tmp_path / "in", tmp_path / "in/a.jfif"], tmp_path / "out")
    assert [source.name for source, _ in twice] == found


def test_a_scan_that_is_replaced_during_its_restoration_is_set_aside(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    scan(tmp_path / "b.tif", bits=16)
    made = restorer(0.1)
    assert isinstance(made.networks, dict)
    tone = made.networks["tone"]

    def replacing(work: np.ndarray) -> np.ndarray:
        if (tmp_path / "b.tif").exists():
            (tmp_path / "b.tif").replace(tmp_path / "a.tif")
        return tone(work)

    made.networks["tone"] = replacing
    with pytest.raises(ImageError, match="the file was changed while it was read; run again"):
        restore_file(tmp_path / "a.tif", tmp_path / "out.tif", made, ALL)
    done = restore_file(tmp_path / "a.tif", tmp_path / "out.tif", restorer(0.1), ALL)
    assert done["source"]["bits"] == 16


def test_a_draft_in_use_is_not_removed(tmp_path: Path) -> None:
    with draft_folder(tmp_path) as draft, locked_outbox(tmp_path):
        assert draft.exists()
    assert not draft.exists()


def test_pictures_that_a_report_lacks_are_drawn_in_drafts_that_no_other_thread_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(tmp_path / "a.tif")
    outbox = tmp_path / "out"
    assert outcomes_of(tmp_path / "a.tif", outbox, OutputOptions())["a.tif"] == "restored"
    draw = redraw.draft_previews

    def drawn_while_another_thread_files_a_result(*given: Any) -> Any:
        for draft in outbox.glob(f"{DRAFT}*"):
            sweep(draft)
        return draw(*given)

    monkeypatch.setattr(redraw, "draft_previews", drawn_while_another_thread_files_a_result)
    again = outcomes_of(tmp_path / "a.tif", outbox, OutputOptions(report=outbox))
    assert again["a.tif"] == "restored"
    (pictures,) = (outbox / FOLDER).iterdir()
    assert (pictures / "before.jpg").exists()


def test_a_run_that_gets_sigterm_writes_its_summary_and_leaves_no_draft(tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    for number in range(40):
        scan(inbox / f"{number:02}.tif")
    with patina(tmp_path, "restore", str(inbox), "-o", str(outbox)) as process:
        # Two scans are restored at a time: the third begins when the first has its row
        while len([*outbox.glob("*.json")]) < 3 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    with (outbox / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert 0 < len(rows) < 40
    assert [*outbox.glob(".patina-draft-*")] == []


def test_transparent_pixels_do_not_change_and_are_not_counted(tmp_path: Path) -> None:
    pixels = np.full((40, 60, 4), 128, np.uint8)
    pixels[:, :30, 3] = 0
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    image.write_to_file(str(tmp_path / "a.png"))
    record = restore_file(tmp_path / "a.png", tmp_path / "out.png", restorer(0.1))
    assert record["change"]["share_of_pixels"] == 0.5
    after = pyvips.Image.new_from_file(str(tmp_path / "out.png")).numpy()
    np.testing.assert_array_equal(after[:, :30], pixels[:, :30])

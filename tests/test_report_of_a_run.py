"""What a run of `patina restore` writes for its report, and its sentence for each work."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import pyvips
from restorers import HEIGHT, WIDTH, patina, restorer, scan

from patina.errors import InputError
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.batch import restore_scans, run_summary
from patina.tasks.restoration.inbox import plan
from patina.tasks.restoration.outbox import summary_in
from patina.tasks.restoration.report.previews import FOLDER
from patina.tasks.restoration.sidecars import OutputOptions


def restored(inbox: Path, outbox: Path, shift: float, *, report: bool = True) -> list[Record]:
    output = OutputOptions(report=outbox if report else None)
    with summary_in(outbox, report=report) as outcomes:
        outcomes += restore_scans(plan([inbox], outbox), restorer(shift), output)
    return outcomes


def works_of(outbox: Path) -> list[Record]:
    page = (outbox / "report.html").read_text(encoding="utf-8")
    data = page.split('id="data">', 1)[1].split("</script>", 1)[0]
    return list(json.loads(data)["works"])


def test_a_run_files_pictures_and_a_report_and_one_sentence_of_each_work_everywhere(
    tmp_path: Path,
) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    (inbox / "deep").mkdir(parents=True)
    pixels = scan(inbox / "deep/a.tif")
    (inbox / "cut.png").write_text("Dear museum")
    outcomes = restored(inbox, outbox, 0.1)
    aside, work = works_of(outbox)
    assert (aside["outcome"], aside["name"]) == ("set aside", "cut.png")
    assert str(inbox) not in aside["summary"]
    assert (work["outcome"], work["name"]) == ("restored", "deep/a.tif")
    assert work["pictures"] == ["after.jpg", "before.jpg", "change.webp", "thumb.webp"]
    folder = outbox / FOLDER / work["key"]
    assert sorted(path.name for path in folder.iterdir()) == work["pictures"]
    assert work["size"] == [WIDTH, HEIGHT]
    before, after = (
        pyvips.Image.new_from_file(str(folder / f"{name}.jpg")) for name in ("before", "after")
    )
    assert before.avg() == pytest.approx(float(np.mean(pixels)), abs=1)
    assert after.avg() - before.avg() == pytest.approx(25.5, abs=1)
    sentence = "darkening corrected"
    sidecar = json.loads((outbox / "deep/a.tif.json").read_text())
    assert sentence in sidecar["summary"]
    with (outbox / "summary.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["outcome"] == "restored")
    told = {work["summary"], outcomes[1]["summary"], row["summary"], sidecar["summary"]}
    assert len(told) == 1


def test_a_work_that_was_left_alone_is_untouched(tmp_path: Path) -> None:
    scan(tmp_path / "in.tif")
    outcomes = restored(tmp_path / "in.tif", tmp_path / "out", 0)
    assert run_summary(outcomes, tmp_path) == (
        "restore: 1 scan, 1 untouched, 0 set aside, 0 flagged"
    )
    (work,) = works_of(tmp_path / "out")
    assert work["outcome"] == outcomes[0]["outcome"] == "untouched"
    assert work["summary"].startswith("unchanged")
    assert work["pictures"] == ["before.jpg", "thumb.webp"]


def test_pictures_of_a_report_are_no_scans_and_those_of_an_earlier_run_are_replaced(
    tmp_path: Path,
) -> None:
    scan(tmp_path / "in.tif")
    outbox = tmp_path / "out"
    restored(tmp_path / "in.tif", outbox, 0.1)
    restored(tmp_path / "in.tif", outbox, 0)
    (folder,) = (outbox / FOLDER).iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["before.jpg", "thumb.webp"]
    assert [source.name for source, _ in plan([outbox], tmp_path / "again")] == ["in.tif"]


def test_pictures_of_works_that_are_done_are_drawn_once_more_when_they_are_missing(
    tmp_path: Path,
) -> None:
    scan(tmp_path / "in.tif")
    outbox = tmp_path / "out"
    restored(tmp_path / "in.tif", outbox, 0.1, report=False)
    result = (outbox / "in.tif").stat()
    restored(tmp_path / "in.tif", outbox, 0.1)
    assert (outbox / "in.tif").stat() == result
    (work,) = works_of(outbox)
    assert work["pictures"] == ["after.jpg", "before.jpg", "change.webp", "thumb.webp"]
    after = pyvips.Image.new_from_file(str(outbox / FOLDER / work["key"] / "after.jpg"))
    assert after.avg() == pytest.approx(
        pyvips.Image.new_from_file(str(outbox / "in.tif")).avg(), abs=1
    )


def test_a_run_without_a_report_leaves_none(tmp_path: Path) -> None:
    scan(tmp_path / "in.tif")
    restored(tmp_path / "in.tif", tmp_path / "out", 0.1, report=False)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"in.tif", "in.tif.json", "summary.csv", "failures.jsonl"}


def test_a_report_of_anothers_ends_a_run_before_it_begins(tmp_path: Path) -> None:
    scan(tmp_path / "in.tif")
    outbox = tmp_path / "out"
    outbox.mkdir()
    (outbox / "report.html").write_text("mine")
    with pytest.raises(InputError, match="move it elsewhere"):
        restored(tmp_path / "in.tif", outbox, 0.1)
    assert [path.name for path in outbox.iterdir()] == ["report.html"]


def test_summaries_of_runs_that_knew_no_sentences_are_kept(tmp_path: Path) -> None:
    outbox = tmp_path / "out"
    outbox.mkdir()
    (outbox / "summary.csv").write_text("file,result,outcome,reason\nold.tif,o.tif,restored,\n")
    scan(tmp_path / "in.tif")
    restored(tmp_path / "in.tif", outbox, 0.1)
    with (outbox / "summary.csv").open(newline="") as file:
        rows = {Path(row["file"]).name: row["summary"] for row in csv.DictReader(file)}
    assert rows["old.tif"] == ""
    assert rows["in.tif"]


def test_the_command_writes_a_report_of_an_outbox_again(tmp_path: Path) -> None:
    scan(tmp_path / "in.tif")
    restored(tmp_path / "in.tif", tmp_path / "out", 0.1)
    (tmp_path / "out/report.html").unlink()
    with patina(tmp_path, "report", "out") as process:
        _, told = process.communicate()
    assert (process.returncode, told) == (0, "")
    assert [work["name"] for work in works_of(tmp_path / "out")] == ["in.tif"]

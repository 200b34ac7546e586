"""Small scans are restored two at a time; the results are those of single runs."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import pyvips
from restorers import restorer, scan

from patina.tasks.imaging.opening import is_at_most
from patina.tasks.restoration.batch import restore_scans
from patina.tasks.restoration.inbox import plan
from patina.tasks.restoration.progress import ProgressCallback, Step, no_progress
from patina.tasks.restoration.side_by_side import RunEndedError, side_by_side


def small(job: int) -> bool:
    return job < 10


def test_two_small_jobs_run_at_a_time_and_results_keep_their_order() -> None:
    both = threading.Barrier(2, timeout=30)

    def work(job: int, on_progress: ProgressCallback) -> int:
        both.wait()  # would break if one waited for the other
        return job

    assert list(side_by_side(work, [3, 1, 4, 2], small, no_progress)) == [3, 1, 4, 2]


def test_a_large_job_runs_alone_in_the_calling_thread() -> None:
    under_way: set[int] = set()
    here = threading.current_thread()

    def work(job: int, on_progress: ProgressCallback) -> int:
        under_way.add(job)
        if job >= 10:
            assert under_way == {job}
            assert threading.current_thread() is here
        under_way.remove(job)
        return job

    jobs = [1, 20, 2, 3, 30, 4]
    assert list(side_by_side(work, jobs, small, no_progress)) == jobs


def test_only_the_first_unfinished_job_reports_progress() -> None:
    heard: list[Step] = []
    both = threading.Barrier(2, timeout=30)

    def work(job: int, on_progress: ProgressCallback) -> int:
        both.wait()
        on_progress(Step("damage", pixels=job))
        both.wait()
        return job

    list(side_by_side(work, [1, 2], small, heard.append))
    assert [step.pixels for step in heard] == [1]


def test_the_callback_of_a_running_job_raises_when_the_run_ends() -> None:
    ended = threading.Event()

    def work(job: int, on_progress: ProgressCallback) -> int:
        while job == 2:
            try:
                on_progress(Step("reading"))
            except RunEndedError:
                ended.set()
                raise
        return job

    results = side_by_side(work, [1, 2, 3], small, no_progress)
    assert isinstance(results, Iterator)
    assert next(results) == 1
    results.close()  # type: ignore[attr-defined]  # a generator
    assert ended.is_set()


def test_an_error_ends_the_other_jobs() -> None:
    def work(job: int, on_progress: ProgressCallback) -> int:
        if job == 1:
            raise OSError("the outbox is lost")
        while True:
            on_progress(Step("reading"))

    with pytest.raises(OSError, match="the outbox is lost"):
        list(side_by_side(work, [1, 2], small, no_progress))


def test_a_bad_scan_does_not_stop_its_neighbours_and_results_equal_those_of_single_runs(
    tmp_path: Path,
) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    for name, bits in (("a.tif", 16), ("c.png", 8), ("d.tif", 8)):
        scan(inbox / name, bits=bits)
    (inbox / "b.png").write_bytes((inbox / "c.png").read_bytes()[:2000])
    made = restorer(0.1, noise=0.01)
    outcomes = list(restore_scans(plan([inbox], tmp_path / "out"), made))
    assert [Path(each["file"]).name for each in outcomes] == ["a.tif", "b.png", "c.png", "d.tif"]
    assert [each["outcome"] == "set aside" for each in outcomes] == [False, True, False, False]
    for source, target in plan([inbox], tmp_path / "alone"):
        (alone,) = restore_scans([(source, target)], made)
        if "reason" not in alone:
            together = tmp_path / "out" / Path(str(target)).name
            assert together.read_bytes() == Path(str(target)).read_bytes()


def test_the_size_of_a_scan_is_read_from_its_header(tmp_path: Path) -> None:
    pyvips.Image.new_from_array(np.zeros((30, 40, 3), np.uint8)).write_to_file(
        str(tmp_path / "a.png")
    )
    (tmp_path / "letter.png").write_text("Dear museum")
    assert is_at_most(tmp_path / "a.png", 1200)
    assert not is_at_most(tmp_path / "a.png", 1199)
    assert not is_at_most(tmp_path / "letter.png", 1200)
    assert not is_at_most(tmp_path / "none.png", 1200)

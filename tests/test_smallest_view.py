"""An undamaged work is examined only in the smallest view; this changes no byte of a result."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips

from patina.crawler.sample.strokes import paint
from patina.params import Restore
from patina.tasks.restoration import fill_decision
from patina.tasks.restoration.batch import load_restorer
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.sidecars import sidecar_in
from patina.tasks.restoration.weights import shipped


def scratched(work: np.ndarray) -> np.ndarray:
    marked = work.copy()
    for at in range(60, 400, 60):
        cv2.line(marked, (at, 20), (at + 150, 380), (250, 248, 240), 2, cv2.LINE_AA)
    return marked


def soiled(work: np.ndarray) -> np.ndarray:
    marked = work.copy()
    for x, y in np.random.default_rng(0).integers(10, 390, (40, 2)).tolist():
        cv2.circle(marked, (x, y), 1, (250, 248, 240), -1, cv2.LINE_AA)
    return marked


@pytest.mark.parametrize("damage", [np.copy, soiled, scratched])
def test_a_result_is_the_same_if_larger_views_are_never_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: object
) -> None:
    assert callable(damage)
    pixels = damage(paint(3)[0][:420, :600])
    scan = tmp_path / "scan.png"
    pyvips.Image.new_from_array(pixels).copy(interpretation="srgb").write_to_file(str(scan))
    restorer = load_restorer(shipped(), **Restore().loading)
    results = []
    for factor in (fill_decision.SMALL_VIEW_FACTOR, 0.0):  # 0: the small view is never sufficient
        monkeypatch.setattr(fill_decision, "SMALL_VIEW_FACTOR", factor)
        target = tmp_path / f"{factor}.png"
        restore_file(scan, target, restorer)
        results.append((target.read_bytes(), (sidecar_in(target) or {})["change"]))
    assert results[0] == results[1]

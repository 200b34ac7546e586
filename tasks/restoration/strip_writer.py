"""Writes the result of a scan strip by strip, with its maps, and measures what was changed."""

import math
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyvips

from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.images import largest
from patina.tasks.imaging.lab import delta_e2000, lab_of_srgb
from patina.tasks.imaging.one_at_a_time import one_at_a_time
from patina.tasks.imaging.scans import Scan
from patina.tasks.io.atomic import Record, move_whole
from patina.tasks.io.malloc import free_memory
from patina.tasks.io.parallel import in_turn
from patina.tasks.restoration.progress import Step
from patina.tasks.restoration.reduced import strips_of
from patina.tasks.restoration.report.previews import (
    NarrowRows,
    Previews,
    draft_previews,
    file_previews,
)
from patina.tasks.restoration.restorer import Restorer, compute_treatment
from patina.tasks.restoration.sidecars import (
    MAPS,
    OutputOptions,
    map_of,
    sidecar_of,
    with_software_note,
    within,
)
from patina.tasks.restoration.treatment import Treatment
from patina.tasks.restoration.user_masks import UserMasks

MAX_SAMPLES = 250_000  # maximum number of pixels for ΔE2000, evenly spread
AMPLIFICATION = 4  # factor for the map of the change
NOT_FINITE = "the output of a network is NaN or infinity; try --precision f32"
LARGE_PX = 16_000_000  # of a scan from which on memory is freed between the steps
# Limits of mean, 90th percentile and maximum ΔE2000 for a digitisation
TOLERANCES = {
    "FADGI four stars": {"mean": 2, "p90": 4},
    "ISO 19264-1 level A": {"mean": 4, "max": 10},
}


@dataclass(frozen=True)
class Strip:
    """Rows of a result, with figures about them."""

    top: int  # number of the first row
    result: np.ndarray  # in the scan's own colour space and depth
    changed: int  # number of changed pixels
    steps: float  # sum of the changes, 8-bit steps
    largest: float  # largest change, 8-bit steps
    differences: np.ndarray  # ΔE2000 of sampled pixels
    damaged: np.ndarray  # whether the sampled pixels are in the damage map
    maps: dict[str, np.ndarray]  # uint8 rows of each of MAPS
    narrow: NarrowRows | None  # reduced rows for the previews


class StripWriter:
    """Restores an open scan strip by strip, and computes the figures for its sidecar."""

    def __init__(self, scan: Scan, folder: Path, output: OutputOptions, masks: UserMasks) -> None:
        """Start with no strip. folder: for drafts. masks: those in `output`, for this scan."""
        self.scan, self.folder, self.output, self.masks = scan, folder, output, masks
        self.size = scan.height * scan.width
        self.changed, self.steps, self.largest = 0, 0.0, 0.0
        self.sample_step = max(1, round((self.size / MAX_SAMPLES) ** 0.5))
        self.previews = Previews((scan.height, scan.width)) if output.report else None
        self.drawn: Future[Record] | None = None  # the pictures for a report
        self.differences: list[np.ndarray] = []
        self.damaged: list[np.ndarray] = []

    def restore(self, restorer: Restorer, target: Path) -> Record:
        """Write the restored scan to `target`; returns the figures of the change.

        An existing sidecar is removed first: a result without a sidecar counts as incomplete.
        """
        change_file, raw_pixels = (self.folder / name for name in ("parts", "pixels"))
        with (
            change_file.open("w+b") as changes,
            raw_pixels.open("wb") as pixels,
            ExitStack() as stack,
        ):
            size = (self.scan.height, self.scan.width)
            treatment = compute_treatment(restorer, self.scan.srgb, size, changes, self.masks)
            self._free_memory()
            names = MAPS if self.output.maps else ()
            maps = {name: stack.enter_context((self.folder / name).open("wb")) for name in names}
            strips = strips_of(self.scan.height, self.scan.width)
            for strip in in_turn(lambda strip: self._strip(treatment, *strip), strips):
                self._write(strip, pixels, maps)
                rows = strip.top + len(strip.result)
                restorer.on_progress(Step("writing", rows, self.scan.height, self.size))
        figures = self._figures() | treatment.record()
        _refuse_non_finite(figures)
        for path in self.output.stale_files(target):
            path.unlink(missing_ok=True)
        sidecar_of(target).unlink(missing_ok=True)
        for name in names:
            self._file_map(name, target)
        self._free_memory()
        self._file(raw_pixels, target)
        return figures

    @one_at_a_time
    def _file(self, pixels: Path, target: Path) -> None:
        """Encode the result, and at the same time the pictures for a report."""
        with ThreadPoolExecutor(1) as thread:
            if self.previews and isinstance(self.output.report, Path):
                self.drawn = thread.submit(draft_previews, self.previews, self.scan)
            self.scan.file(pixels, target)

    def _free_memory(self) -> None:
        """Free the memory of the last step, if the scan is large."""
        if self.size > LARGE_PX:
            free_memory()

    def _strip(self, treatment: Treatment, top: int, bottom: int) -> Strip:
        view, own = self.scan.srgb(top, bottom), self.scan.rows(top, bottom)
        change, damage = treatment.change(view, top)
        if not np.isfinite(change).all():
            raise ImageError(NOT_FINITE)
        if (protected := self.masks.protected_rows(top, bottom)) is not None:
            change[protected] = 0
        if (hidden := self.scan.hidden(own)) is not None:  # invisible pixels do not count
            change[hidden], damage = 0, np.where(hidden[..., None], 0, damage)
        result = self.scan.changed(own, view, change)
        steps = largest(np.abs(change)) * 255
        sampled = np.s_[-top % self.sample_step :: self.sample_step, :: self.sample_step]
        return Strip(
            top,
            result,
            0 if result is own else int(np.count_nonzero(largest(result != own))),
            float(steps.sum(dtype=np.float64)),
            float(steps.max()),
            _differences(view[sampled], change[sampled]).ravel(),
            damage[sampled].ravel() > 0.5,
            _maps(change, damage) if self.output.maps else {},
            self.previews.narrow(view, change, damage.reshape(view.shape[:2]))
            if self.previews
            else None,
        )

    def _write(self, strip: Strip, pixels: BinaryIO, maps: Mapping[str, BinaryIO]) -> None:
        pixels.write(strip.result.tobytes())
        for name, file in maps.items():
            file.write(strip.maps[name].tobytes())
        if self.previews and strip.narrow:
            self.previews.add(strip.top, strip.narrow)
        self.changed += strip.changed
        self.steps += strip.steps
        self.largest = max(self.largest, strip.largest)
        self.differences.append(strip.differences)
        self.damaged.append(strip.damaged)

    @one_at_a_time
    def _file_map(self, name: str, target: Path) -> None:
        bands, space = (1, "b-w") if name == "damage" else (3, "srgb")
        size = (self.scan.width, self.scan.height, bands)
        drawn = pyvips.Image.rawload(str(self.folder / name), *size).copy(interpretation=space)
        drawn = with_software_note(drawn)
        drawn.write_to_file(str(self.folder / f"{name}.png"), compression=6)
        move_whole(self.folder / f"{name}.png", map_of(target, name))

    def file_previews(self, target: Path) -> Record:
        """Save the pictures for a report, if requested; returns their entry in the sidecar."""
        if self.drawn is None or not isinstance(self.output.report, Path):
            return {}
        inner = within(self.output.report, target)
        return file_previews(self.scan, self.drawn.result(), self.output.report, inner)

    def _figures(self) -> Record:
        """Shares, 8-bit steps, and ΔE2000: overall, inside and outside the damage."""
        differences, damaged = np.concatenate(self.differences), np.concatenate(self.damaged)
        return {
            "share_of_pixels": round(self.changed / self.size, 6),
            "mean_8bit_steps": round(self.steps / self.size, 4),
            "max_8bit_steps": round(self.largest, 4),
            "delta_e2000": {
                "mean": round(float(differences.mean()), 3),
                "inside_damage": _spread(differences[damaged]),
                "outside_damage": _spread(differences[~damaged]),
            },
        }


def _refuse_non_finite(value: Any) -> None:
    """Raise ImageError if the figures contain NaN or infinity, at any depth."""
    if isinstance(value, Mapping):
        value = [*value.values()]
    if isinstance(value, list):
        for each in value:
            _refuse_non_finite(each)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ImageError(NOT_FINITE)


def _differences(view: np.ndarray, change: np.ndarray) -> np.ndarray:
    """ΔE2000 of `view`, float32 (h, w, 3), and `view + change`: (h, w)."""
    if not change.any():
        return np.zeros(view.shape[:2])
    return delta_e2000(lab_of_srgb(view), lab_of_srgb(view + change))


def _maps(change: np.ndarray, damage: np.ndarray) -> dict[str, np.ndarray]:
    shown = {"damage": damage, "difference": change * AMPLIFICATION + 128 / 255}
    return {name: _drawn(shown[name]) for name in MAPS}


def _drawn(shown: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)


def _spread(values: np.ndarray) -> Record | None:
    if not values.size:
        return None
    figures = {"mean": values.mean(), "p90": np.percentile(values, 90), "max": values.max()}
    within = [
        name
        for name, most in TOLERANCES.items()
        if all(figures[figure] <= value for figure, value in most.items())
    ]
    return {name: round(float(value), 3) for name, value in figures.items()} | {"within": within}

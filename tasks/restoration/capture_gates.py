"""The gates of the networks for a capture: whether and how strongly they are applied.

A few tiles, spread over the work, are examined first. If they show neither compression nor noise
nor blur, the work does not pass through these networks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import cv2
import numpy as np

from patina.models import STRIDE_PX
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.capture_features import (
    GRID_PX,
    blockiness,
    curvature_periodicity,
    features,
)
from patina.tasks.restoration.gates import Gates, ramp
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.plain_works import is_bare
from patina.tasks.restoration.tiling import Network, Rows

SAMPLE_PX, SAMPLES = 256, 3  # side of an examined tile, and their number in each direction
# The three tiles of the middle column are examined first. The others are left if the probability is
# below SOUND_FACTOR of its gate; or, for noise, if the correction has its full strength, and the
# probability is above SURE_SHARE of the way from its gate to 1
FIRST_SAMPLES, SOUND_FACTOR, SURE_SHARE = slice(1, None, 3), 0.7, 0.65
NOISE_ROLES = ("noise", "compressed_noise")  # only the surer one of them is applied
JUDGED_ROLES = (*NOISE_ROLES, "blur")  # networks with a judge, in their order
# `compressed_noise` is asked only if the probability of `noise` is between these
UNSURE = (0.06, 0.95)
# If `compressed_noise` is applied with this weight, it corrects the JPEG artefacts, too
LARGE_WEIGHT = 0.5
# A correction with a higher correlation at 3 to 16 px shows a weave or a screen, not noise or blur
MAX_REPETITION = {"noise": 0.2, "compressed_noise": 0.2, "blur": 0.3}
# What `compressed_noise` would remove is brushwork or paper, or noise that `noise` removes better,
# if neighbouring pixels of it correlate more than this, or if it has less colour
MAX_NEAR, MIN_CHROMA = 0.45, 0.01
SLOW_PX = 8.0  # standard deviation of the Gaussian that gives the slow changes of a residual
MAX_FINENESS = 0.155  # a work with a higher share of the finest detail is not blurred
MAX_NOISE = 0.15  # a work with a higher probability of noise is not sharpened
# A work with a lower share of the finest detail shows no weave: its blur causes the correlation
WEAVE_FINENESS = 0.06
# A smooth picture with sharp outlines is not blurred: `even` and `near` of its correction, and the
# probability, are lower
SMOOTH_EVEN, SMOOTH_NEAR, SMOOTH_PROBABILITY = 0.0145, 0.655, 0.6
REDUCED_PX = 1024  # a larger work is blurred only if it is still blurred at this long side
# A work with a higher value of `curvature_periodicity` was enlarged, and is not blurred
MAX_PERIODICITY = 10.0


@dataclass(frozen=True)
class Correction:
    """The decision on one of JUDGED_ROLES."""

    weight: float = 0.0  # strength, 0 to 1
    probability: float = 0.0  # that the correction improves the work
    features: Mapping[str, float] = field(default_factory=dict)  # see FEATURES

    def record(self) -> Record:
        """The entry in the sidecar."""
        return {
            "weight": round(self.weight, 4),
            "probability": round(self.probability, 4),
            "features": {name: round(value, 4) for name, value in self.features.items()},
        }


@dataclass(frozen=True)
class Capture:
    """The decisions on the capture of a work: strengths of the networks, 0 to 1."""

    jpeg: float  # strength of `jpeg`
    blockiness: float  # mean step across the 8×8 grid, divided by the mean of all other steps
    grid_origin: tuple[int, int]  # row and column of the first complete block
    corrections: Mapping[str, Correction]  # by role, of JUDGED_ROLES

    def weight(self, role: str) -> float:
        """The strength of the network `role`, 0 to 1."""
        if role == "jpeg":
            return self.jpeg
        return self.corrections.get(role, Correction()).weight

    def record(self) -> Record:
        """The entries in the sidecar."""
        jpeg = {"weight": round(self.jpeg, 4), "blockiness": round(self.blockiness, 4)}
        found = {role: self.corrections.get(role, Correction()).record() for role in JUDGED_ROLES}
        return {"jpeg": jpeg, **found}


def sample_tiles(rows: Rows, height: int, width: int) -> Iterator[np.ndarray]:
    """Tiles to examine, float32 (1, h, w, 3), at most SAMPLE_PX, evenly spread, on JPEG's grid."""
    tall, wide = (min(SAMPLE_PX, side // STRIDE_PX * STRIDE_PX) for side in (height, width))
    if not tall or not wide:
        return
    for top in _tile_starts(height, tall):
        strip = rows(top, top + tall)
        for left in _tile_starts(width, wide):
            yield np.ascontiguousarray(strip[None, :, left : left + wide])


def _tile_starts(side: int, part: int) -> list[int]:
    count = min(SAMPLES, -(-side // part))
    places = np.linspace(0, side - part, count) // GRID_PX * GRID_PX
    return sorted({int(place) for place in places})


def jpeg_correction(network: Network, grid_origin: tuple[int, int]) -> Network:
    """The network `jpeg`, with a shifted input and without slow changes in its residual.

    The input is shifted so that JPEG's blocks begin at its first pixel. JPEG changes the mean of a
    block by no more than a rounding error, so slow changes of the residual are errors of the
    network, which would mute small colours, and are removed.
    grid_origin: from `blockiness`. The tiles must begin at multiples of GRID_PX of the work.
    """
    top, left = (-begin % GRID_PX for begin in grid_origin)

    def shifted(tile: np.ndarray) -> np.ndarray:
        height, width = tile.shape[1:3]
        around = ((0, 0), (top, -top % STRIDE_PX), (left, -left % STRIDE_PX), (0, 0))
        moved = np.pad(tile, around, mode="symmetric") if top or left else tile
        residuals = network(np.ascontiguousarray(moved))
        residuals = residuals[:, top : top + height, left : left + width]
        return np.stack([each - cv2.GaussianBlur(each, (0, 0), SLOW_PX) for each in residuals])

    return shifted


def decide_capture(
    networks: Mapping[str, Network],
    tiles: Iterator[np.ndarray],
    gates: Gates,
    judges: Mapping[str, Judge],
    *,
    forced: bool,
) -> Capture:
    """Examine `tiles` and decide how strongly each network is applied.

    networks, judges: by role; a role without a judge needs only its other gate. Each network gets
    the output of the one before. Blur is not corrected if JPEG artefacts or noise are, because
    these corrections smooth a work, too; nor if there may be noise, because it would be sharpened;
    nor if the work shows nothing that could be sharp.
    JPEG artefacts are left to `compressed_noise` if it corrects noise, because `jpeg` would change
    this noise.
    forced: apply all in full.
    """
    samples = list(tiles)
    measured, grid_origin = blockiness(samples) if samples else (1.0, (0, 0))
    weight = 0.0
    if "jpeg" in networks and samples:
        weight = 1.0 if forced else ramp(measured - 1, gates.jpeg_blockiness - 1)
        role = "compressed_noise"
        if weight and not forced and role in networks and role in judges:
            found, _ = _decided(role, networks[role], samples, gates, judges[role], forced=False)
            if found.weight >= LARGE_WEIGHT:
                return Capture(0.0, measured, grid_origin, {role: found})
        if weight:
            network = jpeg_correction(networks["jpeg"], grid_origin)
            samples = _corrected(samples, [network(tile) for tile in samples], weight)
    if not samples:
        return Capture(weight, measured, grid_origin, {})
    corrections, cleaned = _decide_noise(networks, samples, gates, judges, forced=forced)
    noise = corrections.get("noise", Correction())
    may_be_noisy = "noise" in judges and noise.probability > MAX_NOISE
    is_changed = weight or any(found.weight for found in corrections.values())
    judge = judges.get("blur")
    shows_nothing = judge is not None and is_bare(samples)
    if "blur" in networks and (forced or not (is_changed or may_be_noisy or shows_nothing)):
        blur, _ = _decided("blur", networks["blur"], cleaned, gates, judge, forced=forced)
        corrections["blur"] = blur
    return Capture(weight, measured, grid_origin, corrections)


def _decide_noise(
    networks: Mapping[str, Network],
    samples: list[np.ndarray],
    gates: Gates,
    judges: Mapping[str, Judge],
    *,
    forced: bool,
) -> tuple[dict[str, Correction], list[np.ndarray]]:
    """The decisions on NOISE_ROLES, and the tiles that the applied one leaves, if it is forced.

    Of several networks that correct noise, only the one with the highest probability is applied.
    """
    found: dict[str, Correction] = {}
    residuals: dict[str, list[np.ndarray]] = {}
    for role in NOISE_ROLES:
        if role not in networks or (found and role not in judges):
            continue
        if found and not UNSURE[0] < found["noise"].probability < UNSURE[1]:
            continue
        found[role], residuals[role] = _decided(
            role, networks[role], samples, gates, judges.get(role), forced=forced
        )
    if not found:
        return found, samples
    surest = max(found, key=lambda role: (found[role].weight > 0, found[role].probability))
    for role in set(found) - {surest}:
        found[role] = replace(found[role], weight=0.0)
    if forced:  # only then is blur corrected, too, in what noise leaves
        samples = _corrected(samples, residuals[surest], found[surest].weight)
    return found, samples


def _decided(
    role: str,
    network: Network,
    samples: list[np.ndarray],
    gates: Gates,
    judge: Judge | None,
    *,
    forced: bool,
) -> tuple[Correction, list[np.ndarray]]:
    """The decision on one of JUDGED_ROLES, and the residuals of the examined tiles.

    Three of nine tiles are examined first; if they show clearly that the work is sound or noisy,
    the others are not.
    """
    residual = cache(lambda number: network(samples[number]))
    every = range(len(samples))
    some_first = judge and not forced and len(samples) == SAMPLES**2
    gate = getattr(gates, f"{role}_probability")
    sure = gate + SURE_SHARE * (1 - gate)
    for numbers in (every[FIRST_SAMPLES], every) if some_first else (every,):
        residuals = [residual(number) for number in numbers]
        measures = features([samples[number] for number in numbers], residuals)
        found = _gated(role, measures, gates, judge, forced=forced)
        if found.probability < SOUND_FACTOR * gate:
            break
        if role in NOISE_ROLES and found.weight == 1 and found.probability > sure:
            break
    if role == "blur" and found.weight and not forced:
        measures["periodicity"] = curvature_periodicity(samples)
        if measures["periodicity"] > MAX_PERIODICITY:
            found = replace(found, weight=0.0)
    return found, residuals


def confirm_blur(
    capture: Capture,
    networks: Mapping[str, Network],
    tiles: Iterator[np.ndarray],
    gates: Gates,
    judges: Mapping[str, Judge],
) -> Capture:
    """`capture`, with the correction of blur only as strong as the reduced work needs it.

    tiles: of the work, reduced to REDUCED_PX. A large scan often has more pixels than its optics
    resolve: each pixel is soft, but the work is not blurred. Without a tile, because the reduced
    work is too narrow for one, `capture` stays as it is.
    """
    samples = list(tiles)
    if not samples:
        return capture
    residuals = [networks["blur"](tile) for tile in samples]
    reduced = _gated("blur", features(samples, residuals), gates, judges.get("blur"), forced=False)
    blur = capture.corrections["blur"]
    weight = min(blur.weight, reduced.weight)
    corrections = {**capture.corrections, "blur": replace(blur, weight=weight)}
    return replace(capture, corrections=corrections)


def _corrected(
    tiles: list[np.ndarray], residuals: list[np.ndarray], weight: float
) -> list[np.ndarray]:
    pairs = zip(tiles, residuals, strict=True)
    return [np.clip(tile + weight * residual, 0, 1) for tile, residual in pairs]


def _gated(
    role: str, measures: dict[str, float], gates: Gates, judge: Judge | None, *, forced: bool
) -> Correction:
    probability = judge.probability(measures) if judge else 1.0
    if forced:
        return Correction(1.0, probability, measures)
    gate_255, probability_gate = (
        getattr(gates, f"{role}_{gate}") for gate in ("255", "probability")
    )
    weight = ramp(measures["root_255"], gate_255)
    if judge:
        weight = min(weight, ramp(probability, probability_gate))
        is_smooth = measures["even"] < SMOOTH_EVEN and measures["near"] < SMOOTH_NEAR
        is_sharp = role == "blur" and (
            measures["fineness"] > MAX_FINENESS or (is_smooth and probability < SMOOTH_PROBABILITY)
        )
        is_texture = role == "compressed_noise" and (
            measures["near"] > MAX_NEAR or measures["chroma"] < MIN_CHROMA
        )
        may_repeat = role != "blur" or measures["fineness"] > WEAVE_FINENESS
        if is_sharp or is_texture or (may_repeat and measures["far"] > MAX_REPETITION[role]):
            weight = 0.0
    return Correction(weight, probability, measures)

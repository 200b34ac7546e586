"""The gates of `jpeg`, `detail` and `blur`: decide whether and how strongly they are applied.

A few tiles, spread over the work, are examined first. If they show neither compression nor noise
nor blur, the work does not pass through these networks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from patina.tasks.io.atomic import Record
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.tiling import Network, Rows

SAMPLE_PX, SAMPLES = 256, 3  # side of an examined tile, and their number in each direction
# The tiles of the middle of each edge are examined first. The others are left if the probability is
# below this factor of its gate
FIRST_SAMPLES, FIRST_FACTOR = slice(1, None, 2), 0.5
GRID_PX, STRIDE_PX = 8, 16  # of JPEG's blocks, and of the networks
JUDGED_ROLES = ("detail", "blur")  # networks with a judge, in their order
# A correction with a higher correlation at 3 to 16 px shows a weave or a screen, not noise or blur
MAX_REPETITION = {"detail": 0.2, "blur": 0.3}
MAX_SHARPNESS = 0.155  # a work with a higher share of the finest detail is not blurred
# A work with a lower share of the finest detail shows no weave: its blur causes the correlation
WEAVE_SHARPNESS = 0.06
REDUCED_PX = 1024  # a larger work is blurred only if it is still blurred at this long side
# A work with a higher value of `curvature_periodicity` was enlarged, and is not blurred
MAX_PERIODICITY = 10.0
MAX_PERIOD_PX, TREND_PX, MAX_CURVATURE, NEIGHBOURS = 7, 15, 0.03, 8
MAX_STEP = 0.08  # larger steps are edges, and count as this value


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


def blockiness(tiles: list[np.ndarray]) -> tuple[float, tuple[int, int]]:
    """Visibility of JPEG's grid, and the row and column at which its first complete block begins.

    tiles: float32 (1, h, w, 3), all on one grid. The visibility is the mean step across the 8×8
    grid divided by the mean of all other steps, 1 without a grid; the lower value of both
    directions counts. Large steps, which are edges, count as MAX_STEP.
    Source: after Wang, Bovik & Evans, "Blind measurement of blocking artifacts in images" (2000).
    """
    ratios, grid_origin = [], []
    for axis in (0, 1):
        sums = np.zeros(GRID_PX)
        for tile in tiles:
            steps = np.abs(np.diff(tile[0].mean(axis=2), axis=axis))
            steps = np.minimum(steps, MAX_STEP).mean(axis=1 - axis)
            whole = len(steps) // GRID_PX * GRID_PX
            sums += steps[:whole].reshape(-1, GRID_PX).sum(axis=0)
        at = int(sums.argmax())
        ratios.append(float(sums[at] / max(np.delete(sums, at).mean(), 1e-6)))
        grid_origin.append((at + 1) % GRID_PX)
    return min(ratios), (grid_origin[0], grid_origin[1])


def curvature_periodicity(tiles: list[np.ndarray]) -> float:
    """How regularly the curvature of a work changes along its rows or columns.

    tiles: float32 (1, h, w, 3). It is the highest peak in the power spectrum of the mean absolute
    second difference, for periods of less than MAX_PERIOD_PX, divided by the median of its
    surroundings in the spectrum. An enlarged image has such a period, because new pixels are
    interpolated.
    Source: after Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images"
    (2005).
    """
    highest = 0.0
    for axis in (0, 1):
        spectra = []
        for tile in tiles:
            curvature = np.abs(np.diff(tile[0].mean(axis=2), 2, axis=axis))
            profile = np.minimum(curvature, MAX_CURVATURE).mean(axis=1 - axis)
            profile = profile - cv2.blur(profile[:, None], (1, TREND_PX))[:, 0]
            power = np.abs(np.fft.rfft(profile * np.hanning(len(profile)))) ** 2
            spectra.append(power / (curvature.mean() ** 2 + 1e-12))
        spectrum = np.mean(spectra, axis=0)
        padded = np.pad(spectrum, NEIGHBOURS, mode="reflect")
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1)
        peaks = spectrum / (np.median(around, axis=1) + 1e-12)
        highest = max(highest, float(peaks[int(2 * len(peaks) / MAX_PERIOD_PX) :].max()))
    return highest


def aligned_to_grid(network: Network, grid_origin: tuple[int, int]) -> Network:
    """`network`, with its input shifted so that JPEG's blocks begin at its first pixel.

    grid_origin: from `blockiness`. The tiles must begin at multiples of GRID_PX of the work.
    """
    top, left = (-begin % GRID_PX for begin in grid_origin)

    def shifted(tile: np.ndarray) -> np.ndarray:
        height, width = tile.shape[1:3]
        around = ((0, 0), (top, -top % STRIDE_PX), (left, -left % STRIDE_PX), (0, 0))
        moved = np.pad(tile, around, mode="symmetric")
        return network(np.ascontiguousarray(moved))[:, top : top + height, left : left + width]

    return shifted if top or left else network


def analyse(
    networks: Mapping[str, Network],
    tiles: Iterator[np.ndarray],
    gates: Gates,
    judges: Mapping[str, Judge],
    *,
    forced: bool,
) -> Capture:
    """Examine `tiles` and decide how strongly each network is applied.

    networks, judges: by role; a role without a judge needs only its other gate. Each network gets
    the output of the one before. Blur is not corrected if JPEG or noise is, because
    JPEG and the correction of noise smooth, too. forced: apply all in full.
    """
    samples = list(tiles)
    measured, grid_origin = blockiness(samples) if samples else (1.0, (0, 0))
    weight = 0.0
    if "jpeg" in networks and samples:
        weight = 1.0 if forced else ramp(measured - 1, gates.jpeg_blockiness - 1)
        if weight:
            network = aligned_to_grid(networks["jpeg"], grid_origin)
            samples = _corrected(samples, [network(tile) for tile in samples], weight)
    corrections, smoothed = {}, weight > 0
    for role in JUDGED_ROLES:
        if role == "blur" and smoothed and not forced:
            continue
        if role in networks and samples:
            judge = judges.get(role)
            found, residuals = _decided(role, networks[role], samples, gates, judge, forced=forced)
            corrections[role] = found
            if found.weight:
                smoothed = True
                samples = _corrected(samples, residuals, found.weight)
    return Capture(weight, measured, grid_origin, corrections)


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

    Four of nine tiles are examined first; if they show that the work is sound, the others are not.
    """
    residuals: dict[int, np.ndarray] = {}
    some_first = judge and not forced and len(samples) == SAMPLES**2
    for part in (FIRST_SAMPLES, slice(None)) if some_first else (slice(None),):
        numbers = range(len(samples))[part]
        for number in numbers:
            if number not in residuals:
                residuals[number] = network(samples[number])
        examined, changes = [samples[n] for n in numbers], [residuals[n] for n in numbers]
        measures = features(examined, changes)
        found = _gated(role, measures, gates, judge, forced=forced)
        if found.probability < FIRST_FACTOR * getattr(gates, f"{role}_probability"):
            break
    if role == "blur" and found.weight and not forced:
        measures["periodicity"] = curvature_periodicity(samples)
        if measures["periodicity"] > MAX_PERIODICITY:
            found = replace(found, weight=0.0)
    return found, changes


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
    role: str, found: dict[str, float], gates: Gates, judge: Judge | None, *, forced: bool
) -> Correction:
    probability = judge.probability(found) if judge else 1.0
    if forced:
        return Correction(1.0, probability, found)
    gate_255, probability_gate = (
        getattr(gates, f"{role}_{gate}") for gate in ("255", "probability")
    )
    weight = ramp(found["root_255"], gate_255)
    if judge:
        weight = min(weight, ramp(probability, probability_gate))
        is_sharp = role == "blur" and found["soft"] > MAX_SHARPNESS
        may_repeat = role != "blur" or found["soft"] > WEAVE_SHARPNESS
        if is_sharp or (may_repeat and found["far"] > MAX_REPETITION[role]):
            weight = 0.0
    return Correction(weight, probability, found)


def ramp(value: float, gate: float) -> float:
    """The strength for a value: 0 up to the gate, then rising to 1.

    It reaches 1 at a quarter above the gate, or half-way between the gate and 1 if that is less.
    """
    width = min(0.25 * gate, 0.5 * (1 - gate)) if gate < 1 else 0.25 * gate
    return float(np.clip((value - gate) / width, 0, 1)) if gate else 1.0


FEATURES = (
    "root_255",  # root mean square of the correction, 8-bit steps
    "log_root",  # its logarithm
    "chroma",  # share of the power that differs between channels: low for weave and brushwork
    "even",  # power in the flattest quarter / in the busiest quarter: about 1 for noise
    "dark",  # power in the darkest fifth / mean power
    "near",  # correlation of neighbouring pixels: 0 for white noise
    "far",  # highest correlation at 3 to 16 px: high for a weave, which repeats
    "turned",  # difference of the correlations along and across: brush marks have a direction
    "soft",  # share of the finest detail in all detail of the tile: low if it is blurred
)


def features(tiles: list[np.ndarray], residuals: list[np.ndarray]) -> dict[str, float]:
    """FEATURES of the change `residuals` that a network makes to `tiles`, both float32 (1, h,
    w, 3).
    """
    rows = [
        _features(tile[0], residual[0]) for tile, residual in zip(tiles, residuals, strict=True)
    ]
    power = np.array([row["power"] for row in rows])
    weights = power / max(power.sum(), 1e-12)
    root = float(power.mean() ** 0.5 * 255)
    merged = {name: float(np.dot(weights, [row[name] for row in rows])) for name in FEATURES[2:]}
    return {"root_255": root, "log_root": float(np.log(root + 0.05)), **merged}


def _features(tile: np.ndarray, residual: np.ndarray) -> dict[str, float]:
    grey = residual.mean(axis=2)
    power = float(np.square(residual).mean()) + 1e-12
    light = (tile + residual).mean(axis=2)
    slope = cv2.blur(np.abs(cv2.Laplacian(light, cv2.CV_32F)), (9, 9))
    strength = cv2.blur(np.square(residual).mean(axis=2), (9, 9))
    low, high = np.quantile(slope, (0.25, 0.75))
    dark = light <= np.quantile(light, 0.2)
    flat, busy = strength[slope <= low].mean(), strength[slope >= high].mean()
    correlation = _autocorrelation(grey)
    along, across = correlation[0, 1], correlation[1, 0]
    far = correlation.copy()
    far[:3, :3] = -1
    fine = np.square(light - cv2.GaussianBlur(light, (0, 0), 0.8)).mean()
    coarse = np.square(light - cv2.GaussianBlur(light, (0, 0), 3.0)).mean()
    return {
        "power": power,
        "chroma": float(np.square(residual - grey[..., None]).mean()) / power,
        "even": float(flat / (busy + 1e-12)),
        "dark": float(strength[dark].mean()) / power,
        "near": float(along + across) / 2,
        "far": float(far.max()),
        "turned": float(abs(along - across)),
        "soft": float(fine / (coarse + 1e-9)),
    }


def _autocorrelation(grey: np.ndarray) -> np.ndarray:
    """Autocorrelation for shifts of 0 to 16 px down and across, (17, 17), 1 at (0, 0)."""
    size = [2 * cv2.getOptimalDFTSize(side) for side in grey.shape]
    spectrum = np.abs(np.fft.rfft2(grey - grey.mean(), size)) ** 2
    correlation = np.fft.irfft2(spectrum, size)[:17, :17]
    return correlation / (correlation[0, 0] + 1e-12)

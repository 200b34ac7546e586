"""Measures of JPEG artefacts, noise and blur in a few tiles of a work: the input of their gates."""

import cv2
import numpy as np

from patina.tasks.imaging.images import mean_of_channels

GRID_PX = 8  # side of JPEG's blocks
MAX_STEP = 0.08  # larger steps are edges, and count as this value
MAX_PERIOD_PX, TREND_PX, MAX_CURVATURE, NEIGHBOURS = 7, 15, 0.03, 8

FEATURES = (
    "root_255",  # root mean square of the correction, 8-bit steps
    "log_root",  # its logarithm
    "chroma",  # share of the power that differs between channels: low for weave and brushwork
    "even",  # power in the flattest quarter / in the busiest quarter: about 1 for noise
    "dark",  # power in the darkest fifth / mean power
    "near",  # correlation of neighbouring pixels: 0 for white noise
    "far",  # highest correlation at 3 to 16 px: high for a weave, which repeats
    "turned",  # difference of the correlations along and across: brush marks have a direction
    "fineness",  # share of the finest detail in all detail of the tile: low if it is blurred
)


def blockiness(tiles: list[np.ndarray]) -> tuple[float, tuple[int, int]]:
    """Visibility of JPEG's grid, and the row and column at which its first complete block begins.

    tiles: float32 (1, h, w, 3), all on one grid. The visibility is the mean step across the 8×8
    grid divided by the mean of all other steps, 1 without a grid; the lower value of both
    directions counts. Large steps, which are edges, count as MAX_STEP.
    Source: after Wang, Bovik & Evans, "Blind measurement of blocking artifacts in images" (2000).
    """
    ratios, grid_origin = [], []
    greys = [mean_of_channels(tile[0]) for tile in tiles]
    for axis in (0, 1):
        sums = np.zeros(GRID_PX)
        for grey in greys:
            steps = np.abs(np.diff(grey, axis=axis))
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
            curvature = np.abs(np.diff(mean_of_channels(tile[0]), 2, axis=axis))
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
    grey = mean_of_channels(residual)
    power = float(np.square(residual).mean()) + 1e-12
    light = mean_of_channels(tile + residual)
    slope = cv2.blur(np.abs(cv2.Laplacian(light, cv2.CV_32F)), (9, 9))
    strength = cv2.blur(mean_of_channels(np.square(residual)), (9, 9))
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
        "fineness": float(fine / (coarse + 1e-9)),
    }


def _autocorrelation(grey: np.ndarray) -> np.ndarray:
    """Autocorrelation for shifts of 0 to 16 px down and across, (17, 17), 1 at (0, 0)."""
    size = [2 * cv2.getOptimalDFTSize(side) for side in grey.shape]
    spectrum = np.abs(np.fft.rfft2(grey - grey.mean(), size)) ** 2
    correlation = np.fft.irfft2(spectrum, size)[:17, :17]
    return correlation / (correlation[0, 0] + 1e-12)

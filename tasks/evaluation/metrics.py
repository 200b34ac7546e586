"""Metrics that compare a picture with its reference, for the reports.

Images are uint8 (H, W, 3), sRGB, of equal shape, at least 7 pixels a side.
"""

import cv2
import numpy as np

from patina.tasks.imaging import lab

SSIM_PX = 7


def psnr_db(reference: np.ndarray, image: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB; 100 for identical images."""
    if np.array_equal(reference, image):
        return 100.0
    error = np.mean((reference.astype(np.float64) - image) ** 2)
    return float(10 * np.log10(255**2 / error))


def ssim(reference: np.ndarray, image: np.ndarray) -> float:
    """Structural similarity, −1 to 1, the mean over the channels (Wang et al. 2004).

    Computed in windows of 7 × 7 pixels inside the image, with sample variances, as in scikit-image.
    """
    x, y = reference.astype(np.float64), image.astype(np.float64)
    mean_x, mean_y = _means(x), _means(y)
    unbiased = SSIM_PX**2 / (SSIM_PX**2 - 1)
    variances = unbiased * (_means(x * x) - mean_x**2 + _means(y * y) - mean_y**2)
    covariance = unbiased * (_means(x * y) - mean_x * mean_y)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(np.mean(luminance * (2 * covariance + c2) / (variances + c2)))


def _means(values: np.ndarray) -> np.ndarray:
    """Means of all windows of SSIM_PX inside the image, (H, W, C) -> (H - 6, W - 6, C)."""
    edge = SSIM_PX // 2
    return cv2.blur(values, (SSIM_PX, SSIM_PX))[edge:-edge, edge:-edge]


def delta_e2000(reference: np.ndarray, image: np.ndarray) -> float:
    """Mean CIEDE2000 colour difference over the pixels, D65 (ISO/CIE 11664-6)."""
    pair = [lab.lab_of_srgb(each) for each in (reference, image)]
    return float(np.mean(lab.delta_e2000(*pair)))


def dominant_channel_accuracy(reference: np.ndarray, image: np.ndarray) -> float:
    """Share of the pixels whose strongest channel agrees, 0 to 1.

    Keras computes this for `metrics=["accuracy"]` on images, and an earlier student project
    reported it. It says little about quality and is kept for comparison.
    """
    return float(np.mean(reference.argmax(axis=2) == image.argmax(axis=2)))


METRICS = {
    metric.__name__: metric for metric in (psnr_db, ssim, delta_e2000, dominant_channel_accuracy)
}


def score(reference: np.ndarray, image: np.ndarray) -> dict[str, float]:
    """All METRICS of `image` compared with `reference`, by name."""
    return {name: metric(reference, image) for name, metric in METRICS.items()}


def damaged(mask: np.ndarray) -> np.ndarray:
    """The pixels where a mask, uint8 (H, W), is above 10% opacity; boolean (H, W)."""
    return mask > 25


def damage_map_ap(mask: np.ndarray, damage: np.ndarray) -> float:
    """Average precision, 0 to 1, of a damage map against the true mask, both uint8 (H, W).

    A random map reaches the share of `damaged` pixels. At least one pixel must be damaged.
    Source: Davis & Goadrich, "The Relationship Between Precision-Recall and ROC Curves" (2006).
    """
    from sklearn.metrics import average_precision_score  # late, because the import takes seconds

    return float(average_precision_score(damaged(mask).ravel(), damage.ravel()))

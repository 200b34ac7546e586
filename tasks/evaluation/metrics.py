"""How near a picture is to another: the figures of the reports.

Images are uint8 (H, W, 3), sRGB, of equal shape, at least 7 pixels a side.
"""

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import average_precision_score

METRICS = ("psnr_db", "ssim", "delta_e2000", "dominant_channel_accuracy")


def score(reference: np.ndarray, image: np.ndarray) -> dict[str, float]:
    """All METRICS of `image` against `reference`."""
    return {
        "psnr_db": psnr_db(reference, image),
        "ssim": ssim(reference, image),
        "delta_e2000": delta_e2000(reference, image),
        "dominant_channel_accuracy": dominant_channel_accuracy(reference, image),
    }


def psnr_db(reference: np.ndarray, image: np.ndarray) -> float:
    """Peak signal-to-noise ratio, dB; identical images count as 100."""
    if np.array_equal(reference, image):
        return 100.0
    return float(peak_signal_noise_ratio(reference, image, data_range=255))


def ssim(reference: np.ndarray, image: np.ndarray) -> float:
    """Structural similarity, −1 to 1, the mean over the channels (Wang et al. 2004)."""
    return float(structural_similarity(reference, image, data_range=255, channel_axis=2))


def delta_e2000(reference: np.ndarray, image: np.ndarray) -> float:
    """Mean CIEDE2000 colour difference over the pixels, D65 (ISO/CIE 11664-6)."""
    pair = [rgb2lab(each.astype(np.float32) / 255) for each in (reference, image)]
    return float(np.mean(deltaE_ciede2000(*pair)))


def dominant_channel_accuracy(reference: np.ndarray, image: np.ndarray) -> float:
    """Share of the pixels whose strongest channel agrees, 0 to 1.

    It is what `metrics=["accuracy"]` means to Keras on an image, and what the first student
    project reported; it says little, and is kept for comparison.
    """
    return float(np.mean(reference.argmax(axis=2) == image.argmax(axis=2)))


def damaged(mask: np.ndarray) -> np.ndarray:
    """Where a mask, uint8, covers enough to show: a tenth."""
    return mask > 25


def damage_map_ap(mask: np.ndarray, damage: np.ndarray) -> float:
    """Average precision, 0 to 1, of a damage map against the true mask, both uint8 (H, W).

    The share of the pixels that are `damaged` is what a map that knows nothing reaches; there must
    be some.
    Source: Davis & Goadrich, "The Relationship Between Precision-Recall and ROC Curves" (2006).
    """
    return float(average_precision_score(damaged(mask).ravel(), damage.ravel()))

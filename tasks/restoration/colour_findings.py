"""Describes in words how the colours of a scan differ from those of the restored work (ΔE2000)."""

import numpy as np

from patina.tasks.imaging.lab import delta_e2000, lab_of_srgb

DIFFERENCE_WORDS = (  # upper limit of the mean ΔE2000, and the description of the difference
    (1.0, "not visible"),
    (2.0, "visible to a trained eye in a direct comparison"),
    (5.0, "visible at a glance"),
    (10.0, "clear"),
    (float("inf"), "strong"),
)
MIN_SHIFT = 1.0  # smaller shifts of L*, a* or b* are not mentioned
MIN_RATIO = 0.05  # smaller changes of contrast or chroma are not mentioned
SHIFT_WORDS = (  # description of the scan if the restored work has a higher, or a lower value
    ("L*", "darker", "lighter"),
    ("a*", "greener", "redder"),
    ("b*", "bluer", "yellower"),
)


def findings(before: np.ndarray, after: np.ndarray, damaged: np.ndarray) -> list[str]:
    """Sentences on the difference of two pictures outside the damage.

    before, after: uint8 (h, w, 3), sRGB. damaged: bool (h, w).
    """
    undamaged = ~damaged if not damaged.all() else np.ones_like(damaged)
    scan, restored = (lab_of_srgb(picture)[undamaged] for picture in (before, after))
    differences = delta_e2000(scan, restored)
    mean, p90 = float(differences.mean()), float(np.percentile(differences, 90))
    difference = in_words(mean)
    figures = f"mean ΔE2000 {mean:.1f}; in 90% of the pixels, at most {p90:.1f}"
    sentences = [
        f"Outside the areas of damage, the difference between scan and restored work is "
        f"{difference} ({figures})."
    ]
    if shifts := _shifts(scan, restored):
        sentences.append(f"Compared with the restored work, the scan is {', '.join(shifts)}.")
    elif mean < DIFFERENCE_WORDS[0][0]:
        sentences.append("No fading, yellowing or darkening is corrected.")
    return sentences


def in_words(difference: float) -> str:
    """A mean ΔE2000 in words, such as "clear"."""
    return next(words for limit, words in DIFFERENCE_WORDS if difference < limit)


def _shifts(scan: np.ndarray, restored: np.ndarray) -> list[str]:
    """How the scan differs, in words and figures."""
    shifts = restored.mean(axis=0) - scan.mean(axis=0)
    words = [
        f"{lower if shift > 0 else higher} ({name} {_signed(-shift, '.1f')})"
        for (name, lower, higher), shift in zip(SHIFT_WORDS, shifts, strict=True)
        if abs(shift) >= MIN_SHIFT
    ]
    spread = {
        "contrast": (scan[:, 0].std(), restored[:, 0].std()),
        "chroma": (np.hypot(*scan[:, 1:].T).mean(), np.hypot(*restored[:, 1:].T).mean()),
    }
    for name, (own, wanted) in spread.items():
        if wanted > MIN_SHIFT and abs(own / wanted - 1) >= MIN_RATIO:
            low = own < wanted
            change = _signed(own / wanted - 1, ".0%")
            words.append(f"{'lower' if low else 'higher'} in {name} ({change})")
    return words


def _signed(value: float, form: str) -> str:
    return f"{'−' if value < 0 else '+'}{abs(value):{form}}"

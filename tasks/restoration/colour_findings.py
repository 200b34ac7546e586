"""How the colours of a restored work differ from those of its scan, in ΔE2000 and in words."""

import numpy as np

from patina.tasks.imaging.lab import delta_e2000, lab_of_srgb

SEEN = (  # mean ΔE2000 below which a difference is …
    (1.0, "not to be seen"),
    (2.0, "seen by a trained eye that compares them"),
    (5.0, "seen at a glance"),
    (10.0, "clear"),
    (float("inf"), "strong"),
)
LEAST = 1.0  # a shift of CIELAB L*, a* or b* that is told
LEAST_RATIO = 0.05  # a change of contrast or chroma that is told
WORDS = (  # of the scan, beside the restored work: where that is higher, and where it is lower
    ("L*", "darker", "lighter"),
    ("a*", "greener", "redder"),
    ("b*", "bluer", "yellower"),
)


def findings(before: np.ndarray, after: np.ndarray, damaged: np.ndarray) -> list[str]:
    """Sentences on the colours of two pictures, outside of the damage.

    before, after: uint8 (h, w, 3), sRGB. damaged: bool (h, w).
    """
    sound = ~damaged if not damaged.all() else np.ones_like(damaged)
    scan, restored = (lab_of_srgb(picture)[sound] for picture in (before, after))
    differences = delta_e2000(scan, restored)
    mean, most = float(differences.mean()), float(np.percentile(differences, 90))
    seen = in_words(mean)
    figures = f"mean ΔE2000 of {mean:.1f} outside the areas of damage, 90% of it below {most:.1f}"
    sentences = [f"Scan and restored work differ by a {figures}: a difference that is {seen}."]
    if shifts := _shifts(scan, restored):
        sentences.append(f"Beside the restored work the scan is {', '.join(shifts)}.")
    elif mean < SEEN[0][0]:
        sentences.append("No fading, yellowing or darkening is corrected.")
    return sentences


def in_words(difference: float) -> str:
    """How a mean ΔE2000 looks."""
    return next(words for limit, words in SEEN if difference < limit)


def _shifts(scan: np.ndarray, restored: np.ndarray) -> list[str]:
    """How the scan differs, in words and figures."""
    moved = restored.mean(axis=0) - scan.mean(axis=0)
    told = [
        f"{lower if shift > 0 else higher} ({name} {_signed(-shift, '.1f')})"
        for (name, lower, higher), shift in zip(WORDS, moved, strict=True)
        if abs(shift) >= LEAST
    ]
    spread = {
        "contrast": (scan[:, 0].std(), restored[:, 0].std()),
        "chroma": (np.hypot(*scan[:, 1:].T).mean(), np.hypot(*restored[:, 1:].T).mean()),
    }
    for name, (own, wanted) in spread.items():
        if wanted > LEAST and abs(own / wanted - 1) >= LEAST_RATIO:
            low = own < wanted
            change = _signed(own / wanted - 1, ".0%")
            told.append(f"{'lower' if low else 'higher'} in {name} ({change})")
    return told


def _signed(value: float, form: str) -> str:
    return f"{'−' if value < 0 else '+'}{abs(value):{form}}"

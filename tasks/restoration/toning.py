"""Changes the colours of a work with a global matrix and low-resolution fields."""

from dataclasses import dataclass, replace

import numpy as np

from patina.models import TONE
from patina.tasks.imaging.images import view_of
from patina.tasks.imaging.lab import lab_of_srgb
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.capture import ramp
from patina.tasks.restoration.reduced import enlarged
from patina.tasks.restoration.tiling import Network

# Minimum gain of blue over red, minimum mean rise (both in [0, 1]), minimum growth of contrast
YELLOW, DARK, CONTRAST = 0.04, 0.04, 1.1


NEAR, PAPER = 0.08, 0.55  # distance of similar colours; share of such pixels of bare paper
COOLEST, COOL = 0.002, 1.0  # share of a work; colours with a lower b* (CIELAB) are cool
DARKEST, BLACK = 0.005, 12.0  # share of a work; colours with a lower L* (CIELAB) are black
YELLOWING, FADING = "yellowing", "fading"


@dataclass(frozen=True)
class Tone:
    """A change of the colours of a work."""

    matrix: np.ndarray  # (3, 4), added to each colour: a linear part for RGB, and a constant
    fields: np.ndarray  # (g, g, 6), gains and offsets, interpolated between cells
    weight: float  # strength with which the change is applied, 0 to 1
    amount_255: float  # root mean square of the full change, 8-bit steps
    seen: str = ""  # a word for what the change corrects; "" if it is too small

    def applied(self, view: np.ndarray, size: tuple[int, int], top: int) -> np.ndarray:
        """The rows of `view` from `top` on of a work of `size`, with their colours changed."""
        if not self.weight:
            return view
        toned = view + view @ self.matrix[:, :3].T + self.matrix[:, 3]
        fields = enlarged(self.fields, size, top, top + len(view))
        toned = toned * (1 + fields[..., TONE.gain]) + fields[..., TONE.offset]
        return view + np.float32(self.weight) * (toned - view)

    def record(self) -> Record:
        """For the sidecar, in numbers: enough to compute the change again."""
        told: Record = {"weight": round(self.weight, 4), "amount_255": round(self.amount_255, 2)}
        if self.seen:
            told |= {"seen": self.seen}
        if self.weight:
            told |= {"matrix": np.round(self.matrix, 5).tolist()}
            told |= {"fields": np.round(self.fields, 4).tolist()}
        return told


NO_TONE = Tone(np.zeros((3, 4), np.float32), np.zeros((1, 1, 6), np.float32), 0.0, 0.0)


def tone_of(network: Network, view: np.ndarray, gate_255: float, *, forced: bool) -> Tone:
    """The change that `network` (see `patina.models.tone`) predicts for a work, and its weight.

    view: float32 (h, w, 3), the reduced work. gate_255: the change is applied only if its root mean
    square is larger than this, in 8-bit steps, see `capture.ramp`, and if the work shows the signs
    of the damage, see `looks_damaged`; 0 always applies it. forced: the change is applied in full.
    """
    small = view_of(view, TONE.view_px)
    change = network(small[None])[0]
    matrix = change[..., TONE.matrix].mean(axis=(0, 1)).reshape(3, 4)
    whole = Tone(matrix, change[..., :6], 1.0, 0.0)
    toned = np.clip(whole.applied(small, (TONE.view_px, TONE.view_px), 0), 0, 1)
    amount = float(np.sqrt(np.mean(np.square(toned - small)))) * 255
    kind = kind_of(small, toned)
    if forced or not gate_255:
        return replace(whole, amount_255=amount, seen=kind)
    damaged = looks_damaged(kind, small)
    weight = ramp(amount, gate_255) if damaged else 0.0
    least = gate_255 / 2 if damaged else gate_255
    told = damaged or kind not in (YELLOWING, FADING)
    seen = kind if told and amount > least else ""
    return replace(whole, weight=weight, amount_255=amount, seen=seen)


def looks_damaged(kind: str, view: np.ndarray) -> bool:
    """Whether `view` (h, w, 3), sRGB in [0, 1], shows the signs of damage of this kind.

    A yellowed varnish leaves no cool colour, and a faded work has no black. Other kinds have no
    such sign. The original colour of bare paper cannot be known from a scan.
    """
    if of_one_colour(view) > PAPER:
        return False
    lab = lab_of_srgb(view)
    if kind == YELLOWING:
        return float(np.quantile(lab[..., 2], COOLEST)) >= COOL
    return kind == FADING and float(np.quantile(lab[..., 0], DARKEST)) >= BLACK


def of_one_colour(view: np.ndarray) -> float:
    """The share of `view` (h, w, 3) near its median colour; it is large for bare paper."""
    away = np.abs(view - np.median(view, axis=(0, 1))).max(axis=2)
    return float((away < NEAR).mean())


def kind_of(view: np.ndarray, toned: np.ndarray) -> str:
    """A word for the change: yellowing, darkening, fading or discolouration."""
    red, green, blue = (toned - view).mean(axis=(0, 1))
    if blue - red > YELLOW:
        return YELLOWING
    if toned.std() > CONTRAST * view.std():
        return FADING
    return "darkening" if red + green + blue > 3 * DARK else "discolouration"

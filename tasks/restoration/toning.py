"""Changes the colours of a work with a global matrix and low-resolution fields."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from patina.models import TONE
from patina.tasks.imaging.images import view_of
from patina.tasks.imaging.lab import lab_of_srgb
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.gates import Gates, ramp
from patina.tasks.restoration.plain_works import PLAIN_OR_FADED_SHARES, is_monochrome, is_plain
from patina.tasks.restoration.reduced import enlarged
from patina.tasks.restoration.tiling import Network

# Minimum gain of blue over red, minimum mean rise (both in [0, 1]), minimum growth of contrast
MIN_YELLOWING, MIN_DARKENING, MIN_CONTRAST_RATIO = 0.04, 0.04, 1.1

COOL_QUANTILE, MIN_B = 0.002, 5.0  # share of a work; colours with a lower b* (CIELAB) are cool
STRONG_255, STRONG_MIN_B = 15.0, 3.0  # from this change on, this b* is enough
DARK_QUANTILE, MIN_L = 0.005, 12.0  # share of a work; colours with a lower L* (CIELAB) are black
YELLOWING, FADING = "yellowing", "fading"


@dataclass(frozen=True)
class Tone:
    """A change of the colours of a work."""

    matrix: np.ndarray  # (3, 4), added to each colour: a linear part for RGB, and a constant
    fields: np.ndarray  # (g, g, 6), gains and offsets, interpolated between cells
    weight: float  # strength with which the change is applied, 0 to 1
    amount_255: float  # root mean square of the full change of `tone`, 8-bit steps
    amount_full_255: float = 0.0  # the same of `tone_full`
    kind: str = ""  # a word for what the change corrects; "" if it is too small

    def applied(self, view: np.ndarray, size: tuple[int, int], top: int) -> np.ndarray:
        """The rows of `view` from `top` on of a work of `size`, with their colours changed."""
        if not self.weight:
            return view
        corrected = view + view @ self.matrix[:, :3].T + self.matrix[:, 3]
        fields = enlarged(self.fields, size, top, top + len(view))
        corrected = corrected * (1 + fields[..., TONE.gain]) + fields[..., TONE.offset]
        return view + np.float32(self.weight) * (corrected - view)

    def record(self) -> Record:
        """For the sidecar, in numbers: enough to compute the change again."""
        entry: Record = {"weight": round(self.weight, 4), "amount_255": round(self.amount_255, 2)}
        if self.amount_full_255 != self.amount_255:
            entry |= {"amount_full_255": round(self.amount_full_255, 2)}
        if self.kind:
            entry |= {"seen": self.kind}
        if self.weight:
            entry |= {"matrix": np.round(self.matrix, 5).tolist()}
            entry |= {"fields": np.round(self.fields, 4).tolist()}
        return entry


NO_TONE = Tone(np.zeros((3, 4), np.float32), np.zeros((1, 1, 6), np.float32), 0.0, 0.0)


def tone_of(
    networks: Mapping[str, Network], view: np.ndarray, gates: Gates, *, forced: bool
) -> Tone:
    """The change of the colours of a work, and its weight.

    networks: `tone` and, if the model has it, `tone_full`; see `patina.models.tone`. The mean of
    both changes is applied. view: float32 (h, w, 3), the reduced work. gates: the changes are
    applied only if both networks see the same damage, see `_weight_of`, and the work is not
    monochrome: prints on matt paper have no black by nature. If one of them sees it, the result has
    its kind and the weight 0. forced: the change is applied in full, and that of `tone_full` alone
    if one of them does not see it.
    """
    small = view_of(view, TONE.view_px)
    change = networks["tone"](small[None])[0]
    tone, gate_255 = _judged(change, small), gates.tone_255
    full_change, full, full_gate_255 = change, tone, gate_255
    if "tone_full" in networks:
        full_change = networks["tone_full"](small[None])[0]
        full, full_gate_255 = _judged(full_change, small), gates.tone_full_255
    weight = min(_weight_of(tone, small, gate_255), _weight_of(full, small, full_gate_255))
    tone = replace(tone, amount_full_255=full.amount_255)
    if weight and gate_255 and not forced and is_monochrome(small):
        weight = 0.0
    if weight and (tone.kind == full.kind or not gate_255):
        both = _judged((change + full_change) / 2, small)
        weight = 1.0 if forced else weight
        return replace(tone, matrix=both.matrix, fields=both.fields, weight=weight)
    if forced:
        return replace(tone, matrix=full.matrix, fields=full.fields, weight=1.0, kind=full.kind)
    seen = (
        each.kind
        for each, limit in ((tone, gate_255), (full, full_gate_255))
        if _sees_damage(each, small, limit)
    )
    return replace(tone, weight=0.0, kind=next(seen, ""))


def _weight_of(tone: Tone, small: np.ndarray, gate_255: float) -> float:
    """How surely a change corrects damage, 0 to 1.

    It is above 0 if the root mean square of the change is larger than `gate_255`, in 8-bit steps,
    see `gates.ramp`, and if the work shows the signs of the damage; a gate of 0 always gives 1.
    """
    damaged = not gate_255 or shows_damage(tone.kind, small, tone.amount_255)
    return ramp(tone.amount_255, gate_255) if damaged else 0.0


def _sees_damage(tone: Tone, small: np.ndarray, gate_255: float) -> bool:
    """Whether a change may correct damage; damage without a sign is never sure."""
    signed = tone.kind in (YELLOWING, FADING)
    return tone.amount_255 > gate_255 and (not signed or _weight_of(tone, small, gate_255) > 0)


def _judged(change: np.ndarray, small: np.ndarray) -> Tone:
    """A change of the networks, (16, 16, 19), in full, with its size and its kind.

    small: the view that the networks got.
    """
    matrix = change[..., TONE.matrix].mean(axis=(0, 1)).reshape(3, 4)
    tone = Tone(matrix, change[..., :6], 1.0, 0.0)
    corrected = np.clip(tone.applied(small, (TONE.view_px, TONE.view_px), 0), 0, 1)
    rms_255 = float(np.sqrt(np.mean(np.square(corrected - small)))) * 255
    return replace(tone, amount_255=rms_255, kind=kind_of_change(small, corrected))


def shows_damage(kind: str, view: np.ndarray, rms_255: float) -> bool:
    """Whether `view` (h, w, 3), sRGB in [0, 1], shows the signs of damage of this kind.

    A yellowed varnish leaves no cool colour, and a faded work has no black. Other kinds have no
    such sign. A work of nearly one colour, such as paper or a cover, shows none of them.
    rms_255: root mean square of the change, 8-bit steps.
    """
    if is_plain(view, PLAIN_OR_FADED_SHARES):
        return False
    lab = lab_of_srgb(view)
    if kind == YELLOWING:
        minimum = MIN_B if rms_255 < STRONG_255 else STRONG_MIN_B
        return float(np.quantile(lab[..., 2], COOL_QUANTILE)) >= minimum
    return kind == FADING and float(np.quantile(lab[..., 0], DARK_QUANTILE)) >= MIN_L


def kind_of_change(view: np.ndarray, corrected: np.ndarray) -> str:
    """A word for the change: yellowing, darkening, fading or discolouration."""
    red, green, blue = (corrected - view).mean(axis=(0, 1))
    if blue - red > MIN_YELLOWING:
        return YELLOWING
    if corrected.std() > MIN_CONTRAST_RATIO * view.std():
        return FADING
    return "darkening" if red + green + blue > 3 * MIN_DARKENING else "discolouration"

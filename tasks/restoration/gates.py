"""The gates: thresholds for each network.

docs/restoring.md explains them; docs/quality.md has the measurements behind them.

These functions compare them with a work and decide:
- `capture_gates.analyse`, `confirm_blur`: whether JPEG artefacts, noise and blur are corrected;
- `decision.decide_fill`: which pieces of damage are filled, proposed or kept;
- `proposals.with_proposals`: which large areas are proposed;
- `toning.tone_of`: whether the colours are corrected.
"""

from dataclasses import dataclass

import numpy as np

from patina.models import present_role


@dataclass(frozen=True)
class Gates:
    """Thresholds of the treatments.

    The defaults below switch all gates off, except `damage_probability` and `damage_doubt`, which
    define a piece. `patina.params.Restore` has the values in use.
    """

    jpeg_blockiness: float = 1.0  # JPEG: step across the 8×8 grid, divided by all other steps
    noise_255: float = 0.0  # noise: root mean square of the correction, 8-bit steps
    noise_probability: float = 0.0  # noise: probability that the correction improves the work
    blur_255: float = 0.0  # blur: root mean square of the correction, 8-bit steps
    blur_probability: float = 0.0  # blur: probability that the correction improves the work
    damage_probability: float = 0.5  # a piece of damage has a pixel of at least this probability …
    damage_doubt: float = 0.25  # … and consists of connected pixels of at least this probability
    damage_share: float = 0.0  # almost certainly damaged share of a work; below, nothing is filled
    fill_area: float = 1.0  # a larger piece (share of the work) is proposed, unless it is narrow
    fill_area_surely: float = 1.0  # the same for a piece with the probability `fill_surely`
    fill_surely: float = 0.0  # probability from which on `fill_area_surely` counts
    fill_width: float = 1.0  # a piece is narrow below this width (share of the long side)
    fill_share: float = 1.0  # largest filled share of the work, without narrow pieces
    fill_probability: float = 0.0  # minimum probability of damage of a filled piece, by the judge
    fill_probability_mean: float = 0.0  # the same for a piece of `fill_area`, and on average
    fill_unlike: float = 0.0  # share of a piece's rim that must differ from the surroundings
    area_probability: float = 0.0  # minimum probability of damage of a proposed area, by the judge
    tone_255: float = 0.0  # tone: root mean square of the colour change, 8-bit steps


def present_name(gate: str) -> str:
    """The name of a gate that had the name `gate` in any version."""
    role, line, rest = gate.replace("likelihood", "probability").partition("_")
    return f"{present_role(role)}{line}{rest}"


def ramp(value: float, gate: float) -> float:
    """The strength for a value: 0 up to the gate, then rising to 1.

    It reaches 1 at a quarter above the gate, or half-way between the gate and 1 if that is less.
    A gate of 0 is off: the strength is 1.
    """
    width = min(0.25 * gate, 0.5 * (1 - gate)) if gate < 1 else 0.25 * gate
    return float(np.clip((value - gate) / width, 0, 1)) if gate else 1.0

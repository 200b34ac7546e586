"""The gates: thresholds for each network, which decide whether a work or an area is treated.

docs/restoring.md explains them; docs/quality.md has the measurements behind them.

These functions compare them with a work and decide:
- `capture_gates.decide_capture`, `confirm_blur`: whether JPEG artefacts, noise, blur are corrected;
- `fill_decision.decide_fill`: which pieces of damage are filled, proposed or kept;
- `proposals.with_proposals`: which large areas are proposed;
- `stain_detection.decide_stains`: which stains are corrected or proposed;
- `toning.tone_of`: whether the colours are corrected.
"""

from dataclasses import dataclass, fields
from typing import Annotated

import numpy as np
from pydantic import Field

from patina.models import present_role

UpToOne = Annotated[float, Field(ge=0, le=1)]  # a share or a probability
AboveZero = Annotated[float, Field(gt=0, le=1)]
Steps255 = Annotated[float, Field(ge=0)]  # in 8-bit steps
Ratio = Annotated[float, Field(ge=1)]

# The values with which a gate lets everything pass; those of the other gates are 0. The two of
# damage define a piece, so they have no such value
OPEN = {
    "jpeg_blockiness": 1.0,
    "damage_probability": 0.5,
    "damage_doubt": 0.25,
    "fill_area": 1.0,
    "fill_width": 1.0,
    "fill_share": 1.0,
    "fill_area_surely": 1.0,
}


@dataclass(frozen=True)
class Gates:
    """Thresholds of the treatments, with their usual values.

    The keys of the section restore in params.yaml are made from these fields.
    """

    # Of detail: a work that is below one of a network's values is not corrected by it
    jpeg_blockiness: Ratio = 1.18  # step across the 8×8 grid / other steps
    noise_255: Steps255 = 2.0  # noise: root mean square of the correction
    noise_probability: UpToOne = 0.5  # noise: probability that the correction improves the work
    compressed_noise_255: Steps255 = 2.0  # the same of compressed_noise
    compressed_noise_probability: UpToOne = 0.45
    blur_255: Steps255 = 0.7  # blur: root mean square of the correction
    blur_probability: UpToOne = 0.2  # blur: probability that the correction improves the work
    # Of damage; areas are shares of the work
    damage_probability: AboveZero = 0.75  # a piece has a pixel of at least this probability …
    damage_doubt: AboveZero = 0.45  # … and consists of connected pixels of at least this one
    damage_share: UpToOne = 0.0004  # area with a probability above 0.8; below it nothing is filled
    fill_area: UpToOne = 0.001  # a larger piece is proposed and not filled …
    fill_width: UpToOne = 0.022  # … unless it is narrower than this share of the long side
    fill_share: UpToOne = 0.06  # largest filled area; narrow pieces do not count
    fill_probability: UpToOne = 0.1  # minimum probability of a filled piece, rising with area …
    fill_surely: UpToOne = 0.6  # … to this; a wide piece with at least this probability …
    fill_area_surely: UpToOne = 0.02  # … may be as large as this instead of fill_area
    fill_probability_mean: UpToOne = 0.4  # mean probability of all filled pieces, by area
    fill_probability_max: UpToOne = 0.74  # probability of the most probable one of them
    fill_proposal: UpToOne = 0.6  # if it has only this one, the more probable ones are proposed
    fill_unlike: UpToOne = 0.6  # share of a piece's rim that must differ from the surroundings
    area_probability: UpToOne = 0.3  # a blot or hole with at least this probability is proposed
    # Of stains
    stain_probability: UpToOne = 0.68  # probability that the correction of a found stain helps
    stain_proposal: UpToOne = 0.3  # a stain with at least this probability is proposed
    # Of tone
    tone_255: Steps255 = 9.5  # root mean square of the colour change, by `tone` …
    tone_full_255: Steps255 = 12.0  # … and by `tone_full`

    @classmethod
    def opened(cls, **values: float) -> "Gates":
        """Gates that let everything pass, except those with a value in `values`."""
        return cls(**{gate.name: OPEN.get(gate.name, 0.0) for gate in fields(cls)} | values)


NAMES = tuple(gate.name for gate in fields(Gates))


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

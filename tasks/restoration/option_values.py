"""The values that options of a restoration can have; each list is only here.

This file imports nothing of Patina, so that commands start fast.
"""

from typing import Literal, get_args

TreatmentName = Literal["detail", "damage", "stains", "tone", "craquelure"]
Quality = Literal["fast", "best"]
Precision = Literal["auto", "f32", "bf16"]
Device = Literal["CPU", "GPU", "AUTO"]

# In the order of application, but craquelure is applied together with damage
TREATMENTS: tuple[TreatmentName, ...] = get_args(TreatmentName)
DEFAULT_TREATMENTS = TREATMENTS[:4]
QUALITIES, PRECISIONS, DEVICES = get_args(Quality), get_args(Precision), get_args(Device)

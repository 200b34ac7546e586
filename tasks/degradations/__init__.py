"""How a work deteriorates, one pure function for each kind of damage.

Every degradation is `(image, rng, *, severity) -> (image, mask)`:

image: float32 (H, W, 3), sRGB in [0, 1], never modified; the result is alike.
severity: 0 (the identity, bit for bit) to 1, unitless; ValueError outside. The numbers drawn from
    `rng` do not depend on it, so one seed gives one damage that grows with severity.
mask: None where the damage is everywhere, else the opacity of a local damage, float32 (H, W) in
    [0, 1], above 0 wherever a pixel changed.

Sizes are relative to the long side, as the damage is to the work: a scan at twice the resolution
shows the same scratch twice as wide. DEGRADATIONS is in the order in which an object suffers: its
paint, accidents, then the capture, each file in its own order. COLOUR names those which are undone
once for a whole work, from its colours, and not from what is near a pixel; LOCAL those which give a
mask. FAMILIES says which are other ways to the same damage. Registering a function enrols it in
recipes and in the shared tests; FAMILIES must name it too.
"""

# The order of these imports is the order of DEGRADATIONS.
# isort: off
from patina.tasks.degradations.contract import (
    COLOUR,
    DEGRADATIONS,
    LOCAL,
    Damaged,
    Degradation,
    Image,
)
from patina.tasks.degradations.families import FAMILIES
from patina.tasks.degradations import pigments as pigments
from patina.tasks.degradations import paint as paint
from patina.tasks.degradations import losses as losses
from patina.tasks.degradations import coats as coats
from patina.tasks.degradations import films as films
from patina.tasks.degradations import wear as wear
from patina.tasks.degradations import accidents as accidents
from patina.tasks.degradations import liquids as liquids
from patina.tasks.degradations import growths as growths
from patina.tasks.degradations import blots as blots
from patina.tasks.degradations import handling as handling
from patina.tasks.degradations import holes as holes
from patina.tasks.degradations import tapes as tapes
from patina.tasks.degradations import dust as dust
from patina.tasks.degradations import fibres as fibres
from patina.tasks.degradations import optics as optics
from patina.tasks.degradations import resampling as resampling
from patina.tasks.degradations import grains as grains
from patina.tasks.degradations import capture as capture
from patina.tasks.degradations import recompression as recompression
# isort: on

__all__ = ["COLOUR", "DEGRADATIONS", "FAMILIES", "LOCAL", "Damaged", "Degradation", "Image"]

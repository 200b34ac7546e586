"""The library of degradations: 47 models of 14 kinds of damage, each a pure function.

Every degradation is `(image, rng, *, severity) -> (image, mask)`:

- image: float32 (H, W, 3), sRGB in [0, 1]. It is not modified. The result has the same shape, dtype
  and range.
- severity: 0 (the result is identical to the image) to 1 (worst), unitless. Other values raise
  ValueError. The random numbers do not depend on the severity, so that with one seed the same
  damage grows with the severity.
- mask: None if the damage is everywhere. Else the opacity of a local damage, float32 (H, W) in [0,
  1]; it is above 0 at every changed pixel.

Sizes are relative to the long side: a scan of twice the resolution shows the same scratch twice as
wide. Random fields are made at a fixed size (such as GRID_PX pixels on the long side), then
enlarged.

DEGRADATIONS has the order in which an object suffers them: changes of the paint, accidents, then
the capture. LOCAL names degradations that return a mask. FAMILIES groups different models of the
same damage.

CONTRIBUTING.md ("A degradation") says how to add one.
"""

# The order of these imports is the order of DEGRADATIONS.
# isort: off
from patina.tasks.degradations.contract import (
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

__all__ = ["DEGRADATIONS", "FAMILIES", "LOCAL", "Damaged", "Degradation", "Image"]

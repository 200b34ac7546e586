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
mask. Registering a function enrols it in recipes and in the shared tests.
"""

# The order of these imports is the order of DEGRADATIONS.
# isort: off
from tasks.degradations.contract import COLOUR, DEGRADATIONS, LOCAL, Damaged, Degradation, Image
from tasks.degradations import paint as paint
from tasks.degradations import losses as losses
from tasks.degradations import coats as coats
from tasks.degradations import wear as wear
from tasks.degradations import accidents as accidents
from tasks.degradations import growths as growths
from tasks.degradations import handling as handling
from tasks.degradations import dust as dust
from tasks.degradations import optics as optics
from tasks.degradations import capture as capture
# isort: on

__all__ = ["COLOUR", "DEGRADATIONS", "LOCAL", "Damaged", "Degradation", "Image"]

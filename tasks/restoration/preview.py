"""Previews a window of a work as it would be restored, in about a second.

`restorer.analyse` analyses the whole work; only the window passes through the networks. A result
can differ a little from the preview, because in a restoration each step examines the output of the
step before.
"""

from dataclasses import replace

import numpy as np
import pyvips

from patina.models import STRIDE_PX
from patina.tasks.restoration.inpainting import fill_residual
from patina.tasks.restoration.stains import NO_STAINS, Stains, lightened, stains_of
from patina.tasks.restoration.tiling import rows_of
from patina.tasks.restoration.toning import Tone
from patina.tasks.restoration.treatment import Treatment
from patina.tasks.restoration.windows import Window, cut

FIELDS_PX = 32  # side of the fields of tone in a window


def preview_of(
    treatment: Treatment,
    view: np.ndarray,
    window: Window,
    fill: np.ndarray,
    protected: np.ndarray,
    stains: Stains = NO_STAINS,
) -> np.ndarray:
    """A window as it would be restored, float32 (h, w, 3), sRGB in [0, 1].

    view: the original window, in the same form. Detail is corrected only at full size, because
    noise is not visible in a reduced view. fill, protected: bool (h, w), pixels that are
    marked to be filled, and to stay. stains: from `previewed_stains`.
    """
    height, width = view.shape[:2]
    down, across = -height % STRIDE_PX, -width % STRIDE_PX
    filled = np.pad(view, ((0, down), (0, across), (0, 0)), mode="symmetric")
    if treatment.has_correction and (height, width) == (window.height, window.width):
        residual = treatment.capture_network()(filled[None])[0]
        strength = np.float32(treatment.strengths["detail"])
        filled = np.clip(filled + strength * residual, 0, 1)
    filled = _filled(treatment, filled, window, fill)[:height, :width]
    if stains.weight:
        gain = cut(stains.gain, stains.part, window, (height, width))
        filled = lightened(filled, stains.weight * gain)
    toned = _tone_in(treatment, window).applied(filled, (height, width), 0)
    return np.where(protected[..., None], view, np.clip(toned, 0, 1)).astype(np.float32)


def previewed_stains(treatment: Treatment, view: np.ndarray, marks: np.ndarray) -> Stains:
    """The correction of marked stains, as seen in `view` (h, w, 3), the reduced work.

    marks: bool (h, w). Without a network for stains, nothing is corrected.
    """
    network = treatment.networks.get("stains")
    if network is None:
        return NO_STAINS
    mask = pyvips.Image.new_from_array(255 * marks.astype(np.uint8))
    strength, size = treatment.strengths["stains"], (view.shape[0], view.shape[1])
    stains = stains_of(network, rows_of(view), size, mask, strength)
    scale = treatment.size[1] / size[1]
    return replace(stains, part=Window(*(round(edge * scale) for edge in stains.part)))


def _filled(
    treatment: Treatment, filled: np.ndarray, window: Window, fill: np.ndarray
) -> np.ndarray:
    """The window, padded at its ends, with damage and marked pixels filled."""
    damage, size = treatment.damage, fill.shape
    maps = np.zeros((*filled.shape[:2], 4), np.float32)
    if damage is not None:
        whole = Window.whole(treatment.size)
        cracks = np.zeros_like(damage.fill) if damage.cracks is None else damage.cracks
        found = np.dstack([damage.fill, damage.stain, cracks])
        found = cut(found, whole, window, (size[0], size[1]))
        maps[: size[0], : size[1], [0, 1, 3]] = found
    maps[: size[0], : size[1], 2] = fill
    tile = np.concatenate([filled, maps[..., :3]], axis=2)[None]
    change = fill_residual(treatment.networks.get("inpainting"), tile)[0]
    strength = treatment.fill_strength(maps[..., 3:] * (maps[..., 2:3] == 0))
    return np.clip(filled + strength * change, 0, 1)


def _tone_in(treatment: Treatment, window: Window) -> Tone:
    """The tone of the whole work, with its fields cut to a window."""
    whole = Window.whole(treatment.size)
    fields = treatment.tone.fields
    side = (FIELDS_PX, FIELDS_PX)
    pairs = [cut(fields[..., at : at + 3], whole, window, side) for at in (0, 3)]
    return replace(treatment.tone, fields=np.concatenate(pairs, axis=2))

"""Corrects stains: a gain of each colour, which varies over the stain.

The network `stains` predicts the gain from the stained part of the work and its surroundings. A
user marks the stains, or `patina.tasks.restoration.stain_detection` finds them. The picture under
a stain stays visible, so it is not filled.
"""

from dataclasses import dataclass

import numpy as np
import pyvips

from patina.models import STAINS, STRIDE_PX
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.detection import sigmoid, view_size
from patina.tasks.restoration.reduced import reduced_view, resized
from patina.tasks.restoration.stain_input import stain_input
from patina.tasks.restoration.textured import REDUCED
from patina.tasks.restoration.tiling import Network, Rows
from patina.tasks.restoration.user_masks import reduced_mask
from patina.tasks.restoration.windows import Window, cut

VIEW_PX = 512  # long side of the examined part in pixels
MARGIN_SHARE = 0.5  # margin around the marked box that is examined, too, as a share of the box
MIN_SHARE = 0.3  # minimum side of the examined part, as a share of the work's short side


@dataclass(frozen=True)
class Stains:
    """The correction of the stains of a work."""

    part: Window  # which `gain` covers
    gain: np.ndarray  # float32 (h, w, 3), logarithm of the gain, 0 outside the stains
    weight: float = 0.0  # strength of the correction, 0 to 1; 0 if there is no stain
    share: float = 0.0  # stained share of the work
    places: tuple[Record, ...] = ()  # box, share, probability; none if the user marked them
    proposed: tuple[Record, ...] = ()  # the same of stains that are not certain enough
    possible: np.ndarray | None = None  # float32 (h, w), 1 where these are
    found: np.ndarray | None = None  # the same of those in `places`

    def applied(self, view: np.ndarray, top: int) -> np.ndarray:
        """The rows of `view` from `top` on, with the stains corrected."""
        first, last = (
            max(self.part.top, top),
            min(self.part.top + self.part.height, top + len(view)),
        )
        if not self.weight or first >= last:
            return view
        columns = slice(self.part.left, self.part.left + self.part.width)
        rows = slice(first - top, last - top)
        shown = self.part._replace(top=first, height=last - first)
        gain = cut(self.gain, self.part, shown, (shown.height, shown.width))
        result = view.copy()
        result[rows, columns] = lightened(view[rows, columns], self.weight * gain)
        return result

    def record(self) -> Record:
        """The entry in the sidecar: strength, stained share, and the mean gain of each colour.

        If stains are proposed, it has their places; otherwise it is empty if nothing is corrected.
        """
        proposed = {"proposed": [*self.proposed]} if self.proposed else {}
        if not self.weight:
            return {"weight": 0.0, **proposed} if proposed else {}
        marked = self.gain[self.gain.any(axis=2)]
        mean = np.exp(marked.mean(axis=0)) if len(marked) else np.ones(3)
        return {
            "weight": round(self.weight, 4),
            f"{'found' if self.places else 'marked'}_share": round(self.share, 6),
            "mean_gain": [round(float(each), 4) for each in mean],
            **({"found": len(self.places), "places": [*self.places]} if self.places else {}),
            **proposed,
        }


NO_STAINS = Stains(Window(0, 0, 1, 1), np.zeros((1, 1, 3), np.float32))


def lightened(view: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """`view` (..., 3) with a gain, as `patina.models.stains.corrected`, in [0, 1]."""
    floor = np.float32(STAINS.floor)
    return np.clip((view + floor) * np.exp(gain, dtype=np.float32) - floor, 0, 1)


def stains_of(
    network: Network, rows: Rows, size: tuple[int, int], mask: pyvips.Image, strength: float
) -> Stains:
    """The correction of the stains that `mask` marks.

    network: see `patina.models.stains.stains`. rows: gives rows of the work of `size` (height,
    width), sRGB in [0, 1]. mask: one band of that size, 255 at marked pixels, else 0. strength: of
    the correction, 0 to 1.
    """
    left, top, width, height = mask.find_trim(threshold=0, background=[0])
    if not width or not strength:
        return NO_STAINS
    part = _part_around((left, top, width, height), size)
    columns = slice(part.left, part.left + part.width)

    def part_rows(first: int, last: int) -> np.ndarray:
        return rows(part.top + first, part.top + last)[:, columns]

    view = reduced_view(part_rows, part.height, part.width)
    view = resized(view, view_size(view, VIEW_PX))
    gain = gain_of(network, view, reduced_mask(mask.crop(*part), view.shape))
    return Stains(part, gain, strength, float(mask.avg()) / 255)


def gain_of(network: Network, view: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The logarithm of the gain of each colour, float32 (h // 4, w // 4, 3), 0 outside the marks.

    view: float32 (h, w, 3), sRGB in [0, 1]. marks: float32 (h, w), marked share of each pixel.
    """
    padding = [(0, -side % (REDUCED * STRIDE_PX)) for side in view.shape[:2]]
    padded = np.pad(view, (*padding, (0, 0)), mode="symmetric")
    given = stain_input(padded, np.pad(marks, padding, mode="symmetric"))
    output = network(given[None])[0]
    estimate = (given[..., STAINS.estimate] - 0.5) * STAINS.estimate_scale
    gain = (sigmoid(output[..., 3:]) * estimate + output[..., :3]) * given[..., STAINS.mask]
    return np.asarray(gain[: -(-view.shape[0] // REDUCED), : -(-view.shape[1] // REDUCED)])


def _part_around(box: tuple[int, int, int, int], size: tuple[int, int]) -> Window:
    """The part to examine around the marked box (left, top, width, height)."""
    edges = []
    for start, length, side in zip(box[:2], box[2:], size[::-1], strict=True):
        wanted = max(length * (1 + 2 * MARGIN_SHARE), MIN_SHARE * min(size))
        first = max(0, round(start + length / 2 - wanted / 2))
        last = min(side, round(start + length / 2 + wanted / 2))
        edges.append((first, last - first))
    (left, width), (top, height) = edges
    return Window(left, top, width, height)

"""The training samples of `stain_segmentation`: parts of works with stains, and their masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.training import accidents, capture, library
from patina.tasks.training.curriculum import Rng, Sample
from patina.tasks.training.staining import RANDOM, STAIN_DEGRADATIONS
from patina.tasks.training.works import Work, draw_part, turned

PART_PX, SIDE_PX = 448, 256  # sides of the part of a work that is stained, and of a sample
PART_SHARE = (0.45, 1.0)  # limits of the side of this part, as a share of the work's short side
CUTS = 2  # samples of one stained part
LEAST_SEVERITY = 0.3
# A change is visible from the first value on, fully from the sum of both on
FAINT, CLEAR = 0.015, 0.04
MIN_STAINED_SHARE, MAX_STAINED_SHARE = 0.01, 0.8  # of the part, and limits for a sample
TRIES = 4  # number of draws until a part or a sample has such a share
OUTLINED_FROM = 0.4  # pixels with a larger stained share are inside the outline


@dataclass(frozen=True)
class StainMasks:
    """Training samples of `stain_segmentation`.

    kinds: kind of stain -> (weight, None). batches_per_block: see `curriculum.Curriculum`.
    """

    kinds: Mapping[str, tuple[float, None]]
    batches_per_block: int = 8 * CUTS

    def samples(self, works: Sequence[Work], rng: Rng, kind: str) -> list[Sample]:
        """CUTS samples of one part of a work, uint8.

        The sample (256, 256, 3) and its target (128, 128, 3): the share of each pixel that is
        stained, the outline of the stains, and the weight of each pixel, which is 255.
        """
        clean = _varied(draw_part(works, rng, PART_PX, PART_SHARE), rng)
        twin, mask = stained(kind, clean, rng)
        if rng.random() < 0.3:
            twin = (twin + capture.noisy(twin, rng)) / 2
        return [_cut(twin, mask, rng) for _ in range(CUTS)]


def stained(kind: str, clean: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """`clean` with visible stains, and their mask, float32 (h, w) in [0, 1].

    kind: of STAIN_DEGRADATIONS, RANDOM, or SOUND for no stain.
    """
    if kind == SOUND:
        return clean, np.zeros(clean.shape[:2], np.float32)
    for _ in range(TRIES):
        if kind == RANDOM:
            unit_px = max(clean.shape) / 500 * float(rng.uniform(1, 2))
            twin, cover = accidents.damaged(clean, rng, unit_px, "stain")
        else:
            twin, drawn = library.degraded(STAIN_DEGRADATIONS[kind], clean, rng, LEAST_SEVERITY)
            cover = np.asarray(drawn)  # all of STAIN_DEGRADATIONS are local
        change = cv2.blur(np.abs(twin - clean).max(axis=2), (9, 9))
        mask = library.mask_of(cover) * np.clip((change - FAINT) / CLEAR, 0, 1)
        if (mask > 0.5).mean() > MIN_STAINED_SHARE:
            break
    return twin, mask.astype(np.float32)


def _varied(clean: np.ndarray, rng: Rng) -> np.ndarray:
    """A part of a work, often with a varied brightness or slightly other colours."""
    if rng.random() < 0.3:
        clean = clean ** np.float32(10 ** rng.uniform(-0.15, 0.15))
    if rng.random() < 0.5:
        clean = clean * (1 + rng.normal(0, 0.08, 3).astype(np.float32))
    return np.clip(clean, 0, 1).astype(np.float32)


def _cut(twin: np.ndarray, mask: np.ndarray, rng: Rng) -> Sample:
    """A random square of a part, with some of the stain in it if there is one."""
    for _ in range(TRIES):
        top, left = (int(rng.integers(PART_PX - SIDE_PX + 1)) for _ in range(2))
        place = np.s_[top : top + SIDE_PX, left : left + SIDE_PX]
        share = float((mask[place] > 0.5).mean())
        if MIN_STAINED_SHARE < share < MAX_STAINED_SHARE or not mask.any():
            break
    shown = cv2.resize(mask[place], (SIDE_PX // 2,) * 2, interpolation=cv2.INTER_AREA)
    inside = (shown > OUTLINED_FROM).astype(np.uint8)
    square = np.ones((3, 3), np.uint8)
    outline = cv2.dilate(inside, square) - cv2.erode(inside, square)
    target = np.dstack([shown, outline, np.ones_like(shown)])
    return turned((np.clip(twin[place], 0, 1), target), rng)


STAIN_MASKS = StainMasks(
    {
        "spill": (0.28, None),
        "stain": (0.2, None),
        "tape": (0.1, None),
        RANDOM: (0.12, None),
        "growth": (0.04, None),
        SOUND: (0.26, None),
    }
)

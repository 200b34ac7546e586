"""The training samples of `areas`: small views of works that are partly hidden by blots, tape,
losses, holes or stains.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from patina.models import AREA_CLASSES
from patina.tasks.degradations import DEGRADATIONS
from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.restoration.textured import REDUCED, textured
from patina.tasks.training import accidents, capture, library
from patina.tasks.training.curriculum import (
    CAPTURES,
    HARD_SHARE,
    SEGMENTATION_DEGRADATIONS,
    Painted,
    Rng,
    Sample,
    hard_works_painted,
)
from patina.tasks.training.works import Work, draw_part, turned

COVERING = {  # degradations of the library for `areas`, by class
    "area": ("blot", "tape", "hole", "paint_loss"),
    "stain": SEGMENTATION_DEGRADATIONS["stain"],
}
PART_PX = 512  # side of the square part of a work that is damaged
PART_SHARE = (0.7, 1.0)  # limits of the side of this part, as a share of the work's short side
MIN_DAMAGED_SHARE = 0.002  # share of the part in which damage must be visible
TRIES = 4  # number of draws until so much damage is visible
VARIED = 8  # samples of one damaged part: rotated, mirrored, with slightly other colours


@dataclass(frozen=True)
class Views:
    """Training samples of `areas`: small views of works that are partly hidden by damage.

    kinds: class -> (weight, None). batches_per_block: see `curriculum.Curriculum`.
    """

    kinds: dict[str, tuple[float, None]]
    batches_per_block: int = 4 * VARIED

    def samples(self, works: Sequence[Work], rng: Rng, kind: str) -> list[Sample]:
        """VARIED samples of one part of a work, uint8.

        The view (128, 128, 6), see `patina.tasks.restoration.textured`, and the target (128, 128,
        3): the masks of AREA_CLASSES, and the weight of each pixel, 0 to 255. The weight is 0 where
        the work is covered, but hardly differs from the undamaged work.
        """
        hard = hard_works_painted() if kind == SOUND and rng.random() < HARD_SHARE else ()
        clean = _clean_part(hard or works, rng)
        twin, mask, weights = _covered(kind, clean, rng)
        masks = [mask * (name == kind) for name in AREA_CLASSES]
        target = np.dstack([*masks, weights])
        side = PART_PX // REDUCED
        target = cv2.resize(target, (side, side), interpolation=cv2.INTER_AREA)
        way = rng.random()
        if way < 0.25:
            twin = (twin + capture.noisy(twin, rng)) / 2
        elif way < 0.45:
            twin = CAPTURES[1 + int(way < 0.35)](twin, rng)
        view = textured(np.clip(twin, 0, 1).astype(np.float32))
        return [_varied(view, target, rng) for _ in range(VARIED)]


def _clean_part(works: Sequence[Work | Painted], rng: Rng) -> np.ndarray:
    """A square part of a random work, resized to PART_PX; a quarter have varied colours."""
    image = draw_part(works, rng, PART_PX, PART_SHARE)
    if rng.random() < 0.25:
        image = image ** np.float32(10 ** rng.uniform(-0.12, 0.12))
        image = image * (1 + rng.normal(0, 0.05, 3).astype(np.float32))
    return np.clip(image, 0, 1)


def _covered(kind: str, clean: np.ndarray, rng: Rng) -> tuple[np.ndarray, ...]:
    """`clean` with a visible area or stain; its mask; the weight of each pixel; both (h, w)."""
    if kind == SOUND:
        empty = np.zeros(clean.shape[:2], np.float32)
        return clean, empty, empty + 1
    for _ in range(TRIES):
        if rng.random() < 0.45:
            unit_px = PART_PX / 1000 * float(rng.uniform(1, 2.2))
            twin, cover = accidents.damaged(clean, rng, unit_px, kind)
        else:
            names, severity = COVERING[kind], float(rng.uniform(0.25, 1))
            name = names[int(rng.integers(len(names)))]
            twin, drawn = DEGRADATIONS[name](clean, rng, severity=severity)
            cover = np.asarray(drawn)  # all of COVERING are local
        change = cv2.blur(np.abs(twin - clean).max(axis=2), (9, 9))
        mask = library.mask_of(cover) * np.clip((change - 0.03) / 0.05, 0, 1)
        if (mask > 0.5).mean() > MIN_DAMAGED_SHARE:
            break
    return twin, mask, 1 - ((change > 0.01) & (mask < 0.5)).astype(np.float32)


def _varied(view: np.ndarray, target: np.ndarray, rng: Rng) -> Sample:
    """A sample: rotated, mirrored, and with slightly other colours."""
    shown = view.copy()
    tint = 1 + rng.normal(0, 0.06, 3).astype(np.float32)
    shown[..., :3] = shown[..., :3] * tint + rng.normal(0, 0.03, 3).astype(np.float32)
    return turned((shown, target), rng)


AREAS = Views({"area": (0.4, None), "stain": (0.3, None), SOUND: (0.3, None)})

"""The training samples of `stains`: views of works with stains, and a rough mask of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from patina.tasks.degradations import FAMILIES
from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.restoration.stain_input import first_fill, with_estimate
from patina.tasks.restoration.textured import REDUCED, textured
from patina.tasks.training import accidents, capture, library
from patina.tasks.training.curriculum import Rng, Sample
from patina.tasks.training.works import Work, draw_part, turned

# Degradations of the library, by kind of stain
STAIN_DEGRADATIONS = {
    **{name: FAMILIES[name] for name in ("spill", "stain", "growth")},
    "tape": ("tape",),
}
RANDOM = "random"  # the kind of the stains in `accidents`
PART_PX = 512  # side of the square part of a work that is stained
PART_SHARE = (0.3, 1.0)  # limits of the side of this part, as a share of the work's short side
VARIED = 4  # samples of one stained part: rotated, mirrored, with slightly other colours
MIN_COVER = 0.02  # pixels with a stronger stain are marked
MAX_MARGIN_PX = 24  # maximum width that is marked around a stain


@dataclass(frozen=True)
class Stained:
    """Training samples of `stains`.

    kinds: kind of stain -> (weight, None). batches_per_block: see `curriculum.Curriculum`.
    """

    kinds: Mapping[str, tuple[float, None]]
    batches_per_block: int = 4 * VARIED

    def samples(self, works: Sequence[Work], rng: Rng, kind: str) -> list[Sample]:
        """VARIED samples of one part of a work, uint8.

        The input of `patina.models.stains.stains` (128, 128, STAINS.channels), and the view without
        stains (128, 128, 3).
        """
        clean = draw_part(works, rng, PART_PX, PART_SHARE)
        if kind == SOUND:
            twin, cover = clean, accidents.area(clean.shape[:2], rng, PART_PX / 500)
        elif kind == RANDOM:
            twin, cover = accidents.damaged(clean, rng, PART_PX / 500, "stain")
        else:
            twin, drawn = library.degraded(STAIN_DEGRADATIONS[kind], clean, rng, 0.25)
            cover = np.asarray(drawn)  # all of STAIN_DEGRADATIONS are local
        mask = marked(cover, rng)
        if rng.random() < 0.3:
            twin = (twin + capture.noisy(twin, rng)) / 2
        given, mask = textured(np.clip(twin, 0, 1).astype(np.float32)), _reduced(mask)[..., None]
        filled, target = first_fill(given[..., :3], mask), _reduced(clean)
        return [_varied(given, mask, filled, target, rng) for _ in range(VARIED)]


def marked(cover: np.ndarray, rng: Rng) -> np.ndarray:
    """A mask as a person would draw it: all of the stain, and a margin of random width.

    cover: float32 (h, w) in [0, 1]. Returns float32 (h, w), 0 or 1.
    """
    margin_px = float(rng.uniform(2, MAX_MARGIN_PX))
    wide = cv2.GaussianBlur((cover > MIN_COVER).astype(np.float32), (0, 0), margin_px / 2)
    rough = 0.06 * accidents.smooth(cover.shape, rng, margin_px * 2)
    return (wide + rough > rng.uniform(0.08, 0.2)).astype(np.float32)


def _reduced(image: np.ndarray) -> np.ndarray:
    side = PART_PX // REDUCED
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)


def _varied(
    given: np.ndarray, mask: np.ndarray, filled: np.ndarray, target: np.ndarray, rng: Rng
) -> Sample:
    """A sample: rotated, mirrored, and with slightly other colours."""
    tint = 1 + rng.normal(0, 0.08, 3).astype(np.float32)
    offset = rng.normal(0, 0.03, 3).astype(np.float32)
    colours, filled, target = (
        np.clip(each * tint + offset, 0, 1) for each in (given[..., :3], filled, target)
    )
    view = with_estimate(np.dstack([colours, given[..., 3:]]), mask, filled)
    return turned((view, target), rng)


STAINING = Stained(
    {
        "spill": (0.3, None),
        "stain": (0.25, None),
        "growth": (0.12, None),
        "tape": (0.1, None),
        RANDOM: (0.18, None),
        SOUND: (0.05, None),
    }
)

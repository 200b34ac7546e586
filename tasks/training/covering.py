"""What `areas` is shown: small views of works that something covers in part."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from patina.models import AREA_CLASSES
from patina.tasks.degradations import DEGRADATIONS
from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.imaging.images import to_uint8
from patina.tasks.restoration.textured import REDUCED, textured
from patina.tasks.training import accidents, capture
from patina.tasks.training.curriculum import (
    CAPTURES,
    HARD_SHARE,
    LIBRARY,
    Painted,
    Rng,
    Sample,
    hard_works_painted,
)
from patina.tasks.training.works import Work

COVERING = {  # degradations of the library that `areas` is shown, by class
    "area": ("blot", "tape", "hole", "paint_loss"),
    "stain": LIBRARY["stain"],
}
COVERED_PX = 512  # side of the square part of a work that is damaged
COVERED_SHARE = (0.7, 1.0)  # of the work's short side
COVERED_LEAST = 0.002  # of it, that must be seen to be damaged
COVERED_TRIES = 4
VARIED = 8  # samples made of one damaged part: turned, mirrored, of slightly other colours


@dataclass(frozen=True)
class Views:
    """Small views of works that something covers in part, as `areas` is given them."""

    families: dict[str, tuple[float, None]]
    cuts: int = 4 * VARIED  # batches of a block, so that each shows many works

    def samples(self, works: Sequence[Work], rng: Rng, family: str) -> list[Sample]:
        """VARIED times uint8 (128, 128, 6), see `textured`, and (128, 128, 3): masks, what counts.

        What is covered and hardly differs from the sound work counts for nothing.
        """
        hard = hard_works_painted() if family == SOUND and rng.random() < HARD_SHARE else ()
        clean = _covered_part(hard or works, rng)
        twin, mask, counts = _covered(family, clean, rng)
        masks = [mask * (name == family) for name in AREA_CLASSES]
        target = np.dstack([*masks, counts])
        side = COVERED_PX // REDUCED
        target = cv2.resize(target, (side, side), interpolation=cv2.INTER_AREA)
        way = rng.random()
        if way < 0.25:
            twin = (twin + capture.noisy(twin, rng)) / 2
        elif way < 0.45:
            twin = CAPTURES[1 + int(way < 0.35)](twin, rng)
        view = textured(np.clip(twin, 0, 1).astype(np.float32))
        return [_varied(view, target, rng) for _ in range(VARIED)]


def _covered_part(works: Sequence[Work | Painted], rng: Rng) -> np.ndarray:
    """A square part of a random work, COVERED_PX on each side, colours varied in a quarter."""
    pixels = works[int(rng.integers(len(works)))].pixels
    side = int(min(pixels.shape[:2]) * rng.uniform(*COVERED_SHARE))
    top, left = (int(rng.integers(length - side + 1)) for length in pixels.shape[:2])
    part = np.asarray(pixels[top : top + side, left : left + side])
    way = cv2.INTER_AREA if side > COVERED_PX else cv2.INTER_LINEAR
    image = cv2.resize(part, (COVERED_PX, COVERED_PX), interpolation=way).astype(np.float32) / 255
    if rng.random() < 0.25:
        image = image ** np.float32(10 ** rng.uniform(-0.12, 0.12))
        image = image * (1 + rng.normal(0, 0.05, 3).astype(np.float32))
    return np.clip(image, 0, 1)


def _covered(family: str, clean: np.ndarray, rng: Rng) -> tuple[np.ndarray, ...]:
    """`clean` with an area or a stain that is seen; its mask; what counts, 0 to 1, both (h, w)."""
    if family == SOUND:
        nothing = np.zeros(clean.shape[:2], np.float32)
        return clean, nothing, nothing + 1
    for _ in range(COVERED_TRIES):
        if rng.random() < 0.45:
            unit_px = COVERED_PX / 1000 * float(rng.uniform(1, 2.2))
            twin, cover = accidents.damaged(clean, rng, unit_px, family)
        else:
            names, severity = COVERING[family], float(rng.uniform(0.25, 1))
            name = names[int(rng.integers(len(names)))]
            twin, drawn = DEGRADATIONS[name](clean, rng, severity=severity)
            cover = np.asarray(drawn)  # all of COVERING are local
        change = cv2.blur(np.abs(twin - clean).max(axis=2), (9, 9))
        mask = np.clip((cover - 0.03) / 0.17, 0, 1) * np.clip((change - 0.03) / 0.05, 0, 1)
        if (mask > 0.5).mean() > COVERED_LEAST:
            break
    return twin, mask, 1 - ((change > 0.01) & (mask < 0.5)).astype(np.float32)


def _varied(view: np.ndarray, target: np.ndarray, rng: Rng) -> Sample:
    shown = view.copy()
    tint = 1 + rng.normal(0, 0.06, 3).astype(np.float32)
    shown[..., :3] = shown[..., :3] * tint + rng.normal(0, 0.03, 3).astype(np.float32)
    turn, mirrored = int(rng.integers(4)), int(rng.choice([-1, 1]))
    return tuple(to_uint8(np.rot90(each[:, ::mirrored], turn)) for each in (shown, target))


AREAS = Views({"area": (0.4, None), "stain": (0.3, None), SOUND: (0.3, None)})

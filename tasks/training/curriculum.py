"""The training samples of each network: kinds of damage, drawn with given weights.

This module does not import Keras, so that the processes that make batches stay small. A curriculum
can be pickled and sent to them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, Protocol

import cv2
import numpy as np

from patina.models import CLASSES
from patina.models import TONE as TONE_GRID
from patina.tasks.degradations import FAMILIES
from patina.tasks.evaluation.hard_works import HARD_WORKS, SOUND, paint
from patina.tasks.imaging.images import to_uint8, view_of
from patina.tasks.restoration.inpainting import classical_fill
from patina.tasks.training import accidents, ageing, capture, library
from patina.tasks.training.works import Work, draw_crop

Rng = np.random.Generator
Sample = tuple[np.ndarray, ...]
Draw = Callable[[np.ndarray, Rng], np.ndarray]
HELD_BACK = 24  # number of held-back samples of each kind
HELD_BACK_SEED = 2**31  # never the seed of a training
GREY_SHARE = 0.08  # share of the crops that are made grey, like photographs and drawings


class Curriculum(Protocol):
    """The training samples of one network."""

    @property
    def kinds(self) -> Mapping[str, tuple[float, Any]]:
        """The kinds of samples by name; the first value is the weight with which one is drawn."""

    @property
    def batches_per_block(self) -> int:
        """Number of batches that are made and shuffled together.

        It is at least the number of samples that `samples` draws from one work, so that each batch
        contains many works.
        """

    def samples(self, works: Sequence[Work], rng: Rng, kind: str) -> list[Sample]:
        """Draw some samples of a kind from one work: tuples of uint8 arrays (h, w, C)."""


def make_batches(
    curriculum: Curriculum, works: Sequence[Work], size: int, seed: int, block: int
) -> list[Sample]:
    """Make the batches of a block: tuples of uint8 arrays (size, h, w, C).

    block: number of the block. The batches depend only on the seed and the block.
    """
    rng = np.random.default_rng([seed, block])
    weights = np.array([kind[0] for kind in curriculum.kinds.values()])
    drawn: list[Sample] = []
    wanted = size * curriculum.batches_per_block
    while len(drawn) < wanted:
        kind = rng.choice(list(curriculum.kinds), p=weights / weights.sum())
        drawn += curriculum.samples(works, rng, str(kind))
    order = rng.permutation(wanted)
    return [
        _stacked([drawn[number] for number in order[start : start + size]])
        for start in range(0, wanted, size)
    ]


def held_back_samples(curriculum: Curriculum, works: Sequence[Work]) -> dict[str, Sample]:
    """HELD_BACK samples of each kind, uint8 (HELD_BACK, h, w, C), the same in each training.

    Their random numbers differ from those of all training batches. works: the stage train passes
    validation works, if there are any; `make weights` passes the training works.
    """
    return {
        kind: _stacked(_first(curriculum, works, kind, number))
        for number, kind in enumerate(curriculum.kinds)
    }


def _first(curriculum: Curriculum, works: Sequence[Work], kind: str, number: int) -> list[Sample]:
    rng = np.random.default_rng([HELD_BACK_SEED, number])
    drawn: list[Sample] = []
    while len(drawn) < HELD_BACK:
        drawn += curriculum.samples(works, rng, kind)
    return drawn[:HELD_BACK]


def _stacked(samples: Sequence[Sample]) -> Sample:
    return tuple(np.stack(each) for each in zip(*samples, strict=True))


@dataclass(frozen=True)
class Capture:
    """Training samples of the networks for a capture: patches with its damage.

    kinds: name -> (weight, function that damages a crop). side_px: side of a patch. soft_share:
    share of the crops that are blurred in the input and in the target. batches_per_block: see
    Curriculum.
    """

    kinds: dict[str, tuple[float, Draw]]
    side_px: int = 64
    soft_share: float = 0.0
    batches_per_block: int = 1

    def samples(self, works: Sequence[Work], rng: Rng, kind: str) -> list[Sample]:
        """One sample: the damaged and the undamaged patch, both uint8 (side, side, 3)."""
        crop = draw_crop(works, rng, self.side_px + 2 * capture.MARGIN_PX)
        if rng.random() < GREY_SHARE:
            crop = np.repeat(crop.mean(axis=2, keepdims=True), 3, axis=2)
        if rng.random() < self.soft_share:
            crop = np.clip(capture.blurred(crop, rng), 0, 1)
        damaged = self.kinds[kind][1](crop, rng)
        inner = slice(capture.MARGIN_PX, -capture.MARGIN_PX)
        return [tuple(to_uint8(each[inner, inner]) for each in (damaged, crop))]


NOISE = Capture(
    {
        "white": (0.34, capture.white_noise),
        "sensor": (0.18, capture.sensor_noise),
        "blotchy": (0.16, capture.blotchy_noise),
        "grain": (0.16, capture.grain),
        "compressed": (0.1, capture.noisy_compressed),
        SOUND: (0.06, capture.undamaged),
    },
    soft_share=0.15,
)
COMPRESSED_NOISE = Capture(
    {
        "white": (0.24, capture.white_noise),
        "sensor": (0.13, capture.sensor_noise),
        "blotchy": (0.11, capture.blotchy_noise),
        "grain": (0.11, capture.grain),
        "library": (0.17, capture.library_noise),
        "compressed": (0.18, capture.noisy_recompressed),
        SOUND: (0.06, capture.undamaged),
    },
    soft_share=0.15,
)
BLUR = Capture(
    {
        "gaussian": (0.24, partial(capture.blurred, models=(capture.gaussian_blur,))),
        "defocus": (0.22, partial(capture.blurred, models=(capture.defocus,))),
        "motion": (0.34, partial(capture.blurred, models=(capture.motion_blur,))),
        "soft_scan": (0.16, partial(capture.blurred, models=(capture.soft_scan,))),
        SOUND: (0.04, capture.undamaged),
    }
)
JPEG = Capture({"jpeg": (0.96, capture.compressed_on_grid), SOUND: (0.04, capture.undamaged)})

SEGMENTATION_DEGRADATIONS = {  # degradations of the library for `segmentation`, by class
    "line": FAMILIES["line"],
    "spot": ("dust", "foxing", "mould"),
    "area": ("paint_loss", "blot", "tape", "hole"),
    "stain": ("stain", "water_spill", "tideline", "damp_stain"),
    "crack": FAMILIES["crack"],
}
SHEET_PX = 512  # side of the part of a work on which damage is drawn, before patches are cut
WORK_PX = (500, 1400)  # long side to which a work is resized, drawn at random
MIN_SHEET_PX = 224  # side of the part of a long, narrow work; no patch is larger
CUTS = 4  # patches that are cut from one sheet
HARD_SHARE = 0.4  # share of HARD_WORKS in the undamaged sheets
HARD_SEEDS = ((101, 900), (202, 640))  # seeds and long sides in pixels of HARD_WORKS


@dataclass(frozen=True)
class Painted:
    """One of HARD_WORKS; its pixels are computed at the first access."""

    name: str
    size_px: int
    seed: int

    @cached_property
    def pixels(self) -> np.ndarray:
        """uint8 (H, W, 3), sRGB, kept in memory."""
        return paint(self.name, self.size_px, self.seed)


@dataclass(frozen=True)
class Accidents:
    """Training samples of `segmentation`: patches with accidental damage, and their masks.

    kinds: class -> (weight, None). side_px: side of a patch. noisy_share: share of the sheets
    that also have noise, blur or JPEG artefacts. batches_per_block: see Curriculum.
    """

    kinds: dict[str, tuple[float, None]]
    side_px: int
    noisy_share: float
    batches_per_block: int = CUTS

    def samples(self, works: Sequence[Work], rng: Rng, kind: str) -> list[Sample]:
        """CUTS samples of one sheet, uint8.

        The damaged and the undamaged patch, both (side, side, 3), and the mask of each of CLASSES,
        (side, side, len(CLASSES)), 0 to 255.
        """
        hard = hard_works_painted() if kind == SOUND and rng.random() < HARD_SHARE else ()
        clean, unit_px = draw_sheet(hard or works, rng)
        twin, masks = clean, np.zeros((*clean.shape[:2], len(CLASSES)), np.float32)
        if kind != SOUND:
            twin, mask = damage_of(kind, rng, clean, unit_px)
            masks[..., CLASSES.index(kind)] = mask
        if rng.random() < self.noisy_share:
            twin = CAPTURES[int(rng.integers(len(CAPTURES)))](twin, rng)
        layers = np.dstack([to_uint8(twin), to_uint8(clean), to_uint8(masks)])
        cuts = [_cut(layers, rng, self.side_px) for _ in range(CUTS)]
        return [(cut[..., :3], cut[..., 3:6], cut[..., 6:]) for cut in cuts]


CAPTURES: tuple[Draw, ...] = (
    capture.noisy,
    capture.blurred,
    lambda image, rng: capture.compressed(np.clip(image, 0, 1), rng, 30, 95),
)


@cache
def hard_works_painted() -> tuple[Painted, ...]:
    """Undamaged works that look damaged; their seeds differ from those of the promotion gate."""
    return tuple(
        Painted(name, size_px, seed) for name in sorted(HARD_WORKS) for seed, size_px in HARD_SEEDS
    )


def draw_sheet(works: Sequence[Work | Painted], rng: Rng) -> tuple[np.ndarray, float]:
    """Draw a square part of a random work, float32 (h, w, 3) in [0, 1], and its unit.

    The unit is a thousandth of the long side of the resized work, in pixels. The long side is drawn
    from WORK_PX; it is larger for a long, narrow work, so that the part is no smaller than
    MIN_SHEET_PX.
    """
    work = works[int(rng.integers(len(works)))]
    long_px = rng.uniform(*WORK_PX)
    share = min(1.3, long_px / max(work.pixels.shape[:2]))
    share = max(share, MIN_SHEET_PX / min(work.pixels.shape[:2]))
    side = min(SHEET_PX, int(min(work.pixels.shape[:2]) * share))
    crop = draw_crop([work], rng, side, (share, share))
    return crop, share * max(work.pixels.shape[:2]) / 1000


def damage_of(kind: str, rng: Rng, clean: np.ndarray, unit_px: float) -> tuple[np.ndarray, ...]:
    """`clean` with damage of the class `kind`, and the mask of the damage.

    clean: float32 (h, w, 3), sRGB in [0, 1]. unit_px: about a thousandth of the long side of the
    work, in pixels. The damage is one of SEGMENTATION_DEGRADATIONS or of `accidents`. The mask is
    float32 (h, w) in [0, 1].
    """
    if rng.random() < 0.5:
        return accidents.damaged(clean, rng, unit_px, kind)
    twin, cover = library.degraded(SEGMENTATION_DEGRADATIONS[kind], clean, rng)
    assert cover is not None  # all of SEGMENTATION_DEGRADATIONS are local
    shown = library.mask_of(cover) * accidents.visible(clean, twin)
    return twin, shown.astype(np.float32)


def _cut(layers: np.ndarray, rng: Rng, side_px: int) -> np.ndarray:
    """A square of `layers`; in three of four draws around damage."""
    marked = np.argwhere(layers[::4, ::4, 6:].max(axis=2) > 127) * 4
    low = np.zeros(2, int)
    high = np.array(layers.shape[:2]) - side_px
    if len(marked) and rng.random() < 0.75:
        corner = marked[rng.integers(len(marked))] - rng.integers(side_px, size=2)
    else:
        corner = rng.integers(low, high + 1)
    top, left = np.clip(corner, low, high)
    return np.ascontiguousarray(layers[top : top + side_px, left : left + side_px])


@dataclass(frozen=True)
class Fills:
    """Training samples of `inpainting`: damaged patches, their classical fill, and the mask.

    kinds: class -> (weight, None). side_px: side of a patch. batches_per_block: see Curriculum.
    """

    kinds: dict[str, tuple[float, None]]
    side_px: int = 96
    batches_per_block: int = CUTS

    def samples(self, works: Sequence[Work], rng: Rng, kind: str) -> list[Sample]:
        """Up to CUTS samples of one sheet, uint8.

        The input of the network, (side, side, 7), see `patina.models.inpainting.inpainting`, and
        the undamaged patch, (side, side, 3).
        """
        drawn = Accidents(self.kinds, self.side_px, 0.0).samples(works, rng, kind)
        found: list[Sample] = []
        for twin, clean, masks in drawn:
            mask = (masks.max(axis=2) > 40).astype(np.uint8)
            if mask.sum() < 12:
                continue
            margin = int(rng.integers(0, 3))
            mask = cv2.dilate(mask, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
            fill = twin if kind == "stain" else classical_fill(twin, mask)
            found.append((np.dstack([twin, fill, mask * 255]), clean))
        return found


SEGMENTATION = Accidents(
    {
        "line": (0.16, None),
        "spot": (0.1, None),
        "area": (0.12, None),
        "stain": (0.08, None),
        "crack": (0.08, None),
        SOUND: (0.46, None),
    },
    side_px=128,
    noisy_share=0.35,
)
INPAINTING = Fills(
    {"line": (0.35, None), "spot": (0.2, None), "area": (0.3, None), "stain": (0.15, None)}
)


@dataclass(frozen=True)
class Colours:
    """Training samples of `tone`: small views of works with changed colours.

    kinds: name -> (weight, function that changes a view). batches_per_block: see Curriculum.
    """

    kinds: dict[str, tuple[float, Draw]]
    batches_per_block: int = 1

    def samples(self, works: Sequence[Work], rng: Rng, kind: str) -> list[Sample]:
        """One sample: the changed and the unchanged view, both uint8 (128, 128, 3)."""
        small = works[int(rng.integers(len(works)))].small
        height, width = (int(side * rng.uniform(0.55, 1)) for side in small.shape[:2])
        top, left = (
            int(rng.integers(side - part + 1))
            for side, part in zip(small.shape[:2], (height, width), strict=True)
        )
        part = small[top : top + height, left : left + width]
        part = part[:, ::-1] if rng.random() < 0.5 else part
        part = np.rot90(part, int(rng.integers(4)) if rng.random() < 0.3 else 0)
        view = view_of(np.ascontiguousarray(part), TONE_GRID.view_px).astype(np.float32) / 255
        changed = self.kinds[kind][1](view, rng)
        if rng.random() < 0.5:
            changed = changed + rng.standard_normal(view.shape, np.float32) * np.float32(
                rng.uniform(0, 5) / 255
            )
        return [(to_uint8(changed), to_uint8(view))]


TONE = Colours(
    {
        "fading": (0.22, ageing.one_of(ageing.FADING)),
        "varnish": (0.16, ageing.one_of(ageing.VARNISH)),
        "veil": (0.09, ageing.one_of(ageing.VEIL)),
        "light": (0.09, ageing.one_of(ageing.LIGHT)),
        "several": (0.14, ageing.several),
        SOUND: (0.3, ageing.unchanged),
    }
)
TONE_FULL = Colours(TONE.kinds | {SOUND: (0.045, ageing.unchanged)})

"""How each network is built, which samples it is trained on, and how its gain is measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np

from patina.models import NETWORKS, ROLES, losses, tone
from patina.models.inpainting import compose
from patina.models.registry import build
from patina.tasks.training import covering, curriculum
from patina.tasks.training.curriculum import Curriculum

Arrays = Sequence[np.ndarray]
Pictures = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
SHOWN_DIFFERENCE = 4  # times that it is


@dataclass(frozen=True)
class Specialist:
    """How a network is trained.

    network: of NETWORKS. curriculum: its training samples. loss: of (target, output), one value for
    each image. targets: turns the arrays of a batch into the input and the target. gain: of (input,
    target, output), in dB or as a coefficient, for each image. pictures: of the same arguments,
    four batches of pictures (N, h, w, 3): before, after, the truth, and the damage map. batch:
    samples in a batch. steps: number of steps from scratch for a training of minutes; a training of
    hours has many times as many.
    """

    network: str
    curriculum: Curriculum
    loss: Callable
    targets: Callable[[Arrays], tuple[np.ndarray, np.ndarray]]
    gain: Callable[..., np.ndarray]
    pictures: Callable[..., Pictures]
    batch: int = 16
    learning_rate: float = 1e-3
    steps: int = 2000
    width: float = 1.0

    @property
    def role(self) -> str:
        """The role in ROLES; a single network replaces `detail`."""
        return self.network if self.network in ROLES else "detail"

    def build(self) -> keras.Model:
        """A new network."""
        return build(self.network, width=self.width)


def residual_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """(damaged, sound) -> what a network that gives a residual is given, and what it is to give."""
    given, sound = (each.astype(np.float32) / 255 for each in arrays)
    return given, sound - given


def gain_db(given: np.ndarray, target: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """The gain of each image in PSNR, dB; an error of less than 50 dB counts as 50 dB."""
    before = np.mean(target**2, axis=(1, 2, 3)) + 1e-5
    after = np.mean((target - residual) ** 2, axis=(1, 2, 3)) + 1e-5
    return 10 * np.log10(before / after)


def residual_pictures(given: np.ndarray, target: np.ndarray, residual: np.ndarray) -> Pictures:
    """The last picture is the change, around grey."""
    return given, given + residual, given + target, 0.5 + SHOWN_DIFFERENCE * residual


def mask_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """(damaged, sound, masks) -> the damaged image, and the masks."""
    return arrays[0].astype(np.float32) / 255, arrays[2].astype(np.float32) / 255


def overlap(given: np.ndarray, masks: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The soft Dice coefficient of each image; for an undamaged image, minus its false share."""
    likely = 1 / (1 + np.exp(-logits))
    both = (masks * likely).sum(axis=(1, 2, 3))
    dice = 2 * both / ((masks + likely).sum(axis=(1, 2, 3)) + 1e-6)
    return np.where(masks.sum(axis=(1, 2, 3)) < 1, -(likely > 0.5).mean(axis=(1, 2, 3)), dice)


def mask_pictures(given: np.ndarray, masks: np.ndarray, logits: np.ndarray) -> Pictures:
    """The second picture is the likelihood of any damage; the last is its class, as a tint."""
    likely = 1 / (1 + np.exp(-logits))
    found, true = (each.max(axis=3, keepdims=True).repeat(3, axis=3) for each in (likely, masks))
    hues = np.linspace(0, 2 * np.pi, logits.shape[-1], endpoint=False)[:, None] + [0, 2.1, 4.2]
    tints = (0.5 + 0.5 * np.cos(hues)).astype(np.float32)
    return given, found, true, tints[logits.argmax(axis=3)] * found


def area_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """(view, masks and what counts) -> both in [0, 1]."""
    view, target = (each.astype(np.float32) / 255 for each in arrays)
    return view, target


def area_overlap(view: np.ndarray, target: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """As `overlap`, where it counts."""
    counted = np.where(target[..., -1:] > 0.5, logits, -np.inf)
    return overlap(view, target[..., :-1], counted)


def area_pictures(view: np.ndarray, target: np.ndarray, logits: np.ndarray) -> Pictures:
    """As `mask_pictures`."""
    return mask_pictures(view[..., :3], target[..., :-1], logits)


def fill_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """(given, sound) -> what `patina.models.inpainting` is given, and that with the sound image."""
    given, sound = (each.astype(np.float32) / 255 for each in arrays)
    return given, np.concatenate([given, sound], axis=3)


def fill_gain_db(given: np.ndarray, target: np.ndarray, output: np.ndarray) -> np.ndarray:
    """The gain of each fill over the classical fill in PSNR, dB."""
    mask, clean = given[..., 6:], target[..., 7:]
    area = 3 * mask.sum(axis=(1, 2, 3)) + 1
    errors = [
        (mask * (fill - clean) ** 2).sum(axis=(1, 2, 3)) / area + 1e-4
        for fill in (given[..., 3:6], np.asarray(compose(given, output)))
    ]
    return 10 * np.log10(errors[0] / errors[1])


def fill_pictures(given: np.ndarray, target: np.ndarray, output: np.ndarray) -> Pictures:
    """The last picture is the classical fill."""
    mask, image = given[..., 6:], given[..., :3]
    filled = image + mask * (np.asarray(compose(given, output)) - image)
    return image, filled, target[..., 7:], image + mask * (given[..., 3:6] - image)


def tone_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """(changed, sound) -> the changed view, and both."""
    views = [each.astype(np.float32) / 255 for each in arrays]
    return views[0], np.concatenate(views, axis=3)


def tone_gain_db(view: np.ndarray, target: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The gain of each view in PSNR, dB."""
    return gain_db(view, target[..., 3:] - view, np.asarray(tone.compose(view, change)) - view)


def tone_pictures(view: np.ndarray, target: np.ndarray, change: np.ndarray) -> Pictures:
    """The last picture is the change, around grey."""
    toned = np.asarray(tone.compose(view, change))
    return view, toned, target[..., 3:], 0.5 + SHOWN_DIFFERENCE / 2 * (toned - view)


RESIDUAL = (losses.decibels, residual_target, gain_db, residual_pictures)
SPECIALISTS = {
    "detail": Specialist("detail", curriculum.DETAIL, *RESIDUAL),
    "blur": Specialist("blur", curriculum.BLUR, losses.coarse_decibels, *RESIDUAL[1:]),
    "jpeg": Specialist("jpeg", curriculum.JPEG, *RESIDUAL),
    "segmentation": Specialist(
        "segmentation",
        curriculum.SEGMENTATION,
        losses.class_entropy,
        mask_target,
        overlap,
        mask_pictures,
        batch=8,
        learning_rate=7e-4,
    ),
    "areas": Specialist(
        "areas", covering.AREAS, losses.area_error, area_target, area_overlap, area_pictures
    ),
    "inpainting": Specialist(
        "inpainting",
        curriculum.INPAINTING,
        losses.masked_decibels,
        fill_target,
        fill_gain_db,
        fill_pictures,
        learning_rate=5e-4,
    ),
    "tone": Specialist(
        "tone",
        curriculum.TONE,
        losses.colour_error,
        tone_target,
        tone_gain_db,
        tone_pictures,
        batch=32,
    ),
}
SLOWER_STEPS = {"nafnet": 1200}  # in the minutes that others take for more
SINGLE = tuple(sorted(set(NETWORKS) - set(ROLES)))  # networks that do all by themselves


def single(network: str, shown: Curriculum) -> Specialist:
    """A specialist of SINGLE: one network that restores all kinds of damage."""
    known = SPECIALISTS["detail"]
    steps = SLOWER_STEPS.get(network, known.steps)
    return replace(known, network=network, curriculum=shown, steps=steps)

"""How each network is built, which samples it is trained on, and how its gain is measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np

from patina.models import NETWORKS, ROLES, STAINS, losses, stains, tone
from patina.models.inpainting import compose
from patina.models.registry import build
from patina.tasks.training import covering, curriculum, stain_masks, staining
from patina.tasks.training.curriculum import Curriculum

Arrays = Sequence[np.ndarray]
Pictures = dict[str, np.ndarray]  # by caption, float32 (N, h, w, 3)
AMPLIFICATION = 4  # factor for the pictures of a change


@dataclass(frozen=True)
class Specialist:
    """How a network is trained.

    network: its name in NETWORKS. curriculum: its training samples. loss: function of (target,
    output) that returns one value for each image. targets: function that converts the arrays of a
    batch into (input, target). gain: function of (input, target, output) that returns one value for
    each image, in dB or as a coefficient. pictures: function of the same arguments that returns
    four batches of pictures by their captions.
    batch: number of samples in a batch. learning_rate: the maximum from scratch. steps: number of
    batches from scratch, which take minutes (card.md has those of the shipped weights). width:
    factor for the number of channels.
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
        """The role in ROLES; a single network replaces `noise`."""
        return self.network if self.network in ROLES else "noise"

    def build(self) -> keras.Model:
        """Build a new network."""
        return build(self.network, width=self.width)


def residual_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Convert (damaged, undamaged), uint8, to the input and the true residual, float32."""
    damaged, clean = (each.astype(np.float32) / 255 for each in arrays)
    return damaged, clean - damaged


def gain_db(inputs: np.ndarray, target: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """The gain in PSNR of each image, dB, (N,).

    target, residual: the true residual and the predicted one, (N, h, w, 3). Both errors have 10⁻⁵
    added, so that a PSNR above about 50 dB hardly counts.
    """
    before = np.mean(target**2, axis=(1, 2, 3)) + 1e-5
    after = np.mean((target - residual) ** 2, axis=(1, 2, 3)) + 1e-5
    return 10 * np.log10(before / after)


def residual_pictures(inputs: np.ndarray, target: np.ndarray, residual: np.ndarray) -> Pictures:
    """Before, after, the undamaged image, and the amplified residual on grey."""
    return {
        "degraded": inputs,
        "restored": inputs + residual,
        "undamaged": inputs + target,
        f"residual x{AMPLIFICATION}": 0.5 + AMPLIFICATION * residual,
    }


def mask_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Convert (damaged, undamaged, masks), uint8, to the input and the masks, float32."""
    return arrays[0].astype(np.float32) / 255, arrays[2].astype(np.float32) / 255


def overlap(inputs: np.ndarray, masks: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The soft Dice coefficient of each image, (N,), 0 to 1.

    masks, logits: (N, h, w, classes). The value of an undamaged image is minus the share of it that
    is detected as damage.
    """
    probabilities = 1 / (1 + np.exp(-logits))
    both = (masks * probabilities).sum(axis=(1, 2, 3))
    dice = 2 * both / ((masks + probabilities).sum(axis=(1, 2, 3)) + 1e-6)
    false_share = (probabilities > 0.5).mean(axis=(1, 2, 3))
    return np.where(masks.sum(axis=(1, 2, 3)) < 1, -false_share, dice)


def mask_pictures(inputs: np.ndarray, masks: np.ndarray, logits: np.ndarray) -> Pictures:
    """The input, the predicted and the true probability of damage, and its class as a colour."""
    probabilities = 1 / (1 + np.exp(-logits))
    found, true = (
        each.max(axis=3, keepdims=True).repeat(3, axis=3) for each in (probabilities, masks)
    )
    hues = np.linspace(0, 2 * np.pi, logits.shape[-1], endpoint=False)[:, None] + [0, 2.1, 4.2]
    tints = (0.5 + 0.5 * np.cos(hues)).astype(np.float32)
    classes = tints[logits.argmax(axis=3)] * found
    return {"input": inputs, "found damage": found, "true damage": true, "classes": classes}


def area_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Convert (view, masks and weight of each pixel), uint8, to float32 in [0, 1]."""
    view, target = (each.astype(np.float32) / 255 for each in arrays)
    return view, target


def area_overlap(view: np.ndarray, target: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """As `overlap`, for the pixels with a weight above 0.5. target: (N, h, w, classes + 1)."""
    counted = np.where(target[..., -1:] > 0.5, logits, -np.inf)
    return overlap(view, target[..., :-1], counted)


def area_pictures(view: np.ndarray, target: np.ndarray, logits: np.ndarray) -> Pictures:
    """As `mask_pictures`, for `areas`."""
    return mask_pictures(view[..., :3], target[..., :-1], logits)


def stain_mask_pictures(view: np.ndarray, target: np.ndarray, logits: np.ndarray) -> Pictures:
    """The input, and the predicted and the true stains, enlarged to its size."""
    probabilities = 1 / (1 + np.exp(-logits))
    maps = (probabilities[..., :1], target[..., :1], probabilities[..., 1:2])
    found, true, outlines = (
        each.repeat(2, axis=1).repeat(2, axis=2).repeat(3, axis=3) for each in maps
    )
    return {
        "input": view,
        "found stains": found,
        "true stains": true,
        "found outlines": outlines,
    }


def fill_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Convert (input, undamaged), uint8, to the input (7 channels) and the target (10), float32.

    The target is the input followed by the undamaged image, see `losses.masked_decibels`.
    """
    inputs, clean = (each.astype(np.float32) / 255 for each in arrays)
    return inputs, np.concatenate([inputs, clean], axis=3)


def fill_gain_db(inputs: np.ndarray, target: np.ndarray, output: np.ndarray) -> np.ndarray:
    """The gain in PSNR of each fill over the classical fill, inside the mask, dB, (N,)."""
    mask, clean = inputs[..., 6:], target[..., 7:]
    area = 3 * mask.sum(axis=(1, 2, 3)) + 1
    errors = [
        (mask * (fill - clean) ** 2).sum(axis=(1, 2, 3)) / area + 1e-5
        for fill in (inputs[..., 3:6], np.asarray(compose(inputs, output)))
    ]
    return 10 * np.log10(errors[0] / errors[1])


def fill_pictures(inputs: np.ndarray, target: np.ndarray, output: np.ndarray) -> Pictures:
    """Before, after, the undamaged image, and the classical fill."""
    mask, image = inputs[..., 6:], inputs[..., :3]
    filled = image + mask * (np.asarray(compose(inputs, output)) - image)
    classical = image + mask * (inputs[..., 3:6] - image)
    return {
        "damaged": image,
        "filled": filled,
        "undamaged": target[..., 7:],
        "classical fill": classical,
    }


def stain_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Convert (input, view without stains), uint8, to the input and the target, float32.

    The target is the input followed by the view without stains, see `losses.stain_decibels`.
    """
    given, clean = (each.astype(np.float32) / 255 for each in arrays)
    return given, np.concatenate([given, clean], axis=3)


def stain_gain_db(given: np.ndarray, target: np.ndarray, output: np.ndarray) -> np.ndarray:
    """The gain in PSNR of each view, dB, (N,). Outside the mask nothing is changed."""
    view = given[..., :3]
    change = given[..., STAINS.mask] * (np.asarray(stains.corrected(given, output)) - view)
    return gain_db(given, target[..., -3:] - view, change)


def stain_pictures(given: np.ndarray, target: np.ndarray, output: np.ndarray) -> Pictures:
    """Before, after, the view without stains, and the mask."""
    mask, before = given[..., STAINS.mask], given[..., :3]
    after = before + mask * (np.clip(stains.corrected(given, output), 0, 1) - before)
    return {
        "stained": before,
        "corrected": after,
        "undamaged": target[..., -3:],
        "mask": mask.repeat(3, axis=3),
    }


def tone_target(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Convert (changed, unchanged), uint8, to the changed view and both views (6 channels)."""
    views = [each.astype(np.float32) / 255 for each in arrays]
    return views[0], np.concatenate(views, axis=3)


def tone_gain_db(view: np.ndarray, target: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The gain in PSNR of each view, dB, (N,)."""
    return gain_db(view, target[..., 3:] - view, np.asarray(tone.compose(view, change)) - view)


def tone_pictures(view: np.ndarray, target: np.ndarray, change: np.ndarray) -> Pictures:
    """Before, after, the unchanged view, and the amplified change on grey."""
    corrected = np.asarray(tone.compose(view, change))
    factor = AMPLIFICATION // 2
    return {
        "changed": view,
        "corrected": corrected,
        "unchanged": target[..., 3:],
        f"correction x{factor}": 0.5 + factor * (corrected - view),
    }


COLOURS = (losses.colour_error, tone_target, tone_gain_db, tone_pictures)
RESIDUAL = (losses.decibels, residual_target, gain_db, residual_pictures)
SPECIALISTS = {
    "noise": Specialist("noise", curriculum.NOISE, *RESIDUAL),
    "compressed_noise": Specialist("compressed_noise", curriculum.COMPRESSED_NOISE, *RESIDUAL),
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
    "stain_segmentation": Specialist(
        "stain_segmentation",
        stain_masks.STAIN_MASKS,
        losses.area_error,
        area_target,
        area_overlap,
        stain_mask_pictures,
        batch=8,
        learning_rate=8e-4,
    ),
    "stains": Specialist(
        "stains",
        staining.STAINING,
        losses.stain_decibels,
        stain_target,
        stain_gain_db,
        stain_pictures,
        learning_rate=2e-3,
    ),
    "tone": Specialist("tone", curriculum.TONE, *COLOURS, batch=32),
    "tone_full": Specialist("tone_full", curriculum.TONE_FULL, *COLOURS, batch=32),
}
# Steps from scratch of single networks, and their learning rate; each step of nafnet takes longer
SINGLE_STEPS, SINGLE_RATE = {"unet": 5000, "nafnet": 1200}, 2e-3
SINGLE = tuple(sorted(set(NETWORKS) - set(ROLES)))  # networks that restore all kinds of damage


def single(network: str, curriculum: Curriculum) -> Specialist:
    """The specialist of a network of SINGLE, which restores all kinds of damage alone."""
    noise = SPECIALISTS["noise"]
    steps = SINGLE_STEPS[network]
    return replace(
        noise, network=network, curriculum=curriculum, steps=steps, learning_rate=SINGLE_RATE
    )

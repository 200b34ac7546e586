"""Clean works -> batches to train on, deteriorated on the fly in processes of their own.

Every draw follows from seed, epoch and the twin's number alone, so a resumed training sees the same
batches, whatever the number of processes.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from patina.tasks.dataset.recipes import Recipe, draw_recipe, render
from patina.tasks.dataset.twins import Mixture
from patina.tasks.degradations import COLOUR, LOCAL, Image
from patina.tasks.imaging.images import read_png, reduced, to_float, to_uint8, view_of
from patina.tasks.io.parallel import start_worker

Batch = tuple[np.ndarray, np.ndarray]

SOUND_SHARE = 1 / 12  # of the twins: sound works are to be left alone
# Of the twins: their works are made smaller, for other scans are sharper; but never those with
# local damage, which would become too thin to be seen
SMALLER_SHARE = 0.7
SMALLEST = 0.4, 256  # of its sides; px on its long one
TWIN_PATCHES = 24  # of the smallest size, cut from one twin
TWIN_VIEWS = 1
VIEWED_PX = 256  # long side of the works of which views are made
JOB_TWINS = 8  # made by one call to a process
DAMAGED_SHARE = 0.5  # of the patches of a damaged twin, cut where it is damaged: that is rare
SPARSE_PX = 3  # one pixel in so many, each way, is looked at for damage
MASK = 6  # its layer, see `with_target`
VISIBLE = 0.03, 0.2  # a mask below the first covers what nobody sees, from the second on a damage


@dataclass(frozen=True)
class Feed:
    """What is drawn: the works, and what happens to them; see `recipes.draw_recipe`."""

    works: Sequence[Path]
    mixture: Mixture
    count: tuple[int, int]
    seed: int


class Feeder:
    """Batches by epoch. While one epoch's are used, the next one's are made.

    Use it as a context: it holds processes.
    """

    def __init__(self, feed: Feed, *, steps: int, batch: int, processes: int) -> None:
        """steps: batches in an epoch. batch: patches or views in a batch."""
        self.feed, self.steps, self.batch, self.processes = feed, steps, batch, processes
        self.coming: dict[tuple[Any, ...], list[Future[np.ndarray]]] = {}

    def __enter__(self) -> Self:
        self.pool = ProcessPoolExecutor(
            self.processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=start_worker,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(cancel_futures=True)

    def patches(self, epoch: int, sides_px: Sequence[int]) -> Iterator[Batch]:
        """Twins' patches, (N, h, w, 3), with what they are to become and the damage, (N, h, w, 4).

        sides_px: of the patches; an epoch has those of one size, in turn. Of larger ones than the
        smallest a batch has fewer. Colours stay as the degradations in COLOUR left them.
        """
        for ahead in (epoch, epoch + 1):
            side = sides_px[ahead % len(sides_px)]
            share = (min(sides_px) / side) ** 2
            size, cuts = (max(1, round(share * n)) for n in (self.batch, TWIN_PATCHES))
            if ahead == epoch:
                batches = size
            self._begin(ahead, cut_patches, size, side, cuts)
        return self._batches(epoch, cut_patches, batches)

    def views(self, epoch: int, side_px: int) -> Iterator[Batch]:
        """Twins squeezed into squares, (N, side, side, 3), and them with their own colours."""
        for ahead in (epoch, epoch + 1):
            self._begin(ahead, cut_views, self.batch, side_px, TWIN_VIEWS)
        return self._batches(epoch, cut_views, self.batch)

    def _begin(self, epoch: int, cut: Callable, size: int, side_px: int, cuts: int) -> None:
        if (cut, epoch) in self.coming:
            return
        twins = -(-self.steps * size // cuts)
        self.coming[cut, epoch] = [
            self.pool.submit(
                cut, self.feed, epoch, range(first, min(first + JOB_TWINS, twins)), side_px, cuts
            )
            for first in range(0, twins, JOB_TWINS)
        ]

    def _batches(self, epoch: int, cut: Callable, size: int) -> Iterator[Batch]:
        """Shuffled, for the patches of one twin are alike."""
        layers = np.concatenate([job.result() for job in self.coming.pop((cut, epoch))])
        order = np.random.default_rng([self.feed.seed, epoch]).permutation(len(layers))
        for step in range(self.steps):
            chosen = layers[order[step * size : (step + 1) * size]]
            yield to_float(chosen[..., :3]), to_float(chosen[..., 3:])


def cut_patches(
    feed: Feed, epoch: int, twins: Sequence[int], side_px: int, cuts: int
) -> np.ndarray:
    """uint8 (twins · cuts, side, side, 7): degraded, target and mask, turned at random."""
    cut = []
    for twin in twins:
        rng = np.random.default_rng([feed.seed, epoch, twin])
        clean, recipe = _drawn(feed, rng, f"{epoch}-{twin}")
        layers = _at_least(with_target(_smaller(clean, recipe, rng), recipe), side_px)
        damaged = np.argwhere(layers[::SPARSE_PX, ::SPARSE_PX, MASK] > 127) * SPARSE_PX
        for _ in range(cuts):
            top, left = _corner(layers.shape[:2], damaged, side_px, rng)
            patch = layers[top : top + side_px, left : left + side_px]
            cut.append(_turned(patch, rng))
    return np.stack(cut)


def _corner(
    size: tuple[int, ...], damaged: np.ndarray, side_px: int, rng: np.random.Generator
) -> tuple[int, ...]:
    """Where a patch is cut: anywhere, or around one of the `damaged` pixels, (N, 2)."""
    if not len(damaged) or rng.random() >= DAMAGED_SHARE:
        return tuple(int(rng.integers(length - side_px + 1)) for length in size)
    spot = damaged[rng.integers(len(damaged))] - rng.integers(side_px, size=2)
    return tuple(int(place) for place in np.clip(spot, 0, np.array(size) - side_px))


def cut_views(feed: Feed, epoch: int, twins: Sequence[int], side_px: int, cuts: int) -> np.ndarray:
    """uint8 (twins · cuts, side, side, 6): the view of a twin, and without what COLOUR did."""
    cut = []
    for twin in twins:
        rng = np.random.default_rng([feed.seed, epoch, twin])
        clean, recipe = _drawn(feed, rng, f"{epoch}-{twin}")
        for _ in range(cuts):
            part = reduced(_part(clean, rng), VIEWED_PX)
            views = [
                to_uint8(view_of(render(part, recipe, only=only)[0], side_px))
                for only in (None, _steps(recipe, colour=False))
            ]
            cut.append(_turned(np.dstack(views), rng))
    return np.stack(cut)


def with_target(clean: Image, recipe: Recipe) -> np.ndarray:
    """uint8 (H, W, 7): the twin, what a network is to make of it, and where it is damaged.

    A scratch covers a third of what lies below it, and is a scratch for all that.
    """
    degraded, mask = render(clean, recipe)
    target, _ = render(clean, recipe, only=_steps(recipe, colour=True))
    damaged = (mask - VISIBLE[0]) / (VISIBLE[1] - VISIBLE[0])
    return np.dstack([to_uint8(degraded), to_uint8(target), to_uint8(damaged)])


def drawn_twin(feed: Feed, work: Path) -> np.ndarray:
    """uint8 (H, W, 7): a twin of `work`, always the same, as `with_target`."""
    recipe = draw_recipe(
        work.stem, "held-out", seed=feed.seed, mixture=feed.mixture, count=feed.count
    )
    return with_target(to_float(read_png(work)), recipe)


def central(layers: np.ndarray, side_px: int) -> np.ndarray:
    """The middle (side_px, side_px, C) of `layers`; reflected where they are smaller."""
    layers = _at_least(layers, side_px)
    top, left = ((size - side_px) // 2 for size in layers.shape[:2])
    return layers[top : top + side_px, left : left + side_px]


def _at_least(layers: np.ndarray, side_px: int) -> np.ndarray:
    short = [(0, max(0, side_px - size)) for size in layers.shape[:2]]
    return np.pad(layers, (*short, (0, 0)), mode="symmetric") if np.any(short) else layers


def _drawn(feed: Feed, rng: np.random.Generator, twin: str) -> tuple[Image, Recipe]:
    path = feed.works[int(rng.integers(len(feed.works)))]
    count = (0, 0) if rng.random() < SOUND_SHARE else feed.count
    recipe = draw_recipe(path.stem, twin, seed=feed.seed, mixture=feed.mixture, count=count)
    return to_float(read_png(path)), recipe


def _smaller(clean: Image, recipe: Recipe, rng: np.random.Generator) -> Image:
    """`clean`, or as often as SMALLER_SHARE says less of it, if no damage would become too thin."""
    if rng.random() >= SMALLER_SHARE or not LOCAL.isdisjoint(step.name for step in recipe.steps):
        return clean
    share, least_px = SMALLEST
    return reduced(clean, max(least_px, round(max(clean.shape) * rng.uniform(share, 1))))


def _steps(recipe: Recipe, *, colour: bool) -> set[int]:
    return {step.step for step in recipe.steps if (step.name in COLOUR) == colour}


def _part(image: Image, rng: np.random.Generator) -> Image:
    """From half of `image`'s sides to the whole: what a photograph shows of a work."""
    share = rng.uniform(0.5, 1)
    height, width = (max(1, int(size * share)) for size in image.shape[:2])
    top, left = (
        int(rng.integers(whole - part + 1))
        for whole, part in zip(image.shape[:2], (height, width), strict=True)
    )
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _turned(patch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    mirrored, turns = bool(rng.integers(2)), int(rng.integers(4))
    return np.rot90(patch[:, ::-1] if mirrored else patch, turns)

"""Training samples of a single network: patches of degraded copies, as the stage degrade makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from patina.tasks.dataset.recipes import Recipe, draw_recipe, render
from patina.tasks.dataset.twins import Mixture
from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.imaging.images import to_float, to_uint8
from patina.tasks.training.curriculum import Rng, Sample
from patina.tasks.training.works import Work

SEVERAL = "several"
# Shares of the samples with one degradation, with several, and with none
SHARES = {"single": 0.56, SEVERAL: 0.36, SOUND: 0.08}
CUTS = 8  # patches that are cut from each degraded work


@dataclass(frozen=True)
class Twins:
    """Training samples of a single network: patches of works that were degraded as a whole.

    mixture, count: see `recipes.draw_recipe`. seed: of the recipes. side_px: side of a patch.
    batches_per_block: see `curriculum.Curriculum`.
    """

    mixture: Mixture
    count: tuple[int, int]
    seed: int = 0
    side_px: int = 64
    batches_per_block: int = CUTS

    @property
    def kinds(self) -> Mapping[str, tuple[float, None]]:
        """Each degradation alone, several together, and none, with their weights."""
        drawn = {name: weight for name, (weight, _) in self.mixture.items() if weight}
        total = sum(drawn.values())
        singles = {name: SHARES["single"] * weight / total for name, weight in drawn.items()}
        shares = singles | {name: SHARES[name] for name in (SEVERAL, SOUND)}
        return {name: (share, None) for name, share in shares.items()}

    def samples(self, works: Sequence[Work], rng: Rng, kind: str) -> list[Sample]:
        """CUTS samples: the degraded and the undamaged patch, both uint8 (side, side, 3)."""
        work = works[int(rng.integers(len(works)))]
        clean = to_float(np.asarray(work.pixels))
        degraded, _ = render(clean, self._recipe(rng, kind))
        layers = np.dstack([to_uint8(degraded), to_uint8(clean)])
        cuts = [self._cut(layers, rng) for _ in range(CUTS)]
        return [(cut[..., :3], cut[..., 3:]) for cut in cuts]

    def _recipe(self, rng: Rng, kind: str) -> Recipe:
        """The recipe of a work; the drawn number is part of the work's name."""
        mixture, count = self.mixture, self.count
        if kind == SOUND:
            count = (0, 0)
        elif kind != SEVERAL:
            mixture, count = {kind: self.mixture[kind]}, (1, 1)
        number = int(rng.integers(2**31))
        return draw_recipe(kind, f"{number}", seed=self.seed, mixture=mixture, count=count)

    def _cut(self, layers: np.ndarray, rng: Rng) -> np.ndarray:
        side = self.side_px
        short = [(0, max(0, side - length)) for length in layers.shape[:2]]
        layers = np.pad(layers, (*short, (0, 0)), mode="symmetric") if np.any(short) else layers
        top, left = (int(rng.integers(length - side + 1)) for length in layers.shape[:2])
        cut = layers[top : top + side, left : left + side]
        return np.rot90(cut[:, ::-1] if rng.random() < 0.5 else cut, int(rng.integers(4)))

"""A judge: tells from a few features how likely it is that something should be done."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from patina.tasks.io.atomic import Record

STEEPEST = 4  # standard deviations, beyond which a feature counts as that


@dataclass(frozen=True)
class Judge:
    """A logistic regression.

    mean, scale: of each feature. weights: of each feature made even by those. It is trained by
    `patina.tasks.training.judge`.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    @classmethod
    def of(cls, record: Record) -> "Judge":
        """The judge that was filed as `record`; raises KeyError where it is none."""
        return cls(**{name: record[name] for name in cls.__dataclass_fields__})

    def likelihood(self, found: Mapping[str, float]) -> float:
        """0 to 1."""
        values = np.array([found[name] for name in self.names])
        even = np.clip((values - self.mean) / self.scale, -STEEPEST, STEEPEST)
        return float(1 / (1 + np.exp(-(even @ np.array(self.weights) + self.bias))))

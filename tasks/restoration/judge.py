"""A judge: a classifier that gives, from a few features, the likelihood that a change is needed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from patina.tasks.io.atomic import Record

STEEPEST = 4  # standard deviations, beyond which a feature counts as that


@dataclass(frozen=True)
class Judge:
    """A logistic regression, trained by `patina.tasks.training.judge`.

    mean, scale: used to standardise each feature. weights: of each standardised feature.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    @classmethod
    def of(cls, record: Record) -> "Judge":
        """The judge in `record`, as read from JSON; raises KeyError when a part is missing."""
        return cls(**{name: record[name] for name in cls.__dataclass_fields__})

    def likelihood(self, found: Mapping[str, float]) -> float:
        """The likelihood, 0 to 1, for the features `found`."""
        values = np.array([found[name] for name in self.names])
        even = np.clip((values - self.mean) / self.scale, -STEEPEST, STEEPEST)
        return float(1 / (1 + np.exp(-(even @ np.array(self.weights) + self.bias))))

"""A judge: a small classifier, which computes a probability from a few features.

It is the probability that a correction helps (noise, blur), or that a piece is damage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from patina.tasks.io.atomic import Record

CLIP_SD = 4  # features are clipped to so many standard deviations
FORMER_NAMES = {  # of features, in a judge of an older version
    "likelihood": "probability",
    "soft": "fineness",
    "flat": "relative_roughness",
}


@dataclass(frozen=True)
class Judge:
    """A perceptron with one hidden layer, trained by `patina.tasks.training.judge`.

    It standardises each feature with its mean and scale, and clips it.
    """

    names: tuple[str, ...]  # of the features
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    hidden: tuple[tuple[float, ...], ...]  # weights of each standardised feature, by hidden unit
    hidden_bias: tuple[float, ...]  # of each hidden unit
    weights: tuple[float, ...]  # of the hidden units
    bias: float

    @classmethod
    def of(cls, record: Record) -> "Judge":
        """The judge in `record`, as read from JSON; raises KeyError if a part is missing."""
        parts = {name: record[name] for name in cls.__dataclass_fields__}
        names = tuple(FORMER_NAMES.get(name, name) for name in parts["names"])
        return cls(**parts | {"names": names})

    @classmethod
    def constant(cls, bias: float) -> "Judge":
        """A judge without features, whose probability is always the logistic function of `bias`."""
        return cls((), (), (), (), (), (), bias)

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        units = len(self.weights)
        hidden = np.reshape(np.array(self.hidden, float), (len(self.names), units))
        return np.array(self.mean), np.array(self.scale), hidden, np.array(self.weights)

    def probability(self, features: Mapping[str, float]) -> float:
        """The probability, 0 to 1, for the features `features`."""
        mean, scale, hidden, weights = self._arrays
        values = np.array([features[name] for name in self.names])
        standardised = np.clip((values - mean) / scale, -CLIP_SD, CLIP_SD)
        units = np.maximum(standardised @ hidden + self.hidden_bias, 0)
        return float(1 / (1 + np.exp(-(units @ weights + self.bias))))

"""The registry of degradations, and checks that all of them share."""

import functools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[Any]  # float32; cv2's type hints lose the dtype
Damaged = tuple[Image, Image | None]


class Degradation(Protocol):
    """The signature of every degradation; the docstring of the package documents it."""

    __name__: str

    def __call__(self, image: Image, rng: np.random.Generator, *, severity: float) -> Damaged: ...


DEGRADATIONS: dict[str, Degradation] = {}
LOCAL: set[str] = set()


def degradation(*, local: bool = False) -> Callable[[Degradation], Degradation]:
    """Register a function in DEGRADATIONS, and add the checks that all degradations share.

    These are: the range of severity, the identity at severity 0, and clipping to [0, 1].
    local: whether it returns a mask.
    """

    def register(function: Degradation) -> Degradation:
        @functools.wraps(function)
        def checked(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
            if not 0 <= severity <= 1:
                raise ValueError(f"{function.__name__}: severity {severity} is not within [0, 1]")
            if severity == 0:
                return image.copy(), np.zeros(image.shape[:2], np.float32) if local else None
            damaged, mask = function(image, rng, severity=severity)
            return np.clip(damaged, 0, 1, out=damaged), mask

        DEGRADATIONS[function.__name__] = checked
        if local:
            LOCAL.add(function.__name__)
        return checked

    return register

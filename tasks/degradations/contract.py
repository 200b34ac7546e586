"""What all degradations promise, and where they are enrolled; see the package."""

import functools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[Any]  # float32; cv2's type hints lose the dtype
Damaged = tuple[Image, Image | None]


class Degradation(Protocol):
    """The shape of every function in DEGRADATIONS; the module's docstring is its contract."""

    __name__: str

    def __call__(self, image: Image, rng: np.random.Generator, *, severity: float) -> Damaged: ...


DEGRADATIONS: dict[str, Degradation] = {}
COLOUR: set[str] = set()
LOCAL: set[str] = set()


def degradation(
    *, local: bool = False, colour: bool = False
) -> Callable[[Degradation], Degradation]:
    """Enrol a function and keep for it what all of them promise.

    local: it returns a mask, see LOCAL. colour: see COLOUR.
    """

    def enrol(function: Degradation) -> Degradation:
        @functools.wraps(function)
        def checked(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
            if not 0 <= severity <= 1:
                raise ValueError(f"{function.__name__}: severity {severity} is not within [0, 1]")
            if severity == 0:
                return image.copy(), np.zeros(image.shape[:2], np.float32) if local else None
            damaged, mask = function(image, rng, severity=severity)
            return np.clip(damaged, 0, 1, out=damaged), mask

        DEGRADATIONS[function.__name__] = checked
        if colour:
            COLOUR.add(function.__name__)
        if local:
            LOCAL.add(function.__name__)
        return checked

    return enrol

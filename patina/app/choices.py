"""What a user chose on the page, as the request that the command line makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patina.tasks.restoration.request import RestoreRequest
from patina.tasks.restoration.restorer import TREATMENTS

OFF, NEEDED, FULL = "off", "where needed", "in full"
MODES = (OFF, NEEDED, FULL)  # of a treatment; FULL is --force


@dataclass(frozen=True)
class Choices:
    """modes: of MODES, and strengths: 0 to 1, of each of TREATMENTS, in their order.

    limit: the largest area that is filled unasked, in % of the surface; "": as is usual.
    """

    modes: tuple[str, ...]
    strengths: tuple[float, ...]
    limit: str = ""


def request_of(
    scan: Path,
    outbox: Path,
    choices: Choices,
    masks: Mapping[str, Path],
    usual: tuple[str, ...],
) -> RestoreRequest:
    """The request of one scan. masks: by option. usual: the treatments that need not be named."""
    modes = dict(zip(TREATMENTS, choices.modes, strict=True))
    treat = tuple(name for name, mode in modes.items() if mode != OFF)
    strengths = dict(zip(TREATMENTS, choices.strengths, strict=True))
    partly = [f"{name}:{much:g}" for name, much in strengths.items() if much < 1 and name in treat]
    return RestoreRequest(
        (str(scan),),
        str(outbox),
        treat="" if treat == usual else ",".join(treat) or "none",
        force=",".join(name for name, mode in modes.items() if mode == FULL),
        strength=",".join(partly) or "1",
        limit_fill=f"{limit}%" if (limit := choices.limit.strip().rstrip("%").strip()) else "",
        mask=str(masks.get("mask", "")),
        protect=str(masks.get("protect", "")),
    )

"""The choices of a user on the page, and the request that the command line would make of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patina.tasks.restoration.option_values import TREATMENTS
from patina.tasks.restoration.request import RestoreRequest

OFF, NEEDED, FULL = "off", "automatic", "always"
MODES = (OFF, NEEDED, FULL)  # modes of a treatment; FULL is --force


@dataclass(frozen=True)
class Choices:
    """The choices on the page."""

    modes: tuple[str, ...]  # one of MODES for each of TREATMENTS
    strengths: tuple[float, ...]  # 0 to 1, for each of TREATMENTS
    limit: str = ""  # largest area that is filled automatically, % of the surface; "": the default
    grown_px: int = 0  # growth of accepted areas, in pixels of the scan


def request_of(
    scan: Path,
    outbox: Path,
    choices: Choices,
    masks: Mapping[str, Path],
    usual: tuple[str, ...],
) -> RestoreRequest:
    """The request for one scan. masks: files by option. usual: the default treatments."""
    modes = dict(zip(TREATMENTS, choices.modes, strict=True))
    treat = tuple(name for name, mode in modes.items() if mode != OFF)
    strengths = dict(zip(TREATMENTS, choices.strengths, strict=True))
    partly = [
        f"{name}:{share:g}" for name, share in strengths.items() if share < 1 and name in treat
    ]
    return RestoreRequest(
        (str(scan),),
        str(outbox),
        treat="" if treat == usual else ",".join(treat) or "none",
        force=",".join(name for name, mode in modes.items() if mode == FULL),
        strength=",".join(partly) or "1",
        limit_fill=f"{limit}%" if (limit := choices.limit.strip().rstrip("%").strip()) else "",
        mask=str(masks.get("mask", "")),
        protect=str(masks.get("protect", "")),
        stains=str(masks.get("stains", "")),
    )

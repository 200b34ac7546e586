"""Parses the options of a user into arguments of `patina.tasks.restoration.restorer.Restorer`."""

import math
from collections.abc import Collection

from patina.errors import InputError
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.option_values import TREATMENTS

OLD_NAMES = {"colour": "tone"}
NOTHING = "none"  # no treatment; marked pixels are still filled


def treatments(named: str, option: str = "treat") -> tuple[str, ...]:
    """The treatments in a list such as "damage,tone"; "none" gives none.

    Raises InputError if a name is unknown; the message names the option.
    """
    requested = [_name(name) for name in named.split(",") if name.strip()]
    requested = [] if requested == [NOTHING] and option == "treat" else requested
    if unknown := sorted(set(requested) - set(TREATMENTS)):
        raise InputError(f"{option}: {', '.join(unknown)}: unknown; known: {', '.join(TREATMENTS)}")
    return tuple(name for name in TREATMENTS if name in requested)


def strengths(named: str) -> tuple[float, ...]:
    """The strength of each of TREATMENTS, from "0.5" or "damage:0.5,tone:0.8".

    A treatment that is not named has strength 1. Raises InputError if a name is unknown, or a
    number is outside [0, 1].
    """
    given = dict.fromkeys(TREATMENTS, 1.0)
    for part in named.split(","):
        name, _, number = part.strip().rpartition(":")
        name = _name(name)
        try:
            share = float(number)
        except ValueError:
            share = -1
        if (name and name not in TREATMENTS) or not 0 <= share <= 1:
            raise InputError(
                f"strength: {part.strip()}: give a number from 0 to 1, or one of "
                f"{', '.join(TREATMENTS)} with such a number, as in damage:0.5"
            )
        given |= {name: share} if name else dict.fromkeys(TREATMENTS, share)
    return tuple(given.values())


def share(named: str, option: str) -> float:
    """A share, 0 to 1, from "0.005" or "0.5%".

    Raises InputError for any other text; the message names the option.
    """
    number, percent, rest = named.strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = math.nan
    if rest or not 0 <= share <= 1:
        raise InputError(f"{option}: {named}: give a share of the work, such as 0.5% or 0.005")
    return share


def limited_gates(limit_fill: str, usual: Record) -> Record:
    """The `usual` gates (see Gates) with another limit of the filled area; "" changes nothing.

    The total fill is raised, if necessary, so that one such area fits. Raises InputError if it is
    not a share.
    """
    if not limit_fill:
        return usual
    area = share(limit_fill, "limit-fill")
    areas = {"fill_area": area, "fill_area_surely": area}
    return usual | areas | {"fill_share": max(area, usual["fill_share"])}


def refuse_untreated(treat: Collection[str], forced: Collection[str]) -> None:
    """Raise InputError if a forced treatment is not one of those to apply."""
    if untreated := [name for name in forced if name not in treat]:
        raise InputError(
            f"force: {', '.join(untreated)}: not among the treatments to apply "
            f"({', '.join(treat) or NOTHING}); name it in --treat, too"
        )


def _name(named: str) -> str:
    """A treatment's name; "colour" is the older one of "tone"."""
    return OLD_NAMES.get(named.strip(), named.strip())


def treatment_arguments(treat: str, force: str, strength: str) -> Record:
    """The options as arguments of Restorer; an empty `treat` gives no argument.

    Raises InputError if an option is invalid.
    """
    requested: Record = {"forced": treatments(force, "force"), "strength": strengths(strength)}
    return requested | ({"treat": treatments(treat)} if treat else {})

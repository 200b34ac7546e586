"""The gate between a challenger and the champion: which of its rules hold."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from patina.tasks.io.atomic import Record

MOST_DB = 60  # what is nearer to the original than that looks the same
SOUND_DB = 45  # that a sound work keeps
TOLERATED_DB = 0.2  # that a family may lose
SOUND = "sound"  # the family of works that nothing happened to


class Rule(NamedTuple):
    """One line of the gate."""

    name: str
    champion_db: float
    challenger_db: float
    holds: bool

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "FAILS"
        return f"{verdict}  {self.name}: {self.champion_db:.2f} -> {self.challenger_db:.2f} dB"


def gate(rows: Sequence[Record]) -> list[Rule]:
    """All rules; a challenger is promoted when each holds.

    rows: one a twin, with its "family", and the PSNR (dB) of what the "champion" and the
    "challenger" made of it; those of the family SOUND are works that nothing happened to.
    """
    groups: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        pair = (min(row["champion"], MOST_DB), min(row["challenger"], MOST_DB))
        groups.setdefault(row["family"], []).append(pair)
    sound = np.array(groups.pop(SOUND))
    return [
        _beats(np.concatenate([np.array(pairs) for pairs in groups.values()])),
        _harmless(sound),
        *(_regresses_not(family, np.array(groups[family])) for family in sorted(groups)),
    ]


def _beats(pairs: np.ndarray) -> Rule:
    champion, challenger = (float(mean) for mean in pairs.mean(axis=0))
    return Rule("beats the champion on the mean", champion, challenger, challenger > champion)


def _harmless(pairs: np.ndarray) -> Rule:
    champion, challenger = (float(worst) for worst in pairs.min(axis=0))
    name = f"does no harm: the worst sound work keeps {SOUND_DB} dB, or what the champion keeps"
    return Rule(name, champion, challenger, challenger >= min(SOUND_DB, champion))


def _regresses_not(family: str, pairs: np.ndarray) -> Rule:
    champion, challenger = (float(mean) for mean in pairs.mean(axis=0))
    return Rule(family, champion, challenger, challenger >= champion - TOLERATED_DB)

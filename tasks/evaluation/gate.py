"""The promotion gate: the rules by which a challenger replaces the champion."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.io.atomic import Record

MOST_DB = 60  # higher PSNR counts as this: no difference is visible
SOUND_DB = 45  # PSNR that an undamaged ("sound") work must keep
TOLERATED_DB = 0.2  # loss of PSNR that is allowed in a family: one degradation, or "mixed"
SPARED_DB = 0.1  # loss of PSNR that is allowed in a work that the champion harms already
HARD = "hard sound works"  # family of the works in `hard_works`
OWN = "sound works of the collection"  # family of the user's own undamaged works


class Rule(NamedTuple):
    """One rule of the gate, with the PSNR of both networks in dB."""

    name: str
    champion_db: float
    challenger_db: float
    holds: bool

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "FAILS"
        return f"{verdict}  {self.name}: {self.champion_db:.2f} -> {self.challenger_db:.2f} dB"


def gate(rows: Sequence[Record]) -> list[Rule]:
    """Evaluate all rules; the challenger is promoted if each holds.

    rows: one for each test image, with its "family" and the PSNR (dB) of the results of "champion"
    and "challenger". The family SOUND has undamaged works. Rows of HARD and OWN, which are
    optional, are undamaged works, too, with the name of the "work".
    """
    undamaged = [row for row in rows if row["family"] in (HARD, OWN)]
    rows = [row for row in rows if row["family"] not in (HARD, OWN)]
    groups: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        pair = (min(row["champion"], MOST_DB), min(row["challenger"], MOST_DB))
        groups.setdefault(row["family"], []).append(pair)
    sound = np.array(groups.pop(SOUND))
    return [
        _beats(np.concatenate([np.array(pairs) for pairs in groups.values()])),
        _harmless(sound),
        *(_spares(family, named) for family, named in _by_family(undamaged).items()),
        *(_does_not_regress(family, np.array(groups[family])) for family in sorted(groups)),
    ]


def _beats(pairs: np.ndarray) -> Rule:
    champion, challenger = (float(mean) for mean in pairs.mean(axis=0))
    return Rule("beats the champion on the mean", champion, challenger, challenger > champion)


def _harmless(pairs: np.ndarray) -> Rule:
    champion, challenger = (float(worst) for worst in pairs.min(axis=0))
    name = f"does no harm: each sound work keeps {SOUND_DB} dB, or the champion's lowest value"
    return Rule(name, champion, challenger, challenger >= min(SOUND_DB, champion))


def _by_family(rows: Sequence[Record]) -> dict[str, list[Record]]:
    families = dict.fromkeys(row["family"] for row in rows)
    return {name: [row for row in rows if row["family"] == name] for name in families}


def _spares(family: str, rows: Sequence[Record]) -> Rule:
    """Each work keeps SOUND_DB, or the PSNR of the champion; names the work closest to failing."""
    pairs = np.minimum([(row["champion"], row["challenger"]) for row in rows], MOST_DB)
    margins = pairs[:, 1] - np.minimum(SOUND_DB, pairs[:, 0] - SPARED_DB)
    nearest = int(margins.argmin())
    champion, challenger = (float(db) for db in pairs[nearest])
    works = "1 work" if len(rows) == 1 else f"{len(rows)} works"
    name = f"harms none of the {family} ({works}); the closest is {rows[nearest]['work']}"
    return Rule(name, champion, challenger, bool(margins[nearest] >= 0))


def _does_not_regress(family: str, pairs: np.ndarray) -> Rule:
    champion, challenger = (float(mean) for mean in pairs.mean(axis=0))
    return Rule(family, champion, challenger, challenger >= champion - TOLERATED_DB)

"""The promotion gate: the rules by which a challenger replaces the champion."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.io.atomic import Record

MOST_DB = 60  # higher PSNR counts as this: no difference is visible
SOUND_DB = 45  # PSNR that an undamaged ("sound") work must keep
TOLERATED_DB = 0.2  # loss of PSNR that is allowed in a group: one degradation, or "mixed"
SPARED_DB = 0.1  # loss of PSNR that is allowed in a work that the champion harms already
HARD = "hard sound works"  # group of the works in `hard_works`
OWN = "sound works of the collection"  # group of the user's own undamaged works


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

    rows: one for each test image, with its "group" and the PSNR (dB) of the results of "champion"
    and "challenger". The group SOUND has undamaged works. Rows of HARD and OWN, which are
    optional, are undamaged works, too, with the name of the "work".
    """
    named = [row for row in rows if row["group"] in (HARD, OWN)]
    rows = [row for row in rows if row["group"] not in (HARD, OWN)]
    groups: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        pair = (min(row["champion"], MOST_DB), min(row["challenger"], MOST_DB))
        groups.setdefault(row["group"], []).append(pair)
    undamaged_test_works = np.array(groups.pop(SOUND))
    return [
        _beats(np.concatenate([np.array(pairs) for pairs in groups.values()])),
        _keeps_worst_work(undamaged_test_works),
        *(_keeps_each_work(group, works) for group, works in _by_group(named).items()),
        *(_does_not_regress(group, np.array(groups[group])) for group in sorted(groups)),
    ]


def _beats(pairs: np.ndarray) -> Rule:
    champion, challenger = (float(mean) for mean in pairs.mean(axis=0))
    return Rule("beats the champion on the mean", champion, challenger, challenger > champion)


def _keeps_worst_work(pairs: np.ndarray) -> Rule:
    champion, challenger = (float(worst) for worst in pairs.min(axis=0))
    name = f"does no harm: each sound work keeps {SOUND_DB} dB, or the champion's lowest value"
    return Rule(name, champion, challenger, challenger >= min(SOUND_DB, champion))


def _by_group(rows: Sequence[Record]) -> dict[str, list[Record]]:
    names = dict.fromkeys(row["group"] for row in rows)
    return {name: [row for row in rows if row["group"] == name] for name in names}


def _keeps_each_work(group: str, rows: Sequence[Record]) -> Rule:
    """Each work keeps SOUND_DB, or the PSNR of the champion; names the work closest to failing."""
    pairs = np.minimum([(row["champion"], row["challenger"]) for row in rows], MOST_DB)
    margins = pairs[:, 1] - np.minimum(SOUND_DB, pairs[:, 0] - SPARED_DB)
    nearest = int(margins.argmin())
    champion, challenger = (float(db) for db in pairs[nearest])
    works = "1 work" if len(rows) == 1 else f"{len(rows)} works"
    name = f"harms none of the {group} ({works}); the closest is {rows[nearest]['work']}"
    return Rule(name, champion, challenger, bool(margins[nearest] >= 0))


def _does_not_regress(group: str, pairs: np.ndarray) -> Rule:
    champion, challenger = (float(mean) for mean in pairs.mean(axis=0))
    return Rule(group, champion, challenger, challenger >= champion - TOLERATED_DB)

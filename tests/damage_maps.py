"""Damage with areas at known places, for tests of decisions on areas."""

import numpy as np

from patina.tasks.restoration.damage import FILLED, Damage, Piece


def pieces(*outcomes: str) -> Damage:
    """Areas of 10 × 10 pixels side by side in a map of 40 × 90, with labels from 1 on."""
    labels = np.zeros((40, 90), np.int32)
    found = []
    for label, outcome in enumerate(outcomes, 1):
        labels[10:20, 20 * label : 20 * label + 10] = label
        box = (20 * label, 10, 10, 10)
        found.append(Piece(label, 2, box, 100, False, 0.9, 1.0, 1 / label, outcome=outcome))
    fill = np.isin(labels, [p.label for p in found if p.outcome == FILLED]).astype(np.float32)
    return Damage(found, fill, 0 * fill, (labels > 0).astype(np.float32), labels)

"""Makes outboxes as `patina restore` leaves them: sidecars and pictures of small works."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from patina.tasks.restoration.report.previews import FOLDER, Previews, key_of
from patina.tasks.restoration.sidecars import STATEMENT

HEIGHT, WIDTH = 300, 400


def change_of(delta_e: float, **parts: Any) -> dict[str, Any]:
    """The figures of a change, as in a sidecar; a `delta_e` of 0 means no change."""
    return {
        "share_of_pixels": 0.4 if delta_e else 0,
        "mean_8bit_steps": delta_e,
        "delta_e2000": {"mean": delta_e, "inside_damage": None, "outside_damage": None},
        **parts,
    }


def file_work(
    outbox: Path, name: str, change: dict[str, Any], *, pictures: bool = True, **more: Any
) -> Path:
    """Write the sidecar and the pictures of a work of that name, without the result itself."""
    sidecar = {
        "statement": STATEMENT,
        "source": {"file": Path(name).name, "width": WIDTH, "height": HEIGHT},
        "model": {"network": "conservator", "version": "2026-11-20"},
        "change": change,
        "flags": [],
        "restored": "2026-11-28T22:00:00+00:00",
    }
    if pictures:
        folder = outbox / FOLDER / key_of(name)
        folder.mkdir(parents=True)
        drawn = drawn_work(changed=bool(change["delta_e2000"]["mean"]))
        sidecar["previews"] = {"key": key_of(name)} | drawn.write(folder)
    place = outbox / f"{name}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(sidecar | more, ensure_ascii=False), encoding="utf-8")
    return place


def drawn_work(*, changed: bool = True, height: int = HEIGHT, width: int = WIDTH) -> Previews:
    """Previews of a red work with a white scratch that was filled."""
    view = np.full((height, width, 3), (0.7, 0.2, 0.2), np.float32)
    damage = np.zeros((height, width), np.float32)
    change = np.zeros_like(view)
    if changed:
        damage[height // 2 : height // 2 + 4] = 1
        view[damage > 0] = 1
        change[damage > 0] = np.float32((0.7, 0.2, 0.2)) - 1
    previews = Previews((height, width))
    for top in range(0, height, 64):
        rows = np.s_[top : top + 64]
        previews.add(top, previews.narrow(view[rows], change[rows], damage[rows]))
    return previews

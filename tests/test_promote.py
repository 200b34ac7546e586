"""The rows of the gate: test twins, the hard works, and the user's own undamaged works."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from patina.flows.places import CLEAN, DEGRADED, MODEL
from patina.flows.promote import measured, own_works, switch_champion
from patina.tasks.evaluation.hard_works import HARD_WORKS, SOUND, paint
from patina.tasks.evaluation.promotion_rules import HARD, OWN, gate
from patina.tasks.imaging.images import png_bytes
from patina.tasks.restoration.batch import CHAMPION, chosen_model
from patina.tasks.restoration.weights import shipped

PROJECT = Path(__file__).parents[1]
TWIN = {"twin": "mixed-0", "image": "twin.png", "clean": "work.png", "side": "test"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a test work, its twin, and params for one treatment and hard works of 64 px."""
    monkeypatch.chdir(tmp_path)
    params = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    params["promote"]["sound_px"], params["restore"]["treat"] = [64], ["tone"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    work = paint("pearls", 96)
    for place, image in ((CLEAN / "work.png", work), (DEGRADED / "twin.png", work // 2)):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(png_bytes(image))
    (DEGRADED / "manifest.jsonl").write_text(json.dumps(TWIN) + "\n", encoding="utf-8")
    return tmp_path


def test_the_gate_measures_hard_works_and_works_of_the_collection(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = folder / "own"
    own.mkdir()
    (own / "sound.png").write_bytes(png_bytes(paint("stars", 80)))
    (own / "torn.png").write_bytes(png_bytes(np.zeros((70, 70, 3), np.uint8))[:60])
    rows = list(measured(shipped(), shipped(), own_works(own)))
    works = {row["work"] for row in rows if row["group"] == HARD}
    assert works == {f"{name}-64" for name in HARD_WORKS}
    assert [row["work"] for row in rows if row["group"] == OWN] == ["sound.png"]
    assert sum(row["group"] == SOUND for row in rows) == 1
    printed = capsys.readouterr()
    assert "torn.png: set aside" in " ".join((printed.out + printed.err).split())
    assert all(row["champion"] == row["challenger"] for row in rows)
    failed = [rule.name for rule in gate(rows) if not rule.holds]
    assert failed == ["beats the champion on the mean"]


def test_a_folder_without_undamaged_works_is_an_error(folder: Path) -> None:
    empty = folder / "empty"
    empty.mkdir()
    with pytest.raises(FileNotFoundError, match="empty: there is no image in this folder"):
        own_works(empty)


def trained(folder: Path, name: str) -> None:
    """The files of the stage `train`, and the path of the champion."""
    for suffix in (".keras", ".xml", ".bin"):
        (folder / MODEL / f"model{suffix}").write_text(f"{name}{suffix}")
    switch_champion({"network": "noise", "mlflow_run": name, "sha256": name * 8})


def test_a_champion_is_replaced_in_one_step_and_the_former_one_is_kept(
    folder: Path,
) -> None:
    (folder / MODEL).mkdir(parents=True)
    CHAMPION.parent.mkdir(parents=True)
    CHAMPION.write_text("of an older version")
    trained(folder, "one")
    reading = chosen_model(None)
    trained(folder, "another")
    assert CHAMPION.parent.is_symlink()
    for file, name in ((CHAMPION, "another"), (reading, "one")):
        for suffix in (".keras", ".xml", ".bin"):
            assert file.with_suffix(suffix).read_text() == f"{name}{suffix}"
        assert json.loads(file.with_suffix(".json").read_text())["mlflow_run"] == name
    trained(folder, "third")
    assert not reading.exists()
    kept = {path.name for path in (CHAMPION.parent.parent / ".champions").iterdir()}
    assert kept == {("another" * 8)[:16], ("third" * 8)[:16]}

"""The features that separate damage from similar details, and the judge that uses them."""

import numpy as np
import pytest

from patina.models import CLASSES
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.piece_context import CONTEXT_FEATURES
from patina.tasks.restoration.pieces import FEATURES, features, simple_features
from patina.tasks.training import piece_samples
from patina.tasks.training.judge import fitted
from patina.tasks.training.works import Work

SIZE = (120, 160)
BOX = (60, 40, 20, 12)  # left, top, width, height
INSIDE = np.ones((12, 20), bool)
SIMPLE = simple_features(
    CLASSES.index("area"), 0.01, narrow=False, high_share=0.002, count=10,
    probability=0.8, peak=0.9, unlike=1.0,
)  # fmt: skip


def work() -> np.ndarray:
    """Rough brushwork in brown."""
    rng = np.random.default_rng(0)
    return (0.4 + 0.1 * rng.standard_normal((*SIZE, 3))).clip(0, 1).astype(np.float32)


def covered(view: np.ndarray, colour: float) -> np.ndarray:
    left, top, wide, tall = BOX
    view[top : top + tall, left : left + wide] = colour
    return view


def test_every_feature_has_a_number() -> None:
    found = features(covered(work(), 0.9), INSIDE, BOX, SIMPLE)
    assert set(found) == set(FEATURES)
    assert all(np.isfinite(value) for value in found.values())


def test_damage_is_smooth_and_has_its_own_colour() -> None:
    found = features(covered(work(), 0.9), INSIDE, BOX, SIMPLE)
    assert found["relative_roughness"] < -1  # smoother than its surroundings
    assert found["contrast"] == pytest.approx(0.5 * 3**0.5, abs=0.02)
    assert found["light"] == pytest.approx(0.9, abs=1e-5)
    assert found["grey"] == pytest.approx(1, abs=1e-5)
    assert found["beside"] == 0
    assert found["alone"] < -1.5  # hardly anything else in the work is as pale


def test_a_painted_detail_is_as_rough_and_has_the_same_colour_as_the_work() -> None:
    found = features(work(), INSIDE, BOX, SIMPLE)
    assert abs(found["relative_roughness"]) < 0.2
    assert found["contrast"] < 0.05
    assert found["beside"] > 0.05


def test_a_piece_at_the_edge_of_a_work_is_compared_with_the_existing_surroundings() -> None:
    found = features(work(), np.ones(SIZE, bool), (0, 0, SIZE[1], SIZE[0]), SIMPLE)
    assert all(np.isfinite(value) for value in found.values())


def test_a_judge_standardises_its_features_and_clips_them() -> None:
    judge = Judge.of(
        {"names": ["relative_roughness"], "mean": [0.0], "scale": [0.5], "hidden": [[1.0, -1.0]]}
        | {"hidden_bias": [0.0, 0.0], "weights": [-2.0, -1.0], "bias": 1.0, "samples": 3}
    )
    for roughness, logit in ((0.0, 1.0), (0.5, -1.0), (-0.5, 0.0), (-99.0, -3.0)):
        assert judge.probability({"relative_roughness": roughness}) == pytest.approx(
            1 / (1 + np.exp(-logit))
        )
    assert Judge.constant(1.0).probability({}) == pytest.approx(1 / (1 + np.exp(-1)))
    with pytest.raises(KeyError, match="names"):
        Judge.of({})


@pytest.mark.parametrize(
    ("former", "name"),
    [("likelihood", "probability"), ("soft", "fineness"), ("flat", "relative_roughness")],
)
def test_a_judge_of_an_older_version_reads_a_feature_that_was_renamed(
    former: str, name: str
) -> None:
    parts = {"mean": [0.0], "scale": [1.0], "hidden": [[1.0]], "hidden_bias": [0.0]}
    judge = Judge.of({"names": [former], **parts, "weights": [1.0], "bias": 0.0})
    assert judge.probability({name: 0.0}) == 0.5


def test_a_judge_learns_classes_that_are_not_linearly_separable() -> None:
    rng = np.random.default_rng(0)
    rows = [{"light": x, "relative_roughness": y} for x, y in rng.uniform(-1, 1, (600, 2))]
    record = fitted(rows, np.array([row["light"] * row["relative_roughness"] > 0 for row in rows]))
    assert record == fitted(
        rows, np.array([row["light"] * row["relative_roughness"] > 0 for row in rows])
    )
    judge = Judge.of(record)
    for light, rough in ((0.6, 0.6), (-0.6, -0.6)):
        assert judge.probability({"light": light, "relative_roughness": rough}) > 0.8
        assert judge.probability({"light": light, "relative_roughness": -rough}) < 0.2


def bright(tile: np.ndarray) -> np.ndarray:
    """A network that takes everything bright for a line."""
    logits = np.full((*tile.shape[:3], len(CLASSES)), -5, np.float32)
    logits[..., 0] = np.where(tile.mean(axis=3) > 0.7, 5, -5)
    return logits


def test_the_samples_are_whole_undamaged_works_first_and_depend_only_on_the_seed(
    works: list[Work],
) -> None:
    drawn = [
        list(piece_samples.samples(works, "segmentation", bright, 6, seed)) for seed in (3, 3, 4)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    for whole in (0, 3):  # one of three; the same for every seed
        assert drawn[0][whole] == drawn[2][whole]
        assert not any(is_damage for _, is_damage, _ in drawn[0][whole])
    found = [sample for of_work in drawn[0] for sample in of_work]
    assert any(is_damage for _, is_damage, _ in found)
    assert all(set(each) == {*FEATURES, *CONTEXT_FEATURES} for each, _, _ in found)

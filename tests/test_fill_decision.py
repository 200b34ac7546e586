"""The decision on each piece of damage: filled, proposed or kept."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from patina.models import AREA_CLASSES, CLASSES
from patina.tasks.restoration.damage import FILLED, KEPT, KINDS, PROPOSED, Damage
from patina.tasks.restoration.fill_decision import decide_fill, is_probably_undamaged, rim_contrast
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.proposals import with_proposals

SIZE = (400, 600)
FIXED = {"damage_probability": 0.6, "damage_doubt": 0.3, "damage_share": 0.0, "fill_unlike": 0.5}
FIXED |= {"fill_probability_max": 0.0, "fill_proposal": 1.0}
GATES = Gates(**FIXED)
GROUND, PAINT = 0.9, 0.4
SHADES = np.broadcast_to(np.linspace(-0.15, 0.15, SIZE[1], dtype=np.float32)[:, None], (*SIZE, 3))
THIN, SMALL, LARGE = np.s_[50:52, 40:540], np.s_[100:108, 100:108], np.s_[200:280, 100:240]


def damaged(*places: tuple[slice, slice], kind: str = "area") -> tuple[np.ndarray, np.ndarray]:
    """A shaded work with losses at `places`, and the probability of damage, which is high there."""
    view = np.float32(PAINT) + SHADES
    likely = np.zeros((*SIZE, len(CLASSES)), np.float32)
    for place in places:
        view[place] = GROUND
        likely[place][..., CLASSES.index(kind)] = 0.95
    return view, likely


def decided(
    view: np.ndarray,
    likely: np.ndarray,
    gates: Gates = GATES,
    *,
    cracks: bool = False,
    forced: bool = False,
) -> Damage:
    return decide_fill(view, likely, gates, cracks=cracks, forced=forced)


def test_a_work_with_little_certain_damage_is_left_unchanged() -> None:
    view, likely = damaged(SMALL)  # 64 of 240,000 pixels
    assert decided(view, likely).pieces
    assert not decided(view, likely, Gates.opened(damage_share=0.0006)).pieces
    assert decided(view, likely, Gates.opened(damage_share=0.0006), forced=True).pieces


def logits_of(likely: np.ndarray) -> np.ndarray:
    likely = np.clip(likely, 1e-6, 1 - 1e-6)
    return np.log(likely / (1 - likely))


def test_the_smallest_view_is_sufficient_only_below_half_of_the_gate() -> None:
    gates = Gates.opened(damage_share=0.0006)
    less = logits_of(damaged(SMALL)[1])  # 64 pixels; the gate is 144
    more = logits_of(damaged(SMALL, np.s_[200:208, 200:208])[1])
    assert is_probably_undamaged(less, gates, cracks=False)
    assert not is_probably_undamaged(more, gates, cracks=False)
    assert not is_probably_undamaged(less, Gates.opened(damage_share=0.0), cracks=False)


@pytest.mark.parametrize(("probability", "undamaged"), [(0.729, True), (0.731, False)])
def test_the_smallest_view_counts_pixels_above_its_threshold(
    probability: float, undamaged: bool
) -> None:
    logits = logits_of(np.where(damaged(LARGE)[1] > 0, probability, 0))
    found = is_probably_undamaged(logits, Gates.opened(damage_share=0.0006), cracks=False)
    assert found is undamaged


def test_the_smallest_view_counts_cracks_if_craquelure_is_to_be_treated() -> None:
    gates = Gates.opened(damage_share=0.0006)
    cracked = logits_of(damaged(LARGE, kind="crack")[1])
    assert is_probably_undamaged(cracked, gates, cracks=False)
    assert not is_probably_undamaged(cracked, gates, cracks=True)


@pytest.mark.parametrize(
    ("smooth", "logit", "outcome"),
    [(True, -0.1, PROPOSED), (False, -0.1, FILLED), (True, 2.0, FILLED)],
)
def test_many_bright_specks_on_a_dark_ground_may_be_stars_if_the_ground_is_smooth(
    smooth: bool, logit: float, outcome: str
) -> None:
    places = [np.s_[y : y + 4, x : x + 4] for y in range(20, 380, 40) for x in range(20, 580, 40)]
    view, likely = damaged(*places)
    rough = np.zeros(SIZE) if smooth else np.random.default_rng(0).normal(0, 0.05, SIZE)
    specks = cv2.GaussianBlur((view == GROUND).astype(np.float32), (0, 0), 1.0)
    view = (0.2 + SHADES + rough[..., None] + 0.7 * specks).astype(np.float32)
    damage = decide_fill(view, likely, GATES, Judge.constant(logit), cracks=False, forced=False)
    assert {piece.outcome for piece in damage.pieces} == {outcome}
    forced = decide_fill(view, likely, GATES, Judge.constant(logit), cracks=False, forced=True)
    assert {piece.outcome for piece in forced.pieces} == {FILLED}


@pytest.mark.parametrize(
    ("ground", "shaded", "outcome"),
    [
        (0.9, 0.0, PROPOSED),
        (0.6, 0.1, PROPOSED),
        (0.35, 0.1, PROPOSED),
        (0.6, 1.3, FILLED),
        (0.1, 0.7, FILLED),
    ],
)
def test_lines_on_a_plain_sheet_are_proposed_because_they_may_be_a_drawing(
    ground: float, shaded: float, outcome: str
) -> None:
    view, likely = damaged(THIN, SMALL)
    drawn = view == GROUND
    view = np.where(drawn, 0.3, ground + shaded * SHADES).astype(np.float32)
    damage = decide_fill(view, likely, GATES, Judge.constant(4.0), cracks=False, forced=False)
    assert {piece.outcome for piece in damage.pieces} == {outcome}
    assert damage.fill.any() == (outcome == FILLED)
    forced = decide_fill(view, likely, GATES, Judge.constant(4.0), cracks=False, forced=True)
    assert {piece.outcome for piece in forced.pieces} == {FILLED}


@pytest.mark.parametrize(("gap", "outcome"), [(16, PROPOSED), (60, FILLED)])
def test_round_pieces_in_a_regular_row_may_be_pearls_unless_they_are_far_apart(
    gap: int, outcome: str
) -> None:
    row = [np.s_[200 + n : 204 + n, 20 + n * gap : 24 + n * gap] for n in range(9) if n != 4]
    alone = np.s_[40:44, 300:304]
    view, likely = damaged(*row, alone)
    damage = decide_fill(view, likely, GATES, Judge.constant(2.0), cracks=False, forced=False)
    outcomes = {piece.box[:2]: piece.outcome for piece in damage.pieces}
    assert outcomes.pop((300, 40)) == FILLED
    assert len(outcomes) == 8
    assert {*outcomes.values()} == {outcome}


def test_narrow_and_small_pieces_are_filled_and_large_ones_are_proposed() -> None:
    damage = decided(*damaged(THIN, SMALL, LARGE))
    outcomes = {piece.px: piece.outcome for piece in damage.pieces}
    assert outcomes == {1000: FILLED, 64: FILLED, 80 * 140: PROPOSED}
    assert damage.fill[THIN].min() == damage.fill[SMALL].min() == 1
    assert not damage.fill[LARGE].any()
    assert damage.found[LARGE].min() == 1
    record = damage.record(0.5)
    assert record["weight"] == 0.5
    assert record["by_kind"] == {KINDS[CLASSES.index("area")]: 2}
    assert record["proposed"] == 1
    assert record["found_share"] > record["filled_share"] > 0
    largest = record["pieces"][0]
    assert largest["reason"] == "larger than the limit for automatic filling"
    assert largest["box"] == [0.1667, 0.5, 0.2333, 0.2]
    assert largest["judge_probability"] == damage.pieces[-1].judge_probability


def by_size(weight: float) -> Judge:
    """A judge that accepts pieces above, or below, a thousandth of the work."""
    return Judge(("size",), (-3.0,), (0.1,), ((1.0, -1.0),), (0.0, 0.0), (weight, -weight), 0.0)


def test_pieces_that_the_judge_rejects_are_neither_filled_nor_in_the_damage_map() -> None:
    view, likely = damaged(THIN, SMALL)
    damage = decide_fill(view, likely, GATES, by_size(10), cracks=False, forced=False)
    assert [(piece.px, piece.outcome) for piece in damage.pieces] == [(1000, FILLED)]
    assert damage.fill[THIN].min() == 1
    assert not damage.found[SMALL].any()


def test_nothing_is_filled_if_the_judge_rejects_most_of_the_damage() -> None:
    view, likely = damaged(THIN, SMALL)
    damage = decide_fill(view, likely, GATES, by_size(-10), cracks=False, forced=False)
    assert not damage.fill.any()
    assert not damage.fill.any()
    forced = decide_fill(view, likely, GATES, by_size(-10), cracks=False, forced=True)
    assert forced.fill[THIN].min() == forced.fill[SMALL].min() == 1


def test_a_large_piece_needs_a_higher_probability() -> None:
    # With areas of 0.4% and 0.03% of the work, and probabilities of 0.401 and 0.599
    view, likely = damaged(THIN, SMALL)
    for surely, filled in ((0.4, [64, 1000]), (0.41, [64]), (0.9, [64]), (1.0, [64])):
        gates = replace(GATES, fill_area=0.001, fill_surely=surely, fill_probability_mean=0.4)
        damage = decide_fill(view, likely, gates, by_size(-0.1), cracks=False, forced=False)
        assert sorted(piece.px for piece in damage.pieces) == filled


@pytest.mark.parametrize(
    ("gate", "value", "filled"),
    [  # the mean probability is 0.413, the largest one 0.599
        ("fill_probability_mean", 0.41, [64, 1000]),
        ("fill_probability_mean", 0.42, []),
        ("fill_probability_max", 0.59, [64, 1000]),
        ("fill_probability_max", 0.6, []),
    ],
)
def test_nothing_is_filled_if_the_mean_or_the_largest_probability_is_low(
    gate: str, value: float, filled: list[int]
) -> None:
    view, likely = damaged(THIN, SMALL)
    gates = replace(GATES, fill_area=0.001, fill_surely=0.1, **{gate: value})
    damage = decide_fill(view, likely, gates, by_size(-0.1), cracks=False, forced=False)
    assert sorted(piece.px for piece in damage.pieces) == filled


@pytest.mark.parametrize(
    ("proposal", "mean", "proposed"),
    [(0.59, 0.4, [64, 1000]), (0.59, 0.5, [64]), (0.6, 0.4, [])],
)
def test_damage_of_a_work_that_is_nearly_certain_enough_is_proposed(
    proposal: float, mean: float, proposed: list[int]
) -> None:
    view, likely = damaged(THIN, SMALL)  # with probabilities of 0.599 and 0.401
    gates = replace(GATES, fill_area=0.001, fill_surely=0.1, fill_probability_max=0.7)
    gates = replace(gates, fill_probability_mean=mean, fill_proposal=proposal)
    damage = decide_fill(view, likely, gates, by_size(-0.1), cracks=False, forced=False)
    assert sorted(piece.px for piece in damage.pieces) == proposed
    assert all(piece.outcome == PROPOSED for piece in damage.pieces)
    assert not damage.fill.any()
    assert (damage.found > 0.5).sum() == sum(proposed)


def test_a_strip_along_the_edge_is_left_unless_damage_is_forced() -> None:
    for strip in (np.s_[392:400, 100:400], np.s_[100:300, 0:8], np.s_[391:400, 100:400]):
        view, likely = damaged(strip)
        filled = decided(view, likely).fill[strip].max()
        assert filled == (strip[0].start == 391)  # one pixel more is no margin
        forced = decide_fill(view, likely, GATES, cracks=False, forced=True)
        assert forced.fill[strip].max() == 1


def test_a_piece_with_a_high_probability_may_be_larger() -> None:
    place = np.s_[200:250, 100:172]  # 1.5% of the work
    view, likely = damaged(place)
    assert decided(view, likely).pieces[0].outcome == PROPOSED
    surely = decide_fill(view, likely, GATES, by_size(10), cracks=False, forced=False)
    assert surely.pieces[0].outcome == FILLED
    view, likely = damaged(LARGE)  # 4.7%
    surely = decide_fill(view, likely, GATES, by_size(10), cracks=False, forced=False)
    assert surely.pieces[0].outcome == PROPOSED


def proposed(*, bias: float = 9.0, forced: bool = False) -> Damage:
    """A filled scratch, and a proposed area with the logistic function of `bias` as probability."""
    view, likely = damaged(THIN)
    view[LARGE] = GROUND
    areas = np.zeros((*SIZE, len(AREA_CLASSES)), np.float32)
    areas[LARGE][..., 0] = 0.95
    areas[SMALL][..., 0] = 0.95
    gates = replace(GATES, area_probability=0.3)
    judge = Judge.constant(bias)
    damage = decided(view, likely, gates)
    return with_proposals(damage, view, areas, gates, judge, forced=forced)


def test_an_area_is_proposed_if_the_judge_accepts_it_and_filled_only_if_it_is_forced() -> None:
    damage = proposed()
    assert [(piece.px, piece.outcome) for piece in damage.pieces] == [
        (1000, FILLED),
        (80 * 140, PROPOSED),
    ]
    assert damage.fill[THIN].min() == damage.found[LARGE].min() == 1
    assert not damage.fill[LARGE].any()
    assert not damage.found[SMALL].any()  # it is left to segmentation
    assert (damage.labels[LARGE] == damage.pieces[1].label).all()
    assert [piece.px for piece in proposed(bias=-1.0).pieces] == [1000]
    forced = proposed(bias=-1.0, forced=True)
    assert forced.fill[LARGE].min() == forced.fill[THIN].min() == 1
    assert not forced.stain.any()


def test_forced_damage_of_any_size_is_filled() -> None:
    damage = decided(*damaged(LARGE), forced=True)
    assert [piece.outcome for piece in damage.pieces] == [FILLED]
    assert damage.fill[LARGE].min() == 1


def test_small_areas_are_filled_up_to_the_limit_of_the_filled_share() -> None:
    places = [
        np.s_[row : row + 6, column : column + 30]
        for row in range(10, 390, 30)
        for column in range(10, 560, 45)
    ]
    damage = decided(*damaged(*places), replace(GATES, fill_width=0.006))
    share = sum(piece.px for piece in damage.pieces if piece.outcome == FILLED) / damage.fill.size
    assert GATES.fill_share * 0.9 < share <= GATES.fill_share
    reasons = {piece.reason for piece in damage.pieces if piece.outcome == PROPOSED}
    assert reasons == {"the limit of the filled share of the work is reached"}


def test_a_scratch_across_a_large_loss_is_filled_and_the_loss_is_proposed() -> None:
    damage = decided(*damaged(LARGE, np.s_[238:240, 20:560]))
    outcomes = [piece.outcome for piece in sorted(damage.pieces, key=lambda piece: piece.px)]
    assert outcomes == [FILLED, FILLED, PROPOSED]
    assert damage.fill[238:240, 20:80].min() == damage.fill[238:240, 260:560].min() == 1
    assert not damage.fill[205:275, 105:235].any()


def test_a_face_beside_a_crease_is_not_taken_for_a_part_of_it() -> None:
    face, crease = np.s_[150:180, 294:310], np.s_[20:380, 300:302]
    damage = decided(*damaged(face, crease))
    assert damage.fill[20:140, 300:302].all()
    assert not damage.fill[155:175, 296:308].any()
    assert PROPOSED in {piece.outcome for piece in damage.pieces}


def test_an_area_that_continues_outside_its_rim_is_proposed() -> None:
    view, likely = damaged(SMALL)
    view[:] = GROUND  # the work has no edge where the network finds one
    damage = decided(view, likely)
    assert [(piece.outcome, piece.reason) for piece in damage.pieces] == [
        (PROPOSED, "it continues outside the area")
    ]


def test_the_rim_of_true_damage_differs_all_around() -> None:
    inside = np.zeros((60, 60), bool)
    inside[20:40, 20:40] = True
    view = np.where(inside[..., None], GROUND, PAINT).astype(np.float32).repeat(3, axis=2)
    assert rim_contrast(view, inside) == 1
    view[:, :30] = GROUND  # a pale shape of which half was taken for a loss
    assert 0.2 < rim_contrast(view, inside) < 0.8
    assert rim_contrast(np.full_like(view, GROUND), inside) == 0
    assert rim_contrast(view, np.zeros_like(inside)) == 0


def network_of_cracks(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Dark lines that enclose about sixty cells."""
    lines = np.zeros(SIZE, np.uint8)
    for row in range(40, 360, 40):
        cv2.line(lines, (40, row), (560, row), 1)
    for column in range(40, 580, 60):
        cv2.line(lines, (column, 40), (column, 320), 1)
    view = np.where(lines[..., None], 0.1, PAINT).astype(np.float32).repeat(3, axis=2)
    likely = np.zeros((*SIZE, len(CLASSES)), np.float32)
    likely[..., CLASSES.index(kind)] = 0.95 * lines
    return view, likely


@pytest.mark.parametrize("kind", ["crack", "line"])
def test_a_network_of_cracks_is_kept_unless_craquelure_is_to_be_treated(kind: str) -> None:
    kept = decided(*network_of_cracks(kind))
    assert not kept.fill.any()
    assert {piece.outcome for piece in kept.pieces} <= {KEPT}
    filled = decided(*network_of_cracks(kind), cracks=True)
    assert filled.fill.mean() > 0.01
    record = filled.record(1)
    assert record["by_kind"] == {KINDS[CLASSES.index(kind)]: len(filled.pieces)}
    assert record["kept"] == 0


def test_forced_craquelure_ignores_the_gates_for_cracks_only() -> None:
    view, likely = network_of_cracks("crack")
    loss = np.s_[370:390, 500:540]
    view[loss], likely[loss][..., CLASSES.index("area")] = GROUND, 0.95
    closed = replace(GATES, damage_share=0.9, fill_probability_mean=0.9)
    arguments = {"cracks": True, "forced": False}
    assert not decide_fill(view, likely, closed, **arguments).pieces
    damage = decide_fill(view, likely, closed, cracks_forced=True, **arguments)
    assert {piece.kind for piece in damage.pieces} == {CLASSES.index("crack")}
    assert {piece.outcome for piece in damage.pieces} == {FILLED}
    assert damage.fill.any()
    assert not damage.fill[loss].any()


def test_cracks_and_other_damage_have_weights_of_their_own_in_the_sidecar() -> None:
    view, likely = network_of_cracks("crack")
    cracks = decided(view, likely, cracks=True)
    assert cracks.record(1, 0.5)["weight"] == 0.5
    loss = np.s_[370:378, 500:508]
    view[loss], likely[loss][..., CLASSES.index("area")] = GROUND, 0.95
    both = decided(view, likely, cracks=True)
    assert both.record(0.2, 0.5)["weight"] == 0.5
    assert both.record(0.2, 0.5)["weights"] == {"damage": 0.2, "craquelure": 0.5}
    assert "weights" not in both.record(0.5, 0.5)
    assert both.cracks is not None
    assert both.cracks[both.fill > 0].mean() > 0.9
    assert not both.cracks[loss].any()


def test_less_likely_pixels_count_if_they_are_connected_with_likely_ones() -> None:
    view, likely = damaged(np.s_[100:108, 100:104])
    view[100:108, 104:112] = view[300:308, 300:312] = GROUND
    doubtful = (GATES.damage_doubt + GATES.damage_probability) / 2
    likely[100:108, 104:112, 2] = likely[300:308, 300:312, 2] = doubtful
    damage = decided(view, likely)
    assert damage.fill[100:108, 100:112].min() == 1
    assert damage.found[300:308, 300:312].max() == 0


def test_the_work_is_visible_through_a_spill_but_not_through_a_loss() -> None:
    spill = decided(*damaged(SMALL, kind="stain"))
    assert spill.stain[SMALL].min() == 1
    assert not decided(*damaged(SMALL)).stain.any()


def test_nothing_is_filled_in_an_undamaged_work() -> None:
    damage = decided(*damaged())
    assert damage.pieces == []
    assert damage.record(1)["pieces"] == []
    assert damage.record(1)["weight"] == 0
    assert not damage.fill.any()

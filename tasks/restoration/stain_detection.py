"""Finds the stains of a work, and decides which of them are corrected.

`stain_segmentation` finds candidates, `stains` predicts their correction, and a judge decides with
the features of both whether the correction improves the work. So a dark collar or a shadow that the
first network takes for a stain is left: its correction does not make its outline disappear.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from patina.models import STAIN_MAPS, STAINS, STRIDE_PX
from patina.tasks.imaging.images import mean_of_channels
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.detection import sigmoid, view_size
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.reduced import resized
from patina.tasks.restoration.stains import NO_STAINS, Stains, gain_of, lightened
from patina.tasks.restoration.tiling import Network
from patina.tasks.restoration.user_masks import DECISIVE_SHARE
from patina.tasks.restoration.windows import Window

EXAMINED_PX = 512  # long side at which a work is examined
REFLECTIONS = ((1, 1), (1, -1), (-1, 1), (-1, -1))  # steps of rows and columns
# A candidate has a pixel of at least the first probability, and consists of connected pixels of at
# least the second; all its pixels have at least the third on average
PEAK, LEAST, LEAST_MEAN = 0.6, 0.35, 0.5
MIN_SHARE = 0.002  # smaller candidates (share of the work) are ignored
FURTHER = 0.8  # of the gate: enough for the other candidates of a work with a stain
# If more than this share of the outline is left after the correction, it is applied with this
# strength: some spills have hardly changed the colours inside their rim
OUTLINE_LEFT, CAUTIOUS = 0.5, 0.7
MOST_OF_EDGE = 0.5  # see `_surrounds`
MARGIN_PX = 6  # width that is corrected around a candidate
RIM_PX = 5  # width of the bands inside and outside an outline that are compared
OFFSET = 1e-4  # is added before a logarithm

FEATURES = (
    "probability",  # mean probability of a stain, as the network gives it
    "peak",  # highest probability
    "outlined",  # mean probability of an outline along its rim
    "surroundings",  # mean probability of a stain in the rest of the work
    "size",  # logarithm of its share of the work
    "filled",  # share of its box that it covers
    "light",  # its lightness
    "darkened",  # mean of the logarithm of the gain that corrects it
    "tinted",  # difference of this gain between the colours
    "uneven",  # standard deviation of this gain inside the candidate
    "step",  # how much the colours differ across its rim
    "step_left",  # the same after the correction, divided by that before
    "contrast_left",  # contrast inside after the correction, divided by that before
    "many",  # logarithm of the number of candidates
    "others_probability",  # highest mean probability of another candidate; 0 without any
    "others_outlined",  # mean of "outlined" of the others, by the root of their share
    "others_step_gone",  # the same of 1 - "step_left"
)
OTHERS_WEIGHT = 0.05  # of an imagined other candidate, with values of 0


@dataclass(frozen=True)
class Candidate:
    """A place that may be stained."""

    inside: np.ndarray  # bool (h, w), its pixels in the examined view
    features: Mapping[str, float]  # FEATURES

    @property
    def share(self) -> float:
        """Its share of the work."""
        return float(self.inside.mean())


def stain_probabilities(network: Network, view: np.ndarray) -> np.ndarray:
    """The probability of each of STAIN_MAPS, float32 (h, w, len(STAIN_MAPS)).

    network: see `patina.models.stain_segmentation`. view: float32 (h, w, 3), sRGB in [0, 1], from
    `examined_view`. The logits are the mean of four reflections of the view: of the stains in
    held-out works, a tenth more is found than with two.
    """
    height, width = view.shape[:2]
    padding = [(0, -side % STRIDE_PX) for side in (height, width)]
    padded = np.pad(view, (*padding, (0, 0)), mode="symmetric")
    found = np.zeros((padded.shape[0] // 2, padded.shape[1] // 2, len(STAIN_MAPS)), np.float32)
    for down, across in REFLECTIONS:
        given = np.ascontiguousarray(padded[None, ::down, ::across])
        found += network(given)[0][::down, ::across] / len(REFLECTIONS)
    return sigmoid(resized(found, padded.shape[:2])[:height, :width])


def examined_view(view: np.ndarray) -> np.ndarray:
    """`view` (h, w, 3) at the size at which a work is examined."""
    return resized(view, view_size(view, EXAMINED_PX))


def find_candidates(view: np.ndarray, networks: Mapping[str, Network]) -> list[Candidate]:
    """The candidates, with the features for the judge. view: from `examined_view`."""
    probabilities = stain_probabilities(networks["stain_segmentation"], view)
    likely = probabilities[..., 0]
    if likely.max() < PEAK:
        return []
    _, labels, stats, _ = cv2.connectedComponentsWithStats((likely > LEAST).astype(np.uint8))
    places = [
        labels == label
        for label in range(1, len(stats))
        if stats[label, cv2.CC_STAT_AREA] >= MIN_SHARE * labels.size
    ]
    places = [
        inside
        for inside in places
        if likely[inside].max() >= PEAK
        and likely[inside].mean() >= LEAST_MEAN
        and not _surrounds(inside)
    ]
    if not places:
        return []
    anywhere = np.any(places, axis=0)
    surroundings = float(likely[~anywhere].mean()) if not anywhere.all() else 0.0
    measured = [
        _features(view, probabilities, inside, networks["stains"]) | {"surroundings": surroundings}
        for inside in places
    ]
    weights = np.sqrt([inside.mean() for inside in places])
    return [
        Candidate(inside, own | _of_others(measured, weights, number))
        for number, (inside, own) in enumerate(zip(places, measured, strict=True))
    ]


def _surrounds(inside: np.ndarray) -> bool:
    """Whether a place covers most of two opposite edges, as the margin of a scan does."""
    sides = ((inside[0], inside[-1]), (inside[:, 0], inside[:, -1]))
    return any(min(first.mean(), last.mean()) > MOST_OF_EDGE for first, last in sides)


def _of_others(
    measured: Sequence[Mapping[str, float]], weights: np.ndarray, number: int
) -> dict[str, float]:
    """The features of the candidate `number` that depend on the others of the work.

    A work seldom has only one stain. measured: the other features of each candidate. weights: (n,).
    """
    others = [index for index in range(len(measured)) if index != number]
    total = weights[others].sum() + OTHERS_WEIGHT
    outlined = sum(weights[each] * measured[each]["outlined"] for each in others)
    step_gone = sum(weights[each] * (1 - measured[each]["step_left"]) for each in others)
    return {
        "many": float(np.log(len(measured))),
        "others_probability": max((measured[each]["probability"] for each in others), default=0.0),
        "others_outlined": float(outlined / total),
        "others_step_gone": float(step_gone / total),
    }


def _features(
    view: np.ndarray, probabilities: np.ndarray, inside: np.ndarray, correct: Network
) -> dict[str, float]:
    gain = _gain(view, inside, correct)
    after = lightened(view, gain)
    rim = _band(inside, 1) & _band(~inside, 1)
    rows, columns = np.nonzero(inside)
    box_px = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    chosen = gain[inside]
    steps = [_step(each, inside) for each in (view, after)]
    contrasts = [float(mean_of_channels(each)[inside].std()) for each in (view, after)]
    return {
        "probability": float(probabilities[..., 0][inside].mean()),
        "peak": float(probabilities[..., 0][inside].max()),
        "outlined": float(probabilities[..., 1][rim].mean()) if rim.any() else 0.0,
        "size": float(np.log10(inside.mean() + OFFSET)),
        "filled": float(inside.sum() / box_px),
        "light": float(view[inside].mean()),
        "darkened": float(chosen.mean()),
        "tinted": float(np.ptp(chosen.mean(axis=0))),
        "uneven": float(chosen.mean(axis=1).std()),
        "step": steps[0],
        "step_left": steps[1] / (steps[0] + 0.01),
        "contrast_left": contrasts[1] / (contrasts[0] + 0.01),
    }


def _small_gain(view: np.ndarray, inside: np.ndarray, correct: Network) -> np.ndarray:
    """The gain that corrects `inside` and its margin, at the size of `stains.gain_of`."""
    return gain_of(correct, view, marked(inside).astype(np.float32))


def _gain(view: np.ndarray, inside: np.ndarray, correct: Network) -> np.ndarray:
    """The logarithm of the gain, float32 (h, w, 3), that corrects `inside` and its margin."""
    return resized(_small_gain(view, inside, correct), view.shape[:2])


def corrected(view: np.ndarray, inside: np.ndarray, correct: Network) -> np.ndarray:
    """`view` (h, w, 3) with the stain `inside` (h, w) corrected. correct: the network `stains`."""
    return lightened(view, _gain(view, inside, correct))


def marked(inside: np.ndarray) -> np.ndarray:
    """`inside` (h, w) and its margin, bool."""
    return _band(inside, MARGIN_PX)


def _band(inside: np.ndarray, reach_px: int) -> np.ndarray:
    """`inside` (h, w), widened by `reach_px`, bool."""
    side = 2 * reach_px + 1
    return cv2.dilate(inside.astype(np.uint8), np.ones((side, side), np.uint8)) > 0


def _step(view: np.ndarray, inside: np.ndarray) -> float:
    """The mean difference of the logarithms of the colours on both sides of the outline."""
    colours = np.log(view + np.float32(STAINS.floor))
    bands = [
        (place & _band(~place, RIM_PX)).astype(np.float32)[..., None] for place in (inside, ~inside)
    ]
    reach = (4 * RIM_PX + 1,) * 2
    means = [
        cv2.boxFilter(colours * band, -1, reach, normalize=False)
        / (cv2.boxFilter(band[..., 0], -1, reach, normalize=False)[..., None] + 1e-6)
        for band in bands
    ]
    rim = _band(inside, 1) & _band(~inside, 1)
    difference = (means[0] - means[1])[rim]
    return float(np.abs(difference).mean()) if rim.any() else 0.0


def decide_stains(
    view: np.ndarray,
    size: tuple[int, int],
    networks: Mapping[str, Network],
    judge: Judge,
    gates: Gates,
    strength: float,
    *,
    forced: bool = False,
    decided: np.ndarray | None = None,
) -> Stains:
    """Find the stains of a work, and decide which are corrected and which are proposed.

    view: float32 (h, w, 3), sRGB in [0, 1], the reduced work. size: (height, width) of the work.
    networks: `stain_segmentation` and `stains`. judge: gives the probability that a correction
    improves the work. strength: of the correction, 0 to 1. forced: correct the proposed ones, too.
    decided: float32 (H, W), 1 where a user decided on the work otherwise; stains there are left.
    """
    shown = examined_view(view)
    found = find_candidates(shown, networks)
    if decided is not None:
        found = _undecided(found, resized(decided, shown.shape[:2])[..., 0])
    judged = [(each, judge.probability(each.features)) for each in found]
    certain = _least_probability([probability for _, probability in judged], gates, forced=forced)
    accepted = [each for each in judged if each[1] >= certain]
    proposed = [each for each in judged if gates.stain_proposal <= each[1] < certain]
    stains = NO_STAINS
    if accepted:  # otherwise the network is not loaded
        stains = _correction(shown, size, accepted, networks["stains"], strength)
    if not proposed:
        return stains
    possible = np.any([each.inside for each, _ in proposed], axis=0).astype(np.float32)
    return replace(stains, proposed=_places(proposed), possible=possible)


def _undecided(found: Sequence[Candidate], decided: np.ndarray) -> list[Candidate]:
    """The candidates without the pixels on which a user decided; those that mostly are, are left.

    decided: as for `decide_stains`, at the size of the candidates.
    """
    left = [replace(each, inside=each.inside & (decided < 0.5)) for each in found]
    return [
        rest
        for rest, each in zip(left, found, strict=True)
        if rest.share >= (1 - DECISIVE_SHARE) * each.share
    ]


def _least_probability(probabilities: Sequence[float], gates: Gates, *, forced: bool) -> float:
    """The least probability of a stain that is corrected; infinite if none is certain enough.

    A work seldom has only one stain, so that FURTHER of the gate is enough for the others.
    """
    if forced:
        return gates.stain_proposal
    certain = max(probabilities, default=-1.0) >= gates.stain_probability
    return FURTHER * gates.stain_probability if certain else math.inf


def _correction(
    shown: np.ndarray,
    size: tuple[int, int],
    accepted: Sequence[tuple[Candidate, float]],
    correct: Network,
    strength: float,
) -> Stains:
    """The correction of accepted candidates, at least one. Arguments: as for `decide_stains`."""
    inside = np.any([each.inside for each, _ in accepted], axis=0)
    gain = _small_gain(shown, inside, correct)
    after = lightened(shown, resized(gain, shown.shape[:2]))
    if _step(after, inside) > OUTLINE_LEFT * _step(shown, inside):
        strength *= CAUTIOUS
    return Stains(
        Window.whole(size),
        gain,
        strength,
        float(inside.mean()),
        _places(accepted),
        found=inside.astype(np.float32),
    )


def _places(judged: Sequence[tuple[Candidate, float]]) -> tuple[Record, ...]:
    """The entries of stains in the sidecar."""
    return tuple(_place(candidate, probability) for candidate, probability in judged)


def _place(candidate: Candidate, probability: float) -> Record:
    """The entry of a stain in the sidecar; box and share are shares of the work."""
    height, width = candidate.inside.shape
    rows, columns = np.nonzero(candidate.inside)
    box = (
        columns.min() / width,
        rows.min() / height,
        (np.ptp(columns) + 1) / width,
        (np.ptp(rows) + 1) / height,
    )
    return {
        "box": [round(float(edge), 4) for edge in box],
        "share": round(candidate.share, 6),
        "judge_probability": round(probability, 3),
    }

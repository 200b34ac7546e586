"""Measures how well works are restored, compared with other methods: a table for docs/quality.md.

    python benchmarks/quality.py WORKS [--name NAME] [--limit 24] [--only NAME...] [--native]
        [--ffdnet FILE] [--model FILE] [--beside NAME=FILE ...]

WORKS is a folder of undamaged pictures that were not used for training. Each gets every degradation
at three severities, and Gaussian noise of σ 15, 25 and 50. Patina restores all of them without
further information. The names of the other methods state what information they get: Patina with the
treatment that the work needs (`patina restore --force`); Patina's fill and a classical fill with
the mask of the damage; FFDNet with σ, if its weights (an .npz with w0, b0, w1, …) are given.
--beside: other models of Patina, without further information. Works are reduced to 512 px; with
--native they keep their size.
"""

import argparse
import dataclasses
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from rich.progress import track

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina import params as params_file  # noqa: E402 -- found by the line above
from patina.formats import COLLECTED_SUFFIXES  # noqa: E402
from patina.tasks.dataset.recipes import draw_recipe, render  # noqa: E402
from patina.tasks.degradations import DEGRADATIONS, FAMILIES  # noqa: E402
from patina.tasks.evaluation.metrics import score  # noqa: E402
from patina.tasks.evaluation.promotion_rules import MOST_DB  # noqa: E402
from patina.tasks.imaging.images import load_srgb, to_float, to_uint8  # noqa: E402
from patina.tasks.restoration.batch import load_restorer  # noqa: E402
from patina.tasks.restoration.inpainting import fill_residual  # noqa: E402
from patina.tasks.restoration.restorer import Restorer  # noqa: E402
from patina.tasks.restoration.tiling import apply_tiled  # noqa: E402
from patina.tasks.restoration.weights import shipped  # noqa: E402

SEVERITIES = (0.3, 0.6, 0.9)
SIGMAS = (15, 25, 50)
LONG_PX = 512
OURS, NOTHING = "Patina", "nothing"
FORCED, FILLED, CLASSICAL, FFDNET = (
    "Patina, given the treatment",
    "Patina's fill, given the mask",
    "classical fill, given the mask",
    "FFDNet, given σ",
)
SOUND, MIXED, NOISE = "sound", "mixed", "gaussian_noise"
WORSE_DB = 0.1  # a work counts as made worse if it loses more PSNR than this
# The treatment that a family of damage, or a degradation, needs, if it is not `damage`
TREATMENT = dict.fromkeys(("blur", "noise", "jpeg"), "detail")
TREATMENT |= dict.fromkeys(("spill", "stain", "growth", "tape"), "stains")
TREATMENT |= dict.fromkeys(("fading", "varnish", "grime", "light"), "tone")
METRICS = (
    ("psnr_db", 2),
    ("ssim", 3),
    ("delta_e2000", 2),
    ("dominant_channel_accuracy", 3),
)
MASKED = 0.05  # pixels with a higher opacity count as damaged


class Case(NamedTuple):
    """A degraded copy, and the information that methods may get."""

    damage: str
    severity: str
    clean: np.ndarray  # uint8 (H, W, 3)
    degraded: np.ndarray  # uint8 (H, W, 3)
    mask: np.ndarray  # opacity of the damage, float32 (H, W), 0 to 1
    sigma: float  # of Gaussian noise, 8-bit steps

    @property
    def treatment(self) -> str:
        """The treatment that it needs; "" if that is not a single one."""
        family = next((name for name, ways in FAMILIES.items() if self.damage in ways), "")
        needed = TREATMENT.get(self.damage, TREATMENT.get(family))
        return needed or ("damage" if family else "")


Method = Callable[[Case], np.ndarray]
Scores = dict[str, float]
Rows = Mapping[tuple[str, str, str], Sequence[Scores]]


def main() -> None:
    """Measure all cases and print the report."""
    cv2.setNumThreads(2)
    asked = arguments()
    methods = methods_of(asked)
    files = sorted(
        path for path in asked.works.rglob("*") if path.suffix.lower() in COLLECTED_SUFFIXES
    )
    files = files[: asked.limit]
    rows: dict[tuple[str, str, str], list[Scores]] = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)
    long_px = None if asked.native else LONG_PX
    for number, file in enumerate(track(files, "measure")):
        clean = to_float(load_srgb(file, long_side_px=long_px))
        for case in cases(clean, file.stem, number, asked.only):
            for name, method in methods.items():
                if applies(name, case):
                    started = time.perf_counter()
                    restored = method(case)
                    spent = time.perf_counter() - started
                    seconds[name].append(spent * 1e6 / case.mask.size)
                    rows[case.damage, case.severity, name].append(score(case.clean, restored))
    size = "full size" if asked.native else f"{LONG_PX} px"
    title = f"## {asked.name}: {len(files)} pictures, {size}, at commit {commit()}"
    lines = (title, "", *table(rows, list(methods)), "", *harm(rows), times(seconds))
    print("\n".join([*lines, parameters(asked)]))  # noqa: T201


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", type=Path, help="Folder of undamaged pictures.")
    parser.add_argument(
        "--name", default="held-out works", help="Name of the pictures in the table."
    )
    parser.add_argument("--limit", type=int, default=24, help="Maximum number of pictures.")
    parser.add_argument(
        "--only", nargs="+", default=[], help="Degradations to measure; also sound, mixed."
    )
    parser.add_argument("--native", action="store_true", help="Keep the size of the pictures.")
    parser.add_argument("--ffdnet", type=Path, help="The colour weights of FFDNet (.npz).")
    parser.add_argument("--model", type=Path, help="Model file; the default is the shipped one.")
    parser.add_argument("--beside", action="append", default=[], help="NAME=FILE of another model.")
    return parser.parse_args()


def cases(clean: np.ndarray, work: str, number: int, only: Sequence[str]) -> Iterator[Case]:
    """Degraded copies of a work, the same in every run. only: names of the cases; empty: all."""
    nothing = np.zeros(clean.shape[:2], np.float32)
    sound = to_uint8(clean)
    for name in (SOUND, NOISE, *DEGRADATIONS, MIXED):
        if only and name not in only:
            continue
        if name == SOUND:
            yield Case(SOUND, "–", sound, sound, nothing, 0)
        elif name == NOISE:
            yield from noisy(clean, number)
        elif name == MIXED:
            mixture = params_file.load(ROOT / "params.yaml").degrade.mixture
            recipe = draw_recipe(work, "mixed", seed=0, mixture=mixture, count=(2, 4))
            degraded = to_uint8(render(clean, recipe)[0])
            yield Case(MIXED, "2–4 damages", sound, degraded, nothing, 0)
        else:
            for severity in SEVERITIES:
                rng = np.random.default_rng(number)
                degraded, mask = DEGRADATIONS[name](clean, rng, severity=severity)
                found = nothing if mask is None else mask
                yield Case(name, f"{severity}", sound, to_uint8(degraded), found, 0)


def noisy(clean: np.ndarray, number: int) -> Iterator[Case]:
    """White noise of each of SIGMAS, clipped and rounded."""
    nothing = np.zeros(clean.shape[:2], np.float32)
    for sigma in SIGMAS:
        noise = np.random.default_rng([number, sigma]).normal(0, sigma / 255, clean.shape)
        degraded = to_uint8((clean + noise).astype(np.float32))
        yield Case(NOISE, f"σ {sigma}", to_uint8(clean), degraded, nothing, sigma)


def methods_of(asked: argparse.Namespace) -> dict[str, Method]:
    """The methods to compare, by name."""
    loading = params_file.load(ROOT / "params.yaml").restore.loading
    models = {name: load_restorer(file, **loading) for name, file in models_of(asked).items()}

    def blind(restorer: Restorer) -> Method:
        return lambda case: restorer.restored(case.degraded)

    def forced(case: Case) -> np.ndarray:
        forcing = dataclasses.replace(models[OURS], forced=(case.treatment,))
        return forcing.restored(case.degraded)

    methods: dict[str, Method] = {NOTHING: lambda case: case.degraded}
    methods |= {name: blind(restorer) for name, restorer in models.items()}
    methods |= {FORCED: forced, FILLED: lambda case: filled(models[OURS], case)}
    methods[CLASSICAL] = classical
    if asked.ffdnet:
        from benchmarks.ffdnet import ffdnet  # imports Keras, which takes seconds

        methods[FFDNET] = given_sigma(ffdnet(asked.ffdnet))
    return methods


def models_of(asked: argparse.Namespace) -> dict[str, Path]:
    """The files of Patina's models by name; the first one is compared with the others."""
    beside = dict(named.split("=", 1) for named in asked.beside)
    return {OURS: asked.model or shipped(), **{name: Path(file) for name, file in beside.items()}}


def applies(name: str, case: Case) -> bool:
    """Whether the method `name` can be applied to the case."""
    if name == FFDNET:
        return case.sigma > 0
    if name in (FILLED, CLASSICAL):
        return bool((case.mask > MASKED).any())
    return name != FORCED or bool(case.treatment)


def filled(restorer: Restorer, case: Case) -> np.ndarray:
    """The work, with Patina's fill where the mask is above MASKED."""
    view = to_float(case.degraded)
    mask = (case.mask > MASKED).astype(np.float32)
    given = np.dstack([view, mask, np.zeros_like(mask)])
    network = restorer.networks.get("inpainting")
    change = apply_tiled(lambda tile: fill_residual(network, tile), given, **restorer.tiling)
    return to_uint8(view + change)


def classical(case: Case) -> np.ndarray:
    """The work, filled where the mask is above MASKED.

    Source: Telea, "An Image Inpainting Technique Based on the Fast Marching Method" (2004).
    """
    return cv2.inpaint(case.degraded, (case.mask > MASKED).astype(np.uint8), 3, cv2.INPAINT_TELEA)


def given_sigma(denoise: Callable[[np.ndarray, float], np.ndarray]) -> Method:
    """A method that gets the standard deviation of the noise."""
    return lambda case: denoise(case.degraded, case.sigma)


def table(rows: Rows, methods: Sequence[str]) -> list[str]:
    """A Markdown table: Patina's metrics before and after, and the PSNR of the other methods."""
    lines = [
        "| damage | severity | PSNR dB | SSIM | ΔE2000 | dominant channel | worse |"
        " others, PSNR dB |",
        "|---" * 8 + "|",
    ]
    for damage, severity in dict.fromkeys(key[:2] for key in rows):
        before, after = (rows[damage, severity, method] for method in (NOTHING, OURS))
        cells = [
            f"{mean(before, metric):.{digits}f} → {mean(after, metric):.{digits}f}"
            for metric, digits in METRICS
        ]
        others = [
            f"{method} {mean(scores, 'psnr_db'):.2f}"
            for method in methods
            if method not in (NOTHING, OURS) and (scores := rows.get((damage, severity, method)))
        ]
        worse = sum(loss > WORSE_DB for loss in losses_db(before, after))
        cells += [f"{worse} of {len(after)}", "; ".join(others)]
        lines.append(f"| {damage} | {severity} | " + " | ".join(cells) + " |")
    return lines


def losses_db(before: Sequence[Scores], after: Sequence[Scores]) -> list[float]:
    """The loss of PSNR of each work, in dB."""
    return [
        min(b["psnr_db"], MOST_DB) - min(a["psnr_db"], MOST_DB)
        for b, a in zip(before, after, strict=True)
    ]


def harm(rows: Rows) -> list[str]:
    """Sentences: works made worse, the greatest loss, and the lowest PSNR of an undamaged work."""
    losses = [
        (loss, f"{damage} {severity}")
        for damage, severity in dict.fromkeys(key[:2] for key in rows)
        if damage != SOUND
        for loss in losses_db(rows[damage, severity, NOTHING], rows[damage, severity, OURS])
    ]
    lines = []
    if losses:
        worse = sum(loss > WORSE_DB for loss, _ in losses)
        most, where = max(losses)
        count = f"Made worse by more than {WORSE_DB} dB: {worse} of {len(losses)}"
        lines.append(f"{count}; the greatest loss is {max(most, 0):.2f} dB ({where}).")
    if sound := rows.get((SOUND, "–", OURS)):
        lines.append(f"Undamaged works: the worst keeps {min(s['psnr_db'] for s in sound):.1f} dB.")
    return lines


def times(seconds: Mapping[str, Sequence[float]]) -> str:
    """A sentence with the median time of each method."""
    medians = (
        f"{name} {np.median(spent):.2f}" for name, spent in seconds.items() if name != NOTHING
    )
    return f"Seconds a megapixel: {'; '.join(medians)}."


def parameters(asked: argparse.Namespace) -> str:
    """A sentence with the size of each network."""
    from patina.models import registry

    counts = {
        f"{name} ({role})": network.count_params()
        for name, file in models_of(asked).items()
        for role, network in registry.networks_of(registry.load(file)).items()
    }
    if asked.ffdnet:
        counts["FFDNet"] = sum(array.size for array in np.load(asked.ffdnet).values())
    sizes = "; ".join(f"{name} {count / 1e6:.2f}" for name, count in counts.items())
    return f"Millions of parameters: {sizes}."


def commit() -> str:
    """The short hash of the present commit."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def mean(scores: Sequence[Scores], metric: str) -> float:
    """The mean of a metric."""
    return float(np.mean([one[metric] for one in scores]))


if __name__ == "__main__":
    main()

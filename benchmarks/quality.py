"""How well works are restored, beside what is known: one run, one table for docs/quality.md.

    python benchmarks/quality.py WORKS [--name NAME] [--limit 24] [--only FAMILY]
        [--ffdnet FILE] [--model FILE] [--beside NAME=FILE ...]

WORKS is a folder of sound pictures that the model was not trained on. Each is deteriorated in every
way at three severities, and by Gaussian noise of σ 15, 25 and 50; one blind network, told nothing,
restores them all. What the others are told stands in their names; Patina itself is among them, told
what kind of treatment the work needs (`patina restore --sure`). --beside: other networks of ours,
blind, too. BM3D (not free for commerce: `pip install bm3d`) is measured where it is installed,
FFDNet where its weights (an .npz of w0… and b0…) are given.
"""

import argparse
import dataclasses
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from rich.progress import track

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina import params as params_file  # noqa: E402 -- found by the line above
from patina.formats import EXTENSIONS  # noqa: E402
from patina.tasks.dataset.recipes import draw_recipe, render  # noqa: E402
from patina.tasks.degradations import COLOUR, DEGRADATIONS  # noqa: E402
from patina.tasks.evaluation.metrics import score  # noqa: E402
from patina.tasks.imaging.images import load_srgb, to_float, to_uint8  # noqa: E402
from patina.tasks.restoration.batch import load_restorer  # noqa: E402
from patina.tasks.restoration.weights import shipped  # noqa: E402

SEVERITIES = (0.3, 0.6, 0.9)
SIGMAS = (15, 25, 50)
LONG_PX = 512
OURS, NOTHING = "Patina", "nothing"
BLIND = (NOTHING, OURS)


class Case(NamedTuple):
    """A twin and what can be told of it."""

    family: str
    severity: str
    clean: np.ndarray  # uint8
    degraded: np.ndarray
    mask: np.ndarray
    sigma: float  # of Gaussian noise, 8-bit steps


Method = Callable[[Case], np.ndarray]


def main() -> None:
    cv2.setNumThreads(2)
    asked = arguments()
    methods = methods_of(asked)
    files = sorted(path for path in asked.works.rglob("*") if path.suffix.lower() in EXTENSIONS)
    rows: dict[tuple[str, str, str], list[dict[str, float]]] = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)
    for number, file in enumerate(track(files[: asked.limit], "measure")):
        for case in cases(to_float(load_srgb(file, long_side_px=LONG_PX)), file.stem, number):
            for name, method in methods.items():
                if not applies(name, case) or asked.only not in ("", case.family):
                    continue
                started = time.perf_counter()
                restored = method(case)
                megapixels = case.clean.shape[0] * case.clean.shape[1] / 1e6
                seconds[name].append((time.perf_counter() - started) / megapixels)
                found = score(case.clean, restored) | {"high": high_band(case.clean, restored)}
                rows[case.family, case.severity, name].append(found)
    told = [report(asked.name, min(len(files), asked.limit), rows, seconds), parameters(asked)]
    print("\n".join(told))  # noqa: T201


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", type=Path, help="folder of sound pictures")
    parser.add_argument("--name", default="held-out works", help="what the table calls them")
    parser.add_argument("--limit", type=int, default=24, help="pictures")
    parser.add_argument("--only", default="", help="one family of damage, such as gaussian_noise")
    parser.add_argument("--ffdnet", type=Path, help="its colour weights")
    parser.add_argument("--model", type=Path, help="instead of the shipped one")
    parser.add_argument(
        "--beside", action="append", default=[], help="NAME=FILE of another network"
    )
    return parser.parse_args()


def cases(clean: np.ndarray, work: str, number: int) -> Iterator[Case]:
    """All twins of a work; the same for every run."""
    nothing = np.zeros(clean.shape[:2], np.float32)
    sound = to_uint8(clean)
    yield Case("sound", "–", sound, sound, nothing, 0)
    for sigma in SIGMAS:
        noise = np.random.default_rng([number, sigma]).normal(0, sigma / 255, clean.shape)
        noisy = to_uint8(np.clip(clean + noise, 0, 1).astype(np.float32))
        yield Case("gaussian_noise", f"σ {sigma}", sound, noisy, nothing, sigma)
    for name, degrade in DEGRADATIONS.items():
        for severity in SEVERITIES if name != "gaussian_noise" else ():
            degraded, mask = degrade(clean, np.random.default_rng(number), severity=severity)
            found = nothing if mask is None else mask
            yield Case(name, f"{severity}", sound, to_uint8(degraded), found, 0)
    mixture = params_file.load().degrade.mixture
    recipe = draw_recipe(work, "mixed", seed=0, mixture=mixture, count=(2, 4))
    yield Case("mixed", "2–4 damages", sound, to_uint8(render(clean, recipe)[0]), nothing, 0)


def methods_of(asked: argparse.Namespace) -> dict[str, Method]:
    applied = params_file.load(ROOT / "params.yaml").restore.applied
    restorers = {name: load_restorer(file, **applied) for name, file in networks_of(asked).items()}

    def patina(*sure: str, name: str = OURS) -> Method:
        told = dataclasses.replace(restorers[name], sure=sure)
        return lambda case: told.restored(case.degraded)

    methods: dict[str, Method] = {
        NOTHING: lambda case: case.degraded,
        **{name: patina(name=name) for name in restorers},
        "Patina, told that it is damage": patina("damage"),
        "Patina, told that it is colour": patina("colour"),
        "NLM, told σ": nlm,
        "inpainting, told the mask": inpainting,
        "auto-colour, told that it is colour": auto_colour,
    }
    if asked.ffdnet:
        methods["FFDNet, told σ"] = ffdnet(asked.ffdnet)
    try:
        import bm3d
    except ImportError:
        return methods
    return methods | {
        "BM3D, told σ": lambda case: to_uint8(
            np.clip(bm3d.bm3d_rgb(to_float(case.degraded), case.sigma / 255), 0, 1)
        )
    }


def networks_of(asked: argparse.Namespace) -> dict[str, Path]:
    """The files of our networks by name; that which is to be measured first."""
    beside = dict(named.split("=", 1) for named in asked.beside)
    return {OURS: asked.model or shipped(), **{name: Path(file) for name, file in beside.items()}}


def applies(name: str, case: Case) -> bool:
    if ", told" not in name:
        return True
    if "σ" in name:
        return case.sigma > 0
    return case.family in COLOUR if "colour" in name else case.mask.any()


def nlm(case: Case) -> np.ndarray:
    """OpenCV's non-local means; its strength as its authors advise for colour."""
    strength = 0.7 * case.sigma
    return cv2.fastNlMeansDenoisingColored(case.degraded, None, strength, strength, 5, 15)


def inpainting(case: Case) -> np.ndarray:
    """Telea's method, where the mask is above a twentieth."""
    return cv2.inpaint(case.degraded, (case.mask > 0.05).astype(np.uint8), 3, cv2.INPAINT_TELEA)


def auto_colour(case: Case) -> np.ndarray:
    """Each channel stretched between its hundredth and its ninety-ninth percentile."""
    low, high = np.percentile(case.degraded, (1, 99), axis=(0, 1))
    return to_uint8(np.clip((case.degraded - low) / np.maximum(high - low, 1), 0, 1))


def ffdnet(file: Path) -> Method:
    """Zhang et al., "FFDNet" (2018), with its published colour weights."""
    import keras
    from keras import layers

    weights = np.load(file)
    count = sum(name.startswith("w") for name in weights)
    network = keras.Sequential([layers.Input((None, None, weights["w0"].shape[2]))])
    for number in range(count):
        kernel = weights[f"w{number}"]
        relu = "relu" if number < count - 1 else None
        layer = layers.Conv2D(kernel.shape[3], 3, padding="same", activation=relu, dtype="float32")
        network.add(layer)
        layer.set_weights([kernel, weights[f"b{number}"]])
    corners = ((0, 0), (1, 0), (0, 1), (1, 1))

    def denoise(case: Case) -> np.ndarray:
        height, width = case.degraded.shape[:2]
        even = np.pad(case.degraded, ((0, height % 2), (0, width % 2), (0, 0)), mode="symmetric")
        view = to_float(even)
        planes = [view[row::2, column::2, c] for c in range(3) for row, column in corners]
        level = np.full_like(planes[0], case.sigma / 255)
        found = np.asarray(network.predict_on_batch(np.stack([*planes, level], axis=-1)[None]))[0]
        result = np.empty_like(view)
        for plane, (c, (row, column)) in enumerate((c, p) for c in range(3) for p in corners):
            result[row::2, column::2, c] = found[..., plane]
        return to_uint8(np.clip(result, 0, 1)[:height, :width])

    return denoise


def high_band(clean: np.ndarray, restored: np.ndarray) -> float:
    """Energy above half the highest frequency, against the clean picture's: 1 is its texture."""
    energies = []
    for image in (restored, clean):
        spectrum = np.abs(np.fft.fft2(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float))) ** 2
        down, across = (np.abs(np.fft.fftfreq(size)) for size in image.shape[:2])
        energies.append(spectrum[np.maximum(down[:, None], across) > 0.25].sum() + 1)
    return float(energies[0] / energies[1])


def report(name: str, works: int, rows: dict, seconds: dict[str, list[float]]) -> str:
    """Markdown: for every family and severity our figures before and after, and the others'."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    lines = [
        f"## {name}: {works} pictures, {LONG_PX} px, at commit {commit}",
        "",
        "| damage | severity | PSNR dB | SSIM | ΔE2000 | high band | dominant channel | worse |"
        " others, PSNR dB |",
        "|---" * 9 + "|",
    ]
    for family, severity in dict.fromkeys(key[:2] for key in rows):
        before, after = (rows[family, severity, method] for method in BLIND)
        cells = [
            f"{mean(before, metric):.{digits}f} → {mean(after, metric):.{digits}f}"
            for metric, digits in (
                ("psnr_db", 2),
                ("ssim", 3),
                ("delta_e2000", 2),
                ("high", 2),
                ("dominant_channel_accuracy", 3),
            )
        ]
        worse = np.mean(
            [b["psnr_db"] - 0.05 > a["psnr_db"] for b, a in zip(before, after, strict=True)]
        )
        others = [
            f"{method} {mean(scores, 'psnr_db'):.2f}"
            + (f" (ΔE {mean(scores, 'delta_e2000'):.2f})" if family in COLOUR else "")
            for method in seconds
            if method not in BLIND and (scores := rows.get((family, severity, method)))
        ]
        cells += [f"{worse:.0%}", "; ".join(others)]
        lines.append(f"| {family} | {severity} | " + " | ".join(cells) + " |")
    times = (
        f"{method} {np.median(spent):.2f}" for method, spent in seconds.items() if method != NOTHING
    )
    return "\n".join([*lines, "", f"Seconds a megapixel, two cores: {'; '.join(times)}.", ""])


def parameters(asked: argparse.Namespace) -> str:
    """How large the networks are."""
    from patina.models import registry

    counts = {name: registry.load(file).count_params() for name, file in networks_of(asked).items()}
    if asked.ffdnet:
        counts["FFDNet"] = sum(array.size for array in np.load(asked.ffdnet).values())
    told = "; ".join(f"{name} {count / 1e6:.2f}" for name, count in counts.items())
    return f"Millions of parameters: {told}.\n"


def mean(scores: list[dict[str, float]], metric: str) -> float:
    return float(np.mean([one[metric] for one in scores]))


if __name__ == "__main__":
    main()

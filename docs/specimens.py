"""Writes docs/degradations.md and its pictures: every degradation on a work of the sample museum.

python docs/specimens.py
"""

import inspect
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina.crawler.sample.strokes import paint  # noqa: E402 -- found by the line above
from patina.tasks.degradations import DEGRADATIONS, FAMILIES  # noqa: E402
from patina.tasks.imaging.images import to_float, to_uint8  # noqa: E402
from patina.tasks.io.atomic import write_bytes  # noqa: E402

SEVERITIES = (0.0, 0.3, 0.6, 1.0)
SUBJECTS = (3, 21, 23)  # numbers of the sample works that are shown, in turns
WIDTH_PX = 320
QUALITY = 80
GROUPS = {"paint": "The paint", "wear": "Accidents", "capture": "The capture"}
MORE = {  # files that belong to the group of another file
    **dict.fromkeys(("pigments", "losses", "coats", "films"), "paint"),
    **dict.fromkeys(("optics", "resampling", "grains", "recompression"), "capture"),
}
HEAD = """# Degradations

Patina has {count} degradations: ways in which a work, or its picture, deteriorates. The command
`patina degrade` and the stage `degrade` apply them. Each is a pure function of an image, a seed and
a severity from 0 (no change at all) to 1. Sizes are relative to the work's long side. A local
degradation changes only a part of the work, and also returns a mask of the damaged pixels. The
pictures show severity 0, 0.3, 0.6 and 1 on works of the built-in sample museum. The order is that
in which an object suffers the damage.

```bash
patina degrade work.png --steps {example} -o old.png
patina degrade work.png --recipe old.recipe.json -o again.png   # the same bytes
```

A family contains several models of the same or of similar damage, because a network that was
trained on one model does not generalise to another:

{families}

`params.yaml` lists the degradations of the degraded copies, how often each is drawn, and its range
of severity. `python docs/specimens.py` writes this page.

The networks learn from some of them, and from random models in `tasks/training`:

- `unet` and `nafnet`, which `train.network` can name: only from those in `params.yaml`;
- `segmentation` and `inpainting`: from the local ones in `SEGMENTATION_DEGRADATIONS` of
  `curriculum.py`, and from the models in `accidents.py`;
- `areas`: the same, but with `COVERING` of `covering.py`;
- `stain_segmentation` and `stains`: the same, but with `STAIN_DEGRADATIONS` of `staining.py`;
- `noise`, `compressed_noise`, `blur` and `jpeg`: from the models in `capture.py`; the first two
  also from `film_grain`, and `compressed_noise` from `LIBRARY_NOISES` of that file;
- `tone` and `tone_full`: mostly from the models in `ageing.py`, and from `fading`,
  `yellow_varnish`, `grime`, `uneven_light` and `glare`.
"""


def main() -> None:
    works = [to_float(shrunk(paint(number, 0)[0])) for number in SUBJECTS]
    families = "\n".join(f"- {name}: {', '.join(ways)}" for name, ways in FAMILIES.items())
    example = "fading:0.4,scratches:0.6"
    text = [HEAD.format(count=len(DEGRADATIONS), example=example, families=families)]
    group = ""
    for number, name in enumerate(DEGRADATIONS):
        if (new := GROUPS[group_of(name)]) != group:
            group = new
            text.append(f"\n## {group}\n")
        write_bytes(ROOT / "docs/degradations" / f"{name}.jpg", sheet(name, works[number % 3]))
        text.append(f"\n### {name}\n\n{explained(name)}\n\n![{name}](degradations/{name}.jpg)\n")
    write_bytes(ROOT / "docs/degradations.md", "".join(text).encode())


def group_of(name: str) -> str:
    """The group of a degradation: a key of GROUPS, by the file that defines it."""
    module = inspect.unwrap(DEGRADATIONS[name]).__module__.rpartition(".")[2]
    return MORE.get(module, module if module in GROUPS else "wear")


def shrunk(pixels: np.ndarray) -> np.ndarray:
    height = round(pixels.shape[0] * WIDTH_PX / pixels.shape[1])
    return cv2.resize(pixels, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)


def sheet(name: str, work: np.ndarray) -> bytes:
    """The work at all severities, side by side, as a JPEG."""
    shown = [
        DEGRADATIONS[name](work, np.random.default_rng(1), severity=severity)[0]
        for severity in SEVERITIES
    ]
    row = cv2.cvtColor(to_uint8(np.concatenate(shown, axis=1)), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", row, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def explained(name: str) -> str:
    """The function's docstring as a paragraph, and its source as a separate line."""
    lines = (inspect.getdoc(DEGRADATIONS[name]) or "").replace("`image`", "the image")
    about, _, source = " ".join(lines.split()).partition("Source: ")
    return f"{about.strip()}\n\n*Source:* {source}" if source else about


if __name__ == "__main__":
    main()

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
SUBJECTS = (3, 21, 23)  # numbers of sample works: what is shown on which is by turns
WIDTH_PX = 320
QUALITY = 80
GROUPS = {"paint": "The paint", "wear": "Accidents", "capture": "The capture"}
MORE = {  # files that belong to the group of another
    **dict.fromkeys(("pigments", "losses", "coats", "films"), "paint"),
    **dict.fromkeys(("optics", "resampling", "grains", "recompression"), "capture"),
}
HEAD = """# Degradations

What Patina's networks learn from: {count} ways in which a work, or its picture, deteriorates. Each
is a pure function of the image, a seed and a severity from 0 (the identity, bit for bit) to 1; its
sizes are relative to the work's long side, and where it is local it says where, as a mask. Left to
right: severity 0, 0.3, 0.6, 1, on works of the built-in sample museum. They stand in the order in
which an object suffers them.

```bash
patina degrade work.png --steps {example} -o old.png
patina degrade work.png --recipe old.recipe.json -o again.png   # the same bytes
```

A family holds several models of the same damage, because a network that was trained on one formula
does not carry over to another:

{families}

`params.yaml` says which of them a twin may have, how often and how severe. This page is written by
`python docs/specimens.py`.
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
    """The file that the degradation is in, or the first file of the group that it belongs to."""
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
    """The function's docstring as a paragraph, its source in a line of its own."""
    lines = (inspect.getdoc(DEGRADATIONS[name]) or "").replace("`image`", "the image")
    about, _, source = " ".join(lines.split()).partition("Source: ")
    return f"{about.strip()}\n\n*Source:* {source}" if source else about


if __name__ == "__main__":
    main()

"""Makes the tables and pictures of the reports from scores."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from patina.tasks.evaluation.metrics import METRICS
from patina.tasks.imaging.images import png_bytes
from patina.tasks.io.atomic import Record, write_bytes

MAIN_LABELS = {"psnr_db": "PSNR dB", "ssim": "SSIM", "delta_e2000": "ΔE2000"}
LABELS = MAIN_LABELS | {"dominant_channel_accuracy": "dominant channel"}
MAP = "damage_map_ap"  # for twins with local damage only
GAIN = "gain_db"  # PSNR of the restored minus PSNR of the degraded image
GAP_PX = 8
CAPTION_PX, CAPTIONED_PX = 24, 192  # height of a caption, and minimum width of its picture


def summarise(rows: Sequence[Record]) -> Record:
    """Means of all METRICS before and after, over `rows`.

    rows: one for each twin, with "degraded" and "restored", each a mapping from metric to value,
    and MAP if the twin has a mask.
    """
    summary: Record = {
        "twins": len(rows),
        **{
            when: {name: _mean([row[when][name] for row in rows]) for name in METRICS}
            for when in ("degraded", "restored")
        },
    }
    maps = [row[MAP] for row in rows if MAP in row]
    return summary | ({MAP: _mean(maps)} if maps else {})


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def by_degradation(rows: Sequence[Record]) -> dict[str, Record]:
    """A summary for each degradation: of the twins that have only it; all others are "mixed".

    rows: as in `summarise`, with "twin" and "degradations".
    """
    groups: dict[str, list[Record]] = {}
    for row in rows:
        groups.setdefault(degradation_of(row), []).append(row)
    return {name: summarise(groups[name]) for name in sorted(groups)}


def degradation_of(twin: Record) -> str:
    """The name of the degradation of a twin that has only one, else "mixed"."""
    return twin["degradations"][0] if twin["twin"].startswith("only-") else "mixed"


def markdown(overall: Record, summaries: Mapping[str, Record]) -> str:
    """The summaries as a Markdown table, with values before → after."""
    labels = (*(LABELS[name] for name in METRICS), "damage map, AP")
    lines = [f"| | twins | {' | '.join(labels)} |"]
    lines.append("|---" * (len(labels) + 2) + "|")
    for name, summary in {**summaries, "all": overall}.items():
        cells = [
            f"{summary['degraded'][metric]:.{_digits(metric)}f} → "
            f"{summary['restored'][metric]:.{_digits(metric)}f}"
            for metric in METRICS
        ]
        cells.append(f"{summary[MAP]:.3f}" if MAP in summary else "")
        lines.append(f"| {name} | {summary['twins']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _digits(metric: str) -> int:
    return 2 if metric in ("psnr_db", "delta_e2000") else 3


def columns(summaries: Mapping[str, Record]) -> dict[str, list]:
    """A table for `dvc plots` and MLflow, by column: each metric before, after, and its gain."""
    table: dict[str, list] = {"degradation": list(summaries)}
    for metric in METRICS:
        before, after = (
            [summary[when][metric] for summary in summaries.values()]
            for when in ("degraded", "restored")
        )
        gain = [round(a - b, 4) for a, b in zip(after, before, strict=True)]
        table |= {f"{metric}_degraded": before, f"{metric}_restored": after, f"{metric}_gain": gain}
    return table | {MAP: [summary.get(MAP) for summary in summaries.values()]}


def figures(summaries: Mapping[str, Record]) -> dict[str, float]:
    """Figures named metric/degradation, as MLflow groups charts: values after, and gain in PSNR."""
    named: dict[str, float] = {}
    for name, summary in summaries.items():
        before, after = summary["degraded"], summary["restored"]
        named[f"{GAIN}/{name}"] = round(after["psnr_db"] - before["psnr_db"], 4)
        named |= {f"{metric}/{name}": after[metric] for metric in MAIN_LABELS}
        named |= {f"{MAP}/{name}": summary[MAP]} if MAP in summary else {}
    return named


def csv_table(summaries: Mapping[str, Record]) -> str:
    """`columns` as CSV."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    by_column = columns(summaries)
    writer.writerow(by_column)
    writer.writerows(zip(*by_column.values(), strict=True))
    return table.getvalue()


def panel(path: Path, pictures: Mapping[str, np.ndarray]) -> None:
    """Write pictures, by their captions, side by side to `path` (PNG).

    pictures: uint8 (H, W, 3), all of the same size.
    """
    images = [captioned(picture, caption) for caption, picture in pictures.items()]
    gap = np.full((images[0].shape[0], GAP_PX, 3), 255, np.uint8)
    strips = [part for image in images for part in (image, gap)][:-1]
    write_bytes(path, png_bytes(np.concatenate(strips, axis=1)))


def captioned(picture: np.ndarray, caption: str) -> np.ndarray:
    """`picture`, uint8 (H, W, 3), below a white strip with its caption, in ASCII.

    A picture that is narrower than CAPTIONED_PX is enlarged by a whole factor.
    """
    factor = -(-CAPTIONED_PX // picture.shape[1])
    enlarged = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    strip = np.full((CAPTION_PX, enlarged.shape[1], 3), 255, np.uint8)
    place = (4, CAPTION_PX - 8)
    cv2.putText(strip, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return np.concatenate([strip, enlarged])


def bars(path: Path, summaries: Mapping[str, Record]) -> None:
    """Draw a bar chart of the PSNR for each degradation before and after, to `path` (PNG)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = np.arange(len(summaries))
    for shift, when, colour in ((-0.2, "degraded", "#b9a48c"), (0.2, "restored", "#2f6f6d")):
        values = [summary[when]["psnr_db"] for summary in summaries.values()]
        axes.bar(places + shift, values, 0.4, label=when, color=colour)
    axes.set_xticks(places, [name.replace("_", "\n") for name in summaries])
    axes.set_ylabel("PSNR, dB")
    axes.legend(frameon=False)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    write_bytes(path, drawn.getvalue())

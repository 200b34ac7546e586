"""Scores -> the tables and pictures of the reports."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tasks.files import Record, write_bytes
from tasks.images import png_bytes, read_png
from tasks.scoring import METRICS

UNITS = {"psnr_db": "PSNR dB", "ssim": "SSIM", "delta_e2000": "ΔE2000"}
LABELS = UNITS | {"dominant_channel_accuracy": "dominant channel"}
GAP_PX = 8


def summarise(rows: Sequence[Record]) -> Record:
    """Means of all METRICS before and after, over `rows`.

    rows: one a twin, with "degraded" and "restored", each a mapping from metric to value.
    """
    return {
        "twins": len(rows),
        **{
            when: {
                name: round(float(np.mean([r[when][name] for r in rows])), 4) for name in METRICS
            }
            for when in ("degraded", "restored")
        },
    }


def by_family(rows: Sequence[Record]) -> dict[str, Record]:
    """A summary for each single degradation, from the twins that have no other, and for the mixed.

    rows: as in `summarise`, with "twin" and "families".
    """
    groups: dict[str, list[Record]] = {}
    for row in rows:
        single = row["twin"].startswith("only-")
        groups.setdefault(row["families"][0] if single else "mixed", []).append(row)
    return {name: summarise(groups[name]) for name in sorted(groups)}


def markdown(overall: Record, families: Mapping[str, Record]) -> str:
    """The summaries as a table: before → after."""
    lines = ["| | twins | " + " | ".join(LABELS[name] for name in METRICS) + " |"]
    lines.append("|---" * (len(METRICS) + 2) + "|")
    for name, summary in {**families, "all": overall}.items():
        cells = [
            f"{summary['degraded'][metric]:.{_digits(metric)}f} → "
            f"{summary['restored'][metric]:.{_digits(metric)}f}"
            for metric in METRICS
        ]
        lines.append(f"| {name} | {summary['twins']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _digits(metric: str) -> int:
    return 2 if metric in ("psnr_db", "delta_e2000") else 3


def csv_table(families: Mapping[str, Record]) -> str:
    """One line a family for `dvc plots`: every metric before, after, and the gain."""
    names = [f"{metric}_{when}" for metric in METRICS for when in ("degraded", "restored", "gain")]
    table = io.StringIO()
    table.write(",".join(["family", *names]) + "\n")
    for family, summary in families.items():
        before, after = summary["degraded"], summary["restored"]
        cells = [
            f"{value:.4f}"
            for metric in METRICS
            for value in (before[metric], after[metric], after[metric] - before[metric])
        ]
        table.write(",".join([family, *cells]) + "\n")
    return table.getvalue()


def panel(path: Path, files: Sequence[Path]) -> None:
    """Write the images of `files`, all of one size, side by side."""
    images = [read_png(file) for file in files]
    gap = np.full((images[0].shape[0], GAP_PX, 3), 255, np.uint8)
    strips = [part for image in images for part in (image, gap)][:-1]
    write_bytes(path, png_bytes(np.concatenate(strips, axis=1)))


def bars(path: Path, families: Mapping[str, Record]) -> None:
    """Draw the PSNR of each family before and after."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = np.arange(len(families))
    for shift, when, colour in ((-0.2, "degraded", "#b9a48c"), (0.2, "restored", "#2f6f6d")):
        values = [families[name][when]["psnr_db"] for name in families]
        axes.bar(places + shift, values, 0.4, label=when, color=colour)
    axes.set_xticks(places, [name.replace("_", "\n") for name in families])
    axes.set_ylabel("PSNR, dB")
    axes.legend(frameon=False)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    write_bytes(path, drawn.getvalue())

"""Compares the restored test works with the clean ones: metrics, tables and pictures."""

import json
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from patina.flows import mlflow_registry, tracking
from patina.flows.batches import compute, processes
from patina.flows.places import CLEAN, DEGRADED, MODEL, REPORTS, RESTORED
from patina.params import Evaluate
from patina.tasks.evaluation import reports
from patina.tasks.evaluation.metrics import damage_map_ap, damaged, score
from patina.tasks.imaging.images import read_png
from patina.tasks.io.atomic import Record, read_jsonl, write_bytes, write_json, write_jsonl
from patina.tasks.restoration.sidecars import map_of

TABLE = "degradations.json"
NOTE = "mlflow.note.content"  # the tag that MLflow's UI shows as a run's description
Pictures = dict[str, np.ndarray]  # by caption, uint8 (H, W, 3)
PANELS = "**Panels**: each shows one test work."


@flow(name="evaluate", task_runner=processes())
def evaluate(params: Evaluate) -> Path:
    """Score each test twin before and after restoration, overall and by degradation."""
    twins = [twin for twin in read_jsonl(DEGRADED / "manifest.jsonl") if twin["side"] == "test"]
    rows = compute(score_batch, twins)
    overall, single = reports.summarise(rows), reports.by_degradation(rows)
    write_jsonl(REPORTS / "scores.jsonl", rows)
    write_json(REPORTS / "metrics.json", {"all": overall, **single})
    write_bytes(REPORTS / "table.md", reports.markdown(overall, single).encode())
    write_bytes(REPORTS / "degradations.csv", reports.csv_table(single).encode())
    reports.bars(REPORTS / "degradations.png", single)
    shown = [twin for twin in twins if twin["twin"] == "twin-0"][: params.panels]
    panels = {twin["work"]: pictures(twin) for twin in shown}
    draw_panels(panels)
    log_to_mlflow(panels, overall, single)
    return REPORTS


@task(name="evaluate", cache_policy=NO_CACHE)
def score_batch(twins: list[Record]) -> list[Record]:
    """The scores of each twin before and after restoration."""
    rows = []
    for twin in twins:
        clean = read_png(CLEAN / twin["clean"])
        degraded, restored = (read_png(path) for path in before_after(twin))
        row = {
            **{key: twin[key] for key in ("work", "twin", "degradations")},
            "degraded": score(clean, degraded),
            "restored": score(clean, restored),
        }
        if twin["mask"]:
            mask, found = (
                read_png(path)[..., 0] for path in (DEGRADED / twin["mask"], map_of_twin(twin))
            )
            if damaged(mask).any():
                row[reports.MAP] = damage_map_ap(mask, found)
        rows.append(row)
    return rows


def before_after(twin: Record) -> tuple[Path, Path]:
    """The degraded file and the restored one."""
    image = Path(twin["image"])
    return DEGRADED / image, RESTORED / image.relative_to("images/test")


def map_of_twin(twin: Record) -> Path:
    """The damage map beside the restored file."""
    return map_of(before_after(twin)[1], "damage")


def draw_panels(panels: dict[str, Pictures]) -> None:
    """Draw the panels. panels: the pictures of each, by work."""
    (REPORTS / "panels").mkdir(parents=True, exist_ok=True)
    for work, shown in panels.items():
        reports.panel(REPORTS / "panels" / f"{work}.png", shown)


def pictures(twin: Record) -> Pictures:
    """The pictures of a panel by their captions, uint8 (H, W, 3)."""
    degraded, restored = before_after(twin)
    files = {
        "degraded": degraded,
        "restored": restored,
        "damage map": map_of_twin(twin),
        "undamaged": CLEAN / twin["clean"],
    }
    return {caption: read_png(file) for caption, file in files.items()}


def log_to_mlflow(panels: dict[str, Pictures], overall: Record, single: dict[str, Record]) -> None:
    """Log the scores and the reports to the run that trained the model.

    panels: the pictures of each, by work. If another experiment trained it, they are logged to
    a run of the current experiment.
    """
    import mlflow  # takes seconds
    import pandas as pd

    facts = json.loads((MODEL / "model.json").read_text())
    trained = facts["mlflow_run"]
    with tracking.run("evaluate", [DEGRADED, RESTORED], trained) as run_id:
        mlflow.log_metrics(reports.figures({"all": overall, **single}))
        table = pd.DataFrame(reports.columns(single))
        mlflow.log_table(table, TABLE)
        # `log_table` appends to the table of an earlier evaluation; this replaces the file
        mlflow.log_text(table.to_json(orient="split", index=False), TABLE)
        mlflow.log_artifacts(str(REPORTS), "reports")
        for work, shown in panels.items():
            tracking.log_panel(f"panels/{work}", shown)
        links = [f"![{work}]({picture(run_id, work)})" for work in panels]
        parts = [summary(overall), reports.markdown(overall, single), PANELS, *links]
        mlflow.set_tag(NOTE, "\n\n".join(parts))
        mlflow_registry.register(trained, facts)


def summary(overall: Record) -> str:
    """The description of a run in MLflow."""
    before, after = (overall[when]["psnr_db"] for when in ("degraded", "restored"))
    return f"**Test works: {before:.2f} dB degraded, {after:.2f} dB restored.** By degradation:"


def picture(run_id: str, work: str) -> str:
    """The address of a panel on MLflow's server, relative to the page."""
    return f"get-artifact?{urlencode({'path': f'reports/panels/{work}.png', 'run_uuid': run_id})}"

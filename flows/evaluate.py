"""Restored test works against the clean ones -> metrics, tables and pictures."""

import json
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from patina.flows import tracking
from patina.flows.batches import compute, processes
from patina.flows.places import CLEAN, DEGRADED, MODEL, REPORTS, RESTORED
from patina.params import Evaluate, Restore
from patina.tasks.evaluation import reports
from patina.tasks.evaluation.metrics import damage_map_ap, damaged, score
from patina.tasks.imaging.images import read_png
from patina.tasks.io.atomic import Record, read_jsonl, write_bytes, write_json, write_jsonl
from patina.tasks.restoration.sidecars import map_of

FAMILIES = "families.json"


@flow(name="evaluate", task_runner=processes())
def evaluate(params: Evaluate, restoring: Restore) -> Path:
    """Score every test twin before and after, in all and by degradation."""
    twins = [twin for twin in read_jsonl(DEGRADED / "manifest.jsonl") if twin["side"] == "test"]
    rows = compute(score_batch, twins)
    overall, families = reports.summarise(rows), reports.by_family(rows)
    write_jsonl(REPORTS / "scores.jsonl", rows)
    write_json(REPORTS / "metrics.json", {"all": overall, **families})
    write_bytes(REPORTS / "table.md", reports.markdown(overall, families).encode())
    write_bytes(REPORTS / "families.csv", reports.csv_table(families).encode())
    reports.bars(REPORTS / "families.png", families)
    draw_panels(twins, params.panels)
    tell_mlflow(params, restoring, overall, families)
    return REPORTS


@task(name="evaluate", cache_policy=NO_CACHE)
def score_batch(twins: list[Record]) -> list[Record]:
    """The scores of each twin before and after."""
    rows = []
    for twin in twins:
        clean = read_png(CLEAN / twin["clean"])
        degraded, restored = (read_png(path) for path in before_after(twin))
        row = {
            **{key: twin[key] for key in ("work", "twin", "families")},
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
    """The damage map that was filed beside the restored file."""
    return map_of(before_after(twin)[1], "damage")


def draw_panels(twins: list[Record], most: int) -> None:
    """Degraded, its damage map, restored and clean: the first mixed twin of the first works."""
    (REPORTS / "panels").mkdir(parents=True, exist_ok=True)
    for twin in [twin for twin in twins if twin["twin"] == "twin-0"][:most]:
        degraded, restored = before_after(twin)
        files = [degraded, map_of_twin(twin), restored, CLEAN / twin["clean"]]
        reports.panel(REPORTS / "panels" / f"{twin['work']}.png", files)


def tell_mlflow(
    params: Evaluate, restoring: Restore, overall: Record, families: dict[str, Record]
) -> None:
    """Log the scores and the reports to the run that trained the model.

    In another experiment than trained it, to a run of that experiment's own.
    """
    import mlflow  # takes seconds
    import pandas as pd

    trained = json.loads((MODEL / "model.json").read_text())["mlflow_run"]
    settings = {"evaluate": params.model_dump(), "restore": restoring.model_dump()}
    with tracking.run("evaluate", settings, [DEGRADED, RESTORED], trained):
        for name, summary in {"test": overall, **families}.items():
            for when in ("degraded", "restored"):
                metrics = summary[when].items()
                mlflow.log_metrics({f"{name}.{when}.{metric}": value for metric, value in metrics})
            if reports.MAP in summary:
                mlflow.log_metric(f"{name}.{reports.MAP}", summary[reports.MAP])
        table = pd.DataFrame(reports.columns(families))
        mlflow.log_table(table, FAMILIES)
        # To the table of an earlier evaluation it has added this one
        mlflow.log_text(table.to_json(orient="split", index=False), FAMILIES)
        mlflow.log_artifacts(str(REPORTS), "reports")
        tracking.register(trained)

"""Arranges MLflow's page of runs: the charts, their order and size.

The page's button Share stores the same data: a tag of the experiment, named in the address.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from patina.flows.lineage import CHOSEN
from patina.flows.tracking import IMAGES
from patina.tasks.evaluation.reports import GAIN

if TYPE_CHECKING:
    from mlflow.entities import Run

TAG = "mlflow.sharedViewState."
MAX_RUNS = 10  # maximum number of runs on a page
PANELS, SAMPLES, FIGURES = "panels", "samples", "figures"
# Number of charts side by side, and the height of each in pixels
SECTIONS = {PANELS: (1, 900), GAIN: (3, 240), FIGURES: (1, 900), SAMPLES: (1, 900)}
DIFFERENCE = {
    "chartName": "Figures by degradation",
    "compareGroups": ["Parameters", "Model metrics"],
    "showChangeFromBaseline": False,
    "showDifferencesOnly": False,
    "baselineColumnUuid": "",
}
STEP_SIGN = "+step+"  # what follows the key in the names of pictures
Card = dict[str, Any]


def save(name: str, experiment_id: str, runs: Sequence["Run"], *, only: bool) -> str:
    """Save a view under that name; returns the address of its page, without the server.

    runs: the runs for whose data charts are arranged. only: hide all other runs.
    """
    from mlflow import MlflowClient

    ids = ", ".join(f"'{run.info.run_id}'" for run in runs)
    state = {
        "selectedColumns": columns(runs),
        "searchFilter": f"attributes.run_id IN ({ids})" if only else "",
        "runsHiddenMode": "SHOW_ALL" if only else "FIRST_10_RUNS",
        "runListHidden": only,  # the panels show the names and need the space
        **arranged(pictures(runs), gains(runs)),
    }
    MlflowClient().set_experiment_tag(experiment_id, f"{TAG}{name}", json.dumps(state))
    asked = {
        "viewStateShareKey": name,
        "compareRunsMode": "CHART",
        "workflowType": "machine_learning",
    }
    return f"#/experiments/{experiment_id}/runs?{urlencode(asked)}"


def columns(runs: Sequence["Run"]) -> list[str]:
    """The columns of the table: settings with several values, and gains by degradation."""
    settings = {
        name: [run.data.params.get(name) for run in runs]
        for run in runs
        for name in run.data.params
    }
    differing = [name for name, values in settings.items() if len(set(values)) > 1]
    names = dict.fromkeys([*(f"train.{name}" for name in CHOSEN[:1]), *differing])
    return [*(f"params.`{name}`" for name in names), *(f"metrics.`{name}`" for name in gains(runs))]


def gains(runs: Sequence["Run"]) -> list[str]:
    """The metrics with the gains of the test works, overall and by degradation."""
    return sorted({name for run in runs for name in run.data.metrics if name.startswith(GAIN)})


def pictures(runs: Sequence["Run"]) -> list[str]:
    """The keys of the panels and samples that the runs logged."""
    from mlflow import MlflowClient

    client = MlflowClient()
    files = [file.path for run in runs for file in client.list_artifacts(run.info.run_id, IMAGES)]
    keys = {path.removeprefix(f"{IMAGES}/").split(STEP_SIGN)[0] for path in files}
    return sorted(key.replace("~", "/") for key in keys if key)


def arranged(keys: Sequence[str], metrics: Sequence[str]) -> dict[str, Any]:
    """The charts: panels (a row for each work, a column for each run), gains, all figures.

    keys: of pictures. metrics: the gains by degradation.
    """
    named = {
        name: [key for key in keys if key.startswith(f"{name}/")] for name in (PANELS, SAMPLES)
    }
    cards = [_pictures(name, its) for name, its in named.items() if its]
    cards += [_card(name, "BAR", GAIN) | {"metricKey": name} for name in metrics]
    cards.append(_card(FIGURES, "DIFFERENCE", FIGURES) | DIFFERENCE)
    # Otherwise MLflow would add a small chart for each picture
    cards += [_pictures(name, [key]) | {"deleted": True} for name in named for key in named[name]]
    used = {card["metricSectionId"] for card in cards}
    sections = [
        {"uuid": name, "name": name, "display": True, "isReordered": True}
        | {"columns": columns, "cardHeight": px, "deleted": False, "isGenerated": False}
        for name, (columns, px) in SECTIONS.items()
        if name in used
    ]
    return {"compareRunSections": sections, "compareRunCharts": cards, "isAccordionReordered": True}


def _pictures(section: str, keys: Sequence[str]) -> Card:
    about = {"imageKeys": keys, "step": 0, "showRunParams": False}
    return _card("+".join(keys)[:99], "IMAGE", section) | about


def _card(name: str, kind: str, section: str) -> Card:
    return {
        "uuid": name,
        "type": kind,
        "runsCountToCompare": MAX_RUNS,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
    }

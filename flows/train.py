"""Trains one network of the restorer on the clean works, and saves it with the others."""

import hashlib
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import yaml
from prefect import flow

from patina.errors import InputError
from patina.flows import tracking
from patina.flows.batches import WORKERS
from patina.flows.places import CACHE, CLEAN, DEGRADED, MODEL
from patina.flows.training_callbacks import (
    FIRST,
    HistoryCallback,
    MLflowCallback,
    ProgressCallback,
    log_samples,
)
from patina.params import Degrade, Train
from patina.tasks.io.atomic import Record, copy, read_jsonl, write_bytes, write_json
from patina.tasks.io.progress import Progress

if TYPE_CHECKING:
    import keras

    from patina.tasks.training.specialists import Specialist
    from patina.tasks.training.training import Schedule
    from patina.tasks.training.works import Work

STAGES_FILE = Path("dvc.yaml")
CHECKS = 10  # number of measurements of the gains
FURTHER_STEPS, FURTHER_RATE = 400, 0.2  # with initial weights: steps, factor of the learning rate
LEAST_PX = 96  # minimum short side of a work for training


@flow(name="train")
def train(params: Train, mixture: Degrade) -> Path:
    """Train the network of `params`; resume from its checkpoint if an equal run was killed."""
    from patina.flows import mlflow_model  # imports MLflow, which takes seconds

    folder = training_folder(params, mixture)
    with tracking.run("train", [CLEAN, DEGRADED], run_of(folder)) as run_id:
        write_json(folder / "run.json", run_id)
        history = HistoryCallback(folder)
        learnt = learn(params, mixture, history)
        file_model(learnt.networks, history, facts_of(params, run_id, history.rows(), learnt))
        mlflow_model.log(MODEL)
    shutil.rmtree(folder)
    return MODEL


class Learnt(NamedTuple):
    """The result of a training."""

    networks: "dict[str, keras.Model]"  # by role: the trained one, and those that stay as they were
    single: bool  # whether the trained network restores all kinds of damage alone
    best_step: int  # number of batches after which it was best


def learn(params: Train, mixture: Degrade, history: HistoryCallback) -> Learnt:
    """Train the network of `params`.

    Batches are drawn by number, so a resumed training ends like one without interruption. The
    network gets the weights that were best on the validation works; if the training does not
    improve it, it keeps those that it had.
    """
    import mlflow  # takes seconds, as Keras does

    from patina.models import graphs, registry
    from patina.tasks.restoration.weights import shipped
    from patina.tasks.training import starting, training
    from patina.tasks.training.curriculum import held_back_samples
    from patina.tasks.training.specialists import SINGLE

    folder = history.file.parent
    registry.be_deterministic(params.seed)
    registry.set_precision(params.precision)
    specialist = specialist_of(params, mixture)
    kept = starting.kept_networks(params.start, specialist)
    first = starting.starting_network(params.start, specialist)
    schedule = schedule_of(params, specialist, scratch=first is None)
    session = training.Training(specialist, folder, schedule, first)
    graphs.check_backend({**kept, specialist.role: session.network}, shipped())
    works, others = works_of("train", folder), works_of("validation", folder)
    if not works:
        raise InputError(
            f"train: {CLEAN}: there is no work of at least {LEAST_PX} px for training; collect more"
        )
    # With few works, all are in the training set
    held_back = held_back_samples(specialist.curriculum, others or works)
    with Progress() as bar:
        training.train(
            session,
            works,
            held_back,
            callbacks=[history, MLflowCallback(), ProgressCallback(bar, schedule.steps)],
            workers=WORKERS,
        )
    log_samples(session, held_back)
    mlflow.log_metrics({"training/seconds": session.seconds, "training/steps": session.done})
    kept[specialist.role] = session.best_network()
    return Learnt(kept, specialist.network in SINGLE, session.best_step)


def specialist_of(params: Train, mixture: Degrade) -> "Specialist":
    """The specialist for the network of `params`."""
    from dataclasses import replace

    from patina.tasks.training.specialists import SINGLE, SPECIALISTS, single
    from patina.tasks.training.twins import Twins

    if params.network in SINGLE:
        shown = Twins(mixture.mixture, mixture.count, params.seed)
        return replace(single(params.network, shown), width=params.width)
    return replace(SPECIALISTS[params.network], width=params.width)


def schedule_of(params: Train, specialist: "Specialist", *, scratch: bool) -> "Schedule":
    """The schedule of the training; values that `params` leave open suit the network."""
    from patina.tasks.training.training import Schedule

    steps = params.steps or (specialist.steps if scratch else FURTHER_STEPS)
    rate = specialist.learning_rate * (1 if scratch else FURTHER_RATE)
    return Schedule(
        steps=steps,
        learning_rate=params.learning_rate or rate,
        warmup_steps=params.warmup_steps,
        minutes=params.minutes or math.inf,
        check_every=max(1, steps // CHECKS),
        seed=params.seed,
    )


def works_of(side: str, folder: Path) -> "list[Work]":
    """The clean works of a set, decoded once for the training in `folder`."""
    from patina.tasks.training.works import decode_files

    twins = read_jsonl(DEGRADED / "manifest.jsonl")
    files = sorted({twin["clean"] for twin in twins if twin["side"] == side})
    return decode_files([CLEAN / file for file in files], folder / "works", LEAST_PX)


def training_folder(params: Train, mixture: Degrade) -> Path:
    """The folder with the checkpoint of a training with these params, works, weights and code."""
    data = (DEGRADED / "manifest.jsonl").read_bytes() + (CLEAN / "manifest.jsonl").read_bytes()
    settings = json.dumps([params.model_dump(), mixture.model_dump()], sort_keys=True).encode()
    files = [*code_of_training(), Path("models/pretrained/weights.json")]
    code = b"".join(file.read_bytes() for file in files)
    return CACHE / "training" / hashlib.sha256(settings + data + code).hexdigest()[:16]


def code_of_training() -> list[Path]:
    """The files of code on which the stage train depends; if one changes, a training restarts."""
    stage = yaml.safe_load(STAGES_FILE.read_text(encoding="utf-8"))["stages"]["train"]
    places = [Path(place) for place in stage["deps"] if not place.startswith("data/")]
    return [
        file
        for place in places
        for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))
    ]


def run_of(folder: Path) -> str | None:
    """The MLflow run of the training in `folder`, if there is one."""
    kept = folder / "run.json"
    return json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else None


def facts_of(params: Train, run_id: str, rows: list[Record], learnt: Learnt) -> Record:
    """The contents of model.json without the networks. rows: of the history."""
    best = next(row for row in rows if row["step"] == learnt.best_step)
    gains = {
        name: {"before": rows[0][name], "after": best[name]}
        for name in rows[0]
        if name not in FIRST
    }
    named = {"mlflow_run": run_id, "network": params.network, "single": learnt.single}
    return named | {"steps": best["step"], "gain_db": gains}


def file_model(
    networks: "Mapping[str, keras.Model]", history: HistoryCallback, facts: Record
) -> None:
    """Write the model, its graph, history and facts to MODEL."""
    from patina.tasks.restoration import weights
    from patina.tasks.training import ship

    ship.write_model(networks, MODEL / "model.keras")
    write_bytes(MODEL / "history.csv", history.table())
    write_bytes(MODEL / "gains.csv", history.curves())
    judge = weights.FOLDER / "judge.json"
    if judge.exists() and not facts["single"]:
        copy(judge, MODEL / "judge.json")
    hashes = {role: ship.weights_sha256(network) for role, network in networks.items()}
    parameters = {role: network.count_params() for role, network in networks.items()}
    write_json(MODEL / "model.json", facts | {"networks": hashes, "parameters": parameters})

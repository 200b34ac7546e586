"""The versions of `restorer` in MLflow's model registry, and its champion."""

from pathlib import Path

from patina.errors import InputError
from patina.flows.places import MODEL
from patina.flows.tracking import connect
from patina.tasks.io.atomic import Record, sha256_of
from patina.tasks.restoration import weights

REGISTERED = "restorer"
CHAMPION, CHALLENGER = "champion", "challenger"
SUM = "sha256"  # tag of a version with the SHA-256 of its model.keras


def register(run_id: str, facts: Record) -> None:
    """Register the network of the run as `restorer@challenger`, if it was logged there.

    facts: the contents of model.json; the description of the version lists its networks.
    """
    import mlflow

    client = mlflow.MlflowClient()
    if (version := version_of(run_id)) is None:
        logged = mlflow.search_logged_models(
            experiment_ids=[connect().experiment_id],
            filter_string=f"source_run_id = '{run_id}'",
            output_format="list",
        )
        if not logged:
            return
        version = str(mlflow.register_model(f"models:/{logged[-1].model_id}", REGISTERED).version)
    tags = {SUM: sha256_of(MODEL / "model.keras"), "trained": facts["network"]}
    tags |= {f"network.{role}": sha256 for role, sha256 in facts["networks"].items()}
    for name, value in tags.items():
        client.set_model_version_tag(REGISTERED, version, name, value)
    client.update_model_version(REGISTERED, version, described(facts))
    client.set_registered_model_alias(REGISTERED, CHALLENGER, version)


def described(facts: Record) -> str:
    """The networks of a version, as a Markdown table."""
    shipped = weights.index()[weights.DEFAULT].get("networks", {})
    heading = f"{facts['network']}, trained for {facts['steps']} steps. It consists of:"
    lines = [
        heading,
        "",
        "| network | parameters | from | SHA-256 of its weights |",
        "|---|---|---|---|",
    ]
    for role, sha256 in facts["networks"].items():
        name = facts["network"] if facts["single"] else role
        source = "the shipped weights" if sha256 == shipped.get(role) else "training"
        lines.append(f"| {name} | {facts['parameters'][role]:,} | {source} | `{sha256[:16]}…` |")
    return "\n".join(lines)


def set_champion_alias(run_id: str) -> None:
    """Make the network of the run `restorer@champion`, if it is registered in this MLflow."""
    import mlflow

    connect()
    if (version := version_of(run_id)) is not None:
        mlflow.MlflowClient().set_registered_model_alias(REGISTERED, CHAMPION, version)


def version_of(run_id: str) -> str | None:
    """The version under which the network of the run is registered."""
    import mlflow

    versions = mlflow.MlflowClient().search_model_versions(f"run_id = '{run_id}'")
    return str(versions[0].version) if versions else None


def download_champion(folder: Path) -> tuple[Path, str]:
    """Copy the files of `restorer@champion` into `folder`; returns its version.

    Raises InputError if MLflow has no such version, or its files differ from the registered
    SHA-256.
    """
    import mlflow

    connect()
    try:
        version = mlflow.MlflowClient().get_model_version_by_alias(REGISTERED, CHAMPION)
    except mlflow.MlflowException as error:
        raise InputError(f"promote: MLflow has no {REGISTERED}@{CHAMPION} ({error})") from error
    name = f"{REGISTERED}, version {version.version}"
    copied = Path(mlflow.artifacts.download_artifacts(version.source, dst_path=str(folder)))
    found = sorted(copied.rglob("model.keras"))
    if not found:
        raise InputError(f"promote: {name}: MLflow has no model.keras for it")
    if (known := version.tags.get(SUM)) and known != sha256_of(found[0]):
        raise InputError(f"promote: {name}: model.keras differs from the registered file")
    return found[0].parent, str(version.version)

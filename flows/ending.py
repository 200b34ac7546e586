"""The message at the end of the pipeline: figures, paths of the results, and the next steps."""

import json
import os
import subprocess
from pathlib import Path

from patina.flows.places import REPORTS, RESTORED, ROOT

LOCK, PARAMS = "dvc.lock", "params.yaml"


def results() -> str:
    """The figures of the last evaluation, and the paths of the results."""
    metrics = json.loads((REPORTS / "metrics.json").read_text(encoding="utf-8"))["all"]
    before, after = metrics["degraded"]["psnr_db"], metrics["restored"]["psnr_db"]
    return (
        f"Test works: {before:.2f} dB degraded, {after:.2f} dB restored.\n"
        f"  restored images  {RESTORED}/ (a sidecar .json beside each)\n"
        f"  before/after     {REPORTS / 'panels'}/\n"
        f"  metrics          {REPORTS / 'metrics.json'}, {REPORTS / 'table.md'}\n"
        "  MLflow UI        make ui"
    )


def next_steps() -> str:
    """What is not in git yet, and the commands to add it; empty when there is nothing.

    After an experiment in this workspace: the commands to undo it. Otherwise: how to keep the
    figures.
    """
    if os.environ.get("DVC_EXP_NAME"):
        return _after_experiment() if Path.cwd().resolve() == ROOT else ""
    if not _differs(LOCK):
        return ""
    return (
        f"To keep these figures with this version, so that `dvc exp show` and `dvc metrics diff`\n"
        f"compare others with them:  git add {LOCK} && git commit -m 'Run of the pipeline'"
    )


def _after_experiment() -> str:
    if not _differs(PARAMS):
        return ""
    return (
        f"{PARAMS} now differs from the last commit: it holds the settings of this experiment, as\n"
        "`dvc exp run -S` writes them, which lays the file out anew. Back to those of the\n"
        f"commit, and to its results:\n  {_way_back()}\n"
        "The experiment is kept: `dvc exp show`, `dvc exp apply NAME`."
    )


def _way_back() -> str:
    """The command; if no lock was committed, the results come from DVC's run cache."""
    committed = ["git", "cat-file", "-e", f"HEAD:./{LOCK}"]
    if subprocess.run(committed, capture_output=True, check=False).returncode:
        return f"git checkout -- {PARAMS} && dvc repro"
    return f"git checkout -- {PARAMS} {LOCK} && dvc checkout"


def _differs(name: str) -> bool:
    """Whether the file differs from the last commit; False outside a git repository."""
    status = ["git", "status", "--porcelain", "--", name]
    told = subprocess.run(status, capture_output=True, text=True, check=False)
    return told.returncode == 0 and bool(told.stdout.strip())

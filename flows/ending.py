"""The message at the end of the pipeline: figures, paths of the results, and the next steps."""

import json
import os
import subprocess
from pathlib import Path

from patina.flows.places import LOCK, PARAMS, REPORTS, RESTORED, ROOT


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
    """The next commands for the user; empty if there are none.

    After an experiment in this workspace: the commands to undo it. Otherwise: how to keep the
    figures.
    """
    if os.environ.get("DVC_EXP_NAME"):
        return _after_experiment() if Path.cwd().resolve() == ROOT else ""
    if not _differs(LOCK):
        return ""
    return (
        f"To compare later runs with these figures in `dvc exp show` and `dvc metrics diff`:\n"
        f"  git add {LOCK} && git commit -m 'Run of the pipeline'"
    )


def _after_experiment() -> str:
    if not _differs(PARAMS):
        return ""
    return (
        f"{PARAMS} now differs from the last commit: `dvc exp run -S` has written the settings of\n"
        "this experiment to it, without comments. To return to the settings and results of the\n"
        f"last commit:\n  {_way_back()}\n"
        "DVC keeps the experiment: `dvc exp show`, `dvc exp apply NAME`."
    )


def _way_back() -> str:
    """The command; if no lock was committed, the results come from DVC's run cache."""
    committed = ["git", "cat-file", "-e", f"HEAD:./{LOCK}"]
    if subprocess.run(committed, capture_output=True, check=False).returncode:
        return f"git checkout -- {PARAMS} && dvc repro"
    return f"git checkout -- {PARAMS} {LOCK} && dvc checkout"


def _differs(file: Path) -> bool:
    """Whether the file differs from the last commit; False outside a git repository."""
    status = ["git", "status", "--porcelain", "--", str(file)]
    done = subprocess.run(status, capture_output=True, text=True, check=False)
    return done.returncode == 0 and bool(done.stdout.strip())

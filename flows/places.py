"""The paths of all data, and of DVC's files.

Paths under version control of DVC are relative to the workspace. Other paths are absolute, under
the real root, because an experiment (`dvc exp run --temp`) runs in a temporary copy.
"""

import os
from pathlib import Path

ROOT = Path(os.environ.get("DVC_ROOT", ".")).resolve()
CACHE = ROOT / ".cache"
ITEMS = CACHE / "items"
LOCAL_HARVEST = CACHE / "harvest"  # of the sample museum and of folders of scans
MLRUNS = ROOT / "mlruns"
HTTP = CACHE / "http"  # cached responses of museums

HARVEST = Path("data/harvest")  # of museums
ARTWORKS = Path("data/artworks")
CLEAN = Path("data/clean")
SPLIT = Path("data/split")
DEGRADED = Path("data/degraded")
MODEL = Path("data/model")
RESTORED = Path("data/restored")
REPORTS = Path("reports")

PARAMS, LOCK = Path("params.yaml"), Path("dvc.lock")  # the settings, and DVC's record of the stages

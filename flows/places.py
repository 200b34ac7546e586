"""The paths of all data. What DVC versions is relative to the workspace.

What must outlive the temporary copy of an experiment (`dvc exp run --temp`) is absolute, under the
real root.
"""

import os
from pathlib import Path

ROOT = Path(os.environ.get("DVC_ROOT", ".")).resolve()
CACHE = ROOT / ".cache"
ITEMS = CACHE / "items"
LOCAL_HARVEST = CACHE / "harvest"  # of the sample museum and of folders of scans
MLRUNS = ROOT / "mlruns"
HTTP = CACHE / "http"  # what museums answered last

HARVEST = Path("data/harvest")  # of museums
ARTWORKS = Path("data/artworks")
CLEAN = Path("data/clean")
SPLIT = Path("data/split")
DEGRADED = Path("data/degraded")
MODEL = Path("data/model")
RESTORED = Path("data/restored")
REPORTS = Path("reports")

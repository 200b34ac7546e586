"""`python -m patina.flows STAGE` runs one stage; dvc.yaml calls it."""

import os
import sys

from patina.errors import errors_as_lines
from patina.flows.stages import STAGES, run_stage
from patina.tasks.io.parallel import end_with_caller

if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in STAGES:
        sys.exit(f"usage: python -m patina.flows STAGE; stages: {', '.join(STAGES)}")
    if "DVC_ROOT" in os.environ:  # DVC is the caller; if it is killed, it cannot end its stage
        end_with_caller()
    with errors_as_lines():
        run_stage(sys.argv[1])

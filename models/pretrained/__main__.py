"""`python -m models.pretrained MODEL NAME`: ship a model that was trained."""

import sys
from pathlib import Path

from models.pretrained import ship

if __name__ == "__main__":
    ship(Path(sys.argv[1]), sys.argv[2])

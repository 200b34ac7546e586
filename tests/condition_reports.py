"""Helpers of the tests of condition reports."""

import re
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from pypdf import PdfReader
from restorers import HEIGHT, WIDTH, restorer

DAMAGED = restorer(0.1, damaged=40, fill=0.2)


def damage_left_half(path: Path, height: int = HEIGHT, width: int = WIDTH) -> None:
    damage = np.zeros((height, width), np.uint8)
    damage[:, : width // 2] = 255
    cv2.imwrite(str(path), damage)


def text_of(pdf: bytes) -> str:
    (only,) = PdfReader(BytesIO(pdf)).pages
    return re.sub(r"\s+", " ", only.extract_text())

"""Draws the pictures of a work for the report, from its rows while it is restored.

In a folder for each work, FOLDER/KEY of the outbox:

    thumb.webp                        a few KB, for the list of works
    before.jpg, after.jpg             at most DISPLAY_PX on the long side
    before-full.jpg, after-full.jpg   at most FULL_PX, if the work is larger than DISPLAY_PX
    damage.webp, change.webp          overlays, transparent where nothing was found or changed

An unchanged work has neither `after` nor `change`; a work without damage has no `damage`.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyvips

from patina.tasks.imaging.fields import rotated
from patina.tasks.imaging.images import largest, reduced, to_uint8
from patina.tasks.imaging.scans import Scan
from patina.tasks.io.atomic import Record
from patina.tasks.io.parallel import in_turn

Colour = tuple[int, int, int]

FOLDER, DRAFT = "report_files", "previews"  # of the outbox, and of an open scan
THUMB_PX, DISPLAY_PX, FULL_PX = 256, 1600, 4096
DAMAGE_PX, CHANGE_PX = 1280, 800  # long sides of the overlays; removed noise hardly compresses
PICTURES = frozenset(
    {"thumb.webp", "before.jpg", "after.jpg", "before-full.jpg", "after-full.jpg"}
    | {"damage.webp", "change.webp"}
)
AMPLIFIED, GAMMA = 4, 0.6  # opacity of a change: 1 at 64 steps of 255, one seventh at 2 steps
THICKER = 3  # factor for the opacity of damage, so that thin lines stay visible
FIRST_ON_ITS_SIDE = 5  # EXIF orientations from this on exchange width and height
LEVELS = 16  # levels of opacity; fewer levels give smaller files
# Colours of the overlays
FILLED, FOUND, LIGHTER, DARKER = (255, 0, 144), (0, 190, 180), (255, 170, 0), (0, 110, 255)
SURE = 0.75  # higher values in the damage map mean filled, lower ones only found
JPEG, FULL_JPEG = "[Q=86,keep=none]", "[Q=92,subsample_mode=off,keep=none]"
THUMB_WEBP, OVERLAY_WEBP = "[Q=72,effort=3,keep=none]", "[Q=30,alpha_q=40,effort=1,keep=none]"


def key_of(result: Path | str) -> str:
    """The name of a work's folder of pictures, from the path of its result in the outbox."""
    path = Path(result).as_posix().encode(errors="surrogateescape")
    return hashlib.sha256(path).hexdigest()[:20]


class Reduced:
    """A picture reduced to the long side `long_px`, each pixel the mean of an area.

    pixels: uint8 (h, w, bands), complete after all rows were added in order.
    """

    def __init__(self, size: tuple[int, int], bands: int, long_px: int) -> None:
        height, width = size
        share = min(1, long_px / max(size))
        self.height, self.width = max(1, round(height * share)), max(1, round(width * share))
        self._is_reduced = (self.height, self.width) != size
        self.pixels = np.zeros((self.height, self.width, bands), np.uint8)
        self._row_of = np.arange(height) * self.height // height
        self._rows_in = np.bincount(self._row_of)[:, None, None].astype(np.float32)
        self._begun, self._sum = 0, np.zeros((self.width, bands), np.float32)

    def narrow(self, rows: np.ndarray) -> np.ndarray:
        """float32 (n, W, bands) -> (n, w, bands), or uint8 if the picture is not reduced."""
        if not self._is_reduced:
            return to_uint8(rows)
        narrow = cv2.resize(rows, (self.width, len(rows)), interpolation=cv2.INTER_AREA)
        return narrow.reshape(len(rows), self.width, -1)

    def add(self, top: int, narrow: np.ndarray) -> None:
        """Add narrow rows of the work from `top` on, in [0, 1] or in 8 bits."""
        if narrow.dtype == np.uint8:
            self.pixels[top : top + len(narrow)] = narrow
            return
        places, first = np.unique(self._row_of[top : top + len(narrow)], return_index=True)
        sums = np.add.reduceat(narrow, first, axis=0)
        if places[0] == self._begun:
            sums[0] += self._sum
        # The last row may continue in the next rows; then it is written again
        self._begun, self._sum = int(places[-1]), sums[-1].copy()
        self.pixels[places] = to_uint8(sums / self._rows_in[places])


@dataclass(frozen=True)
class NarrowRows:
    """Rows of a work on their way to its previews, (n, w, 3 or 4), see `Reduced.narrow`."""

    before: np.ndarray
    after: np.ndarray
    maps: np.ndarray


class Previews:
    """The pictures of one work of `size` (height, width), made from its rows."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._before, self._after = Reduced(size, 3, FULL_PX), Reduced(size, 3, FULL_PX)
        self._maps = Reduced(size, 4, DAMAGE_PX)

    def narrow(self, view: np.ndarray, change: np.ndarray, damage: np.ndarray) -> NarrowRows:
        """Reduce some rows; thread-safe.

        view: float32 (n, W, 3), sRGB in [0, 1]. change: the change of `view`, in the same form.
        damage: (n, W), the damage map: 1 where damage is filled, 0.5 where it is not.
        """
        before = after = self._before.narrow(view)
        amount = lighter = np.zeros(damage.shape, np.float32)
        if change.any():
            amount = np.minimum(largest(np.abs(change)) * AMPLIFIED, 1)
            red, green, blue = np.moveaxis(change, 2, 0)
            lighter = red + (green + blue) > 0
            after = self._after.narrow(np.clip(view + change, 0, 1))
        darker = amount * (lighter == 0)
        filled, found = damage > SURE, (damage > 1 - SURE) & (damage <= SURE)
        maps = [amount * lighter, darker, filled.astype(np.float32), found.astype(np.float32)]
        return NarrowRows(before, after, self._maps.narrow(cv2.merge(maps)))

    def add(self, top: int, rows: NarrowRows) -> None:
        """Add the reduced rows from `top` on, in order."""
        self._before.add(top, rows.before)
        self._after.add(top, rows.after)
        self._maps.add(top, rows.maps)

    def write(self, folder: Path, orientation: int = 1) -> Record:
        """Write the pictures into the existing `folder`.

        orientation: EXIF orientation, 1 to 8, by which the pictures are rotated. Returns for the
        sidecar: `size`, (width, height) of the largest picture, and `files`, the names.
        """
        drawn = {name: _rotated(image, orientation) for name, image in self._pictures().items()}
        jobs = [(image, str(folder / name)) for name, image in drawn.items()]
        list(in_turn(lambda job: job[0].write_to_file(job[1] + _options(job[1])), jobs))
        height, width = self._before.height, self._before.width
        size = [width, height] if orientation < FIRST_ON_ITS_SIDE else [height, width]
        return {"size": size, "files": sorted(drawn)}

    def _pictures(self) -> Mapping[str, np.ndarray]:
        before, after, maps = (each.pixels for each in (self._before, self._after, self._maps))
        changed = not np.array_equal(before, after)
        sizes = {"-full": FULL_PX} if max(before.shape) > DISPLAY_PX else {}
        sides = {"before": before} | ({"after": after} if changed else {})
        pictures = {"thumb.webp": reduced(after, THUMB_PX)}
        for name, side in sides.items():
            for suffix, long_px in ({"": DISPLAY_PX} | sizes).items():
                pictures[f"{name}{suffix}.jpg"] = reduced(side, long_px)
        if changed:
            pictures["change.webp"] = _change_overlay(reduced(maps, CHANGE_PX))
        if maps[..., 2:].any():
            pictures["damage.webp"] = _damage_overlay(maps)
        return pictures


def draft_previews(previews: Previews, scan: Scan) -> Record:
    """Write the pictures of an open scan into its folder; returns as `Previews.write` does.

    It may run while another function of the same scan is `one_at_a_time`.
    """
    draft = scan.folder / DRAFT
    draft.mkdir()
    return previews.write(draft, scan.orientation)


def file_previews(scan: Scan, drawn: Record, outbox: Path, inner: Path) -> Record:
    """Move the drafts of the pictures of a scan to `outbox`, in place of existing pictures.

    drawn: from `draft_previews`. inner: the path of the result in the outbox. Returns the entry in
    the sidecar.
    """
    key = key_of(inner)
    place = outbox / FOLDER / key
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        shutil.rmtree(place)
    (scan.folder / DRAFT).rename(place)
    return {"previews": {"key": key} | drawn}


def _change_overlay(maps: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 4): one colour where the work became lighter, another where darker."""
    opacity = 255 * (largest(maps[..., :2]) / 255) ** GAMMA
    return _overlay(_mixed(maps[..., :2], LIGHTER, DARKER), opacity)


def _damage_overlay(maps: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 4): one colour where damage is filled, another where it is not."""
    opacity = largest(maps[..., 2:]) * float(THICKER)
    return _overlay(_mixed(maps[..., 2:], FILLED, FOUND), opacity)


def _mixed(shares: np.ndarray, first: Colour, second: Colour) -> np.ndarray:
    """(h, w, 3): two colours, mixed by uint8 `shares` (h, w, 2)."""
    one, other = (shares[..., band, None].astype(np.float32) for band in (0, 1))
    share = one / np.maximum(one + other, 1)
    return share * np.array(first) + (1 - share) * np.array(second)


def _overlay(colour: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 4); opacity: 0 to 255, rounded to LEVELS."""
    step = 255 / LEVELS
    opacity = np.rint(np.minimum(opacity, 255) / step) * step
    return np.dstack([np.where(opacity[..., None] > 0, colour, 0), opacity]).astype(np.uint8)


def _rotated(pixels: np.ndarray, orientation: int) -> pyvips.Image:
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels)).copy(interpretation="srgb")
    return rotated(image, orientation)


def _options(name: str) -> str:
    """libvips' options for a file of this name."""
    if name.endswith("thumb.webp"):
        return THUMB_WEBP
    if name.endswith(".webp"):
        return OVERLAY_WEBP
    return FULL_JPEG if name.endswith("-full.jpg") else JPEG

"""Decisions by hand: accepted and rejected areas, strokes of the brushes, and lines."""

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pyvips

from patina.app.strokes import FILL, LEAVE, STAIN, Line, Stroke
from patina.tasks.imaging.fields import field_of
from patina.tasks.io.atomic import draft_folder, move_whole
from patina.tasks.restoration.damage import FILLED, Damage, share_covered
from patina.tasks.restoration.mask_files import saved_mask
from patina.tasks.restoration.reduced import strips_of
from patina.tasks.restoration.user_masks import DECISIVE_SHARE
from patina.tasks.restoration.windows import Window, cut

OPTIONS = {"mask": FILL, "protect": LEAVE, "stains": STAIN}  # of the command line
GROWN = "png-comment-0-Grown"  # metadata of a mask: the growth of its areas
BROADER_PX = 2  # margin around a rejected area, so that its rim is not filled either


@dataclass(frozen=True)
class Marks:
    """The marked pixels of a work. Strokes override areas; later strokes override earlier ones."""

    size: tuple[int, int]  # (height, width) of the work
    accepted: np.ndarray | None = None  # float32 (h, w), 1 in accepted areas
    rejected: np.ndarray | None = None  # float32 (h, w), 1 in rejected areas
    areas: tuple[int, int] = (0, 0)  # number of accepted and of rejected areas
    strokes: tuple[Stroke | Line, ...] = ()
    grown_px: int = 0  # growth of accepted areas, in pixels of the work; negative: they shrink

    @classmethod
    def filed(cls, name: str, folder: Path, size: tuple[int, int]) -> "Marks":
        """The marks that `file` wrote for the scan `name`, as one stroke.

        Masks that are missing, or have another size, are ignored.
        """
        drawn, grown_px = np.zeros(size, np.uint8), 0
        for option, mark in OPTIONS.items():
            file = saved_mask(folder, name, option)
            mask = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) if file.is_file() else None
            if mask is not None and mask.shape == size:
                drawn[mask > 0] = mark
                grown_px = grown_px or _growth_in(file)
        return cls(size, grown_px=grown_px).drawn(Stroke(Window.whole(size), drawn))

    def covering(self, damage: Damage) -> tuple[set[int], set[int]]:
        """The labels of the pieces that the marks fill for the most part, and that they protect."""
        shape = damage.labels.shape
        both = self.within(Window.whole(self.size), (shape[0], shape[1]))
        shares = (share_covered(damage.labels, each.astype(np.float32)) for each in both)
        filled, spared = (
            {piece.label for piece in damage.pieces if share[piece.label] > DECISIVE_SHARE}
            for share in shares
        )
        return filled, spared

    def resumed(self, damage: Damage | None, ticked: Collection[int]) -> "Marks":
        """Marks from `filed`, without the pixels that `deciding` marks for `ticked` anyway.

        So a decision on an area can be changed by its tick.
        """
        if not self.strokes:
            return self
        decided = replace(self, strokes=()).deciding(damage, ticked)
        drawn = self.strokes[0].within(Window.whole(self.size), self.size).copy()
        for top, bottom in strips_of(*self.size):
            rows = Window(0, top, self.size[1], bottom - top)
            for marked, mark in zip(
                decided.within(rows, (bottom - top, self.size[1])), (FILL, LEAVE), strict=True
            ):
                part = drawn[top:bottom]
                part[marked & (part == mark)] = 0
        return replace(self, strokes=()).drawn(Stroke(Window.whole(self.size), drawn))

    def drawn(self, stroke: Stroke | Line) -> "Marks":
        """The marks with one more stroke or line."""
        empty = not any(stroke.has(mark) for mark in OPTIONS.values())
        return self if empty else replace(self, strokes=(*self.strokes, stroke))

    def redrawn(self, window: Window, drawn: np.ndarray, since: int) -> "Marks":
        """The marks for the drawing `drawn` over a window.

        drawn: uint8 (h, w), as in a stroke. It includes the strokes from number `since` on, which
        are over the same window. New
        pixels become one more stroke; a stroke whose pixels were erased is removed.
        """
        strokes = list(self.strokes)
        while (known := _over(strokes[since:], window, drawn.shape)).any() and known[
            drawn == 0
        ].any():
            strokes.pop()
        new = Stroke(window, np.where(drawn == known, 0, drawn).astype(np.uint8))
        return replace(self, strokes=tuple(strokes)).drawn(new)

    def undone(self) -> "Marks":
        """The marks without the last stroke."""
        return replace(self, strokes=self.strokes[:-1])

    def deciding(self, damage: Damage | None, ticked: Collection[int]) -> "Marks":
        """The marks in which ticked areas are accepted, and areas that are not ticked rejected.

        ticked: labels of pieces. Only decisions that differ from the default count.
        """
        if damage is None or not damage.pieces:
            return replace(self, accepted=None, rejected=None, areas=(0, 0))
        accepted = [p.label for p in damage.pieces if p.label in ticked and p.outcome != FILLED]
        rejected = [p.label for p in damage.pieces if p.label not in ticked and p.outcome == FILLED]
        spared = _map_of(damage, rejected)
        if spared is not None:
            spared = cv2.dilate(spared, np.ones((2 * BROADER_PX + 1,) * 2, np.uint8))
        areas = (len(accepted), len(rejected))
        return replace(self, accepted=_map_of(damage, accepted), rejected=spared, areas=areas)

    def digest(self) -> int:
        """A number that differs if other pixels are marked."""
        strokes = [stroke.digest() for stroke in self.strokes]
        number = zlib.crc32(repr([self.grown_px, *strokes]).encode())
        for array in (self.accepted, self.rejected):
            number = zlib.crc32(b"none" if array is None else array.tobytes(), number)
        return number

    def within(self, window: Window, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The pixels to fill and to protect in a window at `size`: two boolean arrays of that
        size.
        """
        marked = self._marked(window, size)
        return marked == FILL, marked == LEAVE

    def stained(self, window: Window, size: tuple[int, int]) -> np.ndarray | None:
        """The pixels of stains in a window at `size`, bool; None if no stain is marked at all."""
        if not self._drew(STAIN):
            return None
        return self._marked(window, size) == STAIN

    def _drew(self, mark: int) -> bool:
        """Whether a stroke or a line has this mark."""
        return any(stroke.has(mark) for stroke in self.strokes)

    def _marked(self, window: Window, size: tuple[int, int]) -> np.ndarray:
        """The last mark of each pixel in a window, uint8 of `size`: one of OPTIONS, or 0."""
        marked = np.zeros(size, np.uint8)
        for areas, mark, px in ((self.accepted, FILL, self.grown_px), (self.rejected, LEAVE, 0)):
            if areas is not None:
                marked[_grown(areas, self.size, window, size, px)] = mark
        for stroke in self.strokes:
            drawn = stroke.within(window, size)
            marked = np.where(drawn, drawn, marked)
        return marked

    def names(self, name: str, folder: Path) -> dict[str, Path]:
        """The files of the masks of the scan `name` by option; only of masks that are not empty."""
        used = {
            "mask": self.accepted is not None or self._drew(FILL),
            "protect": self.rejected is not None or self._drew(LEAVE),
            "stains": self._drew(STAIN),
        }
        return {option: saved_mask(folder, name, option) for option in used if used[option]}

    def file(self, name: str, folder: Path) -> dict[str, Path]:
        """Write the masks at the size of the scan as a viewer shows it; return their `names`.

        Earlier masks of the scan are replaced or removed.
        """
        files = self.names(name, folder)
        for option in OPTIONS:
            if (former := saved_mask(folder, name, option)) not in files.values():
                former.unlink(missing_ok=True)
        for path, mask in zip(files.values(), self._masks(list(files)), strict=True):
            folder.mkdir(parents=True, exist_ok=True)
            with draft_folder(folder) as drafts:
                self._noted(pyvips.Image.new_from_array(mask)).write_to_file(
                    str(drafts / path.name)
                )
                move_whole(drafts / path.name, path)
        return files

    def _noted(self, mask: pyvips.Image) -> pyvips.Image:
        """A mask, with the growth of its areas in its metadata."""
        if self.grown_px:
            mask.set_type(pyvips.GValue.gstr_type, GROWN, str(self.grown_px))
        return mask

    def _masks(self, options: list[str]) -> list[np.ndarray]:
        """The masks of `options`, uint8 (H, W), made strip by strip."""
        masks = {option: np.zeros(self.size, np.uint8) for option in options}
        for top, bottom in strips_of(*self.size):
            rows = Window(0, top, self.size[1], bottom - top)
            marked = self._marked(rows, (bottom - top, self.size[1]))
            for option in options:
                masks[option][top:bottom] = 255 * (marked == OPTIONS[option])
        return [*masks.values()]


def _growth_in(file: Path) -> int:
    """The growth of areas, in pixels, that a mask of `Marks.file` states; 0 without any."""
    mask = pyvips.Image.new_from_file(str(file))
    stated = field_of(mask, GROWN, "0")
    return int(stated) if stated.removeprefix("-").isdecimal() else 0


def _over(strokes: Sequence[Stroke | Line], window: Window, size: tuple[int, ...]) -> np.ndarray:
    """Strokes over a window, uint8 (h, w) of `size`, combined in one array."""
    shown = np.zeros(size[:2], np.uint8)
    for stroke in strokes:
        drawn = stroke.within(window, (size[0], size[1]))
        shown = np.where(drawn, drawn, shown)
    return shown


def _grown(
    areas: np.ndarray, work: tuple[int, int], window: Window, size: tuple[int, int], px: int
) -> np.ndarray:
    """Where areas, grown by `px`, lie in a window: bool, of `size`.

    areas: float32 (h, w), 1 inside, of a work of `work` (height, width). px: pixels of the work;
    negative: the areas shrink.
    """
    reach = round(abs(px) * size[1] / window.width)  # pixels of the output
    around = round(reach * window.width / size[1])
    left, top, width, height = window
    wide = Window(left - around, top - around, width + 2 * around, height + 2 * around)
    sides = (size[0] + 2 * reach, size[1] + 2 * reach)
    inside = cut(areas, Window.whole(work), wide, sides) > 0.5
    if not reach:
        return inside
    far = cv2.distanceTransform((inside != (px > 0)).astype(np.uint8), cv2.DIST_L2, 0)
    grown = far <= reach if px > 0 else far > reach
    return grown[reach:-reach, reach:-reach]


def _map_of(damage: Damage, labels: list[int]) -> np.ndarray | None:
    return np.isin(damage.labels, labels).astype(np.float32) if labels else None

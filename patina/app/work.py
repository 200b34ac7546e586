"""A scan that is open on the page: its pixels, and the result of its analysis."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from patina.tasks.imaging.images import png_bytes
from patina.tasks.imaging.scans import Scan, opened
from patina.tasks.restoration.damage import Damage
from patina.tasks.restoration.doubtful import every_piece, with_doubtful
from patina.tasks.restoration.preview import preview_of, previewed_stains
from patina.tasks.restoration.reduced import reduced_view, resized
from patina.tasks.restoration.restorer import Restorer, analyse
from patina.tasks.restoration.treatment import Treatment
from patina.tasks.restoration.windows import Window, window_around

SHOWN_PX = 1400  # long side of the reduced picture of a whole work
PART_PX = (560, 760)  # height and width of a part at full size


class Work:
    """An open scan, rotated as EXIF says; call `close` at the end.

    size: (height, width) in pixels. view: the whole work, reduced, float32 (h, w, 3), sRGB in
    [0, 1]. Raises ImageError if it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="patina-app-")))
            scan: Scan = stack.enter_context(opened(path, folder))
            self._scan = replace(scan, image=scan.image.autorot())
            self.size = (self._scan.height, self._scan.width)
            self.view = reduced_view(self._scan.srgb, *self.size)
            self._analysed: dict[str, Treatment] = {}
            self._places: dict[str, Damage | None] = {}
            self._pictures = folder / "pictures"
            self._pictures.mkdir()
            self.close = stack.pop_all().close

    def picture(self, pixels: np.ndarray) -> str:
        """Write a picture, uint8 (h, w, 3), to a file for the page, which is faster than Gradio."""
        path = self._pictures / f"{blake2b(pixels.tobytes(), digest_size=12).hexdigest()}.png"
        path.write_bytes(png_bytes(pixels))
        return str(path)

    @property
    def whole(self) -> Window:
        """The window of the whole work."""
        return Window.whole(self.size)

    def part(self, across: float, down: float) -> Window:
        """The part at full size around a place; across, down: 0 to 1."""
        return window_around(across, down, self.size, PART_PX)

    def pixels(self, window: Window) -> np.ndarray:
        """The pixels of a window, float32 (h, w, 3); the whole work is reduced to SHOWN_PX."""
        if window == self.whole:
            share = min(1, SHOWN_PX / max(self.size))
            height, width = (max(1, round(side * share)) for side in self.size)
            return resized(self.view, (height, width))
        cropped = self._scan.image.crop(*window)
        return replace(self._scan, image=cropped).srgb(0, window.height)

    def found(self, restorer: Restorer) -> Treatment:
        """The analysis of the work by `restorer`; the last result is cached."""
        key = repr(restorer.applied())
        if key not in self._analysed:
            found = analyse(restorer, self._scan.srgb, self.view, self.size)
            # Without the networks, so that their memory can be freed
            self._analysed = {key: replace(found, networks={})}
        return replace(self._analysed[key], networks=restorer.networks)

    def places(self, restorer: Restorer) -> Damage | None:
        """The damage in the work: what `found` has, and doubtful areas as proposals.

        The last result is cached.
        """
        key = repr(restorer.applied())
        if key not in self._places:
            self._places = {key: self._with_doubtful(restorer)}
        return self._places[key]

    def _with_doubtful(self, restorer: Restorer) -> Damage | None:
        damage = self.found(restorer).damage
        if damage is None or {"damage", "craquelure"} & {*restorer.treat} <= {*restorer.forced}:
            return damage
        every = every_piece(restorer, self._scan.srgb, self.view, self.size)
        assert every is not None
        return with_doubtful(damage, every)

    def restored(
        self,
        treatment: Treatment,
        window: Window,
        marked: tuple[np.ndarray, np.ndarray],
        stained: Callable[[Window, tuple[int, int]], np.ndarray | None] = lambda *_: None,
    ) -> np.ndarray:
        """A window as it would be restored.

        marked: boolean maps of pixels to fill and to protect. stained: gives the map of the stains
        in a window at a size, or None.
        """
        marks = stained(self.whole, (self.view.shape[0], self.view.shape[1]))
        stains = treatment.stains
        if marks is not None:
            stains = previewed_stains(treatment, self.view, marks)
        return preview_of(treatment, self.pixels(window), window, *marked, stains)

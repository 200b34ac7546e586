"""A scan that is open on the page: its pixels at hand, and what is found in it."""

from contextlib import ExitStack
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from patina.tasks.imaging.images import png_bytes
from patina.tasks.imaging.scans import Scan, opened
from patina.tasks.restoration.decision import Piece
from patina.tasks.restoration.preview import Window, previewed, window_around
from patina.tasks.restoration.reduced import resized, small_of
from patina.tasks.restoration.restorer import Restorer, Treatment, look

SHOWN_PX = 1400  # long side of a work that is shown reduced
PART_PX = (560, 760)  # height and width of a part that is shown at full size
LISTED = 40  # areas that can be accepted or rejected one by one


class Work:
    """An open scan, as a viewer shows it, turned by EXIF; `close` it at the end.

    size: (height, width). view: the whole work, reduced, float32 (h, w, 3), sRGB in [0, 1].
    Raises ImageError when it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="patina-app-")))
            scan: Scan = stack.enter_context(opened(path, folder))
            self._scan = replace(scan, image=scan.image.autorot())
            self.size = (self._scan.height, self._scan.width)
            self.view = small_of(self._scan.srgb, *self.size)
            self._looked: dict[str, Treatment] = {}
            self._pictures = folder / "pictures"
            self._pictures.mkdir()
            self.close = stack.pop_all().close

    def picture(self, pixels: np.ndarray) -> str:
        """The file of a picture for the page, uint8 (h, w, 3); Gradio's own are slow to write."""
        path = self._pictures / f"{blake2b(pixels.tobytes(), digest_size=12).hexdigest()}.png"
        path.write_bytes(png_bytes(pixels))
        return str(path)

    @property
    def whole(self) -> Window:
        """All of it."""
        return Window.whole(self.size)

    def part(self, across: float, down: float) -> Window:
        """The part at full size around a place, 0 to 1 each way."""
        return window_around(across, down, self.size, PART_PX)

    def pixels(self, window: Window) -> np.ndarray:
        """A window, float32 (h, w, 3): the whole work reduced to SHOWN_PX, a part as it is."""
        if window == self.whole:
            share = min(1, SHOWN_PX / max(self.size))
            height, width = (max(1, round(side * share)) for side in self.size)
            return resized(self.view, (height, width))
        cropped = self._scan.image.crop(*window)
        return replace(self._scan, image=cropped).srgb(0, window.height)

    def found(self, restorer: Restorer) -> Treatment:
        """What `restorer` finds in the work; the last answer is kept."""
        key = repr(restorer.applied())
        if key not in self._looked:
            found = look(restorer, self._scan.srgb, self.view, self.size)
            # Without the networks: nothing here is to keep them
            self._looked = {key: replace(found, restorer=replace(restorer, networks={}))}
        return replace(self._looked[key], restorer=restorer)

    def restored(
        self, treatment: Treatment, window: Window, marked: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """A window as it would be restored. marked: what is filled, and what stays."""
        return previewed(treatment, self.pixels(window), window, *marked)


def listed(treatment: Treatment) -> list[Piece]:
    """The areas that can be decided on, the largest first."""
    pieces = treatment.damage.pieces if treatment.damage else []
    return sorted(pieces, key=lambda piece: -piece.px)[:LISTED]

"""Scans of any size: read by rows as sRGB, and filed with other pixels but the same form.

A scan is decoded once into a file of bare pixels, and its result encoded from one, so that neither
is in memory as a whole.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyvips

from patina.formats import EXTENSIONS
from patina.tasks.imaging.blocks import Blocks, blocks_of
from patina.tasks.imaging.exif import Tags
from patina.tasks.imaging.filing import file_image
from patina.tasks.imaging.images import ImageError, largest
from patina.tasks.imaging.kinds import read_kind
from patina.tasks.imaging.memory import NUMBERS
from patina.tasks.imaging.opening import DEPTHS, LAB, Opened, Weigh, in_order, open_image
from patina.tasks.imaging.profiles import fault_of
from patina.tasks.imaging.room import first_words, refuse_if_full, refuse_unless_it_fits
from patina.tasks.io.atomic import Record

JPEG_2000 = frozenset({".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"})
READ = JPEG_2000.union(EXTENSIONS, (".bmp", ".gif", ".avif"))
# Pictures, too, but of kinds that are not restored
NOT_READ = frozenset(
    {".exr", ".heic", ".heif", ".jxl", ".psb", ".psd"}
    | {".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"}
)
PALETTE = 3  # of a TIFF's photometric interpretations


@dataclass
class Scan:
    """An open scan.

    image: its pixels, any row of them at hand. profile: the ICC profile by which they are seen, as
    a file, if there is one. notes: what of the file is not as in the result, in words. blocks: its
    metadata, see `imaging.blocks`. kind: of the file, see `imaging.kinds`.
    """

    image: pyvips.Image
    folder: Path
    profile: Path | None
    notes: list[str] = field(default_factory=list)
    blocks: Blocks = field(default_factory=Blocks)
    kind: str = ""

    @property
    def tags(self) -> Tags:
        """See `imaging.exif`."""
        return self.blocks.tags

    @property
    def height(self) -> int:
        """Rows, as stored: an EXIF orientation stays a tag."""
        return int(self.image.height)

    @property
    def width(self) -> int:
        """Columns, as stored."""
        return int(self.image.width)

    @property
    def orientation(self) -> int:
        """How a viewer turns it: EXIF's tag, 1 to 8."""
        tag = self.image.get("orientation") if self.image.get_typeof("orientation") else 1
        return tag if 1 <= tag <= 8 else 1

    @property
    def colours(self) -> int:
        """Bands but for the alpha."""
        return int(self.image.bands) - (1 if self.image.hasalpha() else 0)

    @property
    def lab(self) -> bool:
        """Are the pixels CIELAB?"""
        return self.image.interpretation in LAB

    @property
    def hides(self) -> bool:
        """Whether pixels can be hidden: a further band may be none by which they are."""
        return bool(self.image.hasalpha()) and self.tags.alpha

    def hidden(self, own: np.ndarray) -> np.ndarray | None:
        """Which pixels of these rows nobody can see, (h, W); None if there can be none."""
        return own[..., -1] == 0 if self.hides else None

    @cached_property
    def _seen_mean(self) -> list[float]:
        """The mean colour of what can be seen; it stands for what cannot."""
        there = (self.image[self.colours] > 0) / 255
        share = max(there.avg(), 1e-12)
        bands = (self.image[band] for band in range(self.colours))
        return [round((band * there).avg() / share) for band in bands]

    def form(self) -> Record:
        """Size and depth, for the sidecar."""
        bits = 8 if self.image.format in ("uchar", "float") else 16
        bands = int(self.image.bands)
        record = {"width": self.width, "height": self.height, "bands": bands, "bits": bits}
        return record | ({"notes": self.notes} if self.notes else {})

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """Those rows in the scan's own space and depth, (h, W, bands)."""
        strip = self.image.crop(0, top, self.width, bottom - top)
        return strip.numpy().reshape(bottom - top, self.width, self.image.bands)

    def srgb(self, top: int, bottom: int) -> np.ndarray:
        """Those rows as a network sees them: float32 (h, W, 3), sRGB in [0, 1]."""
        strip = self.image.crop(0, top, self.width, bottom - top)
        if self.image.hasalpha():
            colours = strip.extract_band(0, n=self.colours)
            strip = colours
            if self.hides:
                there = self.image.crop(0, top, self.width, bottom - top)[self.colours] > 0
                strip = there.ifthenelse(colours, self._seen_mean)
        if self.lab:
            strip = strip.colourspace("rgb16")
        elif self.profile:
            strip = strip.icc_transform("srgb", input_profile=str(self.profile), depth=16)
        elif self.image.interpretation == "cmyk":
            strip = strip.icc_transform("srgb", input_profile="cmyk", depth=16)
        pixels = strip.numpy().reshape(bottom - top, self.width, -1).astype(np.float32)
        pixels /= DEPTHS[strip.format]
        return np.broadcast_to(pixels, (bottom - top, self.width, 3)).copy()

    def changed(self, own: np.ndarray, view: np.ndarray, change: np.ndarray) -> np.ndarray:
        """`own`, rows of this scan, with the `change` of their `view` carried over.

        Pixels whose change is 0, and the alpha, stay to the last bit.
        """
        touched = largest(change != 0)
        if not touched.any():
            return own
        added = self._carried(view, change)
        added[~touched] = 0
        result = own.copy()
        colours = result[..., : self.colours] + added
        if self.image.format in DEPTHS:
            colours = np.rint(np.clip(colours, 0, DEPTHS[self.image.format]))
        elif self.image.format == "short":
            colours = np.rint(np.clip(colours, -32768, 32767))
        result[..., : self.colours] = colours.astype(result.dtype)
        return result

    def _carried(self, view: np.ndarray, change: np.ndarray) -> np.ndarray:
        """The change in the scan's own space and unit, (h, W, colours)."""
        if self.lab or self.profile or self.image.interpretation == "cmyk":
            before, after = (self._own(each) for each in (view, view + change))
            return after - before
        own = change.mean(axis=2, keepdims=True) if self.colours == 1 else change
        return own * DEPTHS[self.image.format]

    def _own(self, view: np.ndarray) -> np.ndarray:
        """sRGB [0, 1] -> the scan's own space and unit."""
        deep = pyvips.Image.new_from_array(np.rint(np.clip(view, 0, 1) * 65535).astype(np.uint16))
        deep = deep.copy(interpretation="rgb16")
        if self.lab:
            return deep.colourspace(self.image.interpretation).numpy().astype(np.float32)
        profile = str(self.profile) if self.profile else "cmyk"
        own = deep.icc_transform(profile, input_profile="srgb", depth=16).numpy()
        scale = np.float32(DEPTHS[self.image.format] / 65535)
        return own.reshape(*view.shape[:2], self.colours) * scale

    def file(self, pixels: Path, target: Path) -> None:
        """Write bare `pixels` (H, W, bands) to `target`, whole, in the kind that its name says.

        With the scan's ICC profile, resolution, orientation, EXIF, XMP and IPTC. XMP says
        that the picture was enhanced by an algorithm.
        """
        bare = pyvips.Image.rawload(
            str(pixels), self.width, self.height, self.image.bands, format=self.image.format
        ).copy(interpretation=self.image.interpretation)
        # Inserted, so that the metadata stay
        result = self.image.insert(bare, 0, 0).copy()
        self.notes += file_image(result, self.blocks, self.kind, self.folder, target)


@contextmanager
def opened(
    source: Path, folder: Path, beside_px: int = 0, weigh: Weigh | None = None
) -> Iterator[Scan]:
    """The scan filed at `source`; `folder` holds its pixels as long as it is open.

    beside_px: bytes a pixel that `folder` must have room for beside the scan's own, and its result.
    weigh: bytes of memory that the work on it takes, see `opening.open_image`.
    Raises ImageError when it cannot be read to its end, is of a form that is not restored or too
    large for memory or disk; OSError when that is full.
    """
    pixels = folder / "scan.v"
    try:
        found = _decoded(source, pixels, beside_px, weigh)
        scan = pyvips.Image.new_from_file(str(pixels))
    except ImageError:
        raise
    except (pyvips.Error, ValueError) as error:
        refuse_if_full(error, folder.parent)
        raise ImageError(
            f"{source.name}: no image that can be read to its end "
            f"({first_words(error) or type(error).__name__})"
        ) from error
    blocks = blocks_of(source, found)
    if blocks.joined:
        scan = scan.copy()
        scan.set_type(pyvips.GValue.blob_type, "xmp-data", blocks.joined)
    notes = [*found.notes, *_notes(found.image, blocks.tags), *blocks.notes]
    profile, note = _profile(found.image, blocks, folder)
    yield Scan(scan, folder, profile, notes + ([note] if note else []), blocks, found.kind)


def _decoded(source: Path, pixels: Path, beside_px: int, weigh: Weigh | None) -> Opened:
    """Decode `source` into the file `pixels`; its header."""
    # To libvips, tiles of a TIFF that are cut off, and rows of a JPEG, are but a warning, and grey
    strict = read_kind(source) in ("TIFF", "JPEG")
    try:
        found = open_image(source, fail_on="warning" if strict else "error", weigh=weigh)
        refuse_unless_it_fits(source, found.image, pixels.parent, beside_px)
        found.image.write_to_file(str(pixels))
        return found
    except pyvips.Error as error:
        if not strict:
            raise
        refuse_if_full(error, pixels.parent)
        return _decoded_all_the_same(source, pixels, error)


def _decoded_all_the_same(source: Path, pixels: Path, error: pyvips.Error) -> Opened:
    """As `_decoded`, if `error` was a warning that tells of no missing pixels; else raises it."""
    found = open_image(source, fail_on="error")
    image = found.image
    if found.kind == "JPEG":
        image = in_order(source)
        found.notes.append(
            f"all its pixels are there, but it is not in order: {first_words(error)}"
        )
    elif first_words(error):
        raise error
    # Else a warning of a TIFF's tag: those have no words here
    image.write_to_file(str(pixels))
    return found


def _notes(image: pyvips.Image, tags: Tags) -> list[str]:
    notes = []
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 0
    stored = 8 * np.dtype(NUMBERS[image.format]).itemsize
    if image.get_typeof("palette") or tags.photometric == PALETTE:
        notes.append("its palette became RGB")
    elif bits and bits < stored and image.format in DEPTHS:
        notes.append(f"its {bits} bit became {stored}")
    if tags.premultiplied:
        notes.append("colours multiplied by its alpha were divided by it")
    return notes


def _profile(image: pyvips.Image, blocks: Blocks, folder: Path) -> tuple[Path | None, str]:
    """The file of the profile by which it is seen, if any; why its own is not, in words."""
    content = image.get("icc-profile-data") if image.get_typeof("icc-profile-data") else b""
    colours = image.bands - (1 if image.hasalpha() else 0)
    fault = fault_of(content, colours, image.interpretation in LAB) if content else ""
    if fault:
        blocks.elsewhere.append("its ICC profile")
        return None, f"{fault}; its pixels were taken for {_taken_for(image, colours)}"
    content = content or (blocks.profile if colours == 3 else b"")
    if not content:
        return None, ""
    profile = folder / "profile.icc"
    profile.write_bytes(content)
    return profile, ""


def _taken_for(image: pyvips.Image, colours: int) -> str:
    return "CMYK" if image.interpretation == "cmyk" else "grey of sRGB" if colours == 1 else "sRGB"

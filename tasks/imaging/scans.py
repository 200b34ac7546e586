"""Scans of any size: read by rows as sRGB, and written with changed pixels in the same form.

A scan is decoded once into a file of raw pixels, and its result is encoded from such a file, so
that neither is in memory as a whole.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyvips

from patina.tasks.imaging.disk_space import first_words, refuse_if_full, refuse_unless_it_fits
from patina.tasks.imaging.exif import Tags
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.fields import field_of, orientation_of
from patina.tasks.imaging.filing import file_image
from patina.tasks.imaging.images import largest
from patina.tasks.imaging.kinds import read_kind
from patina.tasks.imaging.memory import NUMBERS
from patina.tasks.imaging.metadata import Metadata, metadata_of
from patina.tasks.imaging.one_at_a_time import one_at_a_time
from patina.tasks.imaging.opening import DEPTHS, LAB, Opened, Weigh, in_order, open_image
from patina.tasks.imaging.profiles import fault_of
from patina.tasks.io.atomic import Record

PALETTE = 3  # of a TIFF's photometric interpretations


@dataclass
class Scan:
    """An open scan: its decoded pixels, read by rows, and its metadata."""

    image: pyvips.Image  # with random access to its rows
    folder: Path  # of its temporary files
    profile: Path | None  # file of the ICC profile that is used, if any
    notes: list[str] = field(default_factory=list)  # differences between file and result, in words
    metadata: Metadata = field(default_factory=Metadata)  # of its file
    kind: str = ""  # format of the file, see `imaging.kinds`

    @property
    def tags(self) -> Tags:
        """The tags that are copied to the result, see `imaging.exif`."""
        return self.metadata.tags

    @property
    def height(self) -> int:
        """Number of rows as stored, before any EXIF rotation."""
        return int(self.image.height)

    @property
    def width(self) -> int:
        """Number of columns as stored, before any EXIF rotation."""
        return int(self.image.width)

    @property
    def orientation(self) -> int:
        """The EXIF orientation, 1 (upright) to 8."""
        return orientation_of(self.image)

    @property
    def colours(self) -> int:
        """Number of bands without the alpha."""
        return int(self.image.bands) - (1 if self.image.hasalpha() else 0)

    @property
    def lab(self) -> bool:
        """Whether the pixels are CIELAB."""
        return self.image.interpretation in LAB

    @property
    def hides(self) -> bool:
        """Whether an alpha channel can hide pixels; not every extra band is an alpha channel."""
        return bool(self.image.hasalpha()) and self.tags.alpha

    def hidden(self, own: np.ndarray) -> np.ndarray | None:
        """The invisible pixels of these rows, boolean (h, W); None if the scan has no alpha."""
        return own[..., -1] == 0 if self.hides else None

    @cached_property
    def _visible_mean(self) -> list[float]:
        """The mean colour of the visible pixels; it replaces the invisible ones."""
        there = (self.image[self.colours] > 0) / 255
        share = max(there.avg(), 1e-12)
        bands = (self.image[band] for band in range(self.colours))
        return [round((band * there).avg() / share) for band in bands]

    def form(self) -> Record:
        """Size, depth and notes, for the sidecar."""
        bits = 8 if self.image.format in ("uchar", "float") else 16
        bands = int(self.image.bands)
        record = {"width": self.width, "height": self.height, "bands": bands, "bits": bits}
        return record | ({"notes": self.notes} if self.notes else {})

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """Rows in the scan's own colour space and depth, (h, W, bands)."""
        strip = self.image.crop(0, top, self.width, bottom - top)
        return strip.numpy().reshape(bottom - top, self.width, self.image.bands)

    def srgb(self, top: int, bottom: int) -> np.ndarray:
        """Rows as input of a network: float32 (h, W, 3), sRGB in [0, 1]."""
        strip = self.image.crop(0, top, self.width, bottom - top)
        if self.image.hasalpha():
            colours = strip.extract_band(0, n=self.colours)
            strip = colours
            if self.hides:
                there = self.image.crop(0, top, self.width, bottom - top)[self.colours] > 0
                strip = there.ifthenelse(colours, self._visible_mean)
        if self.lab:
            strip = strip.colourspace("rgb16")
        elif self.profile:
            strip = strip.icc_transform("srgb", input_profile=str(self.profile), depth=16)
        elif self.image.interpretation == "cmyk":
            strip = strip.icc_transform("srgb", input_profile="cmyk", depth=16)
        pixels = strip.numpy().reshape(bottom - top, self.width, -1).astype(np.float32)
        pixels /= DEPTHS[strip.format]
        grey = pixels.shape[2] == 1
        return np.repeat(pixels, 3, axis=2) if grey else pixels

    def changed(self, own: np.ndarray, view: np.ndarray, change: np.ndarray) -> np.ndarray:
        """The rows `own` of this scan, with `change` applied.

        own: (h, W, bands), from `rows`. view: the same rows from `srgb`, (h, W, 3). change: what is
        added to `view`, (h, W, 3), sRGB. Where it is 0, pixels keep their exact value; so does the
        alpha.
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
        """The change in the scan's own colour space and unit, (h, W, colours)."""
        if self.lab or self.profile or self.image.interpretation == "cmyk":
            before, after = (self._own(each) for each in (view, view + change))
            return after - before
        own = change.mean(axis=2, keepdims=True) if self.colours == 1 else change
        return own * DEPTHS[self.image.format]

    def _own(self, view: np.ndarray) -> np.ndarray:
        """Convert sRGB in [0, 1] to the scan's own colour space and unit."""
        deep = pyvips.Image.new_from_array(np.rint(np.clip(view, 0, 1) * 65535).astype(np.uint16))
        deep = deep.copy(interpretation="rgb16")
        if self.lab:
            return deep.colourspace(self.image.interpretation).numpy().astype(np.float32)
        profile = str(self.profile) if self.profile else "cmyk"
        own = deep.icc_transform(profile, input_profile="srgb", depth=16).numpy()
        scale = np.float32(DEPTHS[self.image.format] / 65535)
        return own.reshape(*view.shape[:2], self.colours) * scale

    @one_at_a_time
    def file(self, pixels: Path, target: Path) -> None:
        """Write the file of raw `pixels` (H, W, bands) to `target`, atomically.

        The suffix of `target` decides the format. The result has the scan's ICC profile,
        resolution, orientation, EXIF, XMP and IPTC. XMP states that an algorithm enhanced it.
        """
        bare = pyvips.Image.rawload(
            str(pixels), self.width, self.height, self.image.bands, format=self.image.format
        ).copy(interpretation=self.image.interpretation)
        # `insert` keeps the metadata of the scan
        result = self.image.insert(bare, 0, 0).copy()
        self.notes += file_image(result, self.metadata, self.kind, self.folder, target)


@contextmanager
def opened(
    source: Path, folder: Path, beside_px: int = 0, weigh: Weigh | None = None
) -> Iterator[Scan]:
    """Open the scan at `source`; its pixels are in `folder` while it is open.

    beside_px: bytes for each pixel that `folder` needs, in addition to the pixels of the scan and
    of its result. weigh: memory for the further work, see `opening.open_image`.
    Raises ImageError if it cannot be read completely, has an unsupported form, or is too large for
    memory or disk; OSError if the disk is full.
    """
    yield _opened(source, folder, beside_px, weigh)


@one_at_a_time
def _opened(source: Path, folder: Path, beside_px: int, weigh: Weigh | None) -> Scan:
    pixels = folder / "scan.v"
    try:
        found = _decoded(source, pixels, beside_px, weigh)
        scan = pyvips.Image.new_from_file(str(pixels))
    except ImageError:
        raise
    except (pyvips.Error, ValueError) as error:
        refuse_if_full(error, folder.parent)
        raise ImageError(
            f"{source.name}: the image cannot be read completely "
            f"({first_words(error) or type(error).__name__})"
        ) from error
    metadata = metadata_of(source, found)
    if metadata.joined:
        scan = scan.copy()
        scan.set_type(pyvips.GValue.blob_type, "xmp-data", metadata.joined)
    notes = [*found.notes, *_notes(found.image, metadata.tags), *metadata.notes]
    profile, note = _profile(found.image, metadata, folder)
    return Scan(scan, folder, profile, notes + ([note] if note else []), metadata, found.kind)


def _decoded(source: Path, pixels: Path, beside_px: int, weigh: Weigh | None) -> Opened:
    """Decode `source` into the file `pixels`; return its header."""
    # For libvips, missing tiles of a TIFF and rows of a JPEG are only a warning; it makes them grey
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
        return _decoded_despite_warning(source, pixels, error)


def _decoded_despite_warning(source: Path, pixels: Path, error: pyvips.Error) -> Opened:
    """As `_decoded`, if `error` is a warning that does not mean missing pixels; else raise it."""
    found = open_image(source, fail_on="error")
    image = found.image
    if found.kind == "JPEG":
        image = in_order(source)
        found.notes.append(
            f"the file has an error, but all its pixels were read: {first_words(error)}"
        )
    elif first_words(error):
        raise error
    # Without words it is a warning about a tag of a TIFF
    image.write_to_file(str(pixels))
    return found


def _notes(image: pyvips.Image, tags: Tags) -> list[str]:
    notes = []
    bits = field_of(image, "bits-per-sample", 0)
    stored = 8 * np.dtype(NUMBERS[image.format]).itemsize
    if image.get_typeof("palette") or tags.photometric == PALETTE:
        notes.append("palette colours were converted to RGB")
    elif bits and bits < stored and image.format in DEPTHS:
        notes.append(f"{bits}-bit samples were converted to {stored} bit")
    if tags.premultiplied:
        notes.append("premultiplied colours were divided by the alpha channel")
    return notes


def _profile(image: pyvips.Image, metadata: Metadata, folder: Path) -> tuple[Path | None, str]:
    """The file of the ICC profile to use, if any; and why the image's own is not used, in words."""
    content = field_of(image, "icc-profile-data")
    colours = image.bands - (1 if image.hasalpha() else 0)
    fault = fault_of(content, colours, image.interpretation in LAB) if content else ""
    if fault:
        metadata.elsewhere.append("the ICC profile")
        return None, f"{fault}; the pixels were treated as {_assumed_space(image, colours)}"
    content = content or (metadata.profile if colours == 3 else b"")
    if not content:
        return None, ""
    profile = folder / "profile.icc"
    profile.write_bytes(content)
    return profile, ""


def _assumed_space(image: pyvips.Image, colours: int) -> str:
    return "CMYK" if image.interpretation == "cmyk" else "sRGB grey" if colours == 1 else "sRGB"

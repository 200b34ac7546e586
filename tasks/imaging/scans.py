"""Scans of any size: read by rows as sRGB, and filed with other pixels but the same form.

A scan is decoded once into a file of bare pixels, and its result encoded from one, so that neither
is in memory as a whole.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyvips

from patina.formats import EXTENSIONS
from patina.tasks.imaging import jpeg2000
from patina.tasks.imaging.exif import Tags, tags_of, write_into
from patina.tasks.imaging.images import ImageError, largest
from patina.tasks.imaging.xmp import with_source_type
from patina.tasks.io.atomic import Record, move_whole

ENCODINGS = {
    ".png": ".png[compression=6]",
    ".tif": ".tif[compression=deflate,predictor=horizontal,bigtiff={big}]",
    ".tiff": ".tif[compression=deflate,predictor=horizontal,bigtiff={big}]",
}
LOSSY = {  # nearly: asked for with `keep_format`
    ".jpg": ".jpg[Q=98,subsample_mode=off]",
    ".jpeg": ".jpg[Q=98,subsample_mode=off]",
    ".webp": ".webp[lossless=true]",
}
JPEG_2000 = frozenset({".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"})
READ = JPEG_2000.union(EXTENSIONS)
# Pictures, too, but of kinds that are not restored
NOT_READ = frozenset(
    {".avif", ".bmp", ".exr", ".gif", ".heic", ".heif", ".jxl", ".psb", ".psd"}
    | {".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"}
)
BIG_TIFF = 3_500_000_000  # bytes of pixels from which a TIFF could outgrow 4 GiB
SPACES = {"srgb", "rgb", "rgb16", "b-w", "grey16", "cmyk"}
DEPTHS = {"uchar": 255, "ushort": 65535}
NUMBERS = {"uchar": "u1", "ushort": "u2", "short": "i2", "float": "f4"}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LAB = {"lab": "float", "labs": "short"}
MAX_MEGAPIXELS = 4000  # a file that claims more is a bomb, or no scan
NO_ROOM = 1 << 26  # bytes: a disk on which less is free is full
PALETTE = 3  # of a TIFF's photometric interpretations
GREY = b"GRAY"  # the space of a grey profile, in its head


@dataclass
class Scan:
    """An open scan.

    image: its pixels, any row of them at hand. profile: its ICC profile as a file, if it has one.
    notes: what of the file is not as in the result, in words. tags: see `imaging.exif`.
    """

    image: pyvips.Image
    folder: Path
    profile: Path | None
    notes: list[str] = field(default_factory=list)
    tags: Tags = field(default_factory=Tags)

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
            strip = strip.extract_band(0, n=self.colours)
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
        given = result.get("xmp-data") if result.get_typeof("xmp-data") else b""
        result.set_type(pyvips.GValue.blob_type, "xmp-data", with_source_type(given))
        tiff = target.suffix.lower() in (".tif", ".tiff")
        if tiff and result.get_typeof("iptc-data"):
            result.remove("iptc-data")  # it is among the tags, whole
        draft = self.folder / f"result{target.suffix.lower()}"
        size = self.height * self.width * self.image.bands * (1 if self.form()["bits"] == 8 else 2)
        encoding = (ENCODINGS | LOSSY)[target.suffix.lower()]
        options = encoding[encoding.index("[") :].format(big=str(size > BIG_TIFF).lower())
        result.write_to_file(f"{draft}{options}")
        if tiff:
            write_into(draft, self.tags)
        move_whole(draft, target)


@contextmanager
def opened(source: Path, folder: Path, beside_px: int = 0) -> Iterator[Scan]:
    """The scan filed at `source`; `folder` holds its pixels as long as it is open.

    beside_px: bytes a pixel that `folder` must have room for beside the scan's own, and its result.
    Raises ImageError when it cannot be read to its end, is of a form that is not restored or too
    large for the disk; OSError when that is full.
    """
    pixels = folder / "scan.v"
    try:
        image = _decoded(source, pixels, beside_px)
        scan = pyvips.Image.new_from_file(str(pixels))
    except ImageError:
        raise
    except (pyvips.Error, ValueError) as error:
        refuse_if_full(error, folder.parent)
        raise ImageError(
            f"{source.name}: no image that can be read to its end ({_reason(error)})"
        ) from error
    tags = tags_of(source, image)
    yield Scan(scan, folder, _profile(image, folder), _notes(image, tags), tags)


def _decoded(source: Path, pixels: Path, beside_px: int) -> pyvips.Image:
    """Decode `source` into the file `pixels`; its header."""
    try:
        # Of a TIFF, tiles that are cut off are no error to libvips, but black and a warning
        strict = source.suffix.lower() in (".tif", ".tiff")
        image = _header(source, "warning" if strict else "error")
        _refuse_unless_it_fits(source, image, pixels.parent, beside_px)
        image.write_to_file(str(pixels))
    except pyvips.Error as error:
        if not strict or _reason(error):
            raise
        image = _header(source, "error")  # a warning of a tag; those have no words here
        image.write_to_file(str(pixels))
    return image


def _reason(error: Exception) -> str:
    """What libvips says first, without who says it; nothing if it has no words."""
    lines = str(getattr(error, "detail", error)).splitlines()
    words = next((line.strip() for line in lines if line.strip()), "")
    return words.split(": ", 1)[-1]


def _refuse_unless_it_fits(source: Path, image: pyvips.Image, folder: Path, beside_px: int) -> None:
    """Raises ImageError, or OSError when the disk is full: before the work, not in its midst."""
    own_px = np.dtype(NUMBERS[image.format]).itemsize * image.bands
    needed = image.width * image.height * (2 * own_px + beside_px)
    free = shutil.disk_usage(folder).free
    if needed <= free:
        return
    told = f"{needed / 1e6:,.0f} MB are needed for a while, {free / 1e6:,.0f} MB are free"
    if free < NO_ROOM:
        said = f"{os.strerror(errno.ENOSPC)}; {told}"
        raise OSError(errno.ENOSPC, said, str(folder.parent))
    raise ImageError(f"{source.name}: {told} in {folder.parent}; restore it on a larger disk")


def _notes(image: pyvips.Image, tags: Tags) -> list[str]:
    notes = []
    if image.get_typeof("n-pages") and image.get("n-pages") > 1:
        notes.append(f"the first of {image.get('n-pages')} pages")
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 0
    stored = 8 * np.dtype(NUMBERS[image.format]).itemsize
    if image.get_typeof("palette") or tags.photometric == PALETTE:
        notes.append("its palette became RGB")
    elif bits and bits < stored and image.format in DEPTHS:
        notes.append(f"its {bits} bit became {stored}")
    if tags.premultiplied:
        notes.append("colours multiplied by its alpha were divided by it")
    return notes


def _profile(image: pyvips.Image, folder: Path) -> Path | None:
    """The file of the ICC profile, if it is one of such an image."""
    if not image.get_typeof("icc-profile-data"):
        return None
    content = image.get("icc-profile-data")
    colours = image.bands - (1 if image.hasalpha() else 0)
    if (colours == 1) != (content[16:20] == GREY):
        return None  # of other pixels than these: it stays, and says nothing of them
    profile = folder / "profile.icc"
    profile.write_bytes(content)
    return profile


def refuse_if_full(error: Exception, folder: Path) -> None:
    """Raise OSError when libvips failed for want of room in `folder`, which no other scan heals."""
    for code in FULL:
        if os.strerror(code) in str(error):
            raise OSError(code, os.strerror(code), str(folder)) from error


def _header(source: Path, fail_on: str) -> pyvips.Image:
    """The image, not decoded yet, once its form is one that is restored."""
    suffix = source.suffix.lower()
    if suffix not in READ:
        kind = suffix.removeprefix(".").upper() or "no kind in its name"
        raise ImageError(f"{source.name}: {kind} is not restored; convert it to TIFF or PNG")
    try:
        image = (
            jpeg2000.decoded(source.read_bytes())
            if suffix in JPEG_2000
            else pyvips.Image.new_from_file(str(source), fail_on=fail_on, access="sequential")
        )
    except OSError as error:
        raise ImageError(f"{source.name}: cannot be read ({error.strerror})") from error
    if image.width * image.height > MAX_MEGAPIXELS * 1e6:
        raise ImageError(
            f"{source.name}: claims {image.width} × {image.height} pixels; "
            f"at most {MAX_MEGAPIXELS} megapixels are restored"
        )
    space, form = image.interpretation, image.format
    if form != LAB[space] if space in LAB else space not in SPACES or form not in DEPTHS:
        raise ImageError(
            f"{source.name}: {space} of {form} is not restored; convert it to RGB of 8 or 16 bit"
        )
    colours = image.bands - (1 if image.hasalpha() else 0)
    if colours not in (1, 3) and not (colours == 4 and space == "cmyk"):
        raise ImageError(f"{source.name}: {colours} colour bands; RGB, CMYK and grey are restored")
    return image

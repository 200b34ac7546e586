"""Writes results in the format that their suffix names, with the metadata of the scan."""

from pathlib import Path

import pyvips

from patina.formats import SUFFIXES
from patina.tasks.imaging import jpeg, png, webp
from patina.tasks.imaging.exif import write_into
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.fields import field_of, without
from patina.tasks.imaging.metadata import Metadata
from patina.tasks.imaging.xmp import with_source_type
from patina.tasks.io.atomic import move_whole

TIFF = SUFFIXES["TIFF"]
ENCODINGS = {
    ".png": ".png[compression=6]",
    **dict.fromkeys(TIFF, ".tif[compression=deflate,predictor=horizontal,bigtiff={big}]"),
}
KEPT_FORMATS = {  # formats that are written only with `keep_format`; else they become TIFF
    **dict.fromkeys(SUFFIXES["JPEG"], ".jpg[Q=98,subsample_mode=off]"),
    ".webp": ".webp[lossless=true]",
}
# Kinds whose metadata are copied unchanged, by suffix
KIND_OF = {suffix: kind for kind in ("JPEG", "WebP", "PNG") for suffix in SUFFIXES[kind]}
BIG_TIFF = 3_500_000_000  # bytes of pixels from which a TIFF could outgrow 4 GiB


def file_image(
    image: pyvips.Image, metadata: Metadata, kind: str, folder: Path, target: Path
) -> list[str]:
    """Write `image` to `target` atomically; return notes about what was not copied.

    metadata, kind: of the scan. folder: for drafts, on the same disk as `target`.
    Raises ImageError if a scan of another kind would become a JPEG or WebP.
    """
    suffix = target.suffix.lower()
    if suffix in KEPT_FORMATS and kind != KIND_OF[suffix]:
        raise ImageError(
            f"{target.name}: this {kind} file has the suffix of {KIND_OF[suffix]}; rename it, or "
            "restore it without --keep-format"
        )
    draft = folder / f"result{suffix}"
    same_kind = kind == KIND_OF.get(suffix)
    if same_kind:
        _file_dressed(image, metadata, suffix, draft)
    else:
        _file_plain(image, metadata, suffix, draft)
    move_whole(draft, target)
    return [] if same_kind else [f"not copied: {lost}" for lost in metadata.elsewhere]


def _file_plain(image: pyvips.Image, metadata: Metadata, suffix: str, draft: Path) -> None:
    """Write it with the metadata that libvips writes, and in a TIFF also the tags."""
    size = image.height * image.width * image.bands * sample_bytes(image)
    packet = with_source_type(field_of(image, "xmp-data"))
    # `write_into` writes IPTC completely, as a tag of the TIFF
    image = without(image, "iptc-data") if suffix in TIFF else image.copy()
    image.set_type(pyvips.GValue.blob_type, "xmp-data", packet)
    encoding = ENCODINGS[suffix]
    options = encoding[encoding.index("[") :].format(big=str(size > BIG_TIFF).lower())
    image.write_to_file(f"{draft}{options}")
    if suffix in TIFF:
        write_into(draft, metadata.tags)


def _file_dressed(image: pyvips.Image, metadata: Metadata, suffix: str, draft: Path) -> None:
    """Write the pixels with libvips, and copy the metadata of the scan unchanged."""
    bare = draft.with_name(f"bare{suffix}")
    encoding = (ENCODINGS | KEPT_FORMATS)[suffix].removesuffix("]")
    image.write_to_file(f"{bare}{encoding[encoding.index('[') :]},keep=none]")
    packet = with_source_type(metadata.xmp)
    if suffix == ".png":
        png.dressed(bare, metadata.chunks, packet, draft)
    elif suffix == ".webp":
        icc = field_of(image, "icc-profile-data")
        own = {webp.ICC: icc, webp.EXIF: metadata.exif, webp.XMP: packet}
        size = (image.width, image.height)
        draft.write_bytes(webp.dressed(bare.read_bytes(), size, own))
    else:
        draft.write_bytes(jpeg.dressed(bare.read_bytes(), metadata.head, packet))
    bare.unlink()


def sample_bytes(image: pyvips.Image) -> int:
    """Bytes of a sample in the file."""
    return 1 if image.format in ("uchar", "float") else 2

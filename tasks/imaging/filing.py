"""Results filed in the kind that their name says, with the metadata of the scan."""

from pathlib import Path

import pyvips

from patina.tasks.imaging import jpeg, png, webp
from patina.tasks.imaging.blocks import Blocks, without
from patina.tasks.imaging.exif import write_into
from patina.tasks.imaging.images import ImageError
from patina.tasks.imaging.xmp import with_source_type
from patina.tasks.io.atomic import move_whole

ENCODINGS = {
    ".png": ".png[compression=6]",
    ".tif": ".tif[compression=deflate,predictor=horizontal,bigtiff={big}]",
    ".tiff": ".tif[compression=deflate,predictor=horizontal,bigtiff={big}]",
}
JPEG = ".jpg[Q=98,subsample_mode=off]"
LOSSY = {  # nearly: asked for with `keep_format`
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jif", ".jfif"), JPEG),
    ".webp": ".webp[lossless=true]",
}
KIND_OF = {**dict.fromkeys(LOSSY, "JPEG"), ".webp": "WebP", ".png": "PNG"}
BIG_TIFF = 3_500_000_000  # bytes of pixels from which a TIFF could outgrow 4 GiB


def file_image(
    image: pyvips.Image, blocks: Blocks, kind: str, folder: Path, target: Path
) -> list[str]:
    """Write `image`, of a file of that kind, to `target`, whole; what is lost by it, in words.

    folder: for drafts, on the disk of `target`.
    Raises ImageError when a JPEG or WebP would be made of another kind.
    """
    suffix = target.suffix.lower()
    if suffix in LOSSY and kind != KIND_OF[suffix]:
        raise ImageError(
            f"{target.name}: it is a {kind} under the name of a {KIND_OF[suffix]}; rename it, or "
            "restore it without --keep-format"
        )
    draft = folder / f"result{suffix}"
    as_it_stands = kind == KIND_OF.get(suffix)
    if as_it_stands:
        _file_dressed(image, blocks, suffix, draft)
    else:
        _file_plain(image, blocks, suffix, draft)
    move_whole(draft, target)
    return [] if as_it_stands else [f"left out: {lost}" for lost in blocks.elsewhere]


def _file_plain(image: pyvips.Image, blocks: Blocks, suffix: str, draft: Path) -> None:
    """With the metadata that libvips writes, and in a TIFF the tags."""
    size = image.height * image.width * image.bands * sample_bytes(image)
    packet = with_source_type(image.get("xmp-data") if image.get_typeof("xmp-data") else b"")
    # IPTC is among a TIFF's tags, whole
    image = without(image, "iptc-data") if suffix != ".png" else image.copy()
    image.set_type(pyvips.GValue.blob_type, "xmp-data", packet)
    encoding = ENCODINGS[suffix]
    options = encoding[encoding.index("[") :].format(big=str(size > BIG_TIFF).lower())
    image.write_to_file(f"{draft}{options}")
    if suffix != ".png":
        write_into(draft, blocks.tags)


def _file_dressed(image: pyvips.Image, blocks: Blocks, suffix: str, draft: Path) -> None:
    """Pixels by libvips, all else as it stands in the scan."""
    bare = draft.with_name(f"bare{suffix}")
    encoding = (ENCODINGS | LOSSY)[suffix].removesuffix("]")
    image.write_to_file(f"{bare}{encoding[encoding.index('[') :]},keep=none]")
    packet = with_source_type(blocks.xmp)
    if suffix == ".png":
        png.dressed(bare, blocks.chunks, packet, draft)
    elif suffix == ".webp":
        icc = image.get("icc-profile-data") if image.get_typeof("icc-profile-data") else b""
        own = {webp.ICC: icc, webp.EXIF: blocks.exif, webp.XMP: packet}
        size = (image.width, image.height)
        draft.write_bytes(webp.dressed(bare.read_bytes(), size, own))
    else:
        draft.write_bytes(jpeg.dressed(bare.read_bytes(), blocks.head, packet))
    bare.unlink()


def sample_bytes(image: pyvips.Image) -> int:
    """Bytes of a sample as it is filed."""
    return 1 if image.format in ("uchar", "float") else 2

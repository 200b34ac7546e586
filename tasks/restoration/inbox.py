"""Finds the scans to restore, and the path of each result."""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from patina.errors import InputError
from patina.formats import SUFFIXES, UNREAD_SUFFIXES, suffixes_of
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.filing import ENCODINGS, KEPT_FORMATS
from patina.tasks.io.storage import Place, Remote, images_under, relative
from patina.tasks.restoration.iiif import is_published
from patina.tasks.restoration.report.previews import FOLDER
from patina.tasks.restoration.sidecars import EVERY_FILE, is_ours_at, sidecar_in, sidecar_of

IMAGE_SUFFIXES = frozenset((*suffixes_of(tuple(SUFFIXES)), *UNREAD_SUFFIXES))
# Folders of storages and systems with thumbnails or deleted files
IGNORED_FOLDERS = frozenset({"@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX", "lost+found"})

log = logging.getLogger("patina")


def plan(
    inboxes: Sequence[Place], outbox: Place, *, recursive: bool = True, keep_format: bool = False
) -> list[tuple[Place, Place]]:
    """Each image file in `inboxes` with the path of its result, sorted, without repeats.

    inboxes: files and folders. Images of an unsupported format are included, and so is each file of
    `inboxes` itself, whatever it is; those that cannot be restored will be set aside. The outbox
    and results of earlier runs inside an inbox, and the pictures of a report, are left out.
    keep_format: JPEG and WebP keep their format. Raises FileNotFoundError if a file or folder does
    not exist, or a folder has no image; InputError if a result would overwrite a scan or another
    result.
    """
    scans: list[tuple[Place, Place]] = []
    taken: dict[Place, Place] = {}
    for inbox in inboxes:
        found = [
            (source, outbox / target_of(inner, keep_format=keep_format))
            for source, inner in _scans_of(inbox, outbox, recursive)
            if FOLDER not in inner.parts
        ]
        found = _without_results(found) if _real_path(inbox) == _real_path(outbox) else found
        scans += [(s, t) for s, t in found if taken.setdefault(_real_path(s), s) is s]
    for source, target in scans:
        if other := taken.get(_real_path(target)):
            raise InputError(
                f"restore: {source}: its result would overwrite the scan itself; choose another "
                "folder with --out"
                if other == source
                else f"restore: {source}: its result would overwrite {other} or the result of that "
                "file; rename one of them"
            )
        taken[_real_path(target)] = source
    return scans


def _real_path(place: Place) -> Place:
    """The real path of a file, the same for all its names."""
    # Unlike Path.resolve, this raises no error for circular links
    return Path(os.path.realpath(place)) if isinstance(place, Path) else place


def _without_results(scans: list[tuple[Place, Place]]) -> list[tuple[Place, Place]]:
    """The files without results, maps and packages of other files."""
    targets = {target for source, target in scans if target != source}
    left_out = _with_files_beside(filter(_is_result, targets))
    return [pair for pair in scans if pair[0] not in left_out]


def _without_earlier_results(images: list[Path], inbox: Path) -> list[Path]:
    """The images without results, maps and packages of earlier runs in subfolders of the inbox.

    If there is nothing else, the user means these results.
    """
    results = [
        image
        for image in images
        if image.parent != inbox and sidecar_of(image).exists() and _is_result(image)
    ]
    left_out = _with_files_beside(results)
    scans = [image for image in images if image not in left_out]
    if results and scans:
        log.warning("restore: %s: %d results of earlier runs are left out", inbox, len(results))
    return scans or images


def _with_files_beside(results: Iterable[Place]) -> set[Place]:
    """The results, and the paths of their maps and packages."""
    return {place for result in results for place in (result, *EVERY_FILE.beside(result))}


def _is_result(place: Place) -> bool:
    try:
        return sidecar_in(place) is not None or is_ours_at(place)
    except (ImageError, OSError):
        return False


def _scans_of(inbox: Place, outbox: Place, recursive: bool) -> list[tuple[Place, Path]]:
    """Each scan with its path within the inbox."""
    if isinstance(inbox, Remote):
        results = outbox if isinstance(outbox, Remote) and outbox != inbox else None
        found = images_under(inbox, IMAGE_SUFFIXES, recursive=recursive, but=results)
        return [(place, relative(place, inbox)) for place in found]
    if not inbox.is_dir():
        if not (inbox.exists() or inbox.is_symlink()):
            raise FileNotFoundError(f"restore: {inbox}: no such file or folder")
        return [(inbox, Path(inbox.name))]
    found_here = _without_earlier_results(sorted(_images_in(inbox, outbox, recursive)), inbox)
    if not found_here:
        raise FileNotFoundError(f"restore: {inbox}: there is no image in this folder")
    return [(source, source.relative_to(inbox)) for source in found_here]


def _images_in(inbox: Path, outbox: Place, recursive: bool) -> Iterator[Path]:
    """The image files, by their suffixes; special files are included, and will be set aside."""
    real_outbox = outbox.resolve() if isinstance(outbox, Path) else None
    results = real_outbox if real_outbox != inbox.resolve() else None
    for parent, folders, names in os.walk(inbox):
        shown = sorted(name for name in folders if _is_shown(name)) if recursive else []
        links = [name for name in shown if Path(parent, name).is_symlink()]
        for name in links:
            log.warning("restore: %s: a link to a folder, not followed", Path(parent, name))
        folders[:] = [
            name
            for name in shown
            if name not in links and not (results and Path(parent, name).resolve() == results)
        ]
        if results and Path(parent).resolve().is_relative_to(results):
            continue
        for name in names:
            path = Path(parent, name)
            if not _is_shown(name) or path.suffix.lower() not in IMAGE_SUFFIXES:
                continue
            if not is_published(path.relative_to(inbox)):
                yield path


def _is_shown(name: str) -> bool:
    """Whether the name is not hidden: macOS leaves "._scan.tif" beside "scan.tif"."""
    return not name.startswith(".") and name not in IGNORED_FOLDERS


def target_of(place: Path, *, keep_format: bool = False) -> Path:
    """The path of the result: lossless formats keep the name, the others get `.tif` appended."""
    same_name = ENCODINGS | (KEPT_FORMATS if keep_format else {})
    return place if place.suffix.lower() in same_name else place.with_name(f"{place.name}.tif")

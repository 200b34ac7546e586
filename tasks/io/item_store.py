"""The item store (`.cache/items`): decides which artworks must be computed again inside a stage.

DVC decides which stages must run.

The key of a result is the hash of everything that it depends on: the bytes of the source, the
operation and its version, the parameters and the seed. So a new work computes one work; a removed
work, or a parameter with its old value, computes nothing; a killed run continues.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patina.tasks.io.atomic import draft_folder, sweep_once


def item_key(source_sha256: str, operation: str, version: int | str, params: Any) -> str:
    """The key (64 hex digits) of `operation` on a source; `params` include the seed, if any."""
    parts = [source_sha256, operation, version, params]
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class ItemStore:
    """Folders of finished files by key, under `root`; several processes may share a store."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: str) -> Path:
        """The folder of the item `key`, whether or not it exists."""
        return self.root / key[:2] / key

    def __contains__(self, key: str) -> bool:
        return self.folder(key).is_dir()

    @contextmanager
    def filing(self, key: str) -> Iterator[Path]:
        """A folder to write into; it becomes the item `key` if the block ends without an error.

        The files are synced and made read-only first, so the block need not write them atomically.
        If another process has filed the item meanwhile, its equal item stays.
        """
        drafts = self.root / "tmp"
        drafts.mkdir(parents=True, exist_ok=True)
        sweep_once(drafts.resolve())  # drafts of killed processes
        with draft_folder(drafts) as draft:
            yield draft
            for file in draft.iterdir():
                _seal(file)
            final = self.folder(key)
            final.parent.mkdir(exist_ok=True)
            _move_unless_there(draft, final)


def _move_unless_there(draft: Path, final: Path) -> None:
    try:
        draft.rename(final)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def _seal(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
    file.chmod(0o444)

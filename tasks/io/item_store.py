"""The item store: which works inside a stage need computing.

A result is filed under the hash of everything that it depends on: the source's bytes, the operation
and its version, the parameters and seed. So a work added computes one work, a work removed or
a parameter set back computes none, and a killed run goes on where it was.
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
    """The key (64 hex digits) of `operation` on a source; `params` hold the work's seed, if any."""
    parts = [source_sha256, operation, version, params]
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class ItemStore:
    """Folders of finished files by key, under `root`; several processes may share one."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: str) -> Path:
        """Where the item of `key` lies, or would lie."""
        return self.root / key[:2] / key

    def __contains__(self, key: str) -> bool:
        return self.folder(key).is_dir()

    @contextmanager
    def filing(self, key: str) -> Iterator[Path]:
        """A folder to write into; it becomes the item of `key` when the block ends well.

        Files are synced and made read-only first, so that the block need not write them whole.
        Where another process was quicker, its item stays and this one is dropped: both are the
        same.
        """
        drafts = self.root / "tmp"
        drafts.mkdir(parents=True, exist_ok=True)
        sweep_once(drafts.resolve())  # what killed processes left
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

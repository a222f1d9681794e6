"""Files that survive a power cut: written beside their place, synced, renamed into it.

Invariant: under its final name a file is whole and on the disk, or not there at all.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 1024 * 1024


@contextmanager
def written_beside(part: Path) -> Iterator[BinaryIO]:
    """A new file `part` to write to, on the disk when the block ends; removed when the block raises."""
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def copy(source: Path, part: Path) -> None:
    """Copy a file to a new one, on the disk at the end."""
    with source.open("rb") as original, written_beside(part) as file:
        shutil.copyfileobj(original, file, CHUNK_BYTES)


def put_in_place(part: Path, path: Path) -> None:
    """Rename a synced file to its final name, in a folder that is made when missing."""
    make_folder(path.parent)
    part.replace(path)
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder, for this account alone, in one that is there; nothing to do when it is there already."""
    if not path.is_dir():
        path.mkdir(mode=0o700, exist_ok=True)
        sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Bring a file that another program wrote to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Bring what was renamed, made or removed in a folder to the disk; Windows and some network shares do so themselves."""
    if os.name == "posix":
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
                raise
        finally:
            os.close(folder)

"""Which file it was: enough to see that somebody else wrote it since."""

from __future__ import annotations

import os

from attrs import frozen

from rmapexplorer.formats.trace_session import split_path


@frozen
class Stamp:
    """A file as it was: inode, bytes, and time of the last change in nanoseconds."""

    inode: int
    size: int
    changed: int


def stamp_of(path: str) -> Stamp | None:
    """The file that is there now (``FILE#NAME`` is the file); None where there is none, or it cannot be looked at."""
    try:
        status = os.stat(split_path(path)[0])
    except (OSError, ValueError):
        return None
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns)

"""Files written piece by piece and put in their place in one step, so that nobody ever sees half of one."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Generator, Iterable


def atomically(path: str, pieces: Iterable[str | bytes]) -> Generator[None, None, None]:
    """Write the pieces, one at each step; at the end they replace ``path``. Closed before that, nothing changed.

    :raises OSError: it cannot be written; the old file, if any, is as it was.
    """
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise IsADirectoryError(21, "it is a directory", path)
    folder, base = os.path.split(target)
    temporary = os.path.join(folder, f".{base[:100]}.{uuid.uuid4().hex}")
    try:
        with open(temporary, "xb") as file:
            for piece in pieces:
                file.write(piece.encode("utf-8", "replace") if isinstance(piece, str) else piece)
                yield
            file.flush()
            if os.path.exists(target):
                os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def write(path: str, pieces: Iterable[str | bytes]) -> None:
    """All of it at once. :raises OSError:"""
    for _ in atomically(path, pieces):
        pass


def trouble(path: str, error: OSError) -> str:
    """One sentence for a file that could not be written."""
    return f"{path} cannot be written ({error.strerror or error}); choose another place."

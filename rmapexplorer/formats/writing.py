"""The one way to write a file: beside its place and put there in one step, or through what is no plain file.

Nobody ever sees half of a file, and on any trouble the old one stays. A device or a pipe is written to and never
replaced; of a link the file it points at is replaced, with its mode kept. What a writer that was killed left behind
(``.NAME.HEX``) is removed by the next one: a living writer holds a lock on it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import uuid
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from typing import BinaryIO

Pieces = Iterable[str | bytes]

STDOUT = "-"
"""What stands for standard output wherever the terminal is told where to write."""

NAME_BYTES = 100
"""Bytes of a file's name that its temporary file repeats; NAME_MAX leaves room for no more than 255."""

SUFFIXES: dict[str, tuple[str, ...]] = {
    "session": (".rmap", ".json"),
    "script": (".rmaps",),
    "HTML": (".html", ".htm"),
    "DOT": (".dot", ".gv"),
    "GraphML": (".graphml", ".xml"),
    "CSV": (".csv", ".tsv"),
    "JSON": (".json", ".gz"),
    "PNG": (".png",),
    "recording": (".gz",),
    "SVG": (".svg",),
    "others": (".jpg", ".jpeg", ".gif", ".webp", ".pdf", ".py", ".zip"),
}
"""Kind of file -> how its name may end. Other endings say nothing and are left to the user."""


def mismatch(path: str, kind: str) -> str:
    """Why a file of this kind must not have that name, as a sentence: its ending promises another kind. "" where it may."""
    ending = os.path.splitext(path)[1].lower()
    if ending in SUFFIXES[kind] or not any(ending in known for known in SUFFIXES.values()):
        return ""
    what = f"a {kind}" if kind in ("session", "script", "recording") else kind
    return f"{path}: {what} would be written there, but {ending} promises something else; use {SUFFIXES[kind][0]}."


def write(path: str, pieces: Pieces) -> None:
    """All of it at once. :raises OSError: it cannot be written; the old file, if any, is as it was."""
    for _ in atomically(path, pieces):
        pass


def atomically(path: str, pieces: Pieces) -> Generator[None, None, None]:
    """Write the pieces, one at each step; at the end they are ``path``. Closed before that, nothing changed.

    :raises OSError: it cannot be written; the old file, if any, is as it was.
    """
    _check(path)
    if (descriptor := _through(path)) >= 0:
        with os.fdopen(descriptor, "wb") as file:
            yield from _filled(file, pieces)
        return
    target = os.path.realpath(path)
    sweep(target)
    with _temporary(target) as (temporary, file):
        yield from _filled(file, pieces)
        file.flush()
        os.fsync(file.fileno())
        os.replace(temporary, target)
    _settle(os.path.dirname(target))


def _filled(file: BinaryIO, pieces: Pieces) -> Generator[None, None, None]:
    for piece in pieces:
        file.write(piece.encode("utf-8", "replace") if isinstance(piece, str) else piece)
        yield


def _check(path: str) -> None:
    try:
        usable = bool(path) and b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise OSError(errno.EINVAL, "it is no file name", path)


_HELD = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,6})\Z")
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}


def _through(path: str) -> int:
    # an open descriptor of what is written to and not replaced, -1 for a plain file or none
    held = _HELD.match(path)
    number = int(held.group(1)) if held else _STANDARD.get(path, -1)
    if number >= 0:
        return os.dup(number)
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return -1
    if stat.S_ISREG(mode):
        return -1
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory", path)
    if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        raise OSError(errno.EINVAL, "it is a disk or a socket", path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nobody reads the pipe", path) from error
        raise
    os.set_blocking(descriptor, True)
    return descriptor


@contextmanager
def _temporary(target: str) -> Generator[tuple[str, BinaryIO]]:
    # a new file beside the target, locked as long as its writer lives; gone at the end unless it was renamed
    old = _status(target)
    name, descriptor = _made(target, 0o600 if old else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if old is not None:
                with suppress(OSError):
                    os.fchown(descriptor, old.st_uid, old.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
            yield name, file
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _made(target: str, mode: int) -> tuple[str, int]:
    folder, base = os.path.split(target)
    while True:
        name = os.path.join(folder, f"{_stem(base)}{uuid.uuid4().hex}")
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with suppress(OSError):  # file systems without locks: nothing is swept there either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return name, descriptor
        os.close(descriptor)  # swept by another writer before it was locked


def _status(target: str) -> os.stat_result | None:
    try:
        return os.stat(target)
    except FileNotFoundError:
        return None


def _stem(base: str) -> str:
    return f".{base.encode('utf-8', 'surrogateescape')[:NAME_BYTES].decode('utf-8', 'ignore')}."


def sweep(path: str) -> None:
    """Remove the temporary files of ``path`` whose writers are dead: nobody holds a lock on them any more."""
    folder, base = os.path.split(os.path.realpath(path))
    shape = re.compile(re.escape(_stem(base)) + r"[0-9a-f]{32}\Z")
    with suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            if shape.match(entry.name) and entry.is_file(follow_symlinks=False):
                _sweep_one(entry.path)


def _sweep_one(name: str) -> None:
    with suppress(OSError):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while its writer lives
            os.unlink(name)
        finally:
            os.close(descriptor)


def _settle(folder: str) -> None:
    # The rename itself reaches the disk with the directory; file systems that cannot do it are left alone.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def trouble(path: str, error: OSError) -> str:
    """One sentence for a file that could not be written."""
    return f"{path}: cannot be written ({error.strerror or error}); choose another place or make room."

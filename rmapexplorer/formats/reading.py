"""Bytes of a file, plain or gzip, with every trouble of the disk turned into a FormatError."""

from __future__ import annotations

import gc
import gzip
import os
import re
import stat
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import BinaryIO, cast

from rmapexplorer.core.room import ROOM, sentence
from rmapexplorer.formats.errors import Asked, Cancelled, FormatError, Progress

GZIP_MAGIC = b"\x1f\x8b"

STDIN = "-"
"""The name of standard input."""

_STREAM = re.compile(r"-|/dev/stdin|/dev/fd/[0-9]+|/proc/self/fd/[0-9]+")
"""Names of pipes that whoever started us has handed over, of the shell's ``<(...)`` too."""

PIPE_BYTES = 256 << 20
"""No more is read from a pipe, which never ends if it likes."""

LINE_BYTES = 1 << 14
"""Longer lines of a recording are dropped: the longest real one has a path of 4096 bytes."""

_CHUNK = 1 << 18
_BLOCK = 1 << 17
"""Of lines: about a thousand of a recording."""


class _Garbage:
    """Not looked for while somebody reads, in whichever thread: what is read has no cycles, and there is much of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._looked_for = False

    def __enter__(self) -> None:
        with self._lock:
            if self._readers == 0:
                self._looked_for = gc.isenabled()
                gc.disable()
            self._readers += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0 and self._looked_for:
                gc.enable()


GARBAGE_LATER = _Garbage()
"""``with GARBAGE_LATER:`` where many objects are made."""


class Source:
    """An open file, unpacked where it is gzip.

    :param stream: the text bytes. :param total: size of the file itself in bytes.
    """

    def __init__(self, path: str, raw: BinaryIO, total: int) -> None:
        self.path = path
        self.total = total
        self._raw = raw
        packed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        self.stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw

    @property
    def done(self) -> int:
        """Bytes of the file itself read so far."""
        return min(self._raw.tell(), self.total)

    def chunks(self, progress: Progress | None = None, cancelled: Asked | None = None) -> Iterator[bytes]:
        """Everything from here on, piece by piece; the user is told and asked at each. :raises Cancelled: stopped."""
        while part := self.stream.read(_CHUNK):
            if progress is not None:
                progress(self.done, self.total)
            if cancelled is not None and cancelled():
                raise Cancelled
            yield part

    def read_all(self, most: int, progress: Progress | None = None, cancelled: Asked | None = None) -> bytes:
        """Everything from here on; FormatError beyond ``most`` bytes."""
        parts: list[bytes] = []
        size = 0
        for part in self.chunks(progress, cancelled):
            ROOM.ask()
            parts.append(part)
            size += len(part)
            if size > most:
                raise FormatError(f"{self.path}: holds more than {most >> 20} MiB of text; open a smaller file.")
        return b"".join(parts)

    def blocks(self) -> Iterator[list[bytes] | None]:
        """Some thousand lines at a time without their ends; None stands for a line longer than LINE_BYTES.

        While the rest of such a line is passed over, blocks are empty, so that the reader can be asked to stop.
        """
        tail, part = b"", self.stream.read(_BLOCK)
        while part:
            *lines, tail = (tail + part).split(b"\n")
            if lines and max(map(len, lines)) >= LINE_BYTES:
                yield from _without_long(lines)
            else:
                yield lines
            part = b""
            if len(tail) >= LINE_BYTES:
                yield None
                while (at := tail.find(b"\n")) < 0 and (tail := self.stream.read(_CHUNK)):
                    yield []
                part, tail = tail[at + 1 :], b""
            part = part or self.stream.read(_BLOCK)
        if tail:
            yield [tail]

    def lines(self) -> Iterator[bytes | None]:
        """What ``blocks`` gives, line by line."""
        for block in self.blocks():
            yield from (None,) if block is None else block


def _without_long(lines: list[bytes]) -> Iterator[list[bytes] | None]:
    for long, some in groupby(lines, lambda line: len(line) >= LINE_BYTES):
        if long:
            yield from (None for _ in some)
        else:
            yield list(some)


def _flags(path: str) -> int:
    # a FIFO in the file system must not keep us waiting for a writer; a pipe that was handed to us has one
    return os.O_RDONLY | os.O_CLOEXEC | (0 if _STREAM.fullmatch(path) else os.O_NONBLOCK)


@contextmanager
def _copied(pipe: BinaryIO, path: str) -> Iterator[BinaryIO]:
    # readers look at the beginning and go back, which a pipe cannot; on the disk it takes no memory
    with tempfile.TemporaryFile() as copy:
        size = 0
        while part := pipe.read(_CHUNK):
            size += len(part)
            if size > PIPE_BYTES:
                raise FormatError(f"{path}: is longer than {PIPE_BYTES >> 20} MiB; save it to a file and open that.")
            copy.write(part)
        if size == 0:
            raise FormatError(f"{path}: is empty; choose another file.")
        copy.seek(0)
        yield cast(BinaryIO, copy)


@contextmanager
def opened(path: str) -> Iterator[Source]:
    """The file at ``path``; troubles while it is open become FormatErrors too."""
    if "\0" in path:
        raise FormatError(f"{path!r}: is no file name; check the name.")
    try:
        descriptor = os.dup(0) if path == STDIN else os.open(path, _flags(path))
        with os.fdopen(descriptor, "rb") as raw:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise FormatError(f"{path}: is a directory; choose a session or a recording in it.")
            if _STREAM.fullmatch(path) and stat.S_ISFIFO(status.st_mode):
                with _copied(raw, path) as copy:
                    size = os.fstat(copy.fileno()).st_size
                    ROOM.for_file(size)
                    yield Source(path, copy, size)
                return
            if not stat.S_ISREG(status.st_mode):
                raise FormatError(f"{path}: is neither a plain file nor a pipe; save its text to a file and open that.")
            if status.st_size == 0:
                raise FormatError(f"{path}: is empty; choose another file.")
            ROOM.for_file(status.st_size)
            yield Source(path, raw, status.st_size)
    except FileNotFoundError as error:
        raise FormatError(f"{path}: no such file; check the name.") from error
    except IsADirectoryError as error:
        raise FormatError(f"{path}: is a directory; choose a session or a recording in it.") from error
    except PermissionError as error:
        raise FormatError(f"{path}: may not be read by you; ask for permission or copy the file.") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(f"{path}: the gzip data is damaged or cut off ({error}); fetch the file again.") from error
    except MemoryError as error:
        raise FormatError(f"{path}: {sentence(error)}.") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror or error}); check the disk.") from error

"""Bytes of a file, plain or gzip, with every trouble of the disk turned into a FormatError."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from rmapexplorer.formats.errors import Asked, Cancelled, FormatError, Progress

GZIP_MAGIC = b"\x1f\x8b"
LINE_BYTES = 1 << 14
"""Longer lines of a recording are dropped: the longest real one has a path of 4096 bytes."""

_CHUNK = 1 << 18


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
            parts.append(part)
            size += len(part)
            if size > most:
                raise FormatError(f"{self.path}: holds more than {most >> 20} MiB of text; open a smaller file.")
        return b"".join(parts)

    def lines(self) -> Iterator[bytes | None]:
        """Line by line; None stands for a line longer than LINE_BYTES."""
        readline = self.stream.readline
        while line := readline(LINE_BYTES):
            if len(line) == LINE_BYTES and not line.endswith(b"\n"):
                while (rest := readline(_CHUNK)) and not rest.endswith(b"\n"):
                    yield None  # so that the reader can be asked to stop
                yield None
            else:
                yield line


@contextmanager
def opened(path: str) -> Iterator[Source]:
    """The file at ``path``; troubles while it is open become FormatErrors too."""
    if "\0" in path:
        raise FormatError(f"{path!r}: is no file name; check the name.")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as raw:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise FormatError(f"{path}: is a directory; choose a session or a recording in it.")
            if not stat.S_ISREG(status.st_mode):
                raise FormatError(f"{path}: is not a plain file; save its text to a file and open that.")
            if status.st_size == 0:
                raise FormatError(f"{path}: is empty; choose another file.")
            yield Source(path, raw, status.st_size)
    except FileNotFoundError as error:
        raise FormatError(f"{path}: no such file; check the name.") from error
    except IsADirectoryError as error:
        raise FormatError(f"{path}: is a directory; choose a session or a recording in it.") from error
    except PermissionError as error:
        raise FormatError(f"{path}: may not be read by you; ask for permission or copy the file.") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(f"{path}: the gzip data is damaged or cut off ({error}); fetch the file again.") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror or error}); check the disk.") from error

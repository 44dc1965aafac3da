"""JSON read a window at a time: what it comes to as objects is known before they are made, and lists are not kept.

``json.loads`` makes gigabytes of a few kilobytes (gzip) of brackets. Here the members of the outermost object and the
elements of its lists are taken one by one from a window of text that grows only as far as a single value needs.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from rmapexplorer.formats import codec, limits
from rmapexplorer.formats.errors import FormatError

WINDOW = 1 << 18
"""Characters that are read at least before a value is looked at."""

_SPACE = re.compile(r"[ \t\r\n]*")
_NEAR = 16
"""An error this close to the end of the window may be the window's."""


def _no_constant(word: str) -> Any:
    raise ValueError(f"holds {word}, which is no number a session can have")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        seen: set[str] = set()
        twin = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"has the key {codec.shown(twin)} twice in one object")
    return data


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_twins)
_SOON = json.JSONDecoder(parse_constant=_no_constant)
"""Does not look for twins, and is done in half the time."""


def pieces_of(data: bytes) -> Iterator[bytes]:
    """Bytes in memory as a file would come."""
    return (data[start : start + WINDOW] for start in range(0, len(data), WINDOW))


def _whole(decoder: json.JSONDecoder, text: str) -> list[Any]:
    # the list that the whole text is, empty where it goes on behind one
    found, end = decoder.raw_decode(text)
    return found if end == len(text) else []


class JsonText:
    """One JSON document: ``peek`` what comes, take a ``value``, the ``members`` of an object, the ``elements`` of a list.

    :raises FormatError: everything that is wrong with it, in one sentence.
    """

    def __init__(self, pieces: Iterable[bytes], path: str) -> None:
        self.path = path
        self._pieces = iter(pieces)
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at = "", 0
        self._line, self._column = 1, 0  # of the beginning of the window
        self._read = 0
        self._passed = 0  # characters before the window
        self._alone = 0  # up to this character values are taken one by one
        self._colons = False  # within texts too
        self._kept = 0
        self._over = False

    def _more(self) -> bool:
        # the window without what was taken, and with at least twice what is left
        wanted = max(WINDOW, len(self._text) - self._at)
        fresh: list[str] = []
        while wanted > 0 and not self._over:
            piece = next(self._pieces, None)
            self._over = piece is None
            try:
                part = self._decoder.decode(piece or b"", final=self._over)
            except UnicodeDecodeError as error:
                raise FormatError(
                    f"{self.path}: is neither JSON nor text ({error.reason}); choose another file."
                ) from error
            fresh.append(part)
            wanted -= len(part)
            self._read += sys.getsizeof(part)
            if self._read > limits.TEXT_BYTES:
                raise self._too_much(f"more than {limits.TEXT_BYTES >> 20} MiB of text")
        self._drop()
        self._text += "".join(fresh)
        if len(self._text) > limits.SMALL_TEXT and limits.cost(self._text) > limits.VALUES_COST:
            raise self._too_much("more values in one place than fit into memory")
        return any(fresh)

    def _drop(self) -> None:
        newlines = self._text.count("\n", 0, self._at)
        self._line += newlines
        self._column = self._at - self._text.rfind("\n", 0, self._at) - 1 if newlines else self._column + self._at
        self._passed += self._at
        self._text, self._at = self._text[self._at :], 0

    def _too_much(self, what: str) -> FormatError:
        return FormatError(f"{self.path}: holds {what}; open a smaller file.")

    def _damaged(self, what: str, at: int) -> FormatError:
        line = self._line + self._text.count("\n", 0, at)
        column = at - self._text.rfind("\n", 0, at) + (self._column if line == self._line else 0)
        return FormatError(f"{self.path}, line {line}: is damaged JSON ({what}, column {column}); take an intact copy.")

    def peek(self) -> str:
        """The next character that is no space, "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _take(self, wanted: str) -> str:
        found = self.peek()
        if not found or found not in wanted:
            raise self._damaged(f"Expecting {' or '.join(wanted)}", self._at)
        self._at += 1
        return found

    def value(self, kept: bool = True) -> Any:
        """The value that comes. :param kept: it stays as it is, and counts with all others that do."""
        self.peek()
        while True:
            try:
                found, end = self._decoded()
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - _NEAR or error.msg.startswith("Unterminated")
                if not (cut and self._longer()):
                    raise self._damaged(error.msg, error.pos) from error
                continue
            if end == len(self._text) and not isinstance(found, str | list | dict) and self._longer():
                continue  # a number may go on
            if kept:
                self._keep(self._text[self._at : end])
            self._at = end
            return found

    def _decoded(self) -> tuple[Any, int]:
        try:
            return _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError:
            raise
        except RecursionError as error:
            raise FormatError(f"{self.path}: is nested too deeply for a session; choose another file.") from error
        except ValueError as error:
            raise FormatError(f"{self.path}: {error}; correct it or take an intact copy.") from error

    def _longer(self) -> bool:
        if len(self._text) - self._at > limits.VALUE_BYTES:
            raise self._too_much(f"a value of more than {limits.VALUE_BYTES >> 20} MiB")
        return self._more()

    def _keep(self, text: str) -> None:
        self._kept += limits.cost(text)
        if self._kept > limits.VALUES_COST:
            raise self._too_much("more values than fit into memory")

    def elements(self) -> Iterator[Any]:
        """The elements of the list that comes."""
        self._take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self._take(",]") == "]":
                return

    def few(self, most: int, what: str) -> list[Any]:
        """The elements of the list that comes. :raises FormatError: there are more than ``most`` of ``what``."""
        found = list(islice(self.elements(), most + 1))
        if len(found) > most:
            raise self._too_much(f"more than {most:,} {what}")
        return found

    def batches(self) -> Iterator[list[Any]]:
        """The elements of the list that comes, objects as many at a time as the window holds. They do not count as kept."""
        self._take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield self._objects() or [self.value(kept=False)]
            if self._take(",]") == "]":
                return

    def _objects(self) -> list[Any]:
        # the objects up to the last end of one in the window; none where anything is wrong with one: alone it is told
        start = self._at
        end = self._text.rfind("},", start, start + WINDOW) + 1
        if end <= start or self._passed + start < self._alone:
            return []
        text = f"[{self._text[start:end]}]"
        try:
            found = [] if self._colons else _whole(_SOON, text)
            if set(map(type, found)) != {dict} or sum(map(len, found)) != text.count(":"):
                self._colons, found = True, _whole(_DECODER, text)
        except (ValueError, RecursionError):
            found = []
        if found:
            self._at = end
        else:
            self._alone = self._passed + end
        return found

    def members(self) -> Iterator[str]:
        """The keys of the object that comes; the value of each has to be taken before the next."""
        self._take("{")
        seen: set[str] = set()
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                raise self._damaged("Expecting property name enclosed in double quotes", self._at)
            key = self.value()
            if key in seen:
                raise FormatError(
                    f"{self.path}: has the key {codec.shown(key)} twice in one object; correct it or take an intact copy."
                )
            seen.add(key)
            self._take(":")
            yield key
            if self._take(",}") == "}":
                return

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            raise self._damaged("Extra data", self._at)

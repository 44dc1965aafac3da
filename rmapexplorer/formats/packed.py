"""A long log in little memory: about ten bytes an operation, where its objects take two hundred.

Processes that share objects have a copy of each that they as much as look at, which a log in this form spares them.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

from rmapexplorer.core.operations import Operation

TOGETHER = 512
"""Operations that are unpacked at a time."""

LONG = 50_000
"""Operations; a shorter log is as well left as it is."""


class Packed(Sequence[Operation]):
    """Operations in their order, to be read from the first to the last; each time they are others, but equal."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        rest = iter(operations)
        self._packs: list[bytes] = []
        self._length = 0
        while some := list(islice(rest, TOGETHER)):
            self._packs.append(zlib.compress(pickle.dumps(some, 5), 1))
            self._length += len(some)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Operation]:
        for number in range(len(self._packs)):
            yield from self._unpacked(number)

    @overload
    def __getitem__(self, index: int) -> Operation: ...
    @overload
    def __getitem__(self, index: slice) -> list[Operation]: ...
    def __getitem__(self, index: int | slice) -> Operation | list[Operation]:
        if isinstance(index, slice):
            return list(self)[index]
        at = range(self._length)[index]
        return self._unpacked(at // TOGETHER)[at % TOGETHER]

    def _unpacked(self, number: int) -> list[Operation]:
        some: list[Operation] = pickle.loads(zlib.decompress(self._packs[number]))
        return some


def packed(operations: Sequence[Operation]) -> Sequence[Operation]:
    """The same operations, packed where there are many."""
    return Packed(operations) if len(operations) > LONG else operations

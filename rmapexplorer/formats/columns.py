"""Many operations of a session at once: what stands in the same field of all that look alike is checked as one column.

The rules are those of codec, which are asked one by one wherever a column holds anything unusual: then there is a
sentence to be said, and the codec says it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain, islice, repeat
from operator import itemgetter
from typing import Any

import attrs

from rmapexplorer.core.operations import ADVICES, KINDS, MMAP_FLAGS, OPERATIONS, Operation
from rmapexplorer.core.units import Span
from rmapexplorer.formats.codec import MAX_FILE_PAGES, MAX_PAGE, MAX_PID, UNWRITABLE, prot
from rmapexplorer.formats.limits import MAX_RUNS, MAX_TEXT

ALIKE = 8
"""So many operations have to look alike on average: to look at a column costs as much as some of its values."""

Column = Sequence[Any]
Checked = Callable[[Column], Iterable[Any] | None]
"""Takes the JSON values of a field, returns what the operations hold; None where a value has to be looked at alone."""


def decode_all(items: Sequence[Any], start: int) -> tuple[list[Operation], dict[int, int]] | None:
    """The operations of these JSON objects, and index -> ``after`` of those that have it; None: look at each alone.

    :param start: index of the first of them.
    """
    groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    order = []
    try:
        for item in items:
            group = groups[item["op"], *item]
            group.append(item)
            order.append(group)
    except (TypeError, KeyError, IndexError):
        return None
    if len(groups) * ALIKE > len(items) + ALIKE * len(_KINDS):
        return None
    bends: dict[int, int] = {}
    if any("after" in shape for shape in groups):
        bends = {index: item["after"] for index, item in enumerate(items, start) if "after" in item}
        if not all(type(after) is int and -1 <= after < index for index, after in bends.items()):
            return None
    for shape, group in groups.items():
        made = _alike(shape[0], shape[1:], group)
        if made is None:
            return None
        group[:] = reversed(made)
    return [group.pop() for group in order], bends


def _alike(name: Any, keys: tuple[str, ...], items: list[dict[str, Any]]) -> list[Operation] | None:
    # the operations of objects with the same keys
    kind = _KINDS.get(name)
    if kind is None:
        return None
    fields = {a.name: a.default for a in attrs.fields(kind)}
    given = [key for key in keys if key not in ("op", "after")]
    if not fields.keys() >= set(given) or any(
        default is attrs.NOTHING for key, default in fields.items() if key not in given
    ):
        return None
    made = list(map(object.__new__, repeat(kind, len(items))))
    for key, default in fields.items():
        if key in given:
            column = _check(name, key)(list(map(itemgetter(key), items)))
            if column is None:
                return None
        else:
            column = repeat(default)
        _put(getattr(kind, key), made, column)
    return made


def _put(slot: Any, objects: list[Any], values: Iterable[Any]) -> None:
    # frozen objects that were just made get their values, without a call of Python's for each
    deque(map(slot.__set__, objects, values), maxlen=0)


def _wholes(low: int, high: int) -> Checked:
    def checked(column: Column) -> Column | None:
        return column if set(map(type, column)) == {int} and low <= min(column) and max(column) <= high else None

    return checked


def _perhaps(check: Checked) -> Checked:
    def checked(column: Column) -> Column | None:
        there = [value for value in column if value is not None]
        return column if not there or check(there) is not None else None

    return checked


def _words(known: Iterable[str]) -> Checked:
    words = frozenset(known)

    def checked(column: Column) -> Column | None:
        return column if set(map(type, column)) == {str} and words.issuperset(column) else None

    return checked


def _texts(column: Column) -> Column | None:
    if set(map(type, column)) != {str} or max(map(len, column)) > MAX_TEXT or UNWRITABLE.search("".join(column)):
        return None
    return column


def _yes_or_no(column: Column) -> Column | None:
    return column if set(map(type, column)) == {bool} else None


def _lists(column: Column, length: int) -> bool:
    return set(map(type, column)) == {list} and set(map(len, column)) == {length}


def _spans(column: Column) -> list[Span] | None:
    if not _lists(column, 2) or _page(list(chain.from_iterable(column))) is None:
        return None
    made = list(map(Span.__new__, repeat(Span, len(column))))
    _put(Span.start, made, map(itemgetter(0), column))
    _put(Span.end, made, map(itemgetter(1), column))
    return made


def _runs(column: Column) -> list[tuple[Any, ...]] | None:
    if set(map(type, column)) != {list} or not 0 < min(map(len, column)) <= max(map(len, column)) <= MAX_RUNS:
        return None
    runs = list(chain.from_iterable(column))
    if not _lists(runs, 3):
        return None
    flat = list(chain.from_iterable(runs))
    starts, ends, accesses = flat[::3], flat[1::3], flat[2::3]
    if _page(starts) is None or _page(ends) is None or _access(accesses) is None:
        return None
    made = zip(starts, ends, accesses, strict=True)
    return [tuple(islice(made, length)) for length in map(len, column)]


def _mmap_flags(column: Column) -> list[tuple[str, ...]] | None:
    if set(map(type, column)) != {list} or max(map(len, column)) > len(MMAP_FLAGS):
        return None
    if _mmap_flag(list(chain.from_iterable(column))) is None or list(map(len, map(set, column))) != list(
        map(len, column)
    ):
        return None
    return list(map(tuple, column))


def _prots(column: Column) -> Column | None:
    if set(map(type, column)) != {str} or max(map(len, column)) > len("none"):
        return None
    try:
        deque(map(prot, set(column)), maxlen=0)
    except ValueError:
        return None
    return column


_page, _pid, _pages = _wholes(0, MAX_PAGE), _wholes(0, MAX_PID), _wholes(0, MAX_FILE_PAGES)
_access, _mmap_flag = _words("rw"), _words(MMAP_FLAGS)
_CHECKS: dict[str, Checked] = {
    "pid": _pid, "child": _pid, "comm": _texts, "thread": _yes_or_no, "span": _spans, "prot": _prots, "kind": _words(KINDS),
    "file": _texts, "offset": _pages, "flags": _mmap_flags, "label": _texts, "new_pages": _page, "to": _perhaps(_page),
    "dontunmap": _yes_or_no, "end": _page, "start": _perhaps(_page), "advice": _words(ADVICES), "runs": _runs,
    "onfault": _yes_or_no, "pages": _pages, "enable": _yes_or_no, "refused": _yes_or_no,
}  # fmt: skip
_KINDS: dict[str, type[Any]] = {kind.name: kind for kind in OPERATIONS}


@cache
def _check(name: str, key: str) -> Checked:
    return _perhaps(_pages) if (name, key) == ("reclaim", "pages") else _CHECKS[key]

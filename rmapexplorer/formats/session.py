"""Sessions: the log of operations with all that is needed to see the same thing again. A scenario is one too.

A ``.rmap`` file is UTF-8 JSON with one operation a line, so that two of them compare well; gzip is accepted on
reading. An operation follows the one on the line before it unless it says ``"after": N`` (numbers from 0, -1 is
the start): that is how branches are kept. Older versions are converted step by step, newer ones are refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from rmapexplorer.core.operations import Operation, Touch
from rmapexplorer.core.room import ROOM
from rmapexplorer.core.units import Machine
from rmapexplorer.formats import codec, columns, kernel_section, limits, outline, writing
from rmapexplorer.formats.errors import Asked, FormatError, Progress
from rmapexplorer.formats.json_text import JsonText, pieces_of
from rmapexplorer.formats.outline import Designs, Note
from rmapexplorer.formats.reading import GARBAGE_LATER, opened
from rmapexplorer.formats.trace import Trace

__all__ = ["FORMAT", "VERSION", "FormatError", "Note", "Session", "load_session", "parse_session", "save_session"]

FORMAT = "rmapexplorer session"
VERSION = 1
PIECE = 200
"""Operations that are written at a time."""

Converter = Callable[[dict[str, Any]], dict[str, Any]]

CONVERTERS: Mapping[int, Converter] = {}
"""Version -> the function that makes a file of that version one of the next; one line here for each new version."""


def _bent(parents: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return None if parents is None or parents == tuple(range(-1, len(parents) - 1)) else parents


@frozen(kw_only=True)
class Session:
    """A log of operations, where one stands in it, and how it is looked at.

    :param parents: per operation the index of the one it follows, -1 for the start; None: one straight line.
    :param position: operations of the current branch that are done. :param branches: name -> index of the last
        operation of the branch, -1 for an empty one. :param selection: (pid, page number).
    :param kernel: the trace of a real kernel that the first operations came from.
    :param path: where it was read from; not part of the session. :param report: what an import skipped, a line each.
    :param siblings: what else the file holds, itself included, as names to open; not part of the session.
    :param script: the text it was made from where that was a script; not part of the session.
    """

    title: str
    machine: Machine = Machine()
    designs: Designs = ()
    operations: tuple[Operation, ...] = ()
    parents: tuple[int, ...] | None = field(default=None, converter=_bent)
    position: int = 0
    branches: dict[str, int] = field(factory=dict, converter=dict)
    branch: str = "main"
    selection: tuple[int, int] | None = None
    view: str = ""
    notes: tuple[Note, ...] = ()
    report: tuple[str, ...] = ()
    kernel: Trace | None = None
    path: str | None = field(default=None, eq=False)
    siblings: tuple[str, ...] = field(default=(), eq=False, repr=False)
    script: str = field(default="", eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.branches.setdefault(self.branch, len(self.operations) - 1)

    def line(self, branch: str = "") -> tuple[int, ...]:
        """Indexes of the operations of a branch, the current one by default, in order."""
        return outline.line(self.parents, self.branches[branch or self.branch])


def load_session(path: str, progress: Progress | None = None, cancelled: Asked | None = None) -> Session:
    """The session in the file; FormatError says in one sentence why there is none."""
    with opened(path) as source:
        return from_json(read_json(JsonText(source.chunks(progress, cancelled), path)), path)


def parse_session(data: bytes, path: str) -> Session:
    """The session in the bytes of a file; ``path`` is for messages."""
    return from_json(read_json(JsonText(pieces_of(data), path)), path)


@frozen
class Decoded:
    """The operations of a file of the present version, taken from its text one by one."""

    operations: tuple[Operation, ...]
    parents: tuple[int, ...] | None
    """None: each follows the one before it."""


def read_json(text: JsonText) -> Any:
    """The document; of a session of the present version the operations as Decoded, anything else as it is."""
    if text.peek() != "{":
        found = text.value()
        text.end()
        return found
    data: dict[str, Any] = {}
    for key in text.members():
        listed = text.peek() == "["
        if key == "operations" and listed and (data.get("format"), data.get("version")) == (FORMAT, VERSION):
            data[key] = _decoded(text)
        elif key == "traces" and listed:
            data[key] = text.few(limits.MAX_TRACES, "traces")
        else:
            data[key] = text.value()
    text.end()
    return data


def _decoded(text: JsonText) -> Decoded:
    try:
        with GARBAGE_LATER:
            return _operations(text.batches())
    except ValueError as error:
        raise _wrong(text.path, error) from error


def _wrong(path: str, error: ValueError) -> FormatError:
    return FormatError(f"{path}: {error}; correct it or take an intact copy.")


def from_json(data: Any, path: str, converters: Mapping[int, Converter] = CONVERTERS) -> Session:
    """The session of parsed JSON, brought to the present version first."""
    try:
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise FormatError(f"{path}: is JSON, but no rmapexplorer session; choose another file.")
        return _build(_present(data, path, converters), path)
    except ValueError as error:
        raise _wrong(path, error) from error


def _present(data: dict[str, Any], path: str, converters: Mapping[int, Converter]) -> dict[str, Any]:
    version = data.get("version")
    if type(version) is not int or version < 1:
        raise ValueError(f'"version" must be a whole number from 1, not {codec.shown(version)}')
    if version > VERSION:
        raise FormatError(
            f"{path}: was written by a newer rmapexplorer (version {codec.shown(version)}, this one reads up to "
            f"{VERSION}); please update."
        )
    while version < VERSION:
        data = converters[version](data)
        version += 1
    return data


def _build(data: dict[str, Any], path: str) -> Session:
    values = outline.head(data)
    listed = data["operations"]
    if not isinstance(listed, list | Decoded):
        raise ValueError(f'"operations" must be a list, not {codec.shown(listed)}')
    decoded = listed if isinstance(listed, Decoded) else _operations(_parts(listed))
    operations, parents = decoded.operations, decoded.parents
    outline.consistent(values, len(operations), parents)
    if values.get("kernel"):
        kernel_section.consistent(values["kernel"], operations, parents)
    return Session(operations=operations, parents=parents, path=path, **values)


def _parts(items: list[Any]) -> Iterator[list[Any]]:
    return (items[start : start + limits.BETWEEN_ASKING] for start in range(0, len(items), limits.BETWEEN_ASKING))


def _operations(batches: Iterable[list[Any]]) -> Decoded:
    operations: list[Operation] = []
    bends: dict[int, int] = {}
    runs = 0
    for items in batches:
        ROOM.ask()
        start = len(operations)
        found = _at_once(items, start, runs)
        if found is None:
            found = _one_by_one(items, start, runs)
        decoded, after, more = found
        operations += decoded
        bends |= after
        runs += more
    if not bends:
        return Decoded(tuple(operations), None)
    return Decoded(tuple(operations), tuple(bends.get(index, index - 1) for index in range(len(operations))))


Batch = tuple[list[Operation], dict[int, int], int]
"""Operations; index -> the one it follows, for those that say so; how many runs of touches there are."""


def _at_once(items: list[Any], start: int, runs: int) -> Batch | None:
    # None where one of them has to be looked at alone
    found = columns.decode_all(items, start) if start + len(items) <= limits.MAX_OPERATIONS else None
    if found is None:
        return None
    more = sum(len(op.runs) for op in found[0] if type(op) is Touch)
    return (*found, more) if runs + more <= limits.MAX_ALL_RUNS else None


def _one_by_one(items: list[Any], start: int, runs: int) -> Batch:
    found: list[Operation] = []
    bends: dict[int, int] = {}
    before = runs
    for index, item in enumerate(items, start):
        limits.at_most(index + 1, limits.MAX_OPERATIONS, "operations")
        try:
            if isinstance(item, dict) and "after" in item:
                item = dict(item)
                bends[index] = _after(item.pop("after"), index)
            found.append(codec.decode(item))
        except ValueError as error:
            raise ValueError(f"operation {index + 1} {error}") from error
        if not index % limits.BETWEEN_ASKING:
            ROOM.ask()
        runs += len(getattr(found[-1], "runs", ()))
        limits.at_most(runs, limits.MAX_ALL_RUNS, "runs of touches")
    return found, bends, runs - before


def _after(value: Any, index: int) -> int:
    if type(value) is not int:
        raise ValueError(f'has "after" {codec.shown(value)}, which is no whole number')
    if not -1 <= value < index:
        raise ValueError(f'has "after" {codec.shown(value)}; it must be an operation before it, -1 to {index - 1}')
    return value


def to_text(session: Session) -> str:
    """What save_session writes; FormatError where load_session would not take it."""
    return "".join(pieces(session))


def pieces(session: Session) -> Iterator[str]:
    """``to_text`` piece by piece, some hundred operations each, for those who write between other work."""
    head = outline.head_json(session)
    lines = [json.dumps({"format": FORMAT}, ensure_ascii=False)[1:-1], f'"version": {VERSION}']
    lines += [
        f"{_compact(key)}: {_a_line_each(value) if key == 'notes' else _compact(value)}" for key, value in head.items()
    ]
    parents = session.parents or range(-1, len(session.operations) - 1)
    if len(parents) != len(session.operations):
        raise FormatError(f"{session.title}: has {len(parents)} parents for {len(session.operations)} operations.")
    yield "{\n" + ",\n".join(lines) + ',\n"operations": [\n'
    for start in range(0, len(session.operations), PIECE):
        rows = []
        for index, op in enumerate(session.operations[start : start + PIECE], start):
            data = codec.encode(op)
            if parents[index] != index - 1:
                data["after"] = parents[index]
            rows.append(_compact(data))
        yield (",\n" if start else "") + ",\n".join(rows)
    yield "\n]\n}\n" if session.operations else "]\n}\n"


def _a_line_each(items: list[Any]) -> str:
    return "[\n" + ",\n".join(_compact(item) for item in items) + ("\n]" if items else "]")


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def save_session(session: Session, path: str) -> None:
    """All steps of ``saving`` at once."""
    for _ in saving(session, path):
        pass


def saving(session: Session, path: str) -> Generator[None, None, None]:
    """Write the session beside ``path``, some hundred operations a step, and put it in its place at the end.

    :raises FormatError: it could not be opened again, or cannot be written; the old file stays.
    """
    if sentence := writing.mismatch(path, "session"):
        raise FormatError(sentence)
    try:
        yield from writing.atomically(path, _checked(session, path))
    except OSError as error:
        raise FormatError(writing.trouble(path, error)) from error


def _checked(session: Session, path: str) -> Iterator[str]:
    # the pieces, each read again before it is handed on
    size = runs = 0
    try:
        limits.at_most(len(session.operations), limits.MAX_OPERATIONS, "operations")
        for number, piece in enumerate(pieces(session)):
            size += len(piece)
            limits.at_most(size >> 20, limits.TEXT_BYTES >> 20, "MiB of text")
            if number == 0:
                _check_head(session, piece, path)
            elif (number - 1) * PIECE < len(session.operations):
                runs += _check_operations(piece, (number - 1) * PIECE)
                limits.at_most(runs, limits.MAX_ALL_RUNS, "runs of touches")
            yield piece
    except ValueError as error:
        raise FormatError(f"not saved, since it could not be opened again: {path}: {error}.") from error
    except FormatError as error:
        raise FormatError(f"not saved, since it could not be opened again: {error}") from error


def _check_head(session: Session, piece: str, path: str) -> None:
    values = outline.head(read_json(JsonText([(piece + "]}").encode("utf-8", "replace")], path)))
    outline.consistent(values, len(session.operations), session.parents)
    if values.get("kernel"):
        kernel_section.consistent(values["kernel"], session.operations, session.parents)


def _check_operations(piece: str, start: int) -> int:
    # how many runs of touches there are
    runs = 0
    for index, item in enumerate(json.loads(f"[{piece.removeprefix(',')}]"), start):
        item.pop("after", None)
        try:
            found = codec.decode(item)
        except ValueError as error:
            raise ValueError(f"operation {index + 1} {error}") from error
        if codec.encode(found) != item:
            raise ValueError(f"operation {index + 1} would be another one")
        runs += len(getattr(found, "runs", ()))
    return runs


def write_file(data: bytes, path: str) -> None:
    """Write the bytes beside ``path`` and put them in its place in one step; FormatError on any trouble."""
    try:
        writing.write(path, (data,))
    except OSError as error:
        raise FormatError(writing.trouble(path, error)) from error

"""Journals: an unsaved session as lines that are only ever appended, so that keeping it costs what is new.

The first line says what it is and what it goes on from: nothing, or a file (``base``) with the first operations, which
was too long to be written again. Then come ``{"at": N, "operations": [...]}`` with operations from number N on, and
``{"head": {...}}`` with what changed of the rest: the keys of a session file, and ``marks`` as [operation, text], -1 for
the start. ``{"copy": NAME}`` names a copy of the base beside the journal. A last line without its end is no line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
from attrs import define, field, frozen

from rmapexplorer import __version__
from rmapexplorer.core.operations import Operation
from rmapexplorer.core.units import Machine
from rmapexplorer.formats import codec, columns, kernel_section, limits, outline
from rmapexplorer.formats.errors import Asked, FormatError, Progress
from rmapexplorer.formats.json_text import JsonText
from rmapexplorer.formats.outline import Designs, Note
from rmapexplorer.formats.session import Session
from rmapexplorer.formats.stamp import Stamp, stamp_of

FORMAT = "rmapexplorer journal"
VERSION = 1
PIECE = 200
"""Operations in one line."""
LINE = 1 << 19
"""Characters after which operations go on in another line: the reader takes a line whole."""
DEEPEST = 40
"""Journals that go on from each other at most."""
TAIL = 1 << 20
"""Bytes at the end of a journal that are looked at to say what it holds; a line of operations has some 20,000."""
START = f'{{"format":"{FORMAT}"'.encode()
"""What every journal begins with."""


@frozen(kw_only=True)
class Base:
    """The file with the first ``operations`` of a session, as it was when they were read from it or written to it."""

    path: str
    stamp: Stamp
    operations: int


@frozen(kw_only=True)
class Head:
    """Everything of a session that changes but its operations."""

    title: str
    machine: Machine
    designs: Designs
    view: str
    branch: str
    branches: tuple[tuple[str, int], ...]
    position: int
    selection: tuple[int, int] | None
    marks: tuple[tuple[int, str], ...]
    """Bookmarks by the operation they stand at, -1 for the start."""

    def json(self) -> dict[str, Any]:
        """The values as they stand in a line."""
        default = Machine()
        names = [a.name for a in attrs.fields(Machine)]
        machine = {n: getattr(self.machine, n) for n in names if getattr(self.machine, n) != getattr(default, n)}
        return {
            "title": self.title, "machine": machine, "designs": [[key, dict(options)] for key, options in self.designs],
            "view": self.view, "branch": self.branch, "branches": dict(self.branches), "position": self.position,
            "selection": list(self.selection) if self.selection is not None else None,
            "marks": [list(mark) for mark in self.marks],
        }  # fmt: skip


def first_line(title: str, path: str, base: Base | None) -> bytes:
    """The line that begins a journal. ``path``: the user's own file, empty where there is none."""
    data: dict[str, Any] = {"format": FORMAT, "version": VERSION, "program": __version__, "title": title, "path": path}
    if base is not None:
        data["base"] = attrs.asdict(base)
    return _line(data)


def head_line(values: dict[str, Any]) -> bytes:
    """A line with changed values of ``Head.json``."""
    return _line({"head": values})


def fixed_values(session: Session) -> dict[str, Any]:
    """What a session has from its beginning on and a journal without a base has to say once: report, kernel record."""
    data: dict[str, Any] = {"report": list(session.report)} if session.report else {}
    if session.kernel is not None:
        data["kernel"] = kernel_section.encode(session.kernel)
    return data


def copy_line(name: str) -> bytes:
    """A line that says that the base stands beside the journal under this name too."""
    return _line({"copy": name})


def operation_lines(operations: Iterable[tuple[Operation, int]], start: int) -> bytes:
    """Lines with (operation, index of the one it follows) from number ``start`` on; one, unless it would be too long."""
    lines, rows, size = [], list[str](), 0
    for index, (op, parent) in enumerate(operations, start):
        data = codec.encode(op)
        if parent != index - 1:
            data["after"] = parent
        rows.append(_compact(data))
        size += len(rows[-1])
        if size > LINE:
            lines.append(_rows(start, rows))
            start, rows, size = index + 1, [], 0
    return b"".join([*lines, _rows(start, rows)] if rows else lines)


def _rows(start: int, rows: list[str]) -> bytes:
    return f'{{"at":{start},"operations":[{",".join(rows)}]}}\n'.encode("utf-8", "replace")


def _line(data: dict[str, Any]) -> bytes:
    return _compact(data).encode("utf-8", "replace") + b"\n"


def _compact(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


@frozen(kw_only=True)
class About:
    """What a side file holds. ``path``: the user's own file, empty where there is none; ``saved``: seconds since 1970."""

    title: str
    path: str
    operations: int
    saved: float
    below: str = ""
    """Stem of the journal beside it that it goes on from."""


def about_journal(path: str) -> About:
    """What the first and the last lines say. :raises OSError, ValueError: it is none, or has no whole line with content."""
    with open(path, "rb") as file:
        first = file.readline(TAIL)
        if not is_journal(first) or not first.endswith(b"\n"):
            raise ValueError("no journal")
        if not any(b"\n" in part for part in iter(lambda: file.read(TAIL), b"")):
            raise ValueError("an empty journal")
        size = os.fstat(file.fileno()).st_size
        file.seek(max(len(first), size - TAIL))
        tail = file.read().split(b"\n")[:-1]
    data = json.loads(first)
    base = data.get("base") or {}
    ends = (_end(line) for line in reversed(tail))
    count = next((end for end in ends if end is not None), int(base.get("operations", 0)))
    where = str(base.get("path", ""))
    below = os.path.dirname(where) == os.path.dirname(path) and os.path.splitext(os.path.basename(where))[0]
    saved = os.stat(path).st_mtime
    return About(title=str(data["title"]), path=str(data["path"]), operations=count, saved=saved, below=below or "")


def _end(line: bytes) -> int | None:
    # the number of operations after a line of them
    if not line.startswith(b'{"at":'):
        return None
    try:
        data = json.loads(line)
        return int(data["at"]) + len(data["operations"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


@define
class _Read:
    # what was read so far
    base: Session | None = None
    operations: list[Operation] = field(factory=list)
    parents: list[int] = field(factory=list)
    head: dict[str, Any] = field(factory=dict)
    report: list[str] = field(factory=list)


def is_journal(start: bytes) -> bool:
    """Whether a file that begins like this is one."""
    return start.startswith(START)


def session_of_journal(
    data: bytes, path: str, load: Any, progress: Progress | None = None, cancelled: Asked | None = None, deep: int = 0
) -> Session:
    """The session as the journal has it; what is torn or damaged at its end is left out and the report says so.

    :param load: loads the base: (path, progress, cancelled) -> Session. FormatError says why there is no session.
    """
    lines = data.split(b"\n")
    lines.pop()  # empty, or torn
    read = _Read()
    begin = _first(lines, path)
    if begin.get("base") is not None:
        _take_base(read, begin["base"], lines, path, load, progress, cancelled, deep)
    for number, line in enumerate(lines[1:], 2):
        try:
            _take(read, _value(line, path))
        except (ValueError, TypeError, KeyError, AttributeError, FormatError):
            read.report.append(f"The journal is damaged from line {number:,} on; what came before is here.")
            break
    try:
        return _built(read, path)
    except ValueError as error:
        raise FormatError(f"{path}: {error}; it cannot be recovered.") from error


def _value(line: bytes, path: str) -> Any:
    text = JsonText([line], path)
    found = text.value()
    text.end()
    return found


def _first(lines: list[bytes], path: str) -> dict[str, Any]:
    data = _value(lines[0], path) if lines else None
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise FormatError(f"{path}: is no journal that this rmapexplorer can read; it may be from a newer one.")
    return data


def _take_base(
    read: _Read, base: Any, lines: list[bytes], path: str, load: Any, progress: Progress | None,
    cancelled: Asked | None, deep: int,
) -> None:  # fmt: skip
    if deep >= DEEPEST:
        raise FormatError(f"{path}: goes on from too many other journals; it cannot be recovered.")
    found, count = _base_path(base, lines, path)
    session = load(found, progress, cancelled)
    if len(session.operations) < count:
        raise FormatError(f"{path}: goes on from {found}, which has fewer operations now; it cannot be recovered.")
    read.base = session
    read.operations = list(session.operations[:count])
    read.parents = list(session.parents[:count] if session.parents is not None else range(-1, count - 1))


def _base_path(base: Any, lines: list[bytes], path: str) -> tuple[str, int]:
    # the copy beside it, or the file itself while it is as it was; how many of its operations
    try:
        where, count, stamp = str(base["path"]), base["operations"], Stamp(**base["stamp"])
        if type(count) is not int or count < 0:
            raise ValueError("no number of operations")
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path}: is damaged in its first line; it cannot be recovered.") from error
    for number, line in enumerate(lines[1:], 2):
        if line.startswith(b'{"copy":'):
            name = _value(line, path)["copy"]
            if not isinstance(name, str) or "\0" in name:
                raise FormatError(f"{path}: is damaged in line {number:,}; it cannot be recovered.")
            copy = os.path.join(os.path.dirname(path), os.path.basename(name))
            if os.path.isfile(copy):
                return copy, count
    if stamp_of(where) != stamp:
        raise FormatError(
            f"{path}: goes on from {count:,} operations of {where}, which was changed since; open that instead."
        )
    return where, count


def _take(read: _Read, data: Any) -> None:
    if "operations" in data:
        if data["at"] != len(read.operations):
            raise ValueError("operations are missing")
        made, parents = _decoded(data["operations"], data["at"])
        limits.at_most(len(read.operations) + len(made), limits.MAX_OPERATIONS, "operations")
        read.operations += made
        read.parents += parents
    elif "head" in data:
        if any(last >= len(read.operations) for last in data["head"].get("branches", {}).values()):
            raise ValueError("operations are missing")
        read.head |= data["head"]
        read.head["known"] = len(read.operations)
    elif "copy" not in data:
        raise ValueError("no line of a journal")


def _decoded(items: list[Any], start: int) -> tuple[list[Operation], list[int]]:
    # operations, and the index of the one that each follows
    at_once = columns.decode_all(items, start)
    if at_once is not None:
        made, bends = at_once
        return made, [bends.get(index, index - 1) for index in range(start, start + len(made))]
    made, parents = [], []
    for index, item in enumerate(items, start):
        parent = item.pop("after", index - 1)
        if type(parent) is not int or not -1 <= parent < index:
            raise ValueError("no such parent")
        made.append(codec.decode(item))
        parents.append(parent)
    return made, parents


def _built(read: _Read, path: str) -> Session:
    known, marks = read.head.pop("known", 0), read.head.pop("marks", [])
    values = outline.head({"title": "", "position": 0, "operations": []} | read.head)
    count = len(read.operations)
    parents = tuple(read.parents)
    _reach(values, parents, known, count)
    values["notes"] = tuple(_notes(marks, parents, values["branches"], values["branch"]))
    outline.consistent(values, count, parents)
    values["report"] = (*read.report, *values.get("report", ()))
    if read.base is None:
        return Session(operations=tuple(read.operations), parents=parents, path=path, **values)
    values["report"] += read.base.report
    return attrs.evolve(read.base, operations=tuple(read.operations), parents=parents, path=path, script="", **values)


def _reach(values: dict[str, Any], parents: tuple[int, ...], known: int, count: int) -> None:
    # operations behind the last head belong to the branch they go on from, or begin one
    branch = values.setdefault("branch", "main")
    branches = values.setdefault("branches", {})
    branches.setdefault(branch, known - 1)
    for index in range(known, count):
        if parents[index] == branches[branch]:
            at_end = values["position"] == len(outline.line(parents, branches[branch])) if index == known else True
            values["position"] += at_end
        else:
            branch = f"recovered {index}"
            values["position"] = len(outline.line(parents, parents[index])) + 1
        branches[branch] = index
    values["branch"] = branch


def _notes(marks: Any, parents: tuple[int, ...], branches: dict[str, int], current: str) -> Iterator[Note]:
    wanted: dict[int, list[str]] = {}
    for mark in marks if isinstance(marks, list) else [marks]:
        if not isinstance(mark, list) or len(mark) != 2 or type(mark[0]) is not int:
            raise ValueError(f'"marks" must hold [operation, text] pairs, not {codec.shown(mark)}')
        wanted.setdefault(mark[0], []).append(codec.text(mark[1]))
    for name in (current, *(name for name in branches if name != current)):
        if not wanted:
            return
        line = outline.line(parents, branches[name])
        at = {node: position for position, node in enumerate(line, 1) if node in wanted} | {-1: 0}
        for node in [node for node in wanted if node in at]:
            for words in wanted.pop(node):
                yield Note(at[node], words, "" if name == current else name)

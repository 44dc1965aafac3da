"""Everything of a session file but its operations: machine, designs, branches, view, notes; each value checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
from attrs import frozen

from rmapexplorer.core.units import TASK_SIZE_PAGES, Machine
from rmapexplorer.formats import kernel_section
from rmapexplorer.formats.codec import MAX_FILE_PAGES, MAX_MAP_COUNT, MAX_PID, Check, maybe, shown, text, whole
from rmapexplorer.formats.limits import (
    MAX_BRANCHES,
    MAX_DESIGNS,
    MAX_FILES,
    MAX_NOTES,
    MAX_PROCESSES,
    MAX_REPORT,
    at_most,
)

if TYPE_CHECKING:
    from rmapexplorer.formats.session import Session

MAX_POSITION = 1 << 40

Designs = tuple[tuple[str, dict[str, str]], ...]
"""(design key, options) in the order shown."""


@frozen
class Note:
    """A bookmark: what the user wrote at a position of the current branch, or of the one named."""

    position: int
    text: str
    branch: str = ""
    """The branch whose position it is; empty for the current one."""


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"must be an object, not {shown(value)}")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"must be a list, not {shown(value)}")
    return value


def _named(key: str, value: Any, check: Check) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise ValueError(f'"{key}" {error}') from error


def _fields(data: Any, checks: dict[str, Check], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The checked values of an object; ValueError where a key is unknown or missing."""
    for key in _object(data):
        if key not in checks:
            raise ValueError(f"has a field {shown(key)} that does not belong there")
    for key in required:
        if key not in data:
            raise ValueError(f'has no "{key}"')
    return {key: _named(key, value, checks[key]) for key, value in data.items()}


def _word(value: Any) -> str:
    if not text(value):
        raise ValueError("must not be empty")
    return str(value)


def _map(check: Check, most: int = MAX_FILES) -> Check:
    def checked(value: Any) -> dict[str, Any]:
        at_most(len(_object(value)), most, "names")
        return {_word(key): _named(shown(key)[1:-1], item, check) for key, item in value.items()}

    return checked


def _many(check: Check, most: int) -> Check:
    def checked(value: Any) -> tuple[Any, ...]:
        at_most(len(_list(value)), most, "entries")
        return tuple(check(item) for item in value)

    return checked


_pid, _position = whole(1, MAX_PID), whole(0, MAX_POSITION)


def _processes(value: Any) -> tuple[tuple[int, str], ...]:
    # [[pid, comm], ...]: what exists at position 0
    found: dict[int, str] = {}
    at_most(len(_list(value)), MAX_PROCESSES, "processes")
    for item in value:
        if not isinstance(item, list) or len(item) != 2:
            raise ValueError(f"must hold [pid, comm] pairs, not {shown(item)}")
        pid = _pid(item[0])
        if pid in found:
            raise ValueError(f"names pid {pid} twice")
        found[pid] = str(text(item[1]))
    return tuple(found.items())


_MACHINE: dict[str, Check] = {
    "arch": _word,
    "word_bytes": whole(4, 8),
    "cache_line_bytes": whole(16, 1024),
    "ram_pages": maybe(whole(1, MAX_FILE_PAGES)),
    "swap_pages": maybe(whole(0, MAX_FILE_PAGES)),
    "calls": _word,
    "files": _map(whole(0, MAX_FILE_PAGES)),
    "processes": _processes,
    "max_map_count": maybe(whole(1, MAX_MAP_COUNT)),
}


def _machine(value: Any) -> Machine:
    return Machine(**_fields(value, _MACHINE))


def _design(value: Any) -> tuple[str, dict[str, str]]:
    if isinstance(value, str):
        return _word(value), {}
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"must hold design keys or [key, options], not {shown(value)}")
    return _word(value[0]), _map(text)(value[1])


def _designs(value: Any) -> Designs:
    at_most(len(_list(value)), MAX_DESIGNS, "designs")
    designs = tuple(_design(item) for item in value)
    for index, design in enumerate(designs):
        if design in designs[:index]:
            raise ValueError(f"names the design {shown(design[0])} twice")
    return designs


def _selection(value: Any) -> tuple[int, int]:
    if len(_list(value)) != 2:
        raise ValueError(f"must be [pid, page number], not {shown(value)}")
    return whole(0, MAX_PID)(value[0]), whole(-1, TASK_SIZE_PAGES - 1)(value[1])


def _note(value: Any) -> Note:
    if len(_list(value)) not in (2, 3):
        raise ValueError(f"must hold [position, text] or [position, text, branch], not {shown(value)}")
    return Note(_position(value[0]), text(value[1]), _word(value[2]) if len(value) == 3 else "")


_HEAD: dict[str, Check] = {
    "format": text,
    "version": whole(1, MAX_POSITION),
    "title": text,
    "machine": _machine,
    "designs": _designs,
    "view": text,
    "branch": _word,
    "branches": _map(whole(-1, MAX_POSITION), MAX_BRANCHES),
    "position": whole(0, MAX_POSITION),
    "selection": maybe(_selection),
    "notes": _many(_note, MAX_NOTES),
    "report": _many(text, MAX_REPORT),
    "kernel": kernel_section.decode,
    "operations": lambda value: None,
}


def head(data: dict[str, Any]) -> dict[str, Any]:
    """The checked values of a file but its operations, ready for Session; ValueError says what is wrong."""
    values = _fields(data, _HEAD, ("title", "position", "operations"))
    for key in ("format", "version", "operations"):
        values.pop(key, None)
    return values


def line(parents: tuple[int, ...] | None, last: int) -> tuple[int, ...]:
    """Indexes from the start to operation ``last``."""
    if parents is None:
        return tuple(range(last + 1))
    steps = []
    while last >= 0:
        steps.append(last)
        last = parents[last]
    return tuple(reversed(steps))


def consistent(values: dict[str, Any], operations: int, parents: tuple[int, ...] | None) -> None:
    """ValueError where branches, position or notes point at operations that are not there."""
    branch = values.get("branch", "main")
    branches = values.setdefault("branches", {})
    if branches and branch not in branches:
        raise ValueError(f'"branch" names {shown(branch)}, which is not among the branches')
    branches.setdefault(branch, operations - 1)
    for name, last in branches.items():
        if last >= operations:
            raise ValueError(f"branch {shown(name)} ends at operation {last}, but the last one is {operations - 1}")
    places = [("position", values["position"], branch)]
    places += [("a note", note.position, note.branch or branch) for note in values.get("notes", ())]
    lengths: Sequence[int] = range(operations + 1)  # of the line that ends with an operation, behind the empty one
    if parents is not None:
        lengths = [0]
        for parent in parents:
            lengths.append(lengths[parent + 1] + 1)
    for what, position, name in places:
        if name not in branches:
            raise ValueError(f"{what} is on branch {shown(name)}, which is not among the branches")
        length = lengths[branches[name] + 1]
        if position > length:
            raise ValueError(f"{what} is {position}, but branch {shown(name)} has {length} operations")


def head_json(session: Session) -> dict[str, Any]:
    """The JSON values of a session but its operations; what has its default is left out."""
    machine = {
        a.name: getattr(session.machine, a.name)
        for a in attrs.fields(Machine)
        if getattr(session.machine, a.name) != getattr(Machine(), a.name)
    }
    data: dict[str, Any] = {"title": session.title}
    if machine:
        data["machine"] = machine
    data["designs"] = [[key, options] if options else key for key, options in session.designs]
    data["view"] = session.view
    if session.parents is not None or session.branch != "main" or len(session.branches) > 1:
        data["branch"] = session.branch
    if session.branches != {session.branch: len(session.operations) - 1}:
        data["branches"] = session.branches
    data["position"] = session.position
    if session.selection is not None:
        data["selection"] = list(session.selection)
    if session.notes:
        data["notes"] = [[n.position, n.text, *([n.branch] if n.branch else [])] for n in session.notes]
    if session.report:
        data["report"] = list(session.report)
    if session.kernel is not None:
        data["kernel"] = kernel_section.encode(session.kernel)
    return data

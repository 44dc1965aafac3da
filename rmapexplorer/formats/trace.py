"""Kernel traces: reading them, and their calls as operations.

A trace counts in pages from the base of an arena in which nothing else is mapped, and names processes P0, P1 ...;
operations have absolute page numbers and pids. Steps hold only what changed; ``states`` adds it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from rmapexplorer.core import operations as o
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.formats import codec, limits, trace_shape
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.json_text import JsonText
from rmapexplorer.formats.reading import opened

ARENA = 0x200000000
"""Page number at which an arena begins (address 0x200000000000)."""

NOBODY = (1 << 31) - 2
"""pid of a process that never was."""

Json = dict[str, Any]


@frozen(kw_only=True)
class Step:
    """One call of a trace: the kernel's record of it, and the operation it stands for (None: not simulated)."""

    raw: Json
    operation: o.Operation | None
    child: tuple[str, int] | None = None
    """Name and pid of the process a fork makes."""


@frozen(kw_only=True)
class Trace:
    """A scenario and what the kernel did. ``first`` is the name of the process that exists at the start, with pid 1."""

    name: str
    files: dict[str, int]
    first: str
    steps: tuple[Step, ...]
    note: str = ""
    """What the scenario is about, one sentence of its author."""

    @property
    def machine(self) -> Machine:
        """The machine it ran on: the files with their sizes, and the first process."""
        return Machine(files=self.files, processes=((1, self.first),))


def load_traces(path: str) -> list[Trace]:
    """The traces of a file (.json or .json.gz): one, or a corpus of many. :raises FormatError: one sentence."""
    with opened(path) as source:
        text = JsonText(source.chunks(), path)
        if text.peek() != "{":
            raise _no_trace(path)
        found = {
            key: text.few(limits.MAX_TRACES, "traces") if key == "traces" and text.peek() == "[" else text.value()
            for key in text.members()
        }
        text.end()
    return parse_traces(found, path)


def _no_trace(path: str) -> FormatError:
    return FormatError(f'{path}: is no kernel trace, it has neither "traces" nor "steps"; choose another file.')


def parse_traces(found: Any, path: str) -> list[Trace]:
    """Traces from decoded JSON. :raises FormatError: where it has another shape."""
    many = found.get("traces", [found]) if isinstance(found, dict) else None
    if not isinstance(many, list) or not many or (many == [found] and "steps" not in found):
        raise _no_trace(path)
    out = []
    for number, raw in enumerate(many):
        try:
            limits.at_most(number + 1, limits.MAX_TRACES, "traces")
            trace_shape.check(raw)
            out.append(_trace(raw))
            _check(out[-1])
        except (LookupError, ValueError) as trouble:
            what = f'there is no "{trouble.args[0]}" in a call' if isinstance(trouble, LookupError) else trouble
            raise FormatError(f"{path}: trace {number + 1} is damaged, {what}; record it again.") from None
    return out


def _check(trace: Trace) -> None:
    for number, step in enumerate(trace.steps):
        if step.operation is not None and (words := codec.problem(step.operation)):
            raise ValueError(f"step {number} {words}")
    for name, size in trace.files.items():
        if size < 0:
            raise ValueError(f"the file {codec.shown(name)} has {size} pages")


def _trace(raw: Json) -> Trace:
    first = str(raw["steps"][0]["op"].get("proc") or raw["steps"][0]["op"].get("root") or "P0")
    pids = {first: 1}
    steps = []
    for entry in raw["steps"]:
        op = entry["op"]
        pid = pids.get(op.get("proc", first), NOBODY)
        child = None
        if op["op"] == "fork":
            child = (str(op["child"]), len(pids) + 1)
            if "err" not in entry:
                pids[child[0]] = child[1]
        steps.append(Step(raw=entry, operation=_operation(op, pid, child), child=child))
    files = dict(raw.get("files") or {})
    return Trace(name=raw["name"], files=files, first=first, steps=tuple(steps), note=raw.get("note") or "")


def states(trace: Trace) -> Iterator[Json]:
    """The kernel's full state after each step: procs, anon_vmas and files, of which the steps hold what changed."""
    state: Json = {"procs": {}, "anon_vmas": {}, "files": {}}
    for step in trace.steps:
        state = {kind: dict(known) for kind, known in state.items()}
        for kind, known in state.items():
            for name, value in (step.raw.get(kind) or {}).items():
                if value is None:
                    known.pop(name, None)
                else:
                    known[name] = value
        yield state


def _span(op: Json, at: str = "at", pages: str = "pages") -> Span:
    return Span(ARENA + op[at], ARENA + op[at] + op[pages])


def _operation(op: Json, pid: int, child: tuple[str, int] | None) -> o.Operation | None:
    if child is not None:
        return o.Fork(pid=pid, child=child[1], comm=child[0])
    make = _MAKERS.get(op["op"])
    return make(op, pid) if make else None


def _mmap(op: Json, pid: int) -> o.Operation:
    kind = op.get("kind") or ("anon-shared" if op.get("shared") else "anon")
    words = [word for word in op.get("flags") or () if word in o.MMAP_FLAGS]
    words += ["noreplace"] if op.get("noreplace") and "noreplace" not in words else []
    of_file = kind.startswith("file")
    offset = int(op.get("offset") or op.get("pgoff") or 0) if of_file else 0
    return o.Mmap(
        pid=pid, span=_span(op), prot=op.get("prot", "rw"), kind=kind, file=op["file"] if of_file else "",
        offset=offset, flags=tuple(words),
    )  # fmt: skip


def _mremap(op: Json, pid: int) -> o.Operation:
    length = "pages" if "pages" in op else "old_pages"
    to = op.get("to")
    dontunmap = bool(op.get("dontunmap")) or "dontunmap" in (op.get("flags") or ())
    return o.Mremap(
        pid=pid, span=_span(op, "from", length), new_pages=op["new_pages"], to=None if to is None else ARENA + to,
        dontunmap=dontunmap,
    )  # fmt: skip


def _touch(op: Json, pid: int) -> o.Operation:
    access = "r" if op["op"] == "read" or op.get("access") == "read" else "w"
    return o.Touch(pid=pid, runs=((ARENA + op["at"], ARENA + op["at"] + op["pages"], access),))


_MAKERS: dict[str, Callable[[Json, int], o.Operation]] = {
    "mmap": _mmap,
    "mremap": _mremap,
    "touch": _touch,
    "read": _touch,
    "munmap": lambda op, pid: o.Munmap(pid=pid, span=_span(op)),
    "munlock": lambda op, pid: o.Munlock(pid=pid, span=_span(op)),
    "mseal": lambda op, pid: o.Mseal(pid=pid, span=_span(op)),
    "mlock": lambda op, pid: o.Mlock(pid=pid, span=_span(op), onfault=bool(op.get("onfault"))),
    "mprotect": lambda op, pid: o.Mprotect(pid=pid, span=_span(op), prot=op["prot"]),
    "madvise": lambda op, pid: o.Madvise(pid=pid, span=_span(op), advice=op["advice"]),
    "exit": lambda op, pid: o.Exit(pid=pid),
    "exec": lambda op, pid: o.Exec(pid=pid),
    "reclaim": lambda op, pid: o.Reclaim(),
    "ftruncate": lambda op, pid: o.Ftruncate(pid=pid, file=op["file"], pages=op["pages"]),
    "punch": lambda op, pid: o.Punch(pid=pid, file=op["file"], offset=op["offset"], pages=op["pages"]),
    "prctl_ksm": lambda op, pid: o.Ksm(pid=pid, enable=bool(op["enable"])),
}

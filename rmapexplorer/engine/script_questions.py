"""What the script editor asks of the log: its lines, where a script departs from it, and the script as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import attrs
from attrs import define, field, frozen

from rmapexplorer.core.operations import Clone, Fork, Mmap, Mremap, Operation, Spawn
from rmapexplorer.core.resolve import undecided
from rmapexplorer.engine.bookmarks import marks_of
from rmapexplorer.engine.files import session_of
from rmapexplorer.engine.stage import Stage
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.script import Statement
from rmapexplorer.formats.script_heads import Head
from rmapexplorer.formats.script_operations import print_operation
from rmapexplorer.formats.script_session import head_lines, marked, script_lines, write_script

SECONDS = 0.02
"""An answer of lines ends after so long; the rest is asked for again."""
COMPARED = 20_000
"""Operations compared in one answer."""
LINES_A_STEP = 200


@frozen(kw_only=True, eq=False)
class ScriptPart:
    """Lines of the current branch's script from operation ``start`` (0-based) on, ``operations`` of them."""

    start: int
    lines: tuple[str, ...]
    """Bookmarks among them; those of position 0 come with operation 0."""
    operations: int
    head: int
    source: str = ""
    """The text of the script the session was made from, while its log is still that; only with ``start`` 0."""
    pids: int = 0
    """The highest pid that exists before the first operation."""


@frozen
class ScriptLines:
    """The lines of operations ``start`` .. ``stop - 1`` of the current branch, as many as fit into the time."""

    start: int
    stop: int
    key: str = "script lines"

    def answer(self, stage: Stage) -> ScriptPart:
        """The part, at least one operation of it."""
        line, notes = stage.line, _notes(stage)
        lines = list(marked(notes, 0)) if self.start == 0 else []
        until, done = perf_counter() + SECONDS, self.start
        for node in line.path[self.start : self.stop]:
            lines.append(print_operation(line.operations[node]))
            done += 1
            lines += marked(notes, done)
            if not done % 32 and perf_counter() > until:
                break
        session = stage.session
        same = session is not None and line.head == len(session.operations) == len(line.operations)
        return ScriptPart(
            start=self.start, lines=tuple(lines), operations=done - self.start, head=line.head,
            source=getattr(session, "script", "") if same and self.start == 0 else "",
            pids=max((pid for pid, _ in getattr(stage.machine, "processes", ())), default=0),
        )  # fmt: skip


def _notes(stage: Stage) -> dict[int, list[str]]:
    notes: dict[int, list[str]] = {}
    for mark in marks_of(stage.line, stage.bookmarks):
        if not mark.branch:
            notes.setdefault(mark.position, []).append(mark.text)
    return notes


@frozen(eq=False)
class Difference:
    """How far a script and the current branch agree.

    :param operations: those of the script; the first of them stands for operation ``first`` of the branch.
    :param start: how many are known to agree.
    """

    operations: Sequence[Operation]
    first: int
    start: int = 0
    key: str = "script difference"

    def answer(self, stage: Stage) -> tuple[int, bool]:
        """(operations that agree, whether that is all that can be said)."""
        line = stage.line
        stop = min(len(self.operations), self.start + COMPARED)
        for index in range(self.start, stop):
            place = self.first + index
            if place >= line.head or not agrees(self.operations[index], line.operations[line.path[place]]):
                return index, True
        return stop, stop == len(self.operations)


def agrees(op: Operation, done: Operation) -> bool:
    """Whether an operation of a script is the one in the log; what it leaves to the kernel may be anything."""
    if op == done:
        return True
    if type(op) is not type(done) or not undecided(op):
        return False
    return _left_open(op, done) == op


def _left_open(op: Operation, done: Any) -> Operation:
    # what is in the log with that left open which the script leaves open
    match op:
        case Mmap():
            return attrs.evolve(done, span=op.span) if done.span.pages == op.span.pages else done  # type: ignore[no-any-return]
        case Mremap():
            return attrs.evolve(done, to=op.to)  # type: ignore[no-any-return]
        case Fork() | Clone():
            return attrs.evolve(done, child=op.child)  # type: ignore[no-any-return]
        case Spawn():
            return attrs.evolve(done, pid=op.pid)  # type: ignore[no-any-return]
    return op


@frozen(kw_only=True)
class Standing:
    """What the lines at the top of a script ask for and the session has not.

    :param calls: a kernel, "" where it is that one already. :param designs: all of them, in order; none where they
      run already. :param elsewhere: lines that only a new session can follow.
    """

    calls: str = ""
    designs: tuple[tuple[str, dict[str, str]], ...] = ()
    elsewhere: tuple[int, ...] = ()


def head_word(statement: Statement) -> str:
    """The first word of such a line."""
    assert isinstance(statement.what, Head)
    return statement.what.word


@frozen(eq=False)
class Ground:
    """How the lines at the top of a script compare with the session: (line, first word, values) of each."""

    heads: tuple[tuple[int, str, dict[str, Any]], ...]
    key: str = "script ground"

    def answer(self, stage: Stage) -> Standing:
        """What would have to change."""
        machine, calls = stage.machine, ""
        designs: tuple[tuple[str, dict[str, str]], ...] = ()
        running = [(lane.kind.key.partition(":")[0], dict(lane.kind.options)) for lane in stage.lanes]
        elsewhere = []
        for line, word, values in self.heads:
            if word == "calls" and values["calls"] != machine.calls:
                calls = values["calls"]
            elif word == "designs":
                designs = values["designs"]
            elif not _holds(word, values, machine):
                elsewhere.append(line)
        if not calls and [(key, dict(options)) for key, options in designs] == running:
            designs = ()
        return Standing(calls=calls, designs=designs, elsewhere=tuple(elsewhere))


def _holds(word: str, values: dict[str, Any], machine: Any) -> bool:
    # whether the machine of the session is as a line says
    if word == "machine":
        return all(getattr(machine, name) == value for name, value in values.items())
    if word == "file":
        return bool(machine.files.get(values["file"]) == values["pages"])
    if word == "process":
        return (values["pid"], values["comm"]) in tuple(machine.processes)
    return True


@frozen
class Rest:
    """The operations of the current branch from position ``start`` on."""

    start: int
    key: str = "script rest"

    def answer(self, stage: Stage) -> tuple[Operation, ...]:
        """All of them."""
        return tuple(stage.line.operations[node] for node in stage.line.path[self.start :])


@define(eq=False)
class SaveScript:
    """Writes the script of the current branch to a file, or ``text`` with what the session runs on above it.

    ``result`` is the sentence of what went wrong, empty where nothing did, None where it was stopped.
    """

    number: int
    path: str
    text: str | None = None
    heads: bool = True
    title: str = "Writing the script"
    done: int = 0
    total: int = 0
    quiet: bool = False
    shows: bool = False
    result: str | None = None
    _lines: list[str] = field(factory=list)
    _source: Iterator[str] = field(factory=lambda: iter(()))

    def start(self, stage: Stage) -> None:
        """Look at the session once."""
        session = session_of(stage)
        if self.text is None:
            self.total = stage.line.head
            self._source = script_lines(session)
        else:
            above = [*head_lines(session), ""] if self.heads else []
            self._source = iter([*above, self.text.rstrip("\n")])

    def step(self, stage: Stage) -> bool:
        """Some lines more, at last the file."""
        for _ in range(LINES_A_STEP):
            line = next(self._source, None)
            if line is None:
                self._write()
                return False
            self._lines.append(line)
        self.done += LINES_A_STEP
        return True

    def _write(self) -> None:
        try:
            write_script(self._lines, self.path)
        except FormatError as error:
            self.result = str(error)
        else:
            self.result = ""

    def stop(self, stage: Stage) -> bool:
        """Nothing was written."""
        return False

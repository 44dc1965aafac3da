"""Scenario scripts: one operation a line, in the words of the history; with names, loops and bookmarks.

``Reader`` takes the lines and knows every fault of the text; ``expand`` runs names and loops and gives the operations
one by one, each with the line it comes from. Neither knows a world: what the kernel would choose stays open
(``at any``) but for pids, which it hands out upwards. Both go step by step, so that a window can stop in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from attrs import define, field, frozen

from rmapexplorer.core.operations import Operation
from rmapexplorer.formats.limits import (
    LINE_CHARACTERS,
    MAX_ALL_RUNS,
    MAX_FILES,
    MAX_NOTES,
    SCRIPT_OPERATIONS,
    SCRIPT_STATEMENTS,
)
from rmapexplorer.formats.script_cursor import Cursor, Fault, Hope, ScriptError, nearest
from rmapexplorer.formats.script_heads import HEADS, Head, read_head
from rmapexplorer.formats.script_numbers import NUMBER, TIMES, Env, Late, whole
from rmapexplorer.formats.script_operations import NAMES, Line, read_line
from rmapexplorer.formats.script_plain import plain
from rmapexplorer.formats.script_slots import binding, name_of

MAX_STEPS = 3_000_000
"""Lines a script may run through, those without an operation among them."""
MAX_DEPTH = 12
"""Loops inside each other."""
MAX_FAULTS = 100
"""Faults that are told of one text."""

CONTROL = ("let", "repeat", "mark")
WORDS: tuple[str, ...] = (*NAMES, *CONTROL, *HEADS)
"""What a line can begin with."""


_NOTHING: dict[str, Any] = {}


@frozen
class Let:
    """``let NAME = ...``."""

    name: str
    value: int | Late


@define(eq=False)
class Repeat:
    """``repeat N as NAME:`` and the lines in it."""

    times: int | Late
    name: str
    body: list[Statement] = field(factory=list)


@frozen
class Mark:
    """``mark "..."``: a bookmark."""

    text: str


@frozen
class Statement:
    """A line of the text, numbered from 1, and what stands there."""

    line: int
    what: Line | Let | Repeat | Mark | Head
    text: str

    def error(self, text: str, length: int) -> ScriptError:
        """A fault of its first letters."""
        return ScriptError(Fault(line=self.line, column=1, length=max(length, 1), text=text))


@define(eq=False)
class Program:
    """A text that was read: its statements, its faults, the names it gives values to."""

    statements: list[Statement] = field(factory=list)
    faults: list[Fault] = field(factory=list)
    lets: set[str] = field(factory=set)


@define(eq=False)
class _Block:
    indent: int
    """-1: not known before its first line."""
    body: list[Statement]
    line: int
    parent: int


class Reader:
    """Reads a script line by line."""

    def __init__(self) -> None:
        self.program = Program()
        self.names: set[str] = set()
        self._blocks = [_Block(0, self.program.statements, 0, -1)]
        self._number = 0
        self._said = 0  # lines with a word on them
        self._stopped = False
        self._acted = False

    def feed(self, line: str) -> None:
        """The next line. A fault is noted, and reading goes on behind it."""
        self._number += 1
        if self.full or not line or line.isspace():
            return
        self._said += 1
        if self._said > SCRIPT_STATEMENTS:
            what = f"more than {SCRIPT_STATEMENTS:,} lines with a word on them; use 'repeat', or a session (.rmap)"
            self._note(self._whole(what, len(line)))
            self._stopped = True
            return
        if len(line) > LINE_CHARACTERS:
            self._note(self._whole(f"the line is longer than {LINE_CHARACTERS:,} characters; divide it", 1))
            return
        op = plain(line) if len(self._blocks) == 1 else None
        if op is not None:
            self._acted = True
            self.program.statements.append(Statement(self._number, Line(type(op), _NOTHING, op), line))
            return
        cursor = Cursor(line.rstrip("\r"), self._number, self.names)
        if cursor.kind == "end":
            return
        try:
            block = self._block(cursor)
            block.body.append(self.statement(cursor, 1))
        except ScriptError as error:
            self._note(error.fault)

    @property
    def full(self) -> bool:
        """Enough is wrong with the text: nothing more of it is looked at."""
        return self._stopped or len(self.program.faults) >= MAX_FAULTS

    def _whole(self, text: str, length: int) -> Fault:
        return Fault(line=self._number, column=1, length=length, text=text)

    def end(self) -> Program:
        """All that was read."""
        self._unfinished()
        return self.program

    def _note(self, fault: Fault) -> None:
        if not self.full:
            self.program.faults.append(fault)

    def _unfinished(self) -> None:
        block = self._blocks[-1]
        if block.indent < 0:
            text = "found nothing to repeat, expected a line that is indented more than this one"
            self._note(
                Fault(line=block.line, column=block.parent + 1, length=6, text=text, expected="an indented line")
            )
            self._blocks.pop()

    def _block(self, cursor: Cursor) -> _Block:
        # the block this line belongs to, by its indentation
        before = cursor.line[: cursor.start]
        indent = len(before.expandtabs(4))
        top = self._blocks[-1]
        if top.indent < 0 and indent > top.parent:
            top.indent = indent
            return top
        self._unfinished()
        while self._blocks[-1].indent > indent:
            self._blocks.pop()
        if self._blocks[-1].indent != indent:
            raise cursor.error(
                "the line is indented further than those above it; only what 'repeat' repeats is", 0, cursor.start
            )
        return self._blocks[-1]

    def statement(self, cursor: Cursor, depth: int) -> Statement:
        """What stands at the cursor, to the end of the line. :raises ScriptError: nothing that can be read."""
        cursor.hope("an operation")
        cursor.hope("", WORDS)
        word = cursor.text
        if cursor.kind != "word" or word not in WORDS:
            raise _no_statement(cursor, word)
        start = cursor.start
        cursor.take()
        what: Line | Let | Repeat | Mark | Head
        if word in HEADS:
            if self._acted:
                raise cursor.error(f"'{word}' must stand above the first operation", start, len(word))
            what = read_head(cursor, word)
        else:
            self._acted = self._acted or word != "let"
            what = self._action(cursor, word, depth)
        if not isinstance(what, Repeat):
            cursor.finish()
        return Statement(self._number, what, cursor.line)

    def _action(self, cursor: Cursor, word: str, depth: int) -> Line | Let | Repeat | Mark:
        if word == "let":
            return self._let(cursor)
        if word == "repeat":
            return self._repeat(cursor, depth)
        if word == "mark":
            text = cursor.string("what the bookmark says")
            if text is None:
                raise cursor.fail()
            return Mark(text)
        return read_line(cursor, word)

    def _let(self, cursor: Cursor) -> Let:
        known = set(cursor.names)
        name = name_of(cursor)
        cursor.names.intersection_update(known)  # not before it has its value
        if not cursor.mark("="):
            raise cursor.fail()
        value = whole(cursor, NUMBER)
        cursor.names.add(name)
        self.program.lets.add(name)
        return Let(name, value)

    def _repeat(self, cursor: Cursor, depth: int) -> Repeat:
        start = cursor.start
        if len(self._blocks) + depth - 1 > MAX_DEPTH:
            raise cursor.error(f"more than {MAX_DEPTH} loops inside each other", start)
        times = whole(cursor, TIMES)
        found = Repeat(times, binding(cursor))
        if not cursor.mark(":"):
            raise cursor.fail()
        if cursor.kind == "end":
            parent = len(cursor.line[: len(cursor.line) - len(cursor.line.lstrip())].expandtabs(4))
            self._blocks.append(_Block(-1, found.body, self._number, parent))
        else:
            found.body.append(self.statement(cursor, depth + 1))
        return found


def _no_statement(cursor: Cursor, word: str) -> ScriptError:
    meant = nearest(word, WORDS) if cursor.kind == "word" else ""
    text = f"found '{word[:40]}', expected an operation, 'let', 'repeat' or 'mark'"
    text += f"; did you mean '{meant}'?" if meant else ""
    return ScriptError(
        Fault(line=cursor.number, column=cursor.start + 1, length=max(1, len(word)), text=text, found=f"'{word[:40]}'",
              expected="an operation", meant=meant)
    )  # fmt: skip


def read_script(text: str) -> Program:
    """The whole text at once."""
    reader = Reader()
    for line in text.split("\n"):
        reader.feed(line)
    return reader.end()


@define(eq=False)
class Run:
    """A script on its way: what ``expand`` found besides operations.

    :param settings: values that ``let`` lines get instead of their own.
    """

    env: Env = field(factory=Env)
    settings: Mapping[str, int] = field(factory=dict)
    heads: list[tuple[Statement, dict[str, Any]]] = field(factory=list)
    marks: list[tuple[int, str, int]] = field(factory=list)
    """(position, text, line)."""
    operations: int = 0
    runs: int = 0
    """Of all touches together."""
    steps: int = 0


def expand(program: Program, run: Run) -> Iterator[tuple[int, Operation | None]]:
    """(line, operation) in order; None for a line without one. :raises ScriptError: a value is out of range, or too many."""
    smallest = _at_least(program.statements)
    if smallest > SCRIPT_OPERATIONS:
        first = next(s for s in program.statements if isinstance(s.what, Repeat))
        raise _too_many(first)
    yield from _run_all(program.statements, run)


def _at_least(body: list[Statement]) -> int:
    # operations these lines come to for certain
    total = 0
    for statement in body:
        what = statement.what
        if isinstance(what, Line):
            total += 1
        elif isinstance(what, Repeat) and isinstance(what.times, int):
            total += what.times * _at_least(what.body)
    return total


def _too_many(statement: Statement) -> ScriptError:
    return statement.error(
        f"the script comes to more than {SCRIPT_OPERATIONS:,} operations; repeat fewer times", len(statement.text)
    )


def _run_all(body: list[Statement], run: Run) -> Iterator[tuple[int, Operation | None]]:
    for statement in body:
        what = statement.what
        run.steps += 1
        if run.steps > MAX_STEPS:
            raise statement.error(f"the script runs through more than {MAX_STEPS:,} lines; repeat fewer times", 6)
        if isinstance(what, Line):
            run.operations += 1
            if run.operations > SCRIPT_OPERATIONS:
                raise _too_many(statement)
            op = _made(what, run.env)
            run.runs += len(getattr(op, "runs", ()))
            if run.runs > MAX_ALL_RUNS:
                raise statement.error(f"the script touches more than {MAX_ALL_RUNS:,} runs; use longer ones", 6)
            yield statement.line, op
        elif isinstance(what, Repeat):
            yield from _loop(statement, what, run)
        else:
            _quiet(statement, what, run)
            yield statement.line, None


def _made(what: Line, env: Env) -> Operation:
    op = what.make(env)
    if env.highest is not None:
        env.highest = max(env.highest, getattr(op, "pid", 0), getattr(op, "child", 0))
    return op


def _loop(statement: Statement, loop: Repeat, run: Run) -> Iterator[tuple[int, Operation | None]]:
    times = loop.times(run.env) if callable(loop.times) else loop.times
    for index in range(times):
        run.steps += 1
        if loop.name:
            run.env.names[loop.name] = index
        yield statement.line, None
        yield from _run_all(loop.body, run)


def _quiet(statement: Statement, what: Let | Mark | Head, run: Run) -> None:
    if isinstance(what, Let):
        value = what.value(run.env) if callable(what.value) else what.value
        run.env.names[what.name] = run.settings.get(what.name, value)
    elif isinstance(what, Mark):
        if len(run.marks) >= MAX_NOTES:
            raise statement.error(f"more than {MAX_NOTES:,} bookmarks; mark less", 4)
        run.marks.append((run.operations, what.text, statement.line))
    else:
        if len(run.heads) >= MAX_FILES:
            raise statement.error(f"more than {MAX_FILES:,} lines that say what it runs on", len(what.word))
        values = {name: value(run.env) if callable(value) else value for name, value in what.values.items()}
        if what.word == "process" and run.env.highest is not None:
            run.env.highest = max(run.env.highest, values["pid"])
        run.heads.append((statement, values))


def expected_at(before: str, names: set[str]) -> list[Hope]:
    """What could stand behind the beginning of a line; nothing where that is wrong already."""
    reader = Reader()
    reader.names.update(names)
    cursor = Cursor(before, 1, reader.names)
    with suppress(ScriptError):
        reader.statement(cursor, 1)
    return list(cursor.hopes) if cursor.kind == "end" and not before.partition("#")[1] else []

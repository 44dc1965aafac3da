"""The memory of the processes that a recording was made with: not shown in it, but it goes through the same batches of the CPU.

Each process of a trace is a program that waits for one command, does it and answers. Its own pages are shared with its
children after a fork like any others, and the write fault on one that is not on the LRU yet drains every batch. That shows
in the trace where a page of the arena waits in one. What the recorder itself keeps takes about a page in two steps.
"""

from __future__ import annotations

from attrs import define, field

from rmapexplorer.core.batches import Batches
from rmapexplorer.core.operations import Exec, Exit, Fork, Operation, Touch

AT_ONCE = ("stack", "deep stack", "thread data", "library data", "data")
"""Pages that every program has written when its first command comes."""

AT_START = 31
"""Pages that a program writes from its start to its first command, about."""

WRITTEN = {7: "data", 9: "stack", 12: "library data", 19: "thread data"}
"""Which of them are those."""


@define
class _Own:
    # one page of the programs: its number in the batches (0: long on the LRU), who maps it, and who has a writable pte
    number: int
    mappers: set[int]
    writer: int | None


@define
class Recorder:
    """The programs by pid: what each has of the stack, its deeper page, the jump buffer, the signal stack, thread and other data."""

    batches: Batches
    own: dict[int, dict[str, _Own]] = field(factory=dict)
    calls: int = 0

    def start(self, pid: int) -> None:
        """A program has just begun, or has just done an execve."""
        self._leave(pid)
        self.own[pid] = {name: _Own(0, {pid}, pid) for name in AT_ONCE}

    def before(self, op: Operation) -> None:
        """What the program writes before the call takes place."""
        self.calls += 1
        if self.calls % 2:
            self.batches.add_stranger()
        self._write(getattr(op, "pid", 0), "thread data")  # the kernel itself does when a process wakes up (rseq)
        if isinstance(op, Touch):
            self._write(op.pid, "jump buffer")
        elif isinstance(op, Exit | Exec):
            for name in ("deep stack", "library data", "data"):
                self._write(op.pid, name)

    def after(self, op: Operation, error: str | None, signals: tuple[str, ...]) -> None:
        """What it writes when the call is done, or when the signal has come."""
        if error in signals and isinstance(op, Touch):
            for name in ("signal stack", "library data", "data"):
                self._write(op.pid, name)
        elif error:
            return
        elif isinstance(op, Fork):
            self.own[op.child] = dict(self.own.get(op.pid, {}))
            for page in self.own[op.child].values():
                page.mappers.add(op.child)
                page.writer = None
            self._write(op.pid, "stack")
            self._write(op.child, "thread data")
            self._write(op.child, "stack")
        elif isinstance(op, Exit):
            self._leave(op.pid)
        elif isinstance(op, Exec):
            self.start(op.pid)
            for number in range(AT_START):
                stranger = self.batches.add_stranger()
                if number in WRITTEN:
                    self.own[op.pid][WRITTEN[number]].number = stranger

    def _leave(self, pid: int) -> None:
        for page in self.own.pop(pid, {}).values():
            page.mappers.discard(pid)

    def _write(self, pid: int, name: str) -> None:
        """A write, with what do_wp_page does of it: drain where the page waits in a batch, then reuse or copy."""
        pages = self.own.get(pid)
        if pages is None:
            return
        page = pages.get(name)
        if page is not None and page.writer == pid:
            return
        if page is not None:
            if page.number in self.batches.adding and len(page.mappers) <= 2:
                self.batches.drain()
            if page.mappers == {pid}:
                page.writer = pid
                return
            page.mappers.discard(pid)
        pages[name] = _Own(self.batches.add_stranger(), {pid}, pid)

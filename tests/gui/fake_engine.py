"""An engine without a thread or a world: it answers from invented frames, and notes what it was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve, frozen

from rmapexplorer.core.metrics import METRICS
from rmapexplorer.core.operations import Operation, describe
from rmapexplorer.engine.frames import (
    Answer,
    Frame,
    HistoryEntry,
    Message,
    MetricRows,
    Notice,
    PathChanged,
    Progress,
    Saved,
    SessionOpened,
)
from tests.gui import frame_factory


@frozen
class FakeOption:
    """As core.design.Option."""

    name: str
    values: tuple[str, ...]
    help: str


@frozen
class FakeDesign:
    """What menus read of a design."""

    key: str
    title: str
    era: str = "2.6"
    story: str = "A story."
    OPTIONS: tuple[FakeOption, ...] = ()

    def __call__(self, **options: str) -> FakeDesign:
        """As making one with options: any mix is fine."""
        return self


DESIGNS = (
    FakeDesign("pte_chain", "pte chains"),
    FakeDesign("anonmm", "anonmm", OPTIONS=(FakeOption("variant", ("4e", "4c"), "loses pages"),)),
    FakeDesign("anon_vma", "anon_vma"),
    FakeDesign("anon_vma_chain", "anon_vma chains"),
)


class FakeEngine:
    """Every call is noted in ``calls`` as (name, *arguments). ``refusal`` is what the next submit is answered with."""

    def __init__(self) -> None:
        self.on_message: Callable[[], None] | None = None
        self.calls: list[tuple[Any, ...]] = []
        self.queue: list[Message] = []
        self.entries: list[HistoryEntry] = []
        self.refusal: Notice | None = None
        self.trouble: str = ""
        self.answers: dict[str, Any] = {}
        self.state: Frame = evolve(frame_factory.letter(), position=0, head=0, op_text="")
        self.running = False
        self.jobs = 0

    def post(self, *messages: Message) -> None:
        """Queue messages and wake the listener."""
        self.queue += messages
        if self.on_message is not None:
            self.on_message()

    def start(self) -> None:
        self.running = True

    def ask(self, question: Any) -> int:
        """The question is noted; ``answers`` holds what is said to the questions of a key."""
        self.calls.append(("ask", question))
        return self._answer(self.answers.get(question.key))

    def _answer(self, value: Any, trouble: Notice | None = None) -> int:
        self.jobs += 1
        self.post(Answer(ticket=self.jobs, value=value, trouble=trouble))
        return self.jobs

    def job(self, make: Callable[[int], Any]) -> int:
        """The job is made and noted, not done."""
        self.jobs += 1
        self.calls.append(("job", make(self.jobs)))
        return self.jobs

    def stop(self, timeout: float = 5.0) -> bool:
        self.calls.append(("stop",))
        self.running = False
        return True

    def take(self) -> list[Message]:
        taken, self.queue = self.queue, []
        return taken

    def new(self, session: Any, revision: int = 0) -> int:
        self.calls.append(("new", session))
        return self._enter("untitled", None, 1, revision)

    def open(self, path: str, revision: int = 0) -> int:
        self.calls.append(("open", path))
        if self.trouble:
            return self._fail()
        return self._enter(Path(path).stem, path, 6, revision)

    def _fail(self) -> int:
        trouble = Notice(level="error", text=self.trouble)
        self.post(trouble)
        return self._answer(None, trouble)

    def _enter(self, title: str, path: str | None, count: int, revision: int) -> int:
        self.entries = list(frame_factory.history(count).entries)
        generation = self.state.generation + 1
        self.state = evolve(frame_factory.letter(), generation=generation, position=max(0, count - 1), head=count)
        opened = SessionOpened(generation=generation, title=title, path=path, operations=count, revision=revision)
        self.post(opened)
        number = self._answer(opened)
        self._path(0)
        self._rows(0)
        self._show()
        return number

    def _path(self, keep: int) -> None:
        self.post(PathChanged(generation=self.state.generation, keep=keep, entries=tuple(self.entries[keep:])))

    def _rows(self, start: int) -> None:
        keys = tuple(state.key for state in self.state.designs)
        count = len(self.entries) + 1 - start
        rising = np.arange(start, start + count, dtype=float)[:, None, None]
        values = rising * (1 + np.arange(len(keys)))[None, :, None] * np.ones(len(METRICS))[None, None, :]
        self.post(MetricRows(generation=self.state.generation, start=start, designs=keys, values=values, truncate=True))

    def _show(self, **changes: Any) -> None:
        self.state = evolve(self.state, serial=self.state.serial + 1, **changes)
        self.post(self.state)

    def save(self, path: str, revision: int = 0, over: bool = False) -> int:
        self.calls.append(("save", path))
        if self.trouble:
            return self._fail()
        saved = Saved(path=path, operations=len(self.entries), revision=revision)
        self.post(saved)
        return self._answer(saved)

    def submit(self, ops: Sequence[Operation], title: str = "") -> int:
        self.calls.append(("submit", tuple(ops), title))
        self.jobs += 1
        keep = self.state.position
        error = self.refusal.errno if self.refusal is not None else None
        rule = self.refusal.text if self.refusal is not None else ""
        made = [
            HistoryEntry(position=keep + 1 + i, name=op.name, text=describe(op), error=error, rule=rule)
            for i, op in enumerate(ops)
        ]
        self.entries = self.entries[:keep] + made
        if self.refusal is not None:
            self.post(self.refusal)
        self._path(keep)
        self._rows(keep + 1)
        self.post(Progress(job=self.jobs, title=title, done=len(ops), total=len(ops), finished=True))
        end = len(self.entries)
        self._show(position=end, head=end, op_text=describe(ops[-1]))
        return self.jobs

    def keep(self, keeper: Any) -> None:
        self.calls.append(("keep", keeper))

    def cancel(self, job: int) -> None:
        self.calls.append(("cancel", job))

    def seek(self, position: int) -> None:
        self.calls.append(("seek", position))
        self._show(position=min(max(0, position), len(self.entries)))

    def undo(self) -> None:
        self.calls.append(("undo",))
        self._show(position=max(0, self.state.position - 1))

    def redo(self) -> None:
        self.calls.append(("redo",))
        self._show(position=min(len(self.entries), self.state.position + 1))

    def branch(self, name: str) -> None:
        self.calls.append(("branch", name))

    def select(self, pid: int, vpn: int = -1) -> None:
        self.calls.append(("select", pid, vpn))

    def view(self, design: str) -> None:
        self.calls.append(("view", design))
        self._show(view=design)

    def set_designs(self, designs: Sequence[tuple[str, dict[str, str]]]) -> None:
        self.calls.append(("set_designs", list(designs)))

    def set_calls(self, era: str) -> None:
        self.calls.append(("set_calls", era))

    def set_machine(self, changes: Mapping[str, Any]) -> None:
        self.calls.append(("set_machine", dict(changes)))

    def named(self, name: str) -> list[tuple[Any, ...]]:
        """The calls of one name."""
        return [call for call in self.calls if call[0] == name]

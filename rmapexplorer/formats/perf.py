"""Recordings of real programs: the text of `perf script` becomes a session.

The lines are read in file order. System calls are put together from their two ends per thread (perf_calls), what
execve maps comes from MMAP2 records alone (perf_exec), page faults become ordered touches (perf_log), tasks are
kept apart in perf_tasks. What cannot become an operation is counted and listed in the session's report.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from rmapexplorer.core.room import ROOM
from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import PAGE_SHIFT, TASK_SIZE_PAGES, Machine
from rmapexplorer.formats import limits, perf_lines, perf_usual
from rmapexplorer.formats.errors import Asked, Cancelled, FormatError, Progress
from rmapexplorer.formats.perf_calls import ARGUMENTS, Call, Files, Translation
from rmapexplorer.formats.perf_exec import map_by_kernel, map_unexplained, stack_grown
from rmapexplorer.formats.perf_lines import Line, Mapping
from rmapexplorer.formats.perf_log import Log
from rmapexplorer.formats.perf_space import Area
from rmapexplorer.formats.perf_tasks import CLONE_THREAD, Process, Tasks
from rmapexplorer.formats.reading import Source, opened
from rmapexplorer.formats.session import Session

DESIGNS = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")
"""Keys of the designs a recording is opened with, the last one in view."""

FOREIGN_LINES = 500
"""A file whose first lines, this many, are no events at all is no recording."""

_QUIET = frozenset(
    (
        "MMAP",
        "sched_process_exec",
        "sys_enter_execve",
        "sys_exit_execve",
        "KSYMBOL",
        "BPF_EVENT",
        "NAMESPACES",
        "CGROUP",
    )
)


class Foreign(Exception):
    """What is read is no recording."""


class Translator:
    """Takes the lines of one recording, one after the other."""

    def __init__(self) -> None:
        self.log = Log()
        self.tasks = Tasks(self.log)
        self.lines = 0
        self.events = 0
        self.useful = 0  # events that may change memory
        self._files = Files()
        self._calls: dict[int, Call] = {}
        self._forks = False  # PERF_RECORD_FORK is recorded, so that the kernel's own events of a fork only add to it
        self._handlers: dict[str, Callable[[Line], None]] = {
            "page_fault_user": self._fault, "page_fault_kernel": self._fault,
            "MMAP2": lambda line: self._mmap2(line, perf_lines.mapping(line.rest)),
            "COMM": self._comm, "COMM exec": self._comm_exec, "FORK": self._fork, "EXIT": self._exit,
            "task_newtask": self._newtask, "sched_process_fork": self._process_fork,
            "sched_process_exit": self._process_exit, "LOST": self._lost, "LOST_SAMPLES": self._lost,
        }  # fmt: skip

    def feed(self, text: str) -> None:
        """One line of the recording."""
        self.lines += 1
        line = perf_lines.split(text.replace("\0", "\ufffd"))
        if line is None:
            if text.strip() and not text.lstrip().startswith("#"):
                self.log.skip("line", f"is no event of perf script (the first is among lines {self._about()})")
            return
        self.events += 1
        handler = self._handlers.get(line.event)
        if handler is not None:
            self.useful += 1
            handler(line)
        elif line.event.startswith("sys_enter_"):
            name = line.event.removeprefix("sys_enter_")
            self.useful += name in ARGUMENTS
            self._enter(line, name, perf_lines.numbers(line.rest))
        elif line.event.startswith("sys_exit_"):
            self._leave(line, line.event.removeprefix("sys_exit_"), perf_lines.result(line.rest))
        elif line.event not in _QUIET:
            self.log.skip(line.event, "an event that changes no memory known here")

    def feed_lines(self, lines: Sequence[bytes]) -> None:
        """Lines that follow each other, without their ends; what comes of them is what ``feed`` makes of each.

        Most are faults of the task and in the area of the line before, which need no more than a look at both.

        :raises Foreign: the recording begins with FOREIGN_LINES lines that are no events.
        """
        task, low, high, allowed = b"", 0, 0, ""
        process: Process | None = None
        usual, touch, before, number = perf_usual.USUAL, self.log.touch, self.lines, self.lines
        for number, text in enumerate(lines, before + 1):
            found = usual(text)
            if found is None:
                self.lines = number - 1
                self.feed(text.decode("utf-8", "replace"))
                if number == FOREIGN_LINES and not self.events:
                    raise Foreign
                process = None  # it may be another one now, or mapped otherwise
                continue
            self.events += 1
            if found.lastindex != perf_usual.FAULT:
                self._usual_call(found)
                process = None
                continue
            self.useful += 1
            comm, who, kind, address, code = found.group(1, 2, 4, 5, 6)
            vpn, access = int(address, 16) >> PAGE_SHIFT, "w" if int(code, 16) & 2 else "r"
            if process is not None and who == task and low <= vpn < high and access in allowed:
                if kind == b"user":
                    process.execing = False
                touch(process.pid, vpn, access)
                continue
            process, area = self._touch(*perf_usual.whose(comm, who), kind == b"user", vpn, access)
            if area is not None:
                task, low, high, allowed = who, area.start, area.end, "rw" if "w" in area.prot else "r"
            else:
                process = None
        self.lines = number

    def _usual_call(self, found: re.Match[bytes]) -> None:
        # one end of a system call, or what was mapped
        if found.lastindex == perf_usual.ENTER:
            name = found[7].decode()
            self.useful += name in ARGUMENTS
            self._enter(perf_usual.line(found, f"sys_enter_{name}"), name, perf_usual.values(found))
        elif found.lastindex == perf_usual.LEAVE:
            name = found[9].decode()
            self._leave(perf_usual.line(found, f"sys_exit_{name}"), name, perf_usual.result(found))
        else:
            self.useful += 1
            self._mmap2(perf_usual.line(found, "MMAP2"), perf_usual.mapping(found))

    def _about(self) -> str:
        low = (self.lines - 1) // 1000 * 1000
        return f"{low + 1} to {low + 1000}"

    def long_line(self) -> None:
        """A line that was too long to be kept."""
        self.lines += 1
        self.log.skip("line", "is longer than any that perf prints")

    def finish(self) -> None:
        """The recording is over: what is still open is closed or counted."""
        for call in self._calls.values():
            if not call.done:
                self.log.skip(call.name, "had not returned when the recording ended")
        self.tasks.settle()
        self.log.flush()

    def _bad(self, line: Line) -> None:
        self.log.skip(line.event, "the line is damaged or of an unknown form")

    def _fault(self, line: Line) -> None:
        found = perf_lines.fault(line.rest)
        if found is None:
            self._bad(line)
            return
        address, code = found
        user = line.event == "page_fault_user"
        self._touch(line.pid, line.tid, line.comm, user, address >> PAGE_SHIFT, "w" if code & 2 else "r")

    def _touch(
        self, pid: int, tid: int, comm: str, user: bool, vpn: int, access: str
    ) -> tuple[Process | None, Area | None]:
        # a fault; whose it is and the area that allows it, None where it became no touch
        if not 0 <= vpn < TASK_SIZE_PAGES:
            self.log.skip("page fault", "outside of the user's address space")
            return None, None
        if tid <= 0:
            self.log.skip("page fault", "of the idle task")
            return None, None
        process = self.tasks.find(pid, tid, comm)
        if user:
            process.execing = False
        area = process.space.at(vpn) or process.space.grow(vpn)
        if why := _no_touch(area, access):
            self.log.skip("page fault", why)
            return process, None
        self.log.touch(process.pid, vpn, access)
        return process, area

    def _mmap2(self, line: Line, mapped: Mapping | None) -> None:
        if mapped is None:
            self._bad(line)
        elif mapped.pid <= 0:
            return
        elif line.synthesised:
            process = self.tasks.find(mapped.pid, mapped.tid, self.tasks.named.get(mapped.pid, ""))
            map_by_kernel(self.log, self._files, process.pid, process.space, mapped, fresh=False)
        elif mapped.tid in self._calls:
            self._calls[mapped.tid].mapped = mapped
        elif (known := self.tasks.by_tid.get(mapped.tid)) is not None:
            if known.execing:
                map_by_kernel(self.log, self._files, known.pid, known.space, mapped, fresh=True)
            elif mapped.name == "[stack]":
                stack_grown(self.log, known.pid, known.space, mapped)
            else:
                map_unexplained(self.log, self._files, known.pid, known.space, mapped)

    def _enter(self, line: Line, name: str, values: list[int]) -> None:
        if name not in ARGUMENTS:
            self.log.skip(name, "a system call that changes no memory known here")
            return
        if line.tid <= 0:
            self._bad(line)
            return
        process = self.tasks.find(line.pid, line.tid, line.comm)
        process.execing = False
        if line.tid in self._calls:
            self.log.skip(self._calls[line.tid].name, "its result is not in the recording")
        self._calls[line.tid] = Call(name, values, process.pid, process.space)

    def _leave(self, line: Line, name: str, result: int | None) -> None:
        if name not in ARGUMENTS:
            return
        call = self._calls.pop(line.tid, None)
        if call is None or call.name != name:
            self.log.skip(name, "began before the recording or its beginning was lost")
        elif result is None:
            self._bad(line)
        else:
            rivals = [other for other in self._calls.values() if other.space is call.space]
            Translation(self.log, self._files, call, result, rivals).run()

    def _comm(self, line: Line) -> None:
        self.tasks.recorded = True
        if (found := perf_lines.comm(line.rest)) is None:
            self._bad(line)
        elif found[1] == found[2]:
            self.tasks.named[found[1]] = found[0]

    def _comm_exec(self, line: Line) -> None:
        self.tasks.recorded = True
        found = perf_lines.comm(line.rest)
        if found is None or found[1] <= 0:
            self._bad(line)
            return
        name, pid, tid = found
        self._calls.pop(tid, None)
        self.tasks.executed(pid, name)

    def _fork(self, line: Line) -> None:
        self.tasks.recorded = True
        found = perf_lines.pair(line.rest)
        if found is None or min(found[:2]) <= 0 or not (found[0] == found[1]) ^ (found[0] == found[2]):
            self._bad(line)  # a child leads a group of its own or joins its parent's
            return
        pid, tid, ppid, ptid = found
        if line.synthesised:
            if pid != tid:  # a thread that was there before
                self.tasks.find(pid, tid, self.tasks.named.get(pid, ""))
        elif ppid > 0:
            self._forks = True
            self.tasks.forked(pid, tid, ppid, ptid)

    def _newtask(self, line: Line) -> None:
        words = perf_lines.words(line.rest)
        tid = perf_lines.task(words.get("pid", ""))
        try:
            flags = int(words.get("clone_flags", ""), 16)
        except ValueError:
            tid = 0
        if tid == 0 or line.tid <= 0 or tid == line.tid:
            self._bad(line)
            return
        tid = self.tasks.child_of(line.tid, tid)
        if tid not in self.tasks.newborn:
            if self._forks:
                return
            parent = self.tasks.find(line.pid, line.tid, line.comm)
            self.tasks.forked(parent.pid if flags & CLONE_THREAD else tid, tid, parent.pid, line.tid)
        self.tasks.born(tid, flags)

    def _process_fork(self, line: Line) -> None:
        tid = perf_lines.task(perf_lines.words(line.rest).get("child_pid", ""))
        if tid == 0 or line.tid <= 0 or tid == line.tid:
            self._bad(line)
        elif (born := self.tasks.child_of(line.tid, tid)) in self.tasks.newborn:
            self.tasks.born(born, None)
        elif tid not in self.tasks.by_tid and not self._forks:
            parent = self.tasks.find(line.pid, line.tid, line.comm)
            self.tasks.forked(tid, tid, parent.pid, line.tid)
            self.tasks.born(tid, None)

    def _exit(self, line: Line) -> None:
        self.tasks.recorded = True
        if (found := perf_lines.pair(line.rest)) is None:
            self._bad(line)
        else:
            self._gone(found[1])
            self.tasks.ended(found[1])

    def _process_exit(self, line: Line) -> None:
        self.tasks.dies(line.tid)

    def _gone(self, tid: int) -> None:
        if (call := self._calls.pop(tid, None)) is not None and not call.done:
            self.log.skip(call.name, "its thread ended before it returned")

    def _lost(self, line: Line) -> None:
        self.log.skip("LOST", "perf lost events here, what follows may not fit")


def _no_touch(area: Area | None, access: str) -> str:
    # Why a fault cannot be a touch; empty where it can.
    if area is None:
        return "where nothing is known to be mapped"
    if area.huge:
        return "in a mapping of huge pages"
    if not area.prot or (access == "w" and "w" not in area.prot):
        return f"the mapping does not allow it ({'write' if access == 'w' else 'read'})"
    return ""


def load_perf(path: str, progress: Progress | None = None, cancelled: Asked | None = None) -> Session:
    """The recording in the file as a session; FormatError where there is none, Cancelled where the user stopped."""
    with opened(path) as source:
        return read_perf(source, progress, cancelled)


def read_perf(source: Source, progress: Progress | None = None, cancelled: Asked | None = None) -> Session:
    """The recording in an open file."""
    translator = Translator()
    try:
        for lines in source.blocks():
            if lines is None:
                translator.long_line()
            else:
                translator.feed_lines(lines)
            _bounded(translator, source)
            if cancelled is not None and cancelled():
                raise Cancelled
            if progress is not None:
                progress(source.done, source.total)
        translator.finish()
    except Foreign:
        raise _foreign(source.path) from None
    if not translator.events:
        raise _foreign(source.path)
    operations = translator.log.taken()
    if not operations:
        raise _useless(source.path, translator.events)
    if progress is not None:
        progress(source.total, source.total)
    return Session(
        title=os.path.basename(source.path).removesuffix(".gz").removesuffix(".txt").removesuffix(".perf"),
        machine=Machine(max_map_count=ERAS[0].max_map_count),
        designs=tuple((key, {}) for key in DESIGNS),
        operations=operations,
        position=len(operations),
        view=DESIGNS[-1],
        report=translator.log.report(),
        path=source.path,
    )


def _bounded(translator: Translator, source: Source) -> None:
    ROOM.ask()
    if translator.events > limits.EVENTS_WITHOUT_MEMORY and not translator.useful:
        raise _useless(source.path, translator.events)
    if len(translator.log.operations) > limits.MAX_OPERATIONS:
        raise FormatError(
            f"{source.path}: comes to more than {limits.MAX_OPERATIONS:,} operations; record for a shorter time."
        )


def _useless(path: str, events: int) -> FormatError:
    return FormatError(
        f"{path}: has {events:,} events of perf script, but none that changes memory; record with the events of mmap, "
        "brk, page faults and tasks."
    )


def _foreign(path: str) -> FormatError:
    return FormatError(
        f"{path}: is neither a session (.rmap) nor the text that perf script prints; choose another file."
    )

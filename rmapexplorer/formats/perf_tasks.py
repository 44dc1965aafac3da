"""Who is who in a recording: tasks by tid, processes by pid, and which mm they use.

Memory operations name the process (threads share its mm); Clone and Exit name the thread. A leader that ended before
its threads stays until the last of them is gone, as the zombie it is.
"""

from __future__ import annotations

from attrs import define, field

from rmapexplorer.core.operations import Clone, Exec, Exit, Fork, Spawn
from rmapexplorer.formats.perf_log import Log
from rmapexplorer.formats.perf_space import Space

CLONE_VM, CLONE_THREAD = 0x100, 0x10000


@define(eq=False)
class Process:
    """A thread group. ``execing``: what MMAP2 tells now is the work of execve."""

    pid: int
    space: Space
    threads: set[int] = field(factory=set)
    leader_gone: bool = False
    execing: bool = False


@define(eq=False)
class Tasks:
    """All tasks alive. ``named``: comms that perf told of before anything happened."""

    log: Log
    by_tid: dict[int, Process] = field(factory=dict)
    by_pid: dict[int, Process] = field(factory=dict)
    named: dict[int, str] = field(factory=dict)
    newborn: dict[int, tuple[int, int, int]] = field(factory=dict)
    """tid -> (pid, parent's pid, parent's tid): forked, and task_newtask has not told yet how."""
    dying: set[int] = field(factory=set)
    recorded: bool = False
    """perf's own task records are in the recording, so that exits are told by PERF_RECORD_EXIT."""

    def find(self, pid: int, tid: int, comm: str) -> Process:
        """The process of a line; one that was there before the recording is made up."""
        if tid in self.newborn:
            self.born(tid, None)
        process = self.by_tid.get(tid)
        if process is not None and pid in (process.pid, -1):
            return process
        if process is not None:  # the tid has another process now: its end was not recorded
            self.ended(tid)
        pid = tid if pid < 0 else pid
        known = self.by_pid.get(pid)
        if known is None:
            self.log.skip("process", "was running before the recording, its memory until then is unknown")
            known = self._spawn(pid, self.named.get(pid, comm))
        if tid != pid:
            self._join(known, tid)
        return known

    def _spawn(self, pid: int, comm: str) -> Process:
        self.log.emit(Spawn(pid=pid, comm=comm))
        return self._enter(pid, Space())

    def _enter(self, pid: int, space: Space) -> Process:
        process = self.by_pid[pid] = self.by_tid[pid] = Process(pid, space, {pid})
        return process

    def _join(self, process: Process, tid: int) -> None:
        self.log.emit(Clone(pid=process.pid, child=tid, thread=True))
        process.threads.add(tid)
        self.by_tid[tid] = process

    def forked(self, pid: int, tid: int, ppid: int, ptid: int) -> None:
        """PERF_RECORD_FORK: how the two share memory is told by the task_newtask that follows."""
        if tid in self.newborn:
            self.born(tid, None)
        if tid in self.by_tid:
            self.ended(tid)
        if pid in self.by_pid and pid != ppid:
            self._finish(self.by_pid[pid])
        self.newborn[tid] = (pid, ppid, ptid)

    def child_of(self, ptid: int, tid: int) -> int:
        """The tid that perf gave the newborn the kernel calls ``tid``: another in a pid namespace of its own."""
        if tid not in self.newborn:
            for newborn, (_, _, parent) in self.newborn.items():
                if parent == ptid:
                    return newborn
        return tid

    def born(self, tid: int, clone_flags: int | None) -> None:
        """The task begins, its parents before it where they have not; without flags a pid of its own means fork."""
        line = {tid: None}  # a damaged recording may have a chain of any length, or a circle
        while (at := self.newborn[next(reversed(line))][2]) in self.newborn and at not in line:
            line[at] = None
        for parent in list(reversed(line))[:-1]:
            self._begin(parent, None)
        self._begin(tid, clone_flags)

    def _begin(self, tid: int, clone_flags: int | None) -> None:
        if tid not in self.newborn:
            return
        pid, ppid, ptid = self.newborn.pop(tid)
        parent = self.find(ppid, ptid, self.named.get(ppid, ""))
        if pid == parent.pid:
            self._join(parent, tid)
        elif clone_flags is not None and clone_flags & CLONE_VM:
            self.log.emit(Clone(pid=parent.pid, child=pid, thread=False))
            self._enter(pid, parent.space)
        else:
            self.log.emit(Fork(pid=parent.pid, child=pid))
            self._enter(pid, parent.space.forked())

    def executed(self, pid: int, comm: str) -> None:
        """COMM exec: the other threads are gone, the mm is a new one."""
        if pid in self.newborn:
            self.born(pid, None)
        process = self.by_pid.get(pid)
        if process is None:
            process = self._spawn(pid, comm)
        else:
            for tid in sorted(process.threads - {pid}):
                self.log.emit(Exit(pid=tid))
                self.by_tid.pop(tid, None)
            process.leader_gone = False
            process.threads = {pid}
            self.by_tid[pid] = process
            self.log.emit(Exec(pid=pid, comm=comm))
            process.space = Space()
        self.dying.discard(pid)
        process.execing = True

    def dies(self, tid: int) -> None:
        """sched_process_exit; the mm is left a little later, at PERF_RECORD_EXIT where that is recorded."""
        if self.recorded:
            if tid in self.by_tid:
                self.dying.add(tid)
        else:
            self.ended(tid)

    def ended(self, tid: int) -> None:
        """The task is gone; told a second time, nothing happens."""
        if tid in self.newborn:
            self.born(tid, None)
        self.dying.discard(tid)
        process = self.by_tid.pop(tid, None)
        if process is None:
            return
        process.threads.discard(tid)
        if tid == process.pid:
            process.leader_gone = True
        else:
            self.log.emit(Exit(pid=tid))
        if process.leader_gone and not process.threads:
            self._finish(process)

    def _finish(self, process: Process) -> None:
        # also for a process whose end the recording missed
        for tid in sorted(process.threads - {process.pid}):
            self.log.emit(Exit(pid=tid))
            self.by_tid.pop(tid, None)
        self.log.emit(Exit(pid=process.pid))
        self.by_tid.pop(process.pid, None)
        self.by_pid.pop(process.pid, None)

    def settle(self) -> None:
        """The recording is over."""
        for tid in list(self.newborn):
            if tid in self.newborn:
                self.born(tid, None)
        for tid in sorted(self.dying):
            self.ended(tid)

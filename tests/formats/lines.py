"""Lines of perf script for the tests, as short as they can be told."""

from __future__ import annotations

from rmapexplorer.formats.perf import Translator

ADDR = 0x7F0000000000


class Script:
    """Collects lines; ``ops()`` is what becomes of them, without the Spawn and Exec set-up of ``started``."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.skip = 0

    def raw(self, text: str) -> Script:
        self.lines.append(text)
        return self

    def at(self, who: str, event: str) -> Script:
        pid, _, tid = who.partition("/")
        return self.raw(f"   prog {pid}/{tid or pid} {len(self.lines) + 1}.000000: {event}")

    def call(self, who: str, name: str, values: list[int], result: int, mapped: str = "") -> Script:
        self.at(who, f"syscalls:sys_enter_{name}: " + ", ".join(f"a: {value:#x}" for value in values))
        if mapped:
            self.mmap2(who, mapped)
        return self.at(who, f"syscalls:sys_exit_{name}: {result & (1 << 64) - 1:#x}")

    def mmap2(self, who: str, text: str) -> Script:
        pid, _, tid = who.partition("/")
        return self.at(who, f"PERF_RECORD_MMAP2 {pid}/{tid or pid}: {text}")

    def fault(self, who: str, address: int, code: int = 6, kind: str = "user") -> Script:
        return self.at(who, f"exceptions:page_fault_{kind}: address={address:#x} ip=0x1 error_code={code:#x}")

    def mmap(self, who: str, address: int, pages: int, prot: int = 3, flags: int = 0x22) -> Script:
        return self.call(who, "mmap", [0, pages * 4096, prot, flags, 0xFFFFFFFF, 0], address)

    def fork(self, pid: int, child: int, flags: int = 0x1200000, tid: int = 0) -> Script:
        group = pid if flags & 0x10000 else child
        self.at(f"{pid}/{tid or pid}", f"PERF_RECORD_FORK({group}:{child}):({pid}:{tid or pid})")
        self.at(
            f"{pid}/{tid or pid}", f"task:task_newtask: pid={child} comm=prog clone_flags={flags:x} oom_score_adj=0"
        )
        return self.at(f"{pid}/{tid or pid}", f"sched:sched_process_fork: comm=prog pid={pid} child_pid={child}")

    def exit(self, pid: int, tid: int = 0) -> Script:
        who = f"{pid}/{tid or pid}"
        self.at(who, f"sched:sched_process_exit: comm=prog pid={tid or pid} prio=120 group_dead=true")
        return self.at(who, f"PERF_RECORD_EXIT({pid}:{tid or pid}):(1:1)")

    def exec(self, pid: int, name: str = "prog") -> Script:
        return self.at(f"{pid}", f"PERF_RECORD_COMM exec: {name}:{pid}/{pid}")

    def done(self) -> Translator:
        translator = Translator()
        for line in self.lines:
            translator.feed(line + "\n")
        translator.finish()
        return translator

    def ops(self) -> list[object]:
        return list(self.done().log.operations[self.skip :])

    def report(self) -> tuple[str, ...]:
        return self.done().log.report()


def started(pid: int = 5) -> Script:
    """A process that has just executed; its Spawn is not among ``ops()``."""
    script = Script().exec(pid)
    script.skip = 1
    return script

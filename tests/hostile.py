"""Hostile files through ``run``, ``compare``, ``verify`` and ``export``: ``python -m tests.hostile --count 300 --seed 1``.

Each file is opened or refused in one sentence with exit code 3, in little memory and soon: anything else is printed, and
the exit code is 1. ``--kinds`` takes those of hostile_kinds instead, ``--processes N`` runs every N-th file in processes
of its own with ``ulimit -v``, ``--window`` opens, drops and recovers them in one window, ``--write FOLDER`` only writes
them, ``--only WORD`` takes those with the word in their names.

Time is CPU time of the process that reads (its own, where it is one of its own): waiting does not count. What else runs does
nevertheless, since cores share caches and clock: the limits are those of a machine on which ``calibrated`` takes REFERENCE,
stretched by what it takes here, at the start and once more before anything is called slow. The factor is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import define

from rmapexplorer.core.room import MEGABYTES, ROOM
from tests.hostile_files import hostile
from tests.hostile_kinds import kinds

READING = 2.0
"""CPU seconds in which a file of up to 10 MB is read or refused, on a machine that calibrates at REFERENCE."""
WORKING = 20.0
"""CPU seconds of a whole command, which also runs what it read under several designs."""
REFERENCE = 0.09
"""CPU seconds of ``calibrated`` for which the limits are meant as they stand. One core of an AMD EPYC of 2.4 GHz takes 0.11
to 0.16, the more the busier the others are."""
ADDRESS_SPACE = 1500
"""MB of virtual memory of a process, libraries included."""

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("run", "{}"), ("compare", "{}", "--design", "anonmm", "anon_vma_chain", "--json", "/dev/null"), ("verify", "{}"),
    ("export", "{}", "--html", "/dev/null"),
)  # fmt: skip


def calibrated() -> float:
    """CPU seconds of a fixed piece of Python work: the best of five."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        json.loads(json.dumps([{"op": "touch", "pid": n, "runs": [[n, n + 1, "w"]]} for n in range(30_000)]))
        best = min(best, time.process_time() - began)
    return best


@define
class Taken:
    """The most that any file took: CPU seconds by command, and MB, each with the file."""

    seconds: dict[str, tuple[float, str]]
    megabytes: tuple[int, str] = (0, "")

    def note(self, what: str, seconds: float, megabytes: int, name: str) -> None:
        """One command on one file."""
        self.seconds[what] = max(self.seconds.get(what, (0.0, "")), (seconds, name))
        self.megabytes = max(self.megabytes, (megabytes, name))

    def __str__(self) -> str:
        slowest = "; ".join(f"{what} {seconds:.2f} s ({name})" for what, (seconds, name) in self.seconds.items())
        return f"slowest: {slowest}; highest peak {self.megabytes[0]} MB ({self.megabytes[1]})"


def wrong(code: int, out: str, err: str) -> str:
    """What is wrong with the answer of a command, "" for nothing."""
    said = [line for line in err.splitlines() if not line.startswith("rmapexplorer: skipped:")]
    acting = set(out + err) & set("\x1b\x07\u202e\x9b\x7f\x08")
    if "Traceback" in err or code not in (0, 1, 2, 3):
        return f"exit code {code}: {err.strip()[-200:]}"
    if acting:
        return f"control characters {acting}"
    if code in (2, 3) and (len(said) != 1 or not said[0].startswith("rmapexplorer: ") or len(said[0]) > 2500):
        return f"exit code {code} with {len(said)} lines: {err.strip()[:300]}"
    if code in (0, 1) and said:
        return f"exit code {code}, but {said[0][:200]}"
    return ""


def here(words: list[str]) -> tuple[int, str, str]:
    """A command in this process: exit code, output, error output."""
    from rmapexplorer.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    return code, out.getvalue(), err.getvalue()


def late(seconds: float, limit: float, factor: float) -> bool:
    """Whether that is too long, by the machine as it was at the start and as it is now."""
    return seconds > limit * factor and seconds > limit * calibrated() / REFERENCE


def fresh_peak() -> None:
    """From now on ``peak`` is of what comes: what the file before left behind is given back first."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """MB this process has had at most since ``fresh_peak``."""
    words = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()
    return int(words[0]) >> 10


def measured(words: list[str]) -> tuple[tuple[int, str, str], float, int]:
    """``here``, with the CPU seconds it took and the MB this process had at most."""
    fresh_peak()
    began = time.process_time()
    answer = here(words)
    return answer, time.process_time() - began, peak()


def apart(words: list[str]) -> tuple[tuple[int, str, str], float, int]:
    """The same as a process of its own with a limit of memory; what it took is what the system counted for it."""
    shell = f'ulimit -v {ADDRESS_SPACE * 1024}; exec "$@"'
    command = ["bash", "-c", shell, "bash", sys.executable, "-m", "rmapexplorer", *words]
    env = {"PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1", "HOME": tempfile.gettempdir()}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(command, stdout=out, stderr=err, env=env)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return (child.returncode, texts[0], texts[1]), usage.ru_utime + usage.ru_stime, usage.ru_maxrss >> 10


def read(path: Path) -> float:
    """CPU seconds to read the file, or to refuse it."""
    from rmapexplorer.core.room import bounded
    from rmapexplorer.formats.errors import FormatError
    from rmapexplorer.formats.open import load_any

    began = time.process_time()
    with bounded(), contextlib.suppress(FormatError):
        load_any(str(path))
    return time.process_time() - began


def trials(
    folder: Path, files: Iterable[tuple[str, bytes]], taken: Taken, factor: float = 1.0, processes: int = 0
) -> Iterator[str]:
    """Every command on every file; what went wrong, a line each."""
    for number, (name, data) in enumerate(files):
        path = folder / name
        path.write_bytes(data)
        taken.note("read", seconds := read(path), 0, name)
        if late(seconds, READING * max(1, len(data) / 40e6), factor):
            yield f"{name}: read in {seconds:.1f} s"
        do = apart if processes and number % processes == 0 else measured
        for words in COMMANDS:
            try:
                answer, seconds, megabytes = do([word.format(path) for word in words])
                problem = wrong(*answer)
            except Exception as error:  # noqa: BLE001 - whatever comes out of the program is what is looked for
                problem, seconds, megabytes = f"{type(error).__name__}: {error}", 0.0, 0
            taken.note(words[0], seconds, megabytes, name)
            if problem or late(seconds, WORKING, factor):
                yield f"{name}: {words[0]}: {problem or f'{seconds:.1f} s'}"
            if megabytes > MEGABYTES:
                yield f"{name}: {words[0]}: {megabytes} MB"
        path.unlink()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", action="store_true", help="the files of hostile_kinds instead")
    parser.add_argument("--processes", type=int, default=0, metavar="N", help="every N-th file in processes of its own")
    parser.add_argument("--window", action="store_true", help="open them in one window, offscreen")
    parser.add_argument("--write", metavar="FOLDER", help="only write the files")
    parser.add_argument("--only", default="", metavar="WORD", help="files with this in their names")
    options = parser.parse_args()
    made = kinds() if options.kinds else hostile(options.count, options.seed)
    files = ((name, data) for name, data in made if options.only in name)
    if options.write:
        for name, data in files:
            (Path(options.write) / name).write_bytes(data)
        return 0
    factor = max(1.0, calibrated() / REFERENCE)
    found, taken = 0, Taken({})
    with tempfile.TemporaryDirectory() as folder:
        if options.window:
            from tests.hostile_window import opened

            lines = opened(Path(folder), files, taken, factor)
        else:
            lines = trials(Path(folder), files, taken, factor, options.processes)
        for line in lines:
            print(line, flush=True)
            found += 1
    print(
        f"{found} wrong; {taken}; times may be {factor:.2f} times those of the reference; now {ROOM.taken() >> 20} MB"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""``bench``: the core measured on this machine beside the kernel, the window against its frame budget, long recordings."""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.table import Table

import rmapexplorer
from rmapexplorer.bench import recordings, sheets
from rmapexplorer.bench.cases import CASES
from rmapexplorer.bench.measured import Figure, met
from rmapexplorer.bench.rig import Rig
from rmapexplorer.bench.runner import chosen, measured
from rmapexplorer.commands import _bench_window as bench_window
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.writing import STDOUT
from rmapexplorer.report import no_target, sheet
from rmapexplorer.terminal import (
    BAD_FILE,
    CANCELLED,
    FAILED,
    OK,
    USAGE,
    Trouble,
    complain,
    show,
    write_json,
    write_out,
)

MOST_LINES = 50_000_000
"""Lines of a recording that is written: no more than can be read again."""

SHEET_BYTES = 64 << 20


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("--gui", action="store_true", help="measure the window instead of the core")
    parser.add_argument("--all", action="store_true", help="measure the core, then the window")
    parser.add_argument(
        "--only", metavar="PATTERN", default="",
        help="of the core, only these cases, commas between the names, which may hold * and ?: " + ", ".join(_names()),
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="small sizes and short times: a trial of the bench itself")
    parser.add_argument("--long", action="store_true", help="recordings of five million lines too, which takes long")
    parser.add_argument(
        "--recording",
        metavar="FILE",
        help="what the cases pool and pool-lines run (default: that of the tests, in a checkout)",
    )
    parser.add_argument("--json", metavar="OUT", help="write the figures there as JSON; - is standard output")
    parser.add_argument(
        "--compare", metavar="OLD.json", help="show the figures beside those of that file, and which are worse"
    )
    parser.add_argument("--check", action="store_true", help="exit code 1 where a goal is missed, or a figure worse")
    parser.add_argument(
        "--write-recording", choices=("pool", "malloc"), metavar="KIND",
        help="measure nothing; write a long recording: pool is a recording told many times, malloc is an allocator's",
    )  # fmt: skip
    parser.add_argument(
        "--lines", type=int, metavar="N", default=1_000_000, help="of it (default: a million, at least)"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it, packed where it ends in .gz")
    bench_window.declare(parser)


def _names() -> list[str]:
    # families of cases, one for each design, as patterns
    names = [case.name for case in CASES]
    families = ("walk-", "explosion-forked-", "explosion-")
    family = {name: next((start for start in families if name.startswith(start)), "") for name in names}
    return list(dict.fromkeys(f"{family[name]}*" if family[name] else name for name in names))


def carry_out(options: argparse.Namespace) -> int:
    """Measure and print."""
    if options.write_recording:
        return _write_recording(options)
    window, core = options.gui or options.all, options.all or not options.gui
    if options.trials and not window:
        raise Trouble(f"{options.trials[0]!r} is of the window: give --gui, or --only for a case of the core.", USAGE)
    if options.json not in (None, STDOUT) and (sentence := no_target(options.json, options.compare or "")):
        raise Trouble(sentence, BAD_FILE)
    then = _figures_then(options.compare)
    code = OK
    data: dict[str, Any] = {}
    tables: list[Table | str] = []
    if core:
        code, data, tables = _core(options, then)
    if window and code != CANCELLED:
        results = bench_window.results_of(options)
        code = max(code, bench_window.kept(results))
        data |= {"results": [result.as_json() for result in results]}
        tables.append(bench_window.table(results))
    if options.json:
        write_json(options.json, sheet("bench" if core else "frame budget", data))
    if options.json != STDOUT:
        show(*tables)
    return complain("cancelled; these are the figures so far.", code) if code == CANCELLED else code


# -- the core -----------------------------------------------------------------------------------------


def _core(options: argparse.Namespace, then: Sequence[Figure]) -> tuple[int, dict[str, Any], list[Table | str]]:
    # (exit code, what goes into the JSON, what is shown)
    cases = chosen(options.only, options.quick, options.long)
    if not cases:
        raise Trouble(f"no case is named {options.only!r}; there are {', '.join(_names())}.", USAGE)
    recording = _recording(options)
    machine, figures, code = sheets.host(), [], OK
    with _ended_in_order(), tempfile.TemporaryDirectory(prefix="rmapexplorer-bench-") as scratch:
        try:
            rig = Rig(Path(scratch), options.quick, recording)
            if rig.twin.why:
                complain(f"{rig.twin.why}.", OK)
            for number, (case, sizes) in enumerate(cases, 1):
                complain(f"measuring {case.name} ({number} of {len(cases)}) ...", OK)
                for one in measured(case, sizes, rig):
                    figures.append(one)
        except KeyboardInterrupt:
            code = CANCELLED
    pairs = sheets.beside(figures, then)
    if code == OK and options.check and (any(met(one) is False for one in figures) or any(p.worse for p in pairs)):
        code = FAILED
    shown: list[Table | str] = [
        _table(sheets.HEADS, [sheets.row(one) for one in figures], "the core"),
        *_closing(figures, machine),
    ]
    if then:
        shown += _comparison(pairs, options.compare)
    return code, sheets.sheet_data(figures, machine, options.quick), shown


@contextmanager
def _ended_in_order() -> Iterator[None]:
    # who is told to end (kill, a shutdown) ends what it has started too, as with Ctrl+C, and shows what it has
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _closing(figures: Sequence[Figure], machine: dict[str, Any]) -> list[str]:
    return [sheets.host_line(machine), *sheets.notes(figures), sheets.summary(figures)]


def _comparison(pairs: Sequence[sheets.Beside], path: str) -> list[Table | str]:
    worse = sum(pair.worse for pair in pairs)
    told = f"{len(pairs)} figures are in both; {worse} worse by {100 * (sheets.WORSE - 1):.0f} % or more."
    return [_table(sheets.COMPARED_HEADS, [sheets.compared_row(pair) for pair in pairs], f"beside {path}"), told]


def _table(heads: sheets.Row, rows: Sequence[sheets.Row], title: str) -> Table:
    table = Table(title=title)
    for place, name in enumerate(heads):
        table.add_column(name, justify="right" if 1 < place < len(heads) - 1 else "left", overflow="fold")
    for one in rows:
        table.add_row(*one)
    return table


def _recording(options: argparse.Namespace) -> str:
    if options.recording:
        if not os.path.exists(options.recording):
            raise Trouble(f"{options.recording}: no such file; check the name.", BAD_FILE)
        return str(options.recording)
    beside = Path(rmapexplorer.__file__).parent.parent / "tests" / "data" / "recordings" / "python-pool.perf.txt.gz"
    return str(beside) if beside.exists() else ""


def _figures_then(path: str | None) -> list[Figure]:
    if path is None:
        return []
    try:
        with open(path, encoding="utf-8") as file:
            return sheets.figures_of(file.read(SHEET_BYTES))
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'it is no text'}).", BAD_FILE
        ) from error
    except sheets.NoSheet as error:
        raise Trouble(f"{path}: {error}; choose another file.", BAD_FILE) from error


# -- recordings ---------------------------------------------------------------------------------------


def _write_recording(options: argparse.Namespace) -> int:
    path, lines = options.output, options.lines
    if not path:
        raise Trouble("where to write the recording is missing; give -o FILE, or -o - for standard output.", USAGE)
    if not 1 <= lines <= MOST_LINES:
        raise Trouble(f"--lines {lines:,} is out of range, recordings have 1 to {MOST_LINES:,} lines.", USAGE)
    source = "" if options.write_recording == "malloc" else _recording(options)
    if options.write_recording == "pool" and not source:
        raise Trouble("there is no recording to tell many times; name one with --recording FILE.", USAGE)
    if sentence := no_target(path, source, "output"):
        raise Trouble(sentence, BAD_FILE)
    try:
        told = recordings.repeated(source, lines) if source else recordings.allocator(lines)
    except FormatError as error:
        raise Trouble(str(error), BAD_FILE) from error
    counted = _Counted()
    write_out(path, recordings.pieces(counted.lines(told), packed=path.endswith(".gz")))
    if path != STDOUT:
        show(f"{path}: {counted.count:,} lines.")
    return OK


class _Counted:
    """Counts what passes."""

    def __init__(self) -> None:
        self.count = 0

    def lines(self, lines: Iterable[str]) -> Iterator[str]:
        """The same lines."""
        for line in lines:
            self.count += 1
            yield line

"""The command line without Qt: ``run`` and ``compare``; the other commands are read from their modules when they are wanted.

Exit codes are those of rmapexplorer.usage.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial

from attrs import evolve
from rich.progress import Progress

from rmapexplorer import batch, report, workers
from rmapexplorer.commands import script
from rmapexplorer.core.memory import image
from rmapexplorer.core.operations import Operation
from rmapexplorer.core.room import bounded, sentence
from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import Corruption, KernelError
from rmapexplorer.counter_sheet import CounterSheet, Rows
from rmapexplorer.designs.registry import DESIGNS, design_named, name_in_era
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.packed import packed
from rmapexplorer.formats.session import Session
from rmapexplorer.terminal import (
    BAD_FILE,
    BUG,
    CANCELLED,
    FAILED,
    OK,
    USAGE,
    Memory,
    NoRoom,
    Trouble,
    columns,
    complain,
    progress_bars,
    show,
    write_out,
)
from rmapexplorer.usage import COMMANDS, Parser, no_output


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out the command that the arguments say (those of the program by default); returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with bounded():
            code = _carried_out(words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except Trouble as trouble:
        return complain(str(trouble), trouble.code)
    except Corruption as broken:
        return complain(f"a bug of this program, please report it with the file: {broken}", BUG)
    except NoRoom as trouble:
        return complain(str(trouble), BAD_FILE)
    except MemoryError as trouble:
        return complain(f"{sentence(trouble)}.", BAD_FILE)
    except workers.Lost as lost:
        return complain(f"{lost}.", BAD_FILE)
    except KeyboardInterrupt:
        return complain("cancelled.", CANCELLED)
    except OSError as error:
        return no_output(error)
    except Exception as error:
        return _bug(error)
    return code


def _carried_out(words: list[str]) -> int:
    try:
        options = parser(words[0]).parse_args(words[1:])
    except SystemExit as ended:  # help or wrong usage, which argparse has explained
        return int(ended.code or 0)
    return int(options.carry_out(options))


def _bug(error: Exception) -> int:
    # Python's development mode (-X dev) shows where
    if sys.flags.dev_mode:
        raise error
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = getattr(error, "__notes__", [f"{os.path.basename(last.filename)}, line {last.lineno}"])[-1]
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return complain(f"a bug of this program, please report it with the file: {words} ({where}).", BUG)


def parser(name: str) -> argparse.ArgumentParser:
    """The arguments of one command."""
    help_ = COMMANDS[name]
    parser = Parser(prog=f"rmapexplorer {name}", description=f"{help_[:1].upper()}{help_[1:]}.")
    if name == "run":
        _run_arguments(parser)
        parser.set_defaults(carry_out=run_file)
    elif name == "compare":
        _file_arguments(parser)
        report.declare_addresses(parser)
        parser.set_defaults(carry_out=compare_file, compares=True)
    else:
        module = importlib.import_module(f"rmapexplorer.commands.{name}")
        module.declare(parser)
        parser.set_defaults(carry_out=module.carry_out)
    return parser


def _file_arguments(parser: argparse.ArgumentParser) -> None:
    known = ", ".join(kind.key for kind in DESIGNS)
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="a session (.rmap), a script (.rmaps) or the text that perf script prints",
    )
    parser.add_argument(
        "--design", nargs="+", action="extend", metavar="NAME", dest="designs",
        help=f"designs to run instead of those of the file: {known}; with options as in anonmm:variant=4c",
    )  # fmt: skip
    parser.add_argument(
        "--calls", metavar="ERA", choices=[rules.era for rules in ERAS],
        help=f"run as that Linux: its system calls, and its version of each design that has an era (an era named with "
        f"--design, or set apart from the calls in the file, stays): {', '.join(rules.era for rules in ERAS)}",
    )  # fmt: skip
    parser.add_argument("--json", metavar="OUT", help="write the figures there as JSON; - is standard output")
    parser.add_argument(
        "--seconds", action="store_true", help="show how long each design took, which differs from run to run"
    )
    script.declare_settings(parser)
    workers.declare(parser, "designs")
    parser.set_defaults(parser=parser, counters=None, compares=False)


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    _file_arguments(parser)
    parser.add_argument(
        "--counters", metavar="OUT",
        help="write all counters there as CSV, a row for each operation and design and for the sum; - is standard output",
    )  # fmt: skip


# -- commands -----------------------------------------------------------------------------------------


def run_file(options: argparse.Namespace) -> int:
    """``run FILE``."""
    if options.json == options.counters == "-":
        raise Trouble("only one of --json and --counters can have standard output; name a file for the other.", USAGE)
    with closing(CounterSheet()) as sheet:
        session, results, _ = _run_all(options, sheet=sheet if options.counters else None)
        found = {done.name: done.figures for done in results}
        if "-" not in (options.json, options.counters):
            show(*report.figures_tables(session.title, found, columns()))
        write_out(options.json, report.to_json(session, results))
        write_out(options.counters, sheet.pieces())
    return OK


def compare_file(options: argparse.Namespace) -> int:
    """``compare FILE``."""
    session, results, operations = _run_all(options, least=2)
    found = {done.name: done.figures for done in results}
    verdict = batch.compare(results, operations)
    if options.json != "-":
        tables = report.figures_tables(session.title, found, columns())
        places = report.places_of(options, operations)
        show(*tables, *map(places.text, report.verdict_lines(len(results), verdict)))
    write_out(options.json, report.to_json(session, results, verdict))
    return OK if verdict.difference is None else FAILED


def _run_all(
    options: argparse.Namespace, least: int = 1, sheet: CounterSheet | None = None
) -> tuple[Session, list[batch.Result], Sequence[Operation]]:
    path, wanted = _file_and_designs(options)
    for name in wanted:
        try:
            design_named(name)
        except KernelError as error:
            raise Trouble(f"{error.rule}.", USAGE) from error
    for option in ("json", "counters"):
        target = getattr(options, option)
        if target not in (None, "-") and (sentence := report.no_target(target, path, option)):
            raise Trouble(sentence, BAD_FILE)
    memory = Memory()
    with progress_bars() as progress:
        session = _load(path, progress, script.settings_of(options.settings))
        try:
            names = wanted or batch.names_of(session)
        except KernelError as error:
            raise Trouble(f"{path}: {error.rule}; choose others with --design.", BAD_FILE) from error
        if options.calls:
            known = session.machine.calls in {rules.era for rules in ERAS}
            was = session.machine.calls if known and not wanted else ""
            names = list(dict.fromkeys(name_in_era(name, options.calls, was) for name in names))
            session = evolve(session, machine=evolve(session.machine, calls=options.calls))
        if len(names) < least:
            raise Trouble(f"there is nothing to compare {names[0]} with; name more designs with --design.", USAGE)
        operations = packed(batch.operations_of(session))
        session = evolve(session, operations=())  # what they take would be taken twice
        one = partial(_run_one, session=session, operations=operations, options=options, path=path, memory=memory)
        rows = {name: sheet.of(name) for name in names} if sheet else {}
        pieces = [partial(one, name, rows=rows.get(name)) for name in names]
        results = _side_by_side(options.jobs, names, len(operations), pieces, progress, rows)
    for line in session.report:
        complain(f"skipped: {line}", OK)
    return session, results, operations


def _side_by_side(
    jobs: int | None,
    names: Sequence[str],
    operations: int,
    pieces: Sequence[workers.Piece[tuple[batch.Result, dict[str, None]]]],
    progress: Progress,
    rows: Mapping[str, Rows],
) -> list[batch.Result]:
    bars = [progress.add_task(name, total=operations) for name in names]
    jobs = min(workers.jobs_for(jobs, operations * len(names), len(names)), len(names))
    results = []
    done = workers.done_in_order(pieces, jobs, lambda number, done: progress.update(bars[number], completed=done))
    with closing(done):
        for result, kinds in done:
            results.append(result)
            if rows:
                rows[result.name].kinds = kinds  # the rows themselves are in a file
    return results


def _file_and_designs(options: argparse.Namespace) -> tuple[str, list[str]]:
    # --design takes as many words as follow, a FILE behind it too
    wanted = list(dict.fromkeys(options.designs or ()))
    path: str | None = options.file
    keys = {kind.key for kind in DESIGNS}
    if path is None and len(wanted) > 1:
        path = next((word for word in reversed(wanted) if word.partition(":")[0] not in keys), None)
        wanted = [word for word in wanted if word != path]
    if path is None:
        raise Trouble("FILE is missing: name a session or a recording (-h explains).", USAGE)
    return path, wanted


def _load(path: str, progress: Progress, settings: dict[str, int]) -> Session:
    bar = progress.add_task("reading", total=None)
    try:
        session = load_any(
            path, lambda done, total: progress.update(bar, completed=done, total=total), settings=settings
        )
    except FormatError as error:
        raise Trouble(str(error), BAD_FILE) from error
    progress.remove_task(bar)
    return session


def _run_one(
    name: str,
    told: workers.Told,
    *,
    session: Session,
    operations: Sequence[Operation],
    options: argparse.Namespace,
    path: str,
    memory: Memory,
    rows: Rows | None,
) -> tuple[batch.Result, dict[str, None]]:
    memory.begin()
    if rows:
        rows.begin()

    def tell(done: int, _: int) -> None:
        told(done)
        memory.check(path, done)

    try:
        done = batch.run(name, session.machine, operations, tell, rows.each if rows else None)
        if rows:
            rows.total(done)
        return _result(done, options), rows.kinds if rows else {}
    except KernelError as error:
        raise Trouble(f"{path}: {error.rule}.", BAD_FILE) from error
    except MemoryError as error:
        if isinstance(error, NoRoom):
            raise
        raise NoRoom(f"{path}, under {name}: {sentence(error)}.") from error


def _result(done: batch.Run, options: argparse.Namespace) -> batch.Result:
    found = batch.figures(done, options.seconds)
    return batch.Result(
        name=done.name,
        refused=done.refused,
        figures=found,
        entry=report.dumped(found | {"tasks": batch.tasks(done.world)}) if options.json else "",
        image=image(done.world) if options.compares else None,
    )

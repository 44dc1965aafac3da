"""The command line: ``run``, ``compare`` and ``designs`` without Qt; everything else opens the window.

Exit codes: 0 fine, 1 the comparison failed, 2 wrong usage, 3 a file that cannot be read or written, 130 cancelled.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from attrs import evolve
from rich.progress import Progress

from rmapexplorer import __version__, batch, report
from rmapexplorer.commands import bench, claims, designs, export, figures, script, verify, workload
from rmapexplorer.core.operations import Operation
from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import Corruption, KernelError
from rmapexplorer.counter_sheet import CounterSheet
from rmapexplorer.designs.registry import DESIGNS, design_named, name_in_era
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import Session
from rmapexplorer.terminal import (
    BAD_FILE,
    CANCELLED,
    FAILED,
    OK,
    USAGE,
    Command,
    Trouble,
    columns,
    complain,
    progress_bars,
    show,
    write_json,
)

WINDOW = """\
the window:
  rmapexplorer [FILE]      open a session (.rmap), a script, a recording or, without FILE, the built-in scenario
  --screenshot PATH        save a picture of the window there and end; needs no screen
  --size WxH               size of the window, for example 1440x900
  --theme THEME            dark, light or system, for this start only
  --reset-settings         forget layout, theme, text size and recent files

A recording is the text that perf script prints, plain or gzip.
Exit codes: 0 fine, 1 the comparison failed, 2 wrong usage, 3 a file that cannot be read or written, 130 cancelled.
Colours are left out where NO_COLOR is set or the output is no terminal."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out what the arguments say (those of the program by default); returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except Trouble as trouble:
        return complain(str(trouble), trouble.code)
    except Corruption as broken:
        return complain(f"a bug of this program, please report it with the file: {broken}", FAILED)
    except KeyboardInterrupt:
        return complain("cancelled.", CANCELLED)
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return OK
    except OSError as error:
        return complain(f"the output cannot be written ({error.strerror or error}).", BAD_FILE)
    return code


def _dispatch(words: list[str]) -> int:
    if not words or words[0] not in {command.name for command in COMMANDS} | {"-h", "--help", "--version"}:
        return _window(words)
    try:
        options = parser().parse_args(words)
    except SystemExit as ended:  # help, version, or wrong usage, which argparse has explained
        return int(ended.code or 0)
    return int(options.carry_out(options))


def _window(words: list[str]) -> int:
    try:
        from rmapexplorer.gui.app import run  # Qt is needed for the window only

        return int(run(words))
    except ImportError as error:
        if (error.name or "").startswith("rmapexplorer"):
            raise
        raise Trouble(
            f"the window needs Qt, which does not load ({error}); packaging/launch installs it.", FAILED
        ) from error
    except SystemExit as ended:
        return int(ended.code or 0)


def parser() -> argparse.ArgumentParser:
    """The arguments of the commands. Those of the window are its own; here they are described only."""
    top = argparse.ArgumentParser(
        prog="rmapexplorer", usage="rmapexplorer [FILE] [options]\n       rmapexplorer COMMAND ...",
        description="An explorer of Linux reverse-mapping designs.", epilog=WINDOW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"rmapexplorer {__version__}")
    commands = top.add_subparsers(
        title="in the terminal, without Qt or a screen", metavar="COMMAND", required=True, prog=top.prog
    )
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name, help=command.help, description=f"{command.help[:1].upper()}{command.help[1:]}."
        )
        command.arguments(sub)
        sub.set_defaults(carry_out=command.carry_out)
    return top


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
    script.declare_settings(parser)
    parser.set_defaults(parser=parser, counters=None)


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
    sheet = CounterSheet() if options.counters else None
    session, runs, _ = _run_all(options, sheet=sheet)
    found = {done.name: batch.figures(done) for done in runs}
    if "-" not in (options.json, options.counters):
        show(*report.figures_tables(session.title, found, columns()))
    write_json(options.json, report.to_json(runs, found) if options.json else "")
    write_json(options.counters, sheet.text() if sheet else "")
    return OK


def compare_file(options: argparse.Namespace) -> int:
    """``compare FILE``."""
    session, runs, operations = _run_all(options, least=2)
    found = {done.name: batch.figures(done) for done in runs}
    verdict = batch.compare(runs, operations)
    if options.json != "-":
        tables = report.figures_tables(session.title, found, columns())
        show(*tables, *report.verdict_lines(runs, verdict))
    write_json(options.json, report.to_json(runs, found, verdict) if options.json else "")
    return OK if verdict.difference is None else FAILED


COMMANDS: tuple[Command, ...] = (
    Command(
        "run",
        "replay a session or recording under its designs and show what each of them pays",
        _run_arguments,
        run_file,
    ),
    Command(
        "compare", "replay it and check that process memory ends equal under all designs", _file_arguments, compare_file
    ),
    Command(
        "designs",
        "list the designs and their options, or the sizes of all structures",
        designs.declare,
        designs.carry_out,
    ),
    Command(
        "figures",
        "recompute published numbers, or compare the designs under memory pressure",
        figures.declare,
        figures.carry_out,
    ),
    Command("bench", "measure the window against its frame budget on this machine", bench.declare, bench.carry_out),
    Command(
        "verify",
        "replay recorded kernel traces and compare every step with what Linux 6.18 did",
        verify.declare,
        verify.carry_out,
    ),
    Command(
        "export",
        "write a session as an HTML report, its structures as a graph, or its curves as CSV",
        export.declare,
        export.carry_out,
    ),
    Command("script", "write a script as a session, or a session as a script", script.declare, script.carry_out),
    Command("workload", "write one of the workloads W1 to W9 as a session", workload.declare, workload.carry_out),
    Command(
        "claims",
        "run what the letter claims as experiments and judge each by its figures",
        claims.declare,
        claims.carry_out,
    ),
)


def _run_all(
    options: argparse.Namespace, least: int = 1, sheet: CounterSheet | None = None
) -> tuple[Session, list[batch.Run], Sequence[Operation]]:
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
        operations = batch.operations_of(session)
        runs = [_run_one(name, session, operations, path, progress, sheet) for name in names]
    for line in session.report:
        complain(f"skipped: {line}", OK)
    return session, runs, operations


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
    session: Session,
    operations: Sequence[Operation],
    path: str,
    progress: Progress,
    sheet: CounterSheet | None,
) -> batch.Run:
    bar = progress.add_task(name, total=len(operations))
    each = sheet.of(name) if sheet else None
    try:
        done = batch.run(name, session.machine, operations, lambda n, _: progress.update(bar, completed=n), each)
    except KernelError as error:
        raise Trouble(f"{path}: {error.rule}.", BAD_FILE) from error
    except MemoryError as error:
        raise Trouble(
            f"{path}: the world of {name} does not fit into memory; run fewer or smaller operations.", BAD_FILE
        ) from error
    if sheet:
        sheet.total(done)
    return done

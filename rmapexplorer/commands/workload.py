"""``workload``: write one of W1 to W9 as a session, at any size."""

from __future__ import annotations

import argparse

from rmapexplorer.core.units import KernelError
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.session import pieces, save_session
from rmapexplorer.formats.writing import STDOUT
from rmapexplorer.terminal import BAD_FILE, OK, USAGE, Trouble, show, write_out
from rmapexplorer.workloads.gallery import GALLERY
from rmapexplorer.workloads.workload import MOST_OPERATIONS, Workload


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments: the name of a workload, and what that one can be told."""
    subs = parser.add_subparsers(title="workloads", metavar="NAME", required=True, prog="rmapexplorer workload")
    for workload in GALLERY:
        sub = subs.add_parser(
            workload.key, aliases=[workload.number, workload.number.lower()], help=f"{workload.number}: {workload.title}",
            description=f"{workload.lesson} {workload.expected} Source: {workload.source}.",
        )  # fmt: skip
        for p in workload.parameters:
            sub.add_argument(
                f"--{p.name.replace('_', '-')}", type=int, metavar="N", default=None,
                help=f"{p.help} (default: {p.full:,}; --small: {p.small:,})",
            )  # fmt: skip
        sub.add_argument("--small", action="store_true", help="the size of the gallery for what is not given")
        sub.add_argument(
            "-o", "--output", metavar="FILE", required=True, help="the session to write (.rmap); - is standard output"
        )
        sub.set_defaults(workload=workload)


def carry_out(options: argparse.Namespace) -> int:
    """Write the session and say how long it is."""
    workload: Workload = options.workload
    chosen = {p.name: getattr(options, p.name) for p in workload.parameters}
    try:
        values = workload.values(
            full=not options.small, **{name: value for name, value in chosen.items() if value is not None}
        )
    except KernelError as error:
        raise Trouble(f"{error.rule}.", USAGE) from error
    count = sum(1 for _ in zip(range(MOST_OPERATIONS + 1), workload.operations(values), strict=False))
    if count > MOST_OPERATIONS:
        raise Trouble(
            f"{workload.number} of that size has more than {MOST_OPERATIONS:,} operations; choose smaller numbers.",
            USAGE,
        )
    session = workload.session(values)
    if options.output == STDOUT:
        write_out(STDOUT, pieces(session))
        return OK
    try:
        save_session(session, options.output)
    except FormatError as error:
        raise Trouble(str(error), BAD_FILE) from error
    show(f"{options.output}: {workload.number}, {count:,} operations.")
    return OK

"""``script``: a scenario script becomes a session, a session or recording a script. And ``--set`` of all commands."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.script_session import SUFFIX, script_lines, write_script
from rmapexplorer.formats.session import pieces, save_session
from rmapexplorer.formats.writing import STDOUT
from rmapexplorer.terminal import BAD_FILE, OK, USAGE, Trouble, complain, show, write_out

_SETTING = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(0[xX][0-9a-fA-F]{1,16}|-?[0-9]{1,18})\Z")


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("file", metavar="FILE", help="a script (.rmaps), a session (.rmap) or a recording")
    parser.add_argument(
        "-o", "--output", metavar="OUT",
        help=f"write it there: a script where the name ends in {SUFFIX}, else a session, - is a session on standard output; "
        "without it, print the script",
    )  # fmt: skip
    declare_settings(parser)


def declare_settings(parser: argparse.ArgumentParser) -> None:
    """``--set``, as often as wanted."""
    parser.add_argument(
        "--set", metavar="NAME=N", action="append", dest="settings", default=[],
        help="the value of a 'let NAME = ...' line of a script instead of its own",
    )  # fmt: skip


def settings_of(words: Sequence[str]) -> dict[str, int]:
    """The values of ``--set`` arguments. :raises Trouble: one of them is not NAME=N."""
    found: dict[str, int] = {}
    for word in words:
        match = _SETTING.match(word)
        if match is None:
            raise Trouble(f"--set {word}: write it like --set n=1000, with a whole number or one like 0xa10.", USAGE)
        found[match.group(1)] = int(match.group(2), 0 if match.group(2).lower().startswith("0x") else 10)
    return found


def carry_out(options: argparse.Namespace) -> int:
    """Convert, and say how much it is."""
    try:
        session = load_any(options.file, settings=settings_of(options.settings))
        if options.output is None:
            write_out(STDOUT, (f"{line}\n" for line in script_lines(session)))
        elif options.output == STDOUT:
            write_out(STDOUT, pieces(session))
        elif options.output.endswith(SUFFIX):
            write_script(script_lines(session), options.output)
        else:
            save_session(session, options.output)
    except FormatError as error:
        raise Trouble(str(error), BAD_FILE) from error
    if options.output not in (None, STDOUT):
        show(f"{options.output}: {len(session.line()):,} operations.")
    for line in session.report:
        complain(f"skipped: {line}", OK)
    return OK

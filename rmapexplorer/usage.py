"""What the program can be told: its commands, the arguments of its window, its exit codes. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from rmapexplorer import __version__
from rmapexplorer.plain import visible

OK, FAILED, USAGE, BAD_FILE, NO_START, BUG, CANCELLED = 0, 1, 2, 3, 4, 5, 130

COMMANDS: dict[str, str] = {
    "run": "replay a session or recording under its designs and show what each of them pays",
    "compare": "replay it and check that process memory ends equal under all designs",
    "designs": "list the designs and their options, or the sizes of all structures",
    "figures": "recompute published numbers, or compare the designs under memory pressure",
    "bench": "measure the core beside the kernel, or the window against its frame budget, on this machine",
    "verify": "replay recorded kernel traces and compare every step with what Linux 6.18 did",
    "export": "write a session as an HTML report, its structures as a graph, or its curves as CSV",
    "script": "write a script as a session, or a session as a script",
    "workload": "write one of the workloads W1 to W9 as a session",
    "claims": "run what the letter claims as experiments and judge each by its figures",
}
"""Name of a command -> what it does."""

THEMES = "dark", "light", "contrast", "contrast_light", "system"

EXIT_CODES = """\
Exit codes: 0 fine, 1 something differs, misses its figure or its budget (compare, verify, figures, bench --gui,
bench --check), 2 wrong usage, 3 a file that cannot be read or written, 4 the program cannot start here (no screen, no
font, a library is missing), 5 a bug of this program, 130 cancelled."""

WINDOW = f"""\
the window:
  rmapexplorer [FILE]      open a session (.rmap), a script, a recording or, without FILE, the built-in scenario
  --screenshot PATH        save a picture of the window there and end; needs no screen
  --size WxH               size of the window, for example 1440x900
  --theme THEME            {", ".join(THEMES[:-1])} or {THEMES[-1]}, for this start only
  --reset-settings         forget layout, theme, text size and recent files

A recording is the text that perf script prints, plain or gzip.
{EXIT_CODES}
Colours are left out where NO_COLOR is set or the output is no terminal."""


class Parser(argparse.ArgumentParser):
    """Wrong usage ends with a sentence and where help is, not with all options."""

    def print_help(self, file: Any = None) -> None:
        """Write the help, and let nobody believe that it is written where it is not: argparse hides what fails here."""
        (file or sys.stdout).write(self.format_help())
        (file or sys.stdout).flush()

    def error(self, message: str) -> NoReturn:
        """Say it and end with exit code 2."""
        sentence = visible(message.rstrip("."))
        self.exit(USAGE, f"rmapexplorer: {sentence}; {self.prog} -h explains.\n")


def overview() -> argparse.ArgumentParser:
    """What ``--help`` shows."""
    top = Parser(
        prog="rmapexplorer", usage="rmapexplorer [FILE] [options]\n       rmapexplorer COMMAND ...",
        description="An explorer of Linux reverse-mapping designs.", epilog=WINDOW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"rmapexplorer {__version__}")
    commands = top.add_subparsers(title="in the terminal, without Qt or a screen", metavar="COMMAND")
    for name, help_ in COMMANDS.items():
        commands.add_parser(name, help=help_)
    return top


def window_parser() -> argparse.ArgumentParser:
    """The arguments of the window."""
    parser = Parser(prog="rmapexplorer", description="An explorer of Linux reverse-mapping designs.")
    parser.add_argument("file", nargs="?", metavar="FILE", help="a session (.rmap) or what perf script printed")
    parser.add_argument("--screenshot", metavar="PATH", help="save a picture of the window there and end")
    parser.add_argument("--size", metavar="WxH", type=size, help="of the window, for example 1440x900")
    parser.add_argument("--theme", choices=THEMES, help="for this start only")
    parser.add_argument("--reset-settings", action="store_true", help="forget layout, theme, text size, recent files")
    return parser


def size(text: str) -> tuple[int, int]:
    """``1440x900`` as (1440, 900); at least 640x480, at most 8192 each way."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size, write it like 1440x900")
    if not (640 <= int(width) <= 8192 and 480 <= int(height) <= 8192):
        raise argparse.ArgumentTypeError(f"{text} is out of range, sizes go from 640x480 to 8192x8192")
    return int(width), int(height)


def window_options(words: Sequence[str]) -> argparse.Namespace:
    """The arguments of the window, parsed; words that are meant for a command end in a sentence and exit code 2."""
    parser = window_parser()
    options, rest = parser.parse_known_args(list(words))
    if any(word.startswith("-") for word in rest):
        parser.error(f"there is no option {next(word for word in rest if word.startswith('-'))}")
    if options.file is not None and not os.path.exists(options.file):
        near = difflib.get_close_matches(options.file, COMMANDS, n=1)
        if near or rest:
            parser.error(f"there is no command and no file {options.file}{_meant(near)}")
    if rest:
        parser.error(f"the window opens one file, and {rest[0]} is one more")
    return options


def _meant(near: Sequence[str]) -> str:
    return f" (did you mean {near[0]}?)" if near else f" (the commands are {', '.join(COMMANDS)})"


def complain(sentence: str, code: int) -> int:
    """Say it on the error output, if there is one; returns ``code``."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # nobody can be told any more
            print(f"rmapexplorer: {visible(sentence)}", file=sys.stderr)
    return code


def no_output(error: OSError) -> int:
    """What is to be said where printing fails; returns the exit code. Whoever closed the pipe has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that the interpreter does not try once more at its end
    if isinstance(error, BrokenPipeError):
        return OK
    return complain(f"the output cannot be written ({error.strerror or error}).", BAD_FILE)

"""``figures``: published numbers beside ours; with ``--pressure`` the designs under memory pressure."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import attrs
from rich.progress import Progress
from rich.table import Table

from rmapexplorer import report
from rmapexplorer.core.units import KernelError
from rmapexplorer.designs.registry import DESIGNS, design_named
from rmapexplorer.figures import pressure
from rmapexplorer.figures.catalogue import LEFT_OUT, chosen
from rmapexplorer.figures.record import Found, Lab, recompute
from rmapexplorer.terminal import BAD_FILE, FAILED, OK, USAGE, Trouble, progress_bars, show, write_json

MOST_CHILDREN = 30_000
"""Children of a run under pressure; a list of them is walked for every page reclaimed."""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    known = ", ".join(kind.key for kind in DESIGNS)
    counts = ",".join(str(count) for count in pressure.CHILDREN)
    parser.add_argument("ids", nargs="*", metavar="ID", help="figures to recompute, for example P2 F4 (default: all)")
    parser.add_argument("--json", metavar="OUT", help="write them there as JSON; - is standard output")
    parser.add_argument(
        "--pressure", action="store_true",
        help="instead: what each page costs that is reclaimed, with RAM for half of the working set (W4 and W5)",
    )  # fmt: skip
    parser.add_argument("--seconds", action="store_true", help="with --pressure: show how long each run took")
    parser.add_argument(
        "--children", metavar="N,N", default=counts, help=f"with --pressure: how many (default: {counts})"
    )
    parser.add_argument(
        "--design", nargs="+", metavar="NAME", dest="designs", default=list(pressure.DESIGNS),
        help=f"with --pressure: designs to compare, of {known} (default: {' '.join(pressure.DESIGNS)})",
    )  # fmt: skip


def carry_out(options: argparse.Namespace) -> int:
    """Run and print; 1 where a figure differs and no reason is known."""
    if options.json not in (None, "-") and (sentence := report.no_target(options.json, "")):
        raise Trouble(sentence, BAD_FILE)
    return _pressure(options) if options.pressure else _published(options)


# -- published ----------------------------------------------------------------------------------------


def _published(options: argparse.Namespace) -> int:
    try:
        records = chosen(options.ids)
    except KernelError as error:
        raise Trouble(f"{error.rule}.", USAGE) from error
    found: list[Found] = []
    with progress_bars() as progress:
        bar = progress.add_task("figures", total=len(records))
        lab = Lab(lambda what: progress.update(bar, description=what))
        for record in records:
            if found and found[-1].id.split("-")[0] != record.id.split("-")[0]:
                lab.forget()  # only figures of one family are read from the same worlds
            found.append(recompute(record, lab))
            progress.advance(bar)
    if options.json != "-":
        show(figures_table(found), *([] if options.ids else [left_out_table()]))
    rows = [attrs.asdict(row) for row in found]
    left = [] if options.ids else [attrs.asdict(row) for row in LEFT_OUT]
    write_json(options.json, report.sheet("published", {"figures": rows, "not_recomputed": left}))
    return OK if all(row.agrees or row.reason for row in found) else FAILED


def figures_table(found: Sequence[Found]) -> Table:
    """Published, ours, ratio; the source, and why they differ where they do."""
    table = Table(title="Published numbers, recomputed", title_justify="left", title_style="bold")
    for title in ("id", "what"):
        table.add_column(title, overflow="fold")
    for title in ("published", "ours", "ratio"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("unit", "source, and the reason where they differ"):
        table.add_column(title, overflow="fold")
    for row in found:
        words = row.source + (
            f"\nDiffers: {row.reason or 'no reason is known; this is a bug.'}" if not row.agrees else ""
        )
        table.add_row(row.id, row.what, _number(row.published), _number(row.ours), f"{row.ratio:.3f}", row.unit, words)
    return table


def left_out_table() -> Table:
    """What is not recomputed."""
    table = Table(title="Published, but not recomputed", title_justify="left", title_style="bold")
    for title in ("id", "what", "why not"):
        table.add_column(title, overflow="fold")
    for row in LEFT_OUT:
        table.add_row(row.id, row.what, row.why)
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}"


# -- pressure -----------------------------------------------------------------------------------------


def _pressure(options: argparse.Namespace) -> int:
    if options.ids:
        raise Trouble(f"--pressure goes without figures such as {options.ids[0]}.", USAGE)
    children = _counts(options.children)
    try:
        for name in options.designs:
            design_named(name)
    except KernelError as error:
        raise Trouble(f"{error.rule}.", USAGE) from error
    todo = pressure.runs(list(dict.fromkeys(options.designs)), children)
    with progress_bars() as progress:
        everything = progress.add_task("runs", total=len(todo))
        done = []
        for load, design, count in todo:
            done.append(_one(load, design, count, progress))
            progress.advance(everything)
    if options.json != "-":
        show(pressure_table(done, options.seconds), *_legend())
    write_json(options.json, report.sheet("pressure", {"pressure": [_as_json(row, options.seconds) for row in done]}))
    return OK


def _counts(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.strip().isdecimal() and 1 <= int(word) <= MOST_CHILDREN for word in words):
        raise Trouble(f"--children takes numbers from 1 to {MOST_CHILDREN:,}, such as 10,100, not {text!r}.", USAGE)
    return list(dict.fromkeys(int(word) for word in words))


def _one(load: pressure.Load, design: str, children: int, progress: Progress) -> pressure.Pressure:
    bar = progress.add_task(f"{load.workload.number}, {children:,} children, {design}", total=None)
    try:
        return pressure.run(
            load, design, children, lambda done, total: progress.update(bar, completed=done, total=total)
        )
    finally:
        progress.remove_task(bar)


COLUMNS = ("nodes", "ptes", "false_probes", "copied", "missed", "metadata")


def pressure_table(done: Sequence[pressure.Pressure], seconds: bool = False) -> Table:
    """One row a run: sums per page reclaimed; with ``seconds``, how long it took."""
    table = Table(title="Per page reclaimed, RAM for half of the working set", title_justify="left", title_style="bold")  # fmt: skip
    for title in ("", "children", "design"):
        table.add_column(title, no_wrap=True)
    for title in (
        "pages reclaimed",
        "nodes",
        "ptes",
        "false probes",
        "copied",
        "not unmapped",
        "bytes",
        "metadata",
        *(("seconds",) if seconds else ()),
    ):
        table.add_column(title, justify="right")
    before = None
    for row in done:
        group = row.workload, row.children
        if before not in (None, group):
            table.add_section()
        before = group
        per_page = [f"{row.per_page(getattr(row, name)):,.2f}" for name in COLUMNS]
        table.add_row(
            row.workload, f"{row.children:,}", row.design, f"{row.reclaimed:,}", *per_page, f"{row.metadata:,}",
            *((f"{row.seconds:.2f}",) if seconds else ()),
        )  # fmt: skip
    return table


def _legend() -> list[str]:
    loads = (
        f"{load.workload.number} {load.workload.key}: "
        + ", ".join(f"{name} {size}" for name, size in load.sizes.items())
        for load in pressure.LOADS
    )
    return [*loads, "metadata: most bytes of rmap objects at any time; bytes: the same for each page reclaimed."]


def _as_json(row: pressure.Pressure, seconds: bool) -> dict[str, Any]:
    shown = attrs.asdict(row, filter=lambda field, _: seconds or field.name != "seconds")
    return shown | {"per_page": {name: row.per_page(getattr(row, name)) for name in COLUMNS}}

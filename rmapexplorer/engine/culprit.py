"""The object that made a call fail, so that the window can show it: read from the world after the refusal."""

from __future__ import annotations

from typing import Any

from rmapexplorer.core.flags import SEALED
from rmapexplorer.core.operations import Operation
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World

HOLES = ("ENOMEM", "EFAULT", "SIGSEGV", "SIGBUS")
"""Errors that a page where nothing is mapped brings; others come from what is mapped."""


def culprit(world: Any, op: Operation, outcome: Outcome) -> tuple[str, tuple[int, int] | None]:
    """Its name in words and (pid, page number) to select, -1 for the process; ("", None): there is none to show."""
    pid = getattr(op, "pid", 0)
    task = world.tasks.get(pid) if isinstance(world, World) else None
    if task is None or task.mm not in world.mms:
        return "", None
    who = f"{task.comm} {pid}".strip()
    span = _span(op, outcome.field)
    if span is None:
        return f"process {who}", (pid, -1)
    return _within(world, task.mm, span, outcome.error or "", pid, who)


def _span(op: Operation, field: str) -> Span | None:
    to, pages = getattr(op, "to", None), getattr(op, "new_pages", 0)
    if field in ("to", "new_addr") and isinstance(to, int) and to >= 0:
        return Span(to, to + max(pages, 1))
    runs = getattr(op, "runs", ())
    if runs:
        return Span(runs[0][0], runs[-1][1])
    span = getattr(op, "span", None)
    return span if isinstance(span, Span) and span.start >= 0 else None


def _within(world: World, mm: int, span: Span, error: str, pid: int, who: str) -> tuple[str, tuple[int, int] | None]:
    table, reached, sealed = world.vma, span.start, None
    first: int | None = None
    for vma in world.mms[mm].vmas:
        start, end = int(table.start[vma]), int(table.end[vma])
        if end <= span.start:
            continue
        if start >= span.end or (start > reached and error in HOLES):
            break
        first = vma if first is None else first
        sealed = vma if sealed is None and int(table.flags[vma]) & SEALED else sealed
        reached = end
    if error in HOLES and reached < span.end:
        return f"page {reached:x} of {who}, where nothing is mapped", (pid, reached)
    shown = sealed if error == "EPERM" and sealed is not None else first
    if shown is None:
        return f"page {span.start:x} of {who}, where nothing is mapped", (pid, span.start)
    return f"vma {int(table.start[shown]):x}-{int(table.end[shown]):x} of {who}", (pid, int(table.start[shown]))

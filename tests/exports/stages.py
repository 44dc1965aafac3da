"""Stages for tests of exports: a session run to its end, real designs, no thread."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Any

from rmapexplorer.core.operations import Operation
from rmapexplorer.engine.files import stage_of
from rmapexplorer.engine.lanes import make_lane
from rmapexplorer.engine.real import REAL_LENS, real_kinds
from rmapexplorer.engine.session_report import SessionReport, gather
from rmapexplorer.engine.stage import Stage
from rmapexplorer.formats.session import Session, load_session
from rmapexplorer.resources import resource


def letter(*designs: str) -> Stage:
    """The letter's scenario, all six operations done."""
    return run(load_session(str(resource("scenarios/the-letter-in-six-operations.rmap"))), designs)


def small(operations: Sequence[Operation], *designs: str, **more: Any) -> Stage:
    """These operations, all done."""
    session = Session(title=more.pop("title", "small"), operations=tuple(operations), position=len(operations), **more)
    return run(session, designs)


def run(session: Session, designs: Sequence[str] = ()) -> Stage:
    """The session under some designs, at its end."""
    wanted = [(key, {}) for key in designs] or session.designs
    stage, _ = stage_of(
        session,
        lambda _, machine: [make_lane(one, REAL_LENS, time.perf_counter, 0) for one in real_kinds(wanted, machine)],
    )
    while stage.advance(stage.line.head):
        pass
    return stage


def report(stage: Stage) -> SessionReport:
    """Gathered at once."""
    work: Generator[None, None, SessionReport] = gather(stage)
    while True:
        try:
            next(work)
        except StopIteration as ended:
            return ended.value

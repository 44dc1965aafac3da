"""CLAIMS: every claim in order; how one is found and run; and the scenario files that belong to them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from attrs import evolve

from rmapexplorer.claims import costs, merging, moves, search, spaces
from rmapexplorer.claims.model import ADDRESS, Claim, ClaimResult, Column
from rmapexplorer.claims.replay import Replay
from rmapexplorer.core.units import KernelError
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.formats.session import Session, load_session, save_session
from rmapexplorer.resources import resource

CLAIMS: tuple[Claim, ...] = tuple(
    sorted(
        (*moves.CLAIMS, *search.CLAIMS, *merging.CLAIMS, *costs.CLAIMS, *spaces.CLAIMS),
        key=lambda claim: int(claim.id[1:]),
    )
)

DESIGNS_SHOWN = 8
"""Designs that a scenario names: more do not run side by side in the window."""

Tell = Callable[[int, int, str], None]
"""Told (operations done, operations in all, name of the column), over all columns of a claim."""


def claim_named(name: str) -> Claim:
    """The claim with that id (C1 ... C18; upper or lower case).

    :raises KernelError: EINVAL, with the known ids.
    """
    for claim in CLAIMS:
        if claim.id == name.upper():
            return claim
    known = ", ".join(claim.id for claim in CLAIMS)
    raise KernelError("EINVAL", f"there is no claim {name!r}; known: {known}", "claim")


def generated(claim: Claim) -> Session:
    """The scenario as its generator makes it, with the claim's first designs."""
    session = claim.make()
    designs = claim.designs[:DESIGNS_SHOWN]
    return evolve(session, designs=tuple(_options(key) for key in designs), view=designs[0])


def _options(key: str) -> tuple[str, dict[str, str]]:
    name, _, rest = key.partition(":")
    return name, dict(word.split("=", 1) for word in rest.split(",")) if rest else {}


def scenario(claim: Claim) -> Session:
    """The scenario file of a claim. :raises FormatError: it is damaged; FileNotFoundError: it is not installed."""
    return load_session(str(resource(claim.scenario)))


def write_scenarios(folder: str) -> list[str]:
    """Write every scenario anew below ``folder``, a directory of resources; returns the paths."""
    paths = []
    for claim in CLAIMS:
        path = Path(folder) / claim.scenario
        path.parent.mkdir(parents=True, exist_ok=True)
        save_session(generated(claim), str(path))
        paths.append(str(path))
    return paths


def run_claim(
    name: str, progress: Tell | None = None, cancelled: Callable[[], bool] | None = None,
    session: Session | None = None, measured: Callable[[str, dict[str, float]], None] | None = None,
) -> ClaimResult:  # fmt: skip
    """Replay the claim's scenario under all its designs, measure, and judge.

    :param measured: told the figures of each column as soon as they are there.
    :raises Stopped: ``cancelled`` said so. :raises KernelError: EINVAL, for an unknown claim or design.
    """
    claim = claim_named(name)
    session = session or scenario(claim)
    start = time.perf_counter()
    each = len(session.operations)
    figures: dict[str, dict[str, float]] = {}
    for at, column in enumerate(claim.columns):

        def told(done: int, at: int = at, column_name: str = column.name) -> None:
            if progress is not None:
                progress(at * each + done, len(claim.columns) * each, column_name)

        figures[column.name] = figures_of(claim, column, session, told, cancelled or _never)
        if measured is not None:
            measured(column.name, figures[column.name])
    seconds = time.perf_counter() - start
    if progress is not None:
        progress(len(claim.columns) * each, len(claim.columns) * each, "")
    return ClaimResult(claim=claim, figures=figures, verdict=claim.rule(figures), seconds=seconds)


def figures_of(
    claim: Claim,
    column: Column,
    session: Session,
    told: Callable[[int], None],
    cancelled: Callable[[], bool],
) -> dict[str, float]:
    """The figures of one column, from a world of its own. :raises Stopped: ``cancelled`` said so."""
    world = World(design_named(column.key), column.machine or session.machine)
    return dict(claim.measure(Replay(session, world, told, cancelled)))


def _never() -> bool:
    return False


def story(name: str) -> str:
    """The claim as a text for help: what is said and where, what is run and measured, the rule. :raises KernelError: unknown."""
    claim = claim_named(name)
    lines = [
        f"{claim.id}: {claim.title}", "", claim.statement, f"Where: {claim.place}.", "",
        f"Scenario: {scenario(claim).title}; under {', '.join(column.name for column in claim.columns)}.",
        "Measured:",
        *(f"  {figure.name} ({figure.unit}): {figure.meaning}" for figure in claim.figures), "",
        f"Rule: {claim.rule_text}",
    ]  # fmt: skip
    if claim.remark:
        lines.append(f"Beside it: {claim.remark}")
    lines.append(f"The letter: {ADDRESS}")
    return "\n".join(lines)

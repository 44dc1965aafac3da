"""Dry runs: what operations would do at the position shown, found out by doing them to a copy of the world in view.

The copy goes through the very calls that the log would, so the verdict is what happens when they are submitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import field, frozen

from rmapexplorer.core import merge
from rmapexplorer.core.design import Proposal
from rmapexplorer.core.flags import perms
from rmapexplorer.core.operations import Brk, Madvise, Mmap, Mprotect, Mremap, Munmap, Operation, describe
from rmapexplorer.core.outcome import Outcome, Refusal
from rmapexplorer.core.units import KernelError, Span
from rmapexplorer.core.vmas import pgoff_at
from rmapexplorer.core.world import World
from rmapexplorer.engine.frames import Ints
from rmapexplorer.engine.lanes import take_apart
from rmapexplorer.engine.stage import Stage

LIMIT_BYTES = 80 << 20
"""Larger worlds are not copied: that takes longer than a question may (0.2 to 0.5 ms a megabyte)."""

TOO_LARGE = "too large to try; by the vmas alone:"

_SHORT = {
    "anon_vma": "different anon_vma",
    "unfaulted": "one side was never faulted",
    "fork child": "its anon_vma is shared with another process",
    "pgoff": "pgoff is not linear",
    "flags": "different flags",
    "file": "different files",
    "special": "special mapping",
}
"""Rule of a refusal -> how the one-line verdict says it."""

_COSTS = {
    "copied_by_mremap": "copies {n} page{s}",
    "copied_by_design": "copies {n} page{s} from swap",
    "pages_touched_for_fixup": "points {n} page{s} at another vma",
    "pages_relocated": "rewrites {n} page{s}",
    "relocations_refused": "{n} page{s} cannot be rewritten",
}
"""Counters that a call of the memory map is priced by."""


@frozen(kw_only=True)
class Neighbour:
    """Two vmas that touch after the call and stay two, and why."""

    side: str
    """"left" or "right" of ``mine``."""
    mine: Span
    theirs: Span
    refusal: Refusal


@frozen(kw_only=True, eq=False)
class Verdict:
    """What some operations would do. Spans are of page numbers in the mm of ``pid``."""

    operations: tuple[Operation, ...]
    """With all that the kernel would choose."""
    outcomes: tuple[Outcome, ...] = ()
    tried: bool = True
    """False: the world is too large to be copied; splits and neighbours are those of a plan, and nothing else is known."""
    pid: int = 0
    before: Ints = field(factory=lambda: np.empty((0, 5), np.int64))
    """[vmas, 5]: start, end, pgoff, flags and owner of every vma of the mm; in address order."""
    after: Ints = field(factory=lambda: np.empty((0, 5), np.int64))
    neighbours: tuple[Neighbour, ...] = ()
    objects: dict[str, int] = field(factory=dict)
    """Kind of rmap object -> how many more (fewer) there would be."""

    @property
    def refused(self) -> Outcome | None:
        """The first outcome with an errno; None where all succeed."""
        return next((outcome for outcome in self.outcomes if not outcome.ok), None)

    @property
    def split(self) -> tuple[Span, ...]:
        """Vmas that get a border inside."""
        return _bordered(self.before, self.after)

    @property
    def merged(self) -> tuple[Span, ...]:
        """Vmas of afterwards that were several, or that took a moved or new one in."""
        joined = _bordered(self.after, self.before) if self.count("merges_done") else ()
        targets = {_target(op) for op in self.operations}
        return tuple(span for span in joined if span not in targets)

    @property
    def made(self) -> tuple[Span, ...]:
        """Vmas of afterwards where nothing was mapped."""
        return _apart(self.after, self.before)

    @property
    def gone(self) -> tuple[Span, ...]:
        """Vmas of which nothing stays mapped where it was."""
        return _apart(self.before, self.after)

    def count(self, counter: str) -> int:
        """How much a counter of core.counters would grow."""
        return sum(outcome.deltas.get(counter, 0) for outcome in self.outcomes)

    @property
    def tone(self) -> str:
        """ "bad" where a call is refused, "warn" where it costs what the user may not expect, else "good"."""
        if self.refused is not None:
            return "bad"
        dear = any(self.count(counter) for counter in _COSTS)
        return "warn" if not self.tried or self.neighbours or dear or _replaced(self) else "good"

    @property
    def text(self) -> str:
        """The verdict in one line: what is done, and what it does to the vmas around; or errno and rule."""
        done = "; ".join(_deed(op, self) for op in self.operations)
        refused = self.refused
        if refused is not None:
            half = f", after {refused.done} page{'s' if refused.done != 1 else ''}" if refused.done else ""
            return f"{refused.error}{half}: {refused.rule}" if refused.rule else f"{refused.error}{half}"
        effects = _effects(self)
        text = f"{done} – {'; '.join(effects)}" if effects else done
        return text if self.tried else f"{TOO_LARGE} {text}"


@frozen
class DryRun:
    """Asks for the Verdict on ``operations`` in the design in view; None where there is no world of the real kind."""

    operations: tuple[Operation, ...]
    key: str = "dry_run"

    def answer(self, stage: Stage) -> Verdict | None:
        """Do them to a copy of the world; the session is not changed."""
        world: Any = stage.shown.world
        if not isinstance(world, World) or not self.operations:
            return None
        try:
            ops = tuple(_resolved(stage, op) for op in self.operations)
        except KernelError as no:
            refused = Outcome(error=no.errno, rule=no.rule, field=no.field)
            return Verdict(operations=self.operations, outcomes=(refused,))
        if world.cost_bytes() > LIMIT_BYTES:
            return plan(world, ops)
        return judge(world, ops)


def judge(world: World, ops: Sequence[Operation]) -> Verdict:
    """The verdict on ``ops`` in ``world``, which stays as it is."""
    pid = next((op.pid for op in ops if hasattr(op, "pid")), 0)
    copy = world.copy()
    outcomes = tuple(copy.apply(op) for op in ops)
    kept = {row.kind: row.objects for row in world.footprint()}
    now = {row.kind: row.objects for row in copy.footprint()}
    verdict = Verdict(
        operations=tuple(ops),
        outcomes=outcomes,
        pid=pid,
        before=vmas_of(world, pid),
        after=vmas_of(copy, pid),
        neighbours=_neighbours(copy, ops[-1]) if outcomes[-1].ok else (),
        objects={kind: n - kept.get(kind, 0) for kind, n in now.items() if n != kept.get(kind, 0)},
    )
    take_apart(copy)
    return verdict


def plan(world: World, ops: Sequence[Operation]) -> Verdict:
    """What can be said of a world too large to be copied: the vmas cut and made, and for a move its neighbours."""
    op = ops[0]
    pid = getattr(op, "pid", 0)
    before = after = vmas_of(world, pid)
    target = _target(op)
    if isinstance(op, Munmap) or target is not None:
        after = _without(before, op.span)  # type: ignore[union-attr]
    if target is not None:
        after = np.vstack([_without(after, target), [[target.start, target.end, 0, 0, -1]]])
        after = after[np.argsort(after[:, 0], kind="stable")]
    neighbours = _planned(world, op) if isinstance(op, Mremap) and target is not None else ()
    return Verdict(operations=tuple(ops), tried=False, pid=pid, before=before, after=after, neighbours=neighbours)


def _without(vmas: Ints, span: Span) -> Ints:
    # the parts of ``vmas`` outside the span
    left, right = vmas[vmas[:, 0] < span.start].copy(), vmas[vmas[:, 1] > span.end].copy()
    left[:, 1] = np.minimum(left[:, 1], span.start)
    right[:, 0] = np.maximum(right[:, 0], span.end)
    return np.vstack([left, right])


def _planned(world: World, op: Mremap) -> tuple[Neighbour, ...]:
    # copy_vma's proposal, put to the two sides; asking changes nothing
    task, target = world.tasks.get(op.pid), _target(op)
    if task is None or task.mm not in world.mms or target is None:
        return ()
    mm, table = world.mms[task.mm], world.vma
    row = world.vma_at(mm, op.span.start)
    if row < 0:
        return ()
    prev, following = world.around(mm, target.start, target.end)
    proposal = Proposal(
        mm=mm.id, start=target.start, end=target.end, flags=int(table.flags[row]), file=int(table.file[row]),
        pgoff=pgoff_at(world, row, op.span.start), anon_from=row, copied_from=row, prev=prev, next=following,
    )  # fmt: skip
    found = []
    for side, other in (("left", prev), ("right", following)):
        theirs = Span(int(table.start[other]), int(table.end[other])) if other >= 0 else None
        if theirs is None or not (theirs.end == target.start or theirs.start == target.end):
            continue
        stays = theirs.start < op.span.start or theirs.end > op.span.end
        why = merge.refusal(world, other, proposal, side) if stays else None
        if why is not None:
            found.append(Neighbour(side=side, mine=target, theirs=theirs, refusal=why))
    return tuple(found)


def vmas_of(world: World, pid: int) -> Ints:
    """[vmas, 5]: start, end, pgoff, flags and owner of the vmas of a process in address order; none where it is not alive."""
    task = world.tasks.get(pid)
    mm = world.mms.get(task.mm) if task is not None else None
    rows = np.array(mm.vmas if mm is not None else [], np.int64)
    table = world.vma
    columns = (table.start[rows], table.end[rows], table.pgoff[rows], table.flags[rows], world.design.vma_owner(rows))
    out = np.stack([np.asarray(column, np.int64) for column in columns], axis=1)
    out.flags.writeable = False
    return out


def _resolved(stage: Stage, op: Operation) -> Operation:
    lens = stage.shown.lens
    if not lens.undecided(op):
        return op
    return lens.resolve(op, list(stage.worlds.values()))


def _neighbours(world: World, op: Operation) -> tuple[Neighbour, ...]:
    # the vma that the call was about, and those that touch it but may not join
    at = _about(op)
    task = world.tasks.get(getattr(op, "pid", 0))
    if at < 0 or task is None or task.mm not in world.mms:
        return ()
    row = world.vma_at(world.mms[task.mm], at)
    if row < 0:
        return ()
    mine = Span(int(world.vma.start[row]), int(world.vma.end[row]))
    return tuple(
        Neighbour(side=side, mine=mine, theirs=Span(int(world.vma.start[o]), int(world.vma.end[o])), refusal=why)
        for side, o, why in merge.verdicts(world, row)
        if why is not None and (why.rule != "flags" or not isinstance(op, Mprotect | Madvise))
    )


def _about(op: Operation) -> int:
    match op:
        case Mremap():
            return op.span.start if op.to is None else op.to
        case Mmap() | Mprotect() | Madvise():
            return op.span.start
        case Brk():
            return op.end - 1
    return -1


def _bordered(vmas: Ints, others: Ints) -> tuple[Span, ...]:
    # those of ``vmas`` with a border of ``others`` strictly inside
    borders = np.unique(others[:, :2])
    inside = np.searchsorted(borders, vmas[:, 1], "left") > np.searchsorted(borders, vmas[:, 0], "right")
    return _spans(vmas[inside])


def _apart(vmas: Ints, others: Ints) -> tuple[Span, ...]:
    # those of ``vmas`` that share no page with ``others``
    met = np.searchsorted(others[:, 0], vmas[:, 1], "left") > np.searchsorted(others[:, 1], vmas[:, 0], "right")
    return _spans(vmas[~met])


def _spans(vmas: Ints) -> tuple[Span, ...]:
    return tuple(Span(start, end) for start, end in vmas[:, :2].tolist())


def _pages(n: int) -> str:
    return f"{n:,} page{'s' if n != 1 else ''}"


def _deed(op: Operation, verdict: Verdict) -> str:
    match op:
        case Mremap() if op.to is None:
            end = op.span.start + op.new_pages
            if op.new_pages == op.span.pages:
                return "leaves the length as it is"
            verb = "grows" if op.new_pages > op.span.pages else "shrinks"
            return f"{verb} {op.span} to {_pages(op.new_pages)}, up to page {end:x}"
        case Mremap():
            resized = f", now {_pages(op.new_pages)}" if op.new_pages != op.span.pages else ""
            return f"moves {_pages(min(op.span.pages, op.new_pages))} to page {op.to:x}{resized}"
        case Munmap():
            return f"unmaps {_pages(_mapped(verdict.before, op.span))} of {op.span}"
        case Mprotect():
            names = perms(0) if not op.prot else "".join(c if c in op.prot else "-" for c in "rwx")
            return f"makes {op.span} {names[:3]}"
        case Madvise():
            return f"madvise({op.advice}) on {_pages(_mapped(verdict.before, op.span))} of {op.span}"
    return describe(op)


def _mapped(vmas: Ints, span: Span) -> int:
    lengths = np.minimum(vmas[:, 1], span.end) - np.maximum(vmas[:, 0], span.start)
    return int(lengths[lengths > 0].sum())


def _target(op: Operation) -> Span | None:
    return Span(op.to, op.to + op.new_pages) if isinstance(op, Mremap) and op.to is not None else None


def _replaced(verdict: Verdict) -> int:
    # how many pages a move unmaps at its new place
    target = _target(verdict.operations[0])
    return _mapped(verdict.before, target) if target is not None else 0


def _effects(verdict: Verdict) -> list[str]:
    found = []
    split = [span for span in verdict.split if _pieces(verdict.after, span) > 1 or not _shortens(verdict.operations)]
    if split:
        found.append(f"would split {_listed(split)}")
    if replaced := _replaced(verdict):
        found.append(f"unmaps {_pages(replaced)} that lie there")
    if verdict.merged:
        found.append(f"merges into {_listed(verdict.merged)}")
    by_why: dict[str, list[str]] = {}
    for one in verdict.neighbours:
        by_why.setdefault(_SHORT.get(one.refusal.rule, one.refusal.rule), []).append(one.side)
    found += [f"cannot merge {' or '.join(sides)}: {why}" for why, sides in by_why.items()]
    for counter, words in _COSTS.items():
        if n := verdict.count(counter):
            found.append(words.format(n=f"{n:,}", s="s" if n != 1 else ""))
    found += [f"{n:+,} {kind}".replace("-", "−") for kind, n in verdict.objects.items()]
    return found


def _pieces(vmas: Ints, span: Span) -> int:
    return int(((vmas[:, 0] < span.end) & (vmas[:, 1] > span.start)).sum())


def _shortens(ops: Sequence[Operation]) -> bool:
    # such calls say themselves that a vma gets shorter
    return all(isinstance(op, Munmap) or (isinstance(op, Mremap) and op.to is None) for op in ops)


def _listed(spans: Sequence[Span]) -> str:
    return ", ".join(str(span) for span in spans[:2]) + (f" and {len(spans) - 2:,} more" if len(spans) > 2 else "")

"""Merging: which touching vmas become one, and in words why others do not.

The cases are those of mm/vma.c (6.18): a new range may join prev, next or both; a changed part of an
existing vma may go to prev, to next, or make all three one. What anonymous memory must agree in is the
design's word (``may_merge``, ``may_join``); flags, file and pgoff of files are the same for all. What is simulated has no
vm_ops->close (drivers, SysV shared memory and hugetlb have): the rule that such a vma never disappears in a merge, which
until 714965ca8252 (2023) kept it from merging at all, has nothing to act on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmapexplorer.core import flags as vm
from rmapexplorer.core.design import Proposal
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.outcome import Refusal
from rmapexplorer.core.vmas import Bounds, index_remove, link, pgoff_at, resize, split

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def refusal(w: World, target: int, proposal: Proposal, side: str) -> Refusal | None:
    """Why ``target`` (prev for side "left", next for "right"), which touches the span, does not take it in; None: it does."""
    vma, source = w.vma, w.rules.merge_source
    mine, theirs = proposal.flags, vma.flags.item(target)
    if (mine | theirs) & vm.SPECIAL:
        where = source("vma_merge_*_range" if w.rules.merging_in_vma_c else "vma_merge")
        return Refusal("special", "a special mapping (VM_SPECIAL) never merges", *_two_flags(mine, theirs), where)
    if mine != theirs:
        return Refusal("flags", _flags_sentence(mine, theirs), *_two_flags(mine, theirs), source("is_mergeable_vma"))
    if proposal.file != vma.file.item(target):
        names = _file_name(w, proposal.file), _file_name(w, vma.file.item(target))
        return Refusal("file", f"different files: {names[0]} and {names[1]}", *names, source("is_mergeable_vma"))
    if proposal.file >= 0 or (w.design.ANON_PGOFF and w.design.CHECKS_PGOFF):
        length = proposal.end - proposal.start
        if side == "left":
            want, have = vma.pgoff.item(target) + vma.end.item(target) - vma.start.item(target), proposal.pgoff
        else:
            want, have = proposal.pgoff + length, vma.pgoff.item(target)
        if want != have:
            return Refusal("pgoff", f"pgoff is not linear: the left side ends at {want:x}, the right begins at {have:x}",
                           f"{want:x}", f"{have:x}", source(f"can_vma_merge_{'after' if side == 'left' else 'before'}"))  # fmt: skip
    return w.design.may_merge(target, proposal, side)


def _two_flags(mine: int, theirs: int) -> tuple[str, str]:
    return tuple(f"{vm.perms(f)} {vm.smaps(f)}".strip() for f in (mine, theirs))  # type: ignore[return-value]


def _flags_sentence(mine: int, theirs: int) -> str:
    words = [word for bit, word in vm.WORDS.items() if (mine ^ theirs) & bit]
    return f"the flags differ in {', '.join(words)}"


def _file_name(w: World, file: int) -> str:
    return w.files[file].name if file >= 0 else "anonymous"


def _can(w: World, target: int, touches: bool, proposal: Proposal, side: str) -> bool:
    if target < 0 or not touches or _unlike(w, target, proposal):
        return False
    why = refusal(w, target, proposal, side)
    if why is None:
        return True
    _note(w, proposal, why)
    return False


def _unlike(w: World, target: int, proposal: Proposal) -> bool:
    # refused for what nobody is told of, so that no words need to be found: see refusal and _note
    flags = w.vma.flags.item(target)
    return flags != proposal.flags or bool(flags & vm.SPECIAL) or w.vma.file.item(target) != proposal.file


def _note(w: World, proposal: Proposal, why: Refusal) -> None:
    if why.rule in ("anon_vma", "unfaulted", "fork child") or (why.rule == "pgoff" and proposal.file < 0):
        w.refuse_merge(why)


def sides(w: World, p: Proposal) -> tuple[bool, bool]:
    """Whether the proposed span may merge to the left and to the right (can_vma_merge_left, can_vma_merge_right)."""
    left = _can(w, p.prev, p.prev >= 0 and w.vma.end.item(p.prev) == p.start, p, "left")
    right = _can(w, p.next, p.next >= 0 and w.vma.start.item(p.next) == p.end, p, "right")
    if left and right:
        why = w.design.may_join(p.prev, p.next)
        if why is not None:
            w.refuse_merge(why)
            right = False
    return left, right


def merge_new(w: World, mm: Mm, p: Proposal, expand_only: bool = False) -> int:
    """vma_merge_new_range: let prev or next grow over the free span; returns the vma that did, -1 if none may.

    ``expand_only`` tries the left side alone (brk, and mremap in place before 6.1).
    """
    if expand_only:
        left, right = _can(w, p.prev, p.prev >= 0 and int(w.vma.end[p.prev]) == p.start, p, "left"), False
    else:
        left, right = sides(w, p)
    if not (left or right):
        return -1
    target, gone = (p.prev, p.next if right else -1) if left else (p.next, -1)
    start = int(w.vma.start[p.prev]) if left else p.start
    end = int(w.vma.end[p.next]) if right else p.end
    pgoff = int(w.vma.pgoff[p.prev]) if left else p.pgoff
    if gone >= 0:
        _adopt(w, target, gone)
    if p.copied_from >= 0:
        _adopt(w, target, p.copied_from)
    _commit(w, mm, (Bounds(target, start, end, pgoff),), gone)
    return target


def _adopt(w: World, target: int, source: int) -> None:
    w.design.anon_vma_adopted(target, source)
    w.vma.touched[target] |= w.vma.touched[source]
    w.vma.guarded[target] |= w.vma.guarded[source]


def _commit(w: World, mm: Mm, changes: tuple[Bounds, ...], *gone: int) -> None:
    """commit_merge: bounds change, vmas taken in whole disappear."""
    doomed = [row for row in gone if row >= 0]
    for row in doomed:
        mm.drop(row, w.vma.start.item(row))
    resize(w, mm, changes)
    for row in doomed:
        w.vma.guarded[changes[0].row] |= w.vma.guarded[row]
        file = w.vma.file.item(row)
        if file >= 0:
            index_remove(w, row)
            w.files[file].users -= 1
        w.design.vma_merged(changes[0].row, row)
        w.vma.free(row)
    w.counters["merges_done"] += 1


def merge_existing(w: World, mm: Mm, row: int, start: int, end: int, flags: int) -> int:
    """vma_merge_existing_range: part [start, end) of vma ``row`` gets ``flags``; returns the vma that now holds it, or -1."""
    vma = w.vma
    first, last = vma.start.item(row), vma.end.item(row)
    left_side, right_side = start == first, end == last
    if flags & vm.SPECIAL or not (left_side or right_side):
        return -1
    prev, next_ = w.around(mm, first, last)
    pgoff = pgoff_at(w, row, start)
    p = Proposal(mm=mm.id, start=start, end=end, flags=flags, file=vma.file.item(row), pgoff=pgoff, anon_from=row, middle=row,
                 prev=prev if left_side else -1, next=next_ if right_side else -1)  # fmt: skip
    left, right = sides(w, p)
    if not (left or right):
        return -1
    whole = left_side and right_side
    if left and right:
        _adopt(w, prev, next_ if w.design.has_anon(next_) else row)
        grown = Bounds(prev, vma.start.item(prev), vma.end.item(next_), vma.pgoff.item(prev))
        _commit(w, mm, (grown,), row, next_)
        return prev
    if left:
        _adopt(w, prev, row)
        grown = Bounds(prev, vma.start.item(prev), end, vma.pgoff.item(prev))
        if whole:
            _commit(w, mm, (grown,), row)
        else:
            _commit(w, mm, (grown, Bounds(row, end, last, pgoff_at(w, row, end))))
        return prev
    _adopt(w, next_, row)
    grown = Bounds(next_, start, vma.end.item(next_), _pgoff_below(w, next_, end - start))
    if whole:
        _commit(w, mm, (grown,), row)
    else:
        _commit(w, mm, (Bounds(row, first, start, vma.pgoff.item(row)), grown))
    return next_


def _pgoff_below(w: World, row: int, pages: int) -> int:
    # next grows downwards; a pgoff that means nothing stays 0
    if w.vma.file[row] < 0 and not w.design.ANON_PGOFF:
        return 0
    return w.vma.pgoff.item(row) - pages


def modify(w: World, mm: Mm, row: int, start: int, end: int, flags: int) -> int:
    """vma_modify: give [start, end) of ``row`` new flags, by merging or by splitting; returns the vma that holds it now.

    When a merge happened the caller must not set flags: they are the survivor's.
    """
    merged = merge_existing(w, mm, row, start, end, flags)
    if merged >= 0:
        return merged
    if w.vma.start[row] < start:
        split(w, mm, row, start, new_below=True)
    if w.vma.end[row] > end:
        split(w, mm, row, end, new_below=False)
    w.design.share_with_neighbours(row, flags)
    return row


def merge_extend(w: World, mm: Mm, row: int, pages: int) -> int:
    """vma_merge_extend: mremap grows the vma in place by ``pages`` into free room, perhaps joining what follows."""
    vma = w.vma
    start, end = vma.end.item(row), vma.end.item(row) + pages
    _, next_ = w.around(mm, vma.start.item(row), end)
    p = Proposal(mm=mm.id, start=start, end=end, flags=vma.flags.item(row), file=vma.file.item(row),
                 pgoff=pgoff_at(w, row, start), anon_from=row, prev=row, next=next_)  # fmt: skip
    return merge_new(w, mm, p, expand_only=not w.rules.mremap_grow_merges)


def insert_new(w: World, mm: Mm, p: Proposal, label: int) -> int:
    """A vma of its own for the span."""
    row = w.vma.new(mm=mm.id, start=p.start, end=p.end, pgoff=p.pgoff, flags=p.flags, file=p.file, label=label)
    link(w, mm, row)
    w.design.share_with_neighbours(row, p.flags)
    return row


def verdicts(w: World, row: int) -> list[tuple[str, int, Refusal | None]]:
    """(side, neighbour, why not) for each vma that touches ``row``: what a merge of the two would say now."""
    vma = w.vma
    mm = w.mms[vma.mm.item(row)]
    prev, next_ = w.around(mm, vma.start.item(row), vma.end.item(row))
    p = Proposal(mm=mm.id, start=vma.start.item(row), end=vma.end.item(row), flags=vma.flags.item(row),
                 file=vma.file.item(row), pgoff=vma.pgoff.item(row), anon_from=row, middle=row, prev=prev, next=next_)  # fmt: skip
    out: list[tuple[str, int, Refusal | None]] = []
    if prev >= 0 and vma.end[prev] == vma.start[row]:
        out.append(("left", prev, refusal(w, prev, p, "left")))
    if next_ >= 0 and vma.start[next_] == vma.end[row]:
        out.append(("right", next_, refusal(w, next_, p, "right")))
    return out


__all__ = ["insert_new", "merge_existing", "merge_extend", "merge_new", "modify", "refusal", "sides", "verdicts"]

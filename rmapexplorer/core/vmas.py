"""Single vmas: link, split, resize, unlink, each telling the file's index and the design in the kernel's order.

Kernel: vma_link, __split_vma, vma_prepare, vma_complete of mm/vma.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

from rmapexplorer.core.flags import NONLINEAR, SHARED
from rmapexplorer.core.map_count import refuse_hole, refuse_split
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.pages import evict
from rmapexplorer.core.table import Ints

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def index_insert(w: World, row: int) -> None:
    """Enter a vma in its file's index, or on the list of nonlinear vmas, which no index can order."""
    if w.vma.flags.item(row) & NONLINEAR:
        w.nonlinear.setdefault(w.vma.file.item(row), []).append(row)
    else:
        w.imap.insert(row)


def index_remove(w: World, row: int) -> None:
    """Take a vma out of its file's index or the list of nonlinear vmas."""
    if w.vma.flags.item(row) & NONLINEAR:
        w.nonlinear[w.vma.file.item(row)].remove(row)
    else:
        w.imap.remove(row)


def index_insert_forked(w: World, parents: Ints, children: Ints) -> None:
    """Enter children's vmas beside their parents'."""
    odd = (w.vma.flags[parents] & NONLINEAR) != 0
    w.imap.insert_forked(parents[~odd], children[~odd])
    for row in children[odd].tolist():
        index_insert(w, row)


def link(w: World, mm: Mm, row: int) -> None:
    """vma_link: enter a filled row into its mm and its file."""
    mm.order.put(row, w.vma.start.item(row))
    file = w.vma.file.item(row)
    if file >= 0:
        w.files[file].users += 1
        index_insert(w, row)


def unlink_many(w: World, mm: Mm, rows: Ints) -> None:
    """Take vmas out of file, design and mm, and free them (vms_complete_munmap_vmas, exit_mmap). ptes are gone already."""
    if len(rows) == 1:
        _unlink_one(w, mm, rows)
    elif len(rows):
        _unlink_each(w, mm, rows)


def _unlink_one(w: World, mm: Mm, rows: Ints) -> None:
    row = rows.item(0)
    number = w.vma.file.item(row)
    if number >= 0:
        index_remove(w, row)
        file = w.files[number]
        file.users -= 1
        if file.shmem and not file.users:
            evict(w, file)
    w.design.vmas_unlinked(rows)
    mm.drop(row, w.vma.start.item(row))
    w.vma.free(row)


def _unlink_each(w: World, mm: Mm, rows: Ints) -> None:
    on_file = rows[w.vma.file[rows] >= 0]
    odd = (w.vma.flags[on_file] & NONLINEAR) != 0
    w.imap.remove_many(on_file[~odd])
    for row in on_file[odd].tolist():
        index_remove(w, row)
    for file in w.vma.file[on_file].tolist():
        w.files[file].users -= 1
        if w.files[file].shmem and not w.files[file].users:
            evict(w, w.files[file])
    w.design.vmas_unlinked(rows)
    if len(rows) == mm.order.count:
        mm.unmaps += 1
        mm.order.clear()
    else:
        for row in rows.tolist():
            mm.drop(row, w.vma.start.item(row))
    w.vma.free_many(rows)


@define
class Bounds:
    """New bounds of a vma in a resize; page numbers."""

    row: int
    start: int
    end: int
    pgoff: int


def resize(w: World, mm: Mm, changes: tuple[Bounds, ...], insert: int = -1) -> None:
    """vma_prepare, the change, vma_complete: the first of ``changes`` is the vma, a second the adjusted neighbour.

    ``insert`` is the new half of a split: it enters the file's index before the others leave it.
    """
    vma = w.vma
    rows = tuple(change.row for change in changes)
    on_file = vma.file[rows[0]] >= 0
    if insert >= 0 and on_file:
        w.files[vma.file.item(insert)].users += 1
        index_insert(w, insert)
    for row in rows:
        if on_file:
            index_remove(w, row)
    w.design.vmas_resizing(rows)
    for change in changes:
        old = int(vma.start[change.row])
        if insert < 0 and len(changes) == 1:  # else another vma has what this one gives up
            mm.unmaps += change.start > old or change.end < int(vma.end[change.row])
        if old != change.start:
            mm.order.move(change.row, old, change.start)
        vma.start[change.row], vma.end[change.row] = change.start, change.end
        vma.pgoff[change.row] = change.pgoff
    if on_file:
        for row in reversed(rows):
            index_insert(w, row)
    w.design.vmas_resized(rows)
    if insert >= 0:
        mm.order.put(insert, vma.start.item(insert))


def pgoff_at(w: World, row: int, vpn: int) -> int:
    """vm_pgoff a part of the vma that begins at ``vpn`` has. Stays 0 where anonymous pgoff means nothing."""
    if vpn == w.vma.start[row] or w.vma.file[row] >= 0 or w.design.ANON_PGOFF:
        return w.vma.pgoff.item(row) + vpn - w.vma.start.item(row)
    return 0


def split(w: World, mm: Mm, row: int, at: int, new_below: bool, counted: bool = True) -> int:
    """__split_vma at page number ``at``; returns the new row, the lower half if ``new_below``, else the upper.

    With ``counted`` it is split_vma. :raises KernelError: ENOMEM at vm.max_map_count, where counted.
    """
    if counted:
        refuse_split(w, mm)
    vma = w.vma
    start, end, pgoff = vma.start.item(row), vma.end.item(row), vma.pgoff.item(row)
    new = vma.copy_row(row)
    upper = pgoff_at(w, row, at)
    if new_below:
        vma.end[new] = at
        rest = Bounds(row, at, end, upper)
    else:
        vma.start[new], vma.pgoff[new] = at, upper
        rest = Bounds(row, start, at, pgoff)
    w.design.vma_cloned(row, new)
    resize(w, mm, (rest,), insert=new)
    w.counters["splits"] += 1
    return new


def isolate(w: World, mm: Mm, start: int, end: int) -> list[int]:
    """Split at both ends of [start, end) and return the vmas inside (vms_gather_munmap_vmas).

    :raises KernelError: ENOMEM at vm.max_map_count, for a hole inside one vma
    """
    inside = w.vmas_in(mm, start, end)
    refuse_hole(w, mm, start, end)
    counted = not w.rules.munmap_passes_limit
    if inside and w.vma.start.item(inside[0]) < start:
        split(w, mm, inside[0], start, new_below=True, counted=counted)
    if inside and w.vma.end.item(inside[-1]) > end:
        split(w, mm, inside[-1], end, new_below=False, counted=counted)
    return inside


def is_private_anonymous(w: World, row: int) -> bool:
    """No file and not shared: the memory whose pgoff the kernel makes up."""
    return bool(w.vma.file[row] < 0) and not w.vma.flags.item(row) & SHARED

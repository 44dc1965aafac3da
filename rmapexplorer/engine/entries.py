"""A pte, a struct page and a vma as lines for the inspector: the kernel's names, the values, what they mean."""

from __future__ import annotations

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix, table
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.world import World
from rmapexplorer.engine.frames import Field

_PTE_BITS = (
    (radix.PRESENT, "present"), (radix.PROTNONE, "protnone"), (radix.WRITE, "write"), (radix.DIRTY, "dirty"),
    (radix.YOUNG, "young"), (radix.EXCLUSIVE, "exclusive"),
)  # fmt: skip
_PAGE_BITS = (
    (table.ANON, "anon"), (table.FILE, "file"), (table.SHMEM, "shmem"), (table.EXCLUSIVE, "exclusive"),
    (table.ACTIVE, "active"), (table.REFERENCED, "referenced"), (table.MLOCKED, "mlocked"), (table.DIRTY, "dirty"),
)  # fmt: skip


def mapped_page(world: World, mm: Mm, vpn: int) -> int:
    """The page that is mapped at page number ``vpn``, -1 where none is (hole, untouched, zero page, swapped out)."""
    entry = world.pt.get(mm.tables, vpn)
    mapped = entry & (radix.PRESENT | radix.PROTNONE) and not entry & radix.ZERO
    return entry >> radix.ENTRY_SHIFT if mapped else -1


def page_fields(world: World, mm: Mm, vma: int, vpn: int) -> tuple[Field, ...]:
    """What the page table holds at page number ``vpn`` and, where that is a page, its struct page."""
    entry = world.pt.get(mm.tables, vpn)
    if not entry:
        if vma < 0:
            return ()
        return (Field(name="pte", value="none", meaning="never touched, or given back: nothing is here yet"),)
    number = entry >> radix.ENTRY_SHIFT
    page = mapped_page(world, mm, vpn)
    if page >= 0:
        return (_pte(entry), *_struct_page(world, page))
    if entry & radix.ZERO:
        return (Field(name="pte", value="zero page", meaning="read, never written: the one shared page of zeros"),)
    if entry & radix.SWAP:
        return _swap_fields(world, entry, number)
    if entry & radix.MARKER:
        return (Field(name="pte", value="guard marker", meaning="madvise(guard_install): any access is a SIGSEGV"),)
    return (Field(name="pte", value=f"file offset {number:x}", meaning="the page to read back on the next fault"),)


def _words(bits: int, names: tuple[tuple[int, str], ...]) -> str:
    return " ".join(word for bit, word in names if bits & bit) or "none"


def _pte(entry: int) -> Field:
    return Field(name="pte", value=_words(entry, _PTE_BITS), meaning="bits of the entry that maps the page here")


def _struct_page(world: World, page: int) -> tuple[Field, ...]:
    pages = world.page
    state, mapping, mapcount = int(pages.state[page]), int(pages.mapping[page]), int(pages.mapcount[page])
    anon = bool(state & table.ANON)
    if anon:
        where = world.design.owner_name(mapping)
        meaning = f"its {world.design.OWNER}: where a walk from this page begins"
    else:
        where = world.files[mapping].name if 0 <= mapping < len(world.files) else "—"
        meaning = "the file whose vmas a walk from this page visits"
    fields = [
        Field(name="page", value=f"#{page}", meaning="number of the page frame in this design's world"),
        Field(name="mapping", value=where, meaning=meaning, tone=f"family:{mapping}" if anon and mapping >= 0 else ""),
        Field(name="index", value=f"{int(pages.index[page]):x}", meaning="page offset within the mapping"),
        Field(name="mapcount", value=str(mapcount), meaning="ptes that map it; a walk may stop at that many"),
        Field(name="flags", value=_words(state, _PAGE_BITS), meaning="state of the page"),
        Field(name="content", value=_content(int(pages.token[page])), meaning="equal in all designs"),
    ]
    if pages.swap[page] >= 0:
        fields.append(Field(name="swap", value=f"slot {int(pages.swap[page])}", meaning="also in the swap cache"))
    return tuple(fields)


CLOSE = 0.9
"""Share of vm.max_map_count from which on a process is close to it."""


def process_fields(world: World, mm: Mm) -> tuple[Field, ...]:
    """The process as a whole: how close it is to vm.max_map_count."""
    limit, count = world.machine.max_map_count, mm.order.count
    if limit is None:
        return (Field(name="vmas", value=f"{count:,}", meaning="the machine has no vm.max_map_count"),)
    left = max(0, limit - count)
    tone = "bad" if not left else "warn" if count >= CLOSE * limit else ""
    meaning = f"vm.max_map_count leaves room for {left:,} more"
    if not left:
        meaning = "vm.max_map_count is reached: calls that split a vma fail with ENOMEM"
    return (Field(name="vmas", value=f"{count:,} of {limit:,}", meaning=meaning, tone=tone),)


def _content(token: int) -> str:
    return f"written by operation {token}" if token > 0 else "as it came"


def _swap_fields(world: World, entry: int, slot: int) -> tuple[Field, ...]:
    swap = world.swap
    fields = [
        Field(name="pte", value="swap entry", meaning="the page is out; the next access reads it back"),
        Field(name="slot", value=str(slot), meaning="its place on the swap device"),
        Field(name="swap count", value=str(int(swap.count[slot])), meaning="ptes and caches that still need the slot"),
        Field(name="content", value=_content(int(swap.token[slot])), meaning="equal in all designs"),
    ]
    if swap.page[slot] >= 0:
        fields.append(
            Field(name="swap cache", value=f"page #{int(swap.page[slot])}", meaning="still in memory as well")
        )
    if entry & radix.EXCLUSIVE:
        fields.append(Field(name="exclusive", value="yes", meaning="only this process had it: a write will not copy"))
    return tuple(fields)


def vma_fields(world: World, row: int) -> tuple[Field, ...]:
    """The vm_area_struct."""
    vmas = world.vma
    start, end, bits = int(vmas.start[row]), int(vmas.end[row]), int(vmas.flags[row])
    file, label = int(vmas.file[row]), int(vmas.label[row])
    extra = vm.smaps(bits)
    fields = [
        Field(name="vm_start", value=f"page {start:x}", meaning="where it begins"),
        Field(name="vm_end", value=f"page {end:x}", meaning=f"where the next may begin; {end - start:,} pages"),
        Field(
            name="vm_flags",
            value=f"{vm.perms(bits)} {extra}".strip(),
            meaning="protection, and what smaps calls the rest",
        ),
        Field(name="vm_pgoff", value=f"{int(vmas.pgoff[row]):x}", meaning=_pgoff_meaning(world, row, start)),
    ]
    if file >= 0:
        fields.append(Field(name="vm_file", value=world.files[file].name, meaning="what is mapped"))
    if label >= 0:
        fields.append(Field(name="name", value=world.labels[label], meaning="as /proc/PID/maps shows it"))
    prepared = "yes" if world.design.has_anon(row) else "no"
    fields.append(Field(name="prepared", value=prepared, meaning="a write fault got it ready for anonymous pages"))
    return tuple(fields)


def _pgoff_meaning(world: World, row: int, start: int) -> str:
    if world.vma.file[row] >= 0:
        return "page of the file at vm_start"
    if not world.design.ANON_PGOFF:
        return "without meaning for anonymous memory in this design"
    if world.vma.pgoff[row] == start:
        return "index of its first page: the address it was mapped at"
    return f"index of its first page: mapped at page {int(world.vma.pgoff[row]):x}, moved since"

"""Eras of the system calls: what differs between kernel versions, as fields chosen once.

CHANGES says since which version a rule holds, with the commit that brought it; the rules of an era follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from rmapexplorer.core.units import KernelError, Machine

Version = tuple[int, ...]

STACK_LIMIT_PAGES = 2048
"""RLIMIT_STACK of 8 MiB: how long a stack may grow."""


@frozen
class Change:
    """One rule: the first version that has it, and the commit or the manual page that says so.

    ``sure`` is True where commit and version were looked up, in mails of the kernel's lists, pull requests and manual
    pages; False where one of the two is recalled.
    """

    since: str
    source: str
    sure: bool = True


CHANGES: dict[str, Change] = {
    "fork_skips_file_ptes": Change("2.6.14", "d992895ba2b2, Lazy page table copies in fork()"),
    "pgoff_never_wraps": Change("2.6.39", "a626ca6a6564, vm: fix vm_pgoff wrap in stack expansion"),
    "shared_never_grows": Change("3.4", "VM_GROWS{UP,DOWN} shouldn't be set on shmem VMAs", sure=False),
    "growsdown_checked_first": Change("3.12", "mm: shift VM_GROWS* check from mmap_region() to do_mmap_pgoff()", sure=False),
    "fault_around": Change("3.15", "8c6e50b0290c, mm: introduce vm_ops->map_pages()"),
    "remap_emulated": Change("4.0", "c8d78c1823f4, mm: replace remap_file_pages() syscall with emulation"),
    "onfault": Change("4.4", "b0f205c2a308, mm: mlock: add mlock flags to enable VM_LOCKONFAULT usage"),
    "map_count_below_elf": Change("2.6.31", "341c87bf346f, elf: limit max map count to safe value", sure=False),
    "munmap_passes_limit": Change("2.6.33", "mmap: don't return ENOMEM when mapcount is temporarily exceeded in munmap()",
                                  sure=False),
    "stack_guard_page": Change("2.6.36", "320b2b8de126, mm: keep a guard page below a grow-down stack segment (2010)",
                               sure=False),
    "stack_guard_gap": Change("4.12", "1be7107fbe18, mm: larger stack guard gap, between vmas"),
    "mremap_duplicates_shared": Change("4.14", "dba58d3b8c50, mm/mremap: fail map duplication attempts for private mappings"),
    "fixed_noreplace": Change("4.17", "a4ff8e8620d3, mm: introduce MAP_FIXED_NOREPLACE; mmap(2)"),
    "dontunmap": Change("5.7", "e346b3813067, mm/mremap: add MREMAP_DONTUNMAP to mremap(); mremap(2)"),
    "mremap_counts_first": Change("5.1", "ea2c3f6f5545, mm,mremap: bail out earlier in mremap_to under map pressure"),
    "anon_exclusive": Change("5.19", "6c287605fd56, mm: remember exclusively mapped anonymous pages with PG_anon_exclusive"),
    "mprotect_maps_writable": Change("6.0", "64fe24a3e05e, mm/mprotect: try avoiding write faults for exclusive anonymous "
                                     "pages when changing protection; posted June 2022, repaired by 76aefad628aa before 6.0"),
    "mremap_grow_merges": Change("6.1", "ca3d76b0aa80, mm: add merging after mremap resize; pulled with mm-stable-2022-10-08"),
    "ksm_merge_any": Change("6.4", "d7597f59d1d3, mm: add new api to enable ksm per process; PR_SET_MEMORY_MERGE(2const)"),
    "unfaulted_unaccounted": Change("6.7", "mm/mprotect: allow unfaulted VMAs to be unaccounted on mprotect(); pulled with "
                                    "mm-stable-2023-11-01"),
    "mseal": Change("6.10", "8be7258aad44, mseal: add mseal syscall"),
    "merging_in_vma_c": Change("6.12", "49b1b8d6f683, mm: move internal core VMA manipulation functions to own file"),
    "mremap_many": Change("6.17", "d23cb648e365, mm/mremap: permit mremap() move of multiple VMAs"),
    "mremap_checks_first": Change("6.17", "mm/mremap: check remap conditions earlier; of the series of d23cb648e365"),
}  # fmt: skip
"""Rule -> since when. What is older than 2.6.7 is not listed."""

ADVICES_SINCE: dict[str, Change] = {
    advice: change
    for words, change in (
        ("dontfork dofork", Change("2.6.16", "f822566165dd; madvise(2)")),
        ("remove", Change("2.6.16", "f6b3ec238d12; madvise(2)")),
        ("mergeable unmergeable", Change("2.6.32", "f8af4da3b4c1, ksm: the mm interface to ksm")),
        ("hugepage nohugepage", Change("2.6.38", "0af4e98b6b09; MADV_NOHUGEPAGE: madvise(2)")),
        ("dontdump dodump", Change("3.4", "909af768e888, accb61fe7bb0; madvise(2)")),
        ("wipeonfork keeponfork", Change("4.14", "d2cd9ede6e19; madvise(2)")),
        ("free", Change("4.5", "854e9ed09ded, mm: support madvise(MADV_FREE)")),
        ("cold", Change("5.4", "9c276cc65a58, mm: introduce MADV_COLD; madvise(2)")),
        ("pageout", Change("5.4", "1a4e58cce84e, mm: introduce MADV_PAGEOUT; madvise(2)")),
        ("populate_read populate_write", Change("5.14", "4ca9b3859dac, introduce MADV_POPULATE_(READ|WRITE)")),
        ("dontneed_locked", Change("5.18", "9457056ac426, mm: madvise: MADV_DONTNEED_LOCKED")),
        ("guard_install guard_remove", Change("6.13", "662df3e5c376, implement lightweight guard page mechanism")),
    )
    for advice in words.split()
}
"""Advice of madvise -> since when; the others are older than 2.6.7."""


@frozen(kw_only=True)
class CallRules:
    """One era of the calls. Fault-around: pages mapped round a read fault of a file (do_fault_around)."""

    era: str
    fault_around: int
    fork_skips_file_ptes: bool
    """copy_page_range leaves out vmas without anonymous pages, which fault again (vma_needs_copy)."""
    mremap_many: bool
    """One mremap may move several vmas."""
    mremap_checks_first: bool
    """A refused move has not unmapped what was at the new place."""
    mremap_grow_merges: bool
    """A vma grown in place joins the one it then touches."""
    dontunmap: bool
    """MREMAP_DONTUNMAP is known; before, EINVAL."""
    nonlinear: bool
    """remap_file_pages changes ptes inside one vma; later it makes a mapping of its own."""
    fixed_noreplace: bool
    """MAP_FIXED_NOREPLACE is known; before, the address is a hint, and taken pages send the mapping elsewhere."""
    onfault: bool
    """mlock2 is there; before, ENOSYS."""
    mseal: bool
    """mseal is there; before, ENOSYS."""
    ksm_merge_any: bool
    """prctl knows PR_SET_MEMORY_MERGE; before, EINVAL."""
    pgoff_never_wraps: bool
    """A stack does not grow below index 0 of its vma's file or anon_vma; before, vm_pgoff wrapped."""
    shared_never_grows: bool
    """MAP_GROWSDOWN of shared anonymous memory is EINVAL; before, it was taken."""
    growsdown_checked_first: bool
    """A refused MAP_GROWSDOWN has not unmapped what was there."""
    mremap_duplicates_private: bool
    """mremap with an old size of 0 maps private memory anew, empty; later, EINVAL."""
    anon_exclusive: bool
    """A write fault reuses a page marked exclusive (PageAnonExclusive); before, one whose mapcount and swap count are 1.

    5.8 to 5.18 asked for page_count 1 (17839856fd58, 09854ba94c6a). No era lies there; and what parts page_count from
    mapcount, references of get_user_pages and of per-CPU lists, is not simulated.
    """
    mprotect_maps_writable: bool
    """mprotect to writable gives exclusive pages their write bit at once; before, each takes a write fault."""
    unfaulted_unaccounted: bool
    """mprotect to read-only clears VM_ACCOUNT of a vma never faulted."""
    merging_in_vma_c: bool
    """The functions of merging lie in mm/vma.c; before, in mm/mmap.c."""
    munmap_passes_limit: bool
    """munmap may have more vmas than vm.max_map_count for a moment; before, every split of it counted."""
    mremap_counts_first: bool
    """A move near vm.max_map_count is refused before anything was unmapped for it."""
    missing_advices: dict[str, str] = field(factory=dict, hash=False)
    """Advice that is not known yet -> the version it came with: EINVAL."""
    stack_guard_pages: int = 256
    """The gap kept free between a stack and the vma under it."""
    stack_limit_pages: int = STACK_LIMIT_PAGES
    max_map_count: int = 65530
    """DEFAULT_MAX_MAP_COUNT: what vm.max_map_count is where nobody set it."""

    def merge_source(self, function: str) -> str:
        """A function of merging as a refusal cites it: ``is_mergeable_vma, mm/mmap.c 3.0``."""
        return f"{function}, mm/{'vma' if self.merging_in_vma_c else 'mmap'}.c {self.era}"


def version(text: str) -> Version:
    """``"2.6.34"`` as (2, 6, 34), for comparison."""
    return tuple(int(part) for part in text.split("."))


def _rules(era: str) -> CallRules:
    now = version(era)
    has = {name: now >= version(change.since) for name, change in CHANGES.items()}
    fields = ("fork_skips_file_ptes", "mremap_many", "mremap_checks_first", "mremap_grow_merges", "dontunmap", "fixed_noreplace", "onfault",
              "mseal", "ksm_merge_any", "anon_exclusive", "mprotect_maps_writable", "unfaulted_unaccounted",
              "merging_in_vma_c", "pgoff_never_wraps", "shared_never_grows", "growsdown_checked_first",
              "munmap_passes_limit", "mremap_counts_first")  # fmt: skip
    return CallRules(
        era=era,
        fault_around=16 if has["fault_around"] else 1,
        nonlinear=not has["remap_emulated"],
        mremap_duplicates_private=not has["mremap_duplicates_shared"],
        stack_guard_pages=256 if has["stack_guard_gap"] else int(has["stack_guard_page"]),
        max_map_count=65530 if has["map_count_below_elf"] else 65536,
        missing_advices={
            advice: change.since for advice, change in ADVICES_SINCE.items() if now < version(change.since)
        },
        **{name: has[name] for name in fields},
    )


ERAS: tuple[CallRules, ...] = tuple(_rules(era) for era in ("6.18", "6.0", "4.0", "3.0", "2.6.34", "2.6.7"))
"""Newest first; the first is the default."""


def rules_of(era: str) -> CallRules:
    """The rules of an era. :raises KernelError: EINVAL for an era that is not simulated."""
    for rules in ERAS:
        if rules.era == era:
            return rules
    known = ", ".join(rules.era for rules in ERAS)
    raise KernelError("EINVAL", f"calls of era {era} are not simulated; known: {known}", "calls")


def changed(machine: Machine, changes: Mapping[str, Any]) -> Machine:
    """The machine with these fields changed; vm.max_map_count follows the era where it was the number of the era before.

    :raises KernelError: EINVAL for an era that is not simulated
    """
    after = evolve(machine, **changes)
    default = rules_of(after.calls).max_map_count
    if "max_map_count" not in changes and machine.max_map_count == rules_of(machine.calls).max_map_count:
        after = evolve(after, max_map_count=default)
    return after


def too_new(errno: str, what: str, since: str, rules: CallRules, field_name: str = "") -> KernelError:
    """The refusal of something that the era does not know yet."""
    return KernelError(errno, f"{what} came with Linux {since}; the calls are those of {rules.era}", field_name)

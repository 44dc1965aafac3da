"""Eras of the system calls: what differs between kernel versions, as fields chosen once.

CHANGES says since which version a rule holds, with the commit that brought it; the rules of an era follow from it.
"""

from __future__ import annotations

from attrs import field, frozen

from rmapexplorer.core.units import KernelError

Version = tuple[int, ...]


@frozen
class Change:
    """One rule: the first version that has it and the commit. Both are recalled, none was looked up in the sources yet.

    ``sure`` is False where even the version is doubtful.
    """

    since: str
    source: str
    sure: bool = True


CHANGES: dict[str, Change] = {
    "fork_skips_file_ptes": Change("2.6.14", "d992895ba2b2, lazy page table copies in fork"),
    "fault_around": Change("3.15", "8c6e50b0290c, map few pages around fault address"),
    "remap_emulated": Change("4.0", "c8d78c1823f4, replace remap_file_pages() syscall with emulation"),
    "onfault": Change("4.4", "a8ca5d0ecbdd, mlock2 with MLOCK_ONFAULT"),
    "stack_guard_page": Change("2.6.36", "320b2b8de126, keep a guard page below a grow-down stack segment"),
    "stack_guard_gap": Change("4.12", "1be7107fbe18, larger stack guard gap"),
    "fixed_noreplace": Change("4.17", "a4ff8e8620d3, MAP_FIXED_NOREPLACE"),
    "dontunmap": Change("5.7", "e346b3813067, MREMAP_DONTUNMAP"),
    "anon_exclusive": Change("5.19", "6c287605fd56, PG_anon_exclusive"),
    "mremap_grow_merges": Change("6.0", "ca3d76b0aa80, merging after mremap resize", sure=False),
    "mprotect_maps_writable": Change("6.1", "64fe24a3e05e, no write faults for exclusive pages"),
    "ksm_merge_any": Change("6.4", "d7597f59d1d3, PR_SET_MEMORY_MERGE"),
    "unfaulted_unaccounted": Change("6.6", "unfaulted vmas are unaccounted on mprotect", sure=False),
    "mseal": Change("6.10", "8be7258aad44, mseal"),
    "mremap_many": Change("6.17", "d23cb648e365, mremap moves several vmas"),
    "mremap_checks_first": Change("6.17", "check_prep_vma runs before anything is unmapped", sure=False),
}  # fmt: skip
"""Rule -> since when. What is older than 2.6.7 is not listed."""

ADVICES_SINCE: dict[str, Change] = {
    advice: change
    for words, change in (
        ("dontfork dofork", Change("2.6.16", "f822566165dd")),
        ("remove", Change("2.6.16", "f6b3ec238d12")),
        ("mergeable unmergeable", Change("2.6.32", "f8af4da3b4c1")),
        ("hugepage nohugepage", Change("2.6.38", "0af4e98b6b09, a664b2d8555c")),
        ("dontdump dodump", Change("3.4", "accb61fe7bb0")),
        ("wipeonfork keeponfork", Change("4.14", "d2cd9ede6e19")),
        ("free", Change("4.5", "854e9ed09ded")),
        ("cold", Change("5.4", "9c276cc65a58")),
        ("pageout", Change("5.4", "1a4e58cce84e")),
        ("populate_read populate_write", Change("5.14", "4ca9b3859dac")),
        ("dontneed_locked", Change("5.18", "9457056ac426")),
        ("guard_install guard_remove", Change("6.13", "662df3e5c376")),
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
    anon_exclusive: bool
    """A write fault reuses a page marked exclusive (PageAnonExclusive); before, one whose mapcount and swap count are 1."""
    mprotect_maps_writable: bool
    """mprotect to writable gives exclusive pages their write bit at once; before, each takes a write fault."""
    unfaulted_unaccounted: bool
    """mprotect to read-only clears VM_ACCOUNT of a vma never faulted."""
    missing_advices: dict[str, str] = field(factory=dict, hash=False)
    """Advice that is not known yet -> the version it came with: EINVAL."""
    stack_guard_pages: int = 256
    """The gap kept free between a stack and the vma under it."""
    stack_limit_pages: int = 2048
    """RLIMIT_STACK of 8 MiB."""


def version(text: str) -> Version:
    """``"2.6.34"`` as (2, 6, 34), for comparison."""
    return tuple(int(part) for part in text.split("."))


def _rules(era: str) -> CallRules:
    now = version(era)
    has = {name: now >= version(change.since) for name, change in CHANGES.items()}
    fields = ("fork_skips_file_ptes", "mremap_many", "mremap_checks_first", "mremap_grow_merges", "dontunmap", "fixed_noreplace", "onfault",
              "mseal", "ksm_merge_any", "anon_exclusive", "mprotect_maps_writable", "unfaulted_unaccounted")  # fmt: skip
    return CallRules(
        era=era,
        fault_around=16 if has["fault_around"] else 1,
        nonlinear=not has["remap_emulated"],
        stack_guard_pages=256 if has["stack_guard_gap"] else int(has["stack_guard_page"]),
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


def too_new(errno: str, what: str, since: str, rules: CallRules, field_name: str = "") -> KernelError:
    """The refusal of something that the era does not know yet."""
    return KernelError(errno, f"{what} came with Linux {since}; the calls are those of {rules.era}", field_name)

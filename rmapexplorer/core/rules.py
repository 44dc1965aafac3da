"""Eras of the system calls: what differs between kernel versions, as fields chosen once."""

from __future__ import annotations

from attrs import frozen

from rmapexplorer.core.units import KernelError


@frozen(kw_only=True)
class CallRules:
    """One era of the calls. Fault-around: pages mapped round a read fault of a file (do_fault_around)."""

    era: str
    fault_around: int
    fork_skips_file_ptes: bool
    """copy_page_range leaves out vmas without anonymous pages, which fault again (vma_needs_copy; since 2.6.14)."""
    mremap_many: bool
    """One mremap may move several vmas (6.17)."""
    nonlinear: bool
    """remap_file_pages changes ptes inside one vma (until 3.16); later it makes a mapping of its own."""
    stack_guard_pages: int = 256
    stack_limit_pages: int = 2048
    """RLIMIT_STACK of 8 MiB."""


ERAS: tuple[CallRules, ...] = (
    CallRules(era="6.18", fault_around=16, fork_skips_file_ptes=True, mremap_many=True, nonlinear=False),
    # no fault-around before 3.15, and before 2.6.14 fork copied every pte
    CallRules(era="2.6.7", fault_around=1, fork_skips_file_ptes=False, mremap_many=False, nonlinear=True),
)


def rules_of(era: str) -> CallRules:
    """The rules of an era. :raises KernelError: EINVAL for an era that is not simulated."""
    for rules in ERAS:
        if rules.era == era:
            return rules
    known = ", ".join(rules.era for rules in ERAS)
    raise KernelError("EINVAL", f"calls of era {era} are not simulated; known: {known}", "calls")

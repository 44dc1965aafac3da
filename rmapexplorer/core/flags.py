"""Bits of vma->vm_flags that the simulation knows, with their names in smaps' VmFlags.

Our own numbering: only the names travel in files. Kernel: include/linux/mm.h, fs/proc/task_mmu.c.
"""

from __future__ import annotations

READ, WRITE, EXEC, SHARED = 1, 2, 4, 8
GROWSDOWN = 1 << 4
SPECIAL = 1 << 5  # VM_IO, VM_DONTEXPAND, VM_PFNMAP or VM_MIXEDMAP
ACCOUNT = 1 << 6
NORESERVE = 1 << 7
LOCKED = 1 << 8
LOCKONFAULT = 1 << 9
DONTCOPY = 1 << 10
WIPEONFORK = 1 << 11
DONTDUMP = 1 << 12
SEQ_READ = 1 << 13
RAND_READ = 1 << 14
HUGEPAGE = 1 << 15
NOHUGEPAGE = 1 << 16
MERGEABLE = 1 << 17
SEALED = 1 << 18
NONLINEAR = 1 << 19

ACCESS = READ | WRITE | EXEC

SMAPS = {
    ACCOUNT: "ac", NORESERVE: "nr", LOCKED: "lo", LOCKONFAULT: "lf", DONTCOPY: "dc", WIPEONFORK: "wf",
    DONTDUMP: "dd", SEQ_READ: "sr", RAND_READ: "rr", HUGEPAGE: "hg", NOHUGEPAGE: "nh", MERGEABLE: "mg",
    SEALED: "sl", GROWSDOWN: "gd", SPECIAL: "de", NONLINEAR: "nl",
}  # fmt: skip

WORDS = {
    READ: "VM_READ", WRITE: "VM_WRITE", EXEC: "VM_EXEC", SHARED: "VM_SHARED", GROWSDOWN: "VM_GROWSDOWN",
    SPECIAL: "VM_SPECIAL", ACCOUNT: "VM_ACCOUNT", NORESERVE: "VM_NORESERVE", LOCKED: "VM_LOCKED",
    LOCKONFAULT: "VM_LOCKONFAULT", DONTCOPY: "VM_DONTCOPY", WIPEONFORK: "VM_WIPEONFORK", DONTDUMP: "VM_DONTDUMP",
    SEQ_READ: "VM_SEQ_READ", RAND_READ: "VM_RAND_READ", HUGEPAGE: "VM_HUGEPAGE", NOHUGEPAGE: "VM_NOHUGEPAGE",
    MERGEABLE: "VM_MERGEABLE", SEALED: "VM_SEALED", NONLINEAR: "VM_NONLINEAR",
}  # fmt: skip


def perms(flags: int) -> str:
    """Four letters as /proc/PID/maps prints them: ``rw-p``."""
    return (
        ("r" if flags & READ else "-")
        + ("w" if flags & WRITE else "-")
        + ("x" if flags & EXEC else "-")
        + ("s" if flags & SHARED else "p")
    )


def smaps(flags: int) -> str:
    """The other flags as two-letter words of VmFlags, space-separated."""
    return " ".join(word for bit, word in SMAPS.items() if flags & bit)


def access(prot: str) -> int:
    """VM_READ | VM_WRITE | VM_EXEC of the letters r, w, x; letters outside those are ignored ("none", "")."""
    if prot in ("none", "-"):
        return 0
    return (READ if "r" in prot else 0) | (WRITE if "w" in prot else 0) | (EXEC if "x" in prot else 0)

"""GALLERY: every workload, W1 to W9; a new one is a line here. And how one is found by name or number."""

from __future__ import annotations

from rmapexplorer.core.units import KernelError
from rmapexplorer.workloads.calls import LADDER, NONLINEAR
from rmapexplorer.workloads.families import EXIT_STORM, FORK_SERVER, MREMAP_STORM, THOUSAND
from rmapexplorer.workloads.shared_files import RMAP_TEST, SHARED_MEMORY, TEST_MMAP3
from rmapexplorer.workloads.workload import Workload

GALLERY: tuple[Workload, ...] = (
    *(TEST_MMAP3, RMAP_TEST, SHARED_MEMORY, FORK_SERVER, MREMAP_STORM, LADDER, NONLINEAR, EXIT_STORM, THOUSAND),
)


def workload_named(name: str) -> Workload:
    """The workload with that key or number (W1 ... W9).

    :raises KernelError: EINVAL, with the known names.
    """
    for workload in GALLERY:
        if name.lower() in (workload.key, workload.number.lower()):
            return workload
    known = ", ".join(f"{w.number} {w.key}" for w in GALLERY)
    raise KernelError("EINVAL", f"there is no workload {name!r}; known: {known}", "workload")

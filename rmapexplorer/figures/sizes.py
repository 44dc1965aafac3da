"""Bytes that were published: slabs, shared memory under pte_chains, structures, and what FreeBSD paid for the same."""

from __future__ import annotations

from rmapexplorer.core.sizes import I386 as ARCH32
from rmapexplorer.core.sizes import chain_slots, slab_objects, slab_pages, slub_objects
from rmapexplorer.core.units import PAGE_BYTES, Machine
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.figures.record import GIB, I386, MIB, Lab, Published, count_of
from rmapexplorer.workloads.shared_files import SHARED_MEMORY

WONG = "OF6165D951.694A9B41-ON85256C36.00684F02@pok.ibm.com (2002-09-17), in 20030220194759.15d5d932.akpm@digeo.com"
CHAINS = 3_411_018
"""Active pte_chains that Peter Wong counted."""

P4 = Machine(arch="i386", word_bytes=8, cache_line_bytes=128, calls="2.6.7")
"""A Pentium 4 with PAE: lines of 128 bytes, pte addresses of 8."""


def _chain_bytes(lab: Lab, machine: Machine, tasks: int, memory: float) -> float:
    # all pages of shared memory are alike: a few of them stand for all
    pages = 4
    old = Machine(
        arch=machine.arch, word_bytes=machine.word_bytes, cache_line_bytes=machine.cache_line_bytes, calls="2.6.7"
    )
    world = lab.workload(SHARED_MEMORY, "pte_chain", old, pages=pages, tasks=tasks)
    return count_of(world, "pte_chain") * machine.cache_line_bytes / pages * memory / PAGE_BYTES


def _size(key: str, kind: str, arch: str) -> int:
    return next(design for design in DESIGNS if design.key == key).SIZES[kind][arch].bytes


def _freebsd(entries: int, of_chunk: int) -> float:
    return slab_pages(entries, of_chunk) * PAGE_BYTES


_PV = (1 << 30) // PAGE_BYTES * 50
"""Mappings of a 1 GB file in 50 processes."""

_BLOCKS = "the last block of a chain is not full, and every block spends a word on the next"

SIZES: tuple[Published, ...] = (
    Published(
        id="P2", what="slabs that hold 3,411,018 pte_chains", published=30_186, unit="slabs", source=WONG,
        compute=lambda lab: slab_pages(CHAINS, slab_objects(32, ARCH32)),
    ),
    Published(
        id="P2-active", what="bytes of those pte_chains", published=104, unit="MB", source=WONG, within=0.5,
        compute=lambda lab: CHAINS * I386.cache_line_bytes / MIB,
    ),
    Published(
        id="P2-slabs", what="bytes of their slabs", published=118, unit="MB", source=WONG, within=0.5,
        compute=lambda lab: slab_pages(CHAINS, slab_objects(32, ARCH32)) * PAGE_BYTES / MIB,
    ),
    Published(
        id="P2-maps", what="pte_chains of 22,817,885 mappings", published=CHAINS, unit="objects", source=WONG,
        compute=lambda lab: -(-22_817_885 // chain_slots(32, 4, 4)),
        reason="ours is the least there can be, all 7 slots of every block in use; in life the first block of a chain is not full",
    ),
    *(
        Published(
            id=f"NRPTE-{line}", what=f"ptes in a pte_chain of {line} bytes", published=slots, unit="slots",
            source="message of the commit that made them arrays, 2002-09-09", compute=compute,
        )
        for line, slots, compute in (
            (32, 7, lambda lab: chain_slots(32, 4, 4)), (64, 15, lambda lab: chain_slots(64, 4, 4)),
            (128, 31, lambda lab: chain_slots(128, 4, 4)),
        )
    ),
    Published(
        id="W3-100", what="pte_chains of 2.7 GB shared memory in 100 tasks", published=0.527, unit="GiB", within=0.0005,
        source="8 bytes for each pte of 20040308202433.GA12612@dualathlon.random, multiplied out",
        compute=lambda lab: _chain_bytes(lab, P4, 100, 2.7 * GIB) / GIB, reason=_BLOCKS,
    ),
    Published(
        id="W3-700", what="pte_chains of 2.7 GB shared memory in 700 tasks", published=3.69, unit="GiB", within=0.005,
        source="8 bytes for each pte of 20040308202433.GA12612@dualathlon.random, multiplied out",
        compute=lambda lab: _chain_bytes(lab, P4, 700, 2.7 * GIB) / GIB, reason=_BLOCKS,
    ),
    Published(
        id="W3-5000", what="pte_chains of 2 GB shared memory in 5,000 tasks", published=9.77, unit="GiB", within=0.005,
        source="4 bytes for each pte; '10 GB' in 74210000.1049602103@[10.10.2.4]",
        compute=lambda lab: _chain_bytes(lab, I386, 5_000, 2 * GIB) / GIB, reason=_BLOCKS,
    ),
    Published(
        id="N6-anonmm", what="anonmm for each process", published=28, unit="bytes",
        source="Pine.LNX.4.58.0404081503110.28416@ruby.engin.umich.edu",
        compute=lambda lab: _size("anonmm", "anonmm", ARCH32),
        reason="ours is the object alone; the pointer to it in mm_struct is 4 more",
    ),
    Published(
        id="N6-head", what="anon_vma", published=12, unit="bytes",
        source="Pine.LNX.4.58.0404081503110.28416@ruby.engin.umich.edu",
        compute=lambda lab: _size("anon_vma", "anon_vma", ARCH32),
    ),
    Published(
        id="N6-link", what="anon_vma linkage of each vma", published=12, unit="bytes",
        source="Pine.LNX.4.58.0404081503110.28416@ruby.engin.umich.edu",
        compute=lambda lab: _size("anon_vma", "vma linkage", ARCH32),
    ),
    *(
        Published(
            id=f"SLUB-{name}", what=f"{name} objects of {size} bytes on a page", published=objects, unit="objects",
            source="/proc/slabinfo of 6.18.44, x86_64", compute=compute,
        )
        for name, size, objects, compute in (
            ("anon_vma", 104, 39, lambda lab: slub_objects(104)), ("vma", 192, 21, lambda lab: slub_objects(192)),
            ("avc", 64, 64, lambda lab: slub_objects(_size("anon_vma_chain", "anon_vma_chain", "x86_64"))),
        )
    ),
    *(
        Published(
            id=f"LAZY-{name}", what=f"{what} that lazy anon_vmas saved", published=saved, unit="%", within=within,
            source="cover letter of ANON_VMA_LAZY, 2026-05-27", compute=compute,
        )
        for name, what, saved, within, compute in (
            ("avc", "anon_vma_chains after boot", 57, 0.5, lambda lab: 100 * (1 - 8_112 / 18_866)),
            ("av", "anon_vmas after boot", 97, 0.5, lambda lab: 100 * (1 - 614 / 20_426)),
            ("avc-24", "anon_vma_chains with 24 apps", 50.5, 0.05, lambda lab: 100 * (1 - 15_577 / 31_477)),
            ("av-24", "anon_vmas with 24 apps", 92, 0.5, lambda lab: 100 * (1 - 2_648 / 33_280)),
        )
    ),
    Published(
        id="PV-entries", what="pv entries of a 1 GB file in 50 processes", published=13, unit="million", within=0.5,
        source="FreeBSD 68ac481184ee", compute=lambda lab: _PV / 1e6,
    ),
    Published(
        id="PV-old", what="their bytes at 24 each (i386)", published=314, unit="MB", within=0.6,
        source="FreeBSD 68ac481184ee", compute=lambda lab: _PV * 24 / 1e6,
    ),
    Published(
        id="PV-chunks", what="their bytes in chunks of 336 to a page (i386)", published=157, unit="MB", within=0.5,
        source="FreeBSD 68ac481184ee", compute=lambda lab: _freebsd(_PV, 336) / 1e6,
        reason="theirs is 12 bytes an entry; ours counts the page that 336 of them fill, its header too",
    ),
    Published(
        id="PV-amd64", what="bytes of a pv entry, its share of the chunk (amd64)", published=24.38, unit="bytes", within=0.005,
        source="FreeBSD 8165896908a9", compute=lambda lab: _freebsd(168, 168) / 168,
    ),
    Published(
        id="INDEX", what="bytes one shared index space can address", published=2**42, unit="bytes",
        source="20040312131103.GS30940@dualathlon.random", compute=lambda lab: float((1 << 32) * PAGE_BYTES),
        reason="an index of 32 bits counts pages of 4,096 bytes: 2^44",
    ),
)  # fmt: skip
"""LAZY: a phone's workload is not public, so only that the kilobytes and the percentages agree is looked at."""

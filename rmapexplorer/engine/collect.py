"""What frames carry of a world besides its columns: the vmas counted and the design's objects."""

from __future__ import annotations

from rmapexplorer.core.world import World
from rmapexplorer.engine.frames import FootprintRow


def vmas(world: World) -> int:
    """Number of vmas alive."""
    return len(world.vma)


def footprint(world: World) -> tuple[FootprintRow, ...]:
    """The design's objects by kind, as frames carry them."""
    return tuple(
        FootprintRow(
            kind=kept.kind,
            objects=kept.objects,
            bytes=kept.objects * kept.size,
            size=kept.size,
            slab_pages=kept.slab_pages,
            source=kept.source,
        )
        for kept in world.footprint()
    )

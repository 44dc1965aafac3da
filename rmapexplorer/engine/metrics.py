"""The metrics of the overhead curves: what is plotted, in which unit, and how it is read off a world."""

from __future__ import annotations

from rmapexplorer.engine.frames import Metric

METRICS: tuple[Metric, ...] = (
    Metric(key="bytes", title="rmap metadata", unit="bytes", group="memory",
           help="count x size of every structure the design keeps for reverse mapping"),
    Metric(key="objects", title="rmap objects", unit="objects", group="memory",
           help="live objects of every kind the design allocates"),
    Metric(key="vmas", title="vmas", unit="vmas", group="memory", help="vmas of all processes"),
    Metric(key="allocations", title="allocations", unit="allocations", group="memory", counter="objs_alloc",
           help="rmap objects allocated so far"),
    Metric(key="merges_refused", title="merges refused", unit="merges", group="vmas", counter="merges_refused",
           help="touching vmas that the design's rules keep apart, so far"),
    Metric(key="pages_copied", title="pages copied", unit="pages", group="mremap", counter="pages_copied",
           help="pages copied early because mremap moved them while they were shared, so far"),
    Metric(key="lost", title="ptes lost", unit="ptes", group="mremap",
           help="ptes that the walk of no page finds: what a probe of every resident anonymous page misses now"),
    Metric(key="walk_nodes", title="nodes visited by walks", unit="nodes", group="walks", counter="list_nodes",
           help="list and tree nodes that real walks visited so far"),
    Metric(key="walk_ptes", title="ptes probed by walks", unit="ptes", group="walks", counter="pte_probes",
           help="page-table walks that real walks did so far"),
    Metric(key="probe_nodes", title="probe: nodes", unit="nodes", group="probe",
           help="nodes that try_to_unmap of every resident anonymous page would visit now"),
    Metric(key="probe_ptes", title="probe: ptes", unit="ptes", group="probe",
           help="ptes that try_to_unmap of every resident anonymous page would probe now"),
    Metric(key="pages", title="page frames", unit="pages", group="memory",
           help="page frames in use, of anonymous memory and of files"),
    Metric(key="processes", title="address spaces", unit="processes", group="memory",
           help="mms alive: processes, threads counted once"),
)  # fmt: skip

KEYS: tuple[str, ...] = tuple(metric.key for metric in METRICS)

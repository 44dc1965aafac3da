"""What a workload is: parameters, a machine, and the operations that follow from them. The same values give the same log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import frozen

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.units import KernelError, Machine
from rmapexplorer.formats.session import Note, Session

Values = Mapping[str, int]
"""Value of each parameter by its name."""

HEAP = 0x10000
"""Page number at which the first process has its memory."""

MOST_OPERATIONS = 1_000_000
"""Operations of one session; more would take a minute to write and minutes to open."""

FIRST = 1
"""pid of the first process."""


@frozen
class Parameter:
    """A number to choose: ``full`` is the size that was published or measured, ``small`` that of the gallery."""

    name: str
    small: int
    full: int
    help: str
    least: int = 0


@frozen(kw_only=True)
class Workload:
    """One family. ``make`` gives the operations, ``machine`` what they run on; both read every parameter.

    :param number: W1 to W9. :param lesson: one line for the gallery. :param expected: what is to be found.
    :param source: where it is from. :param designs: those of the gallery's session, as keys.
    """

    key: str
    number: str
    title: str
    lesson: str
    expected: str
    source: str
    parameters: tuple[Parameter, ...]
    make: Callable[[Values], Iterator[Operation]]
    machine: Callable[[Values], Machine] = lambda values: Machine()
    designs: tuple[str, ...] = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")

    def values(self, full: bool = True, **chosen: int) -> dict[str, int]:
        """All parameters, those not ``chosen`` at their full or small size.

        :raises KernelError: EINVAL, for a parameter that does not exist or a value below the least.
        """
        out = {p.name: p.full if full else p.small for p in self.parameters}
        for name, value in chosen.items():
            if name not in out:
                known = ", ".join(out)
                raise KernelError("EINVAL", f"the workload {self.key} has no parameter {name}; it has: {known}", name)
            out[name] = value
        for p in self.parameters:
            if out[p.name] < p.least:
                raise KernelError("EINVAL", f"{p.name} must be {p.least} or more, not {out[p.name]}", p.name)
        return out

    def operations(self, values: Values) -> Iterator[Operation]:
        """The operations, one after the other; a million of them need no memory."""
        return self.make(values)

    def session(self, values: Values) -> Session:
        """All of it as a session."""
        return self.session_of(values, tuple(self.make(values)))

    def session_of(self, values: Values, operations: tuple[Operation, ...]) -> Session:
        """The operations made of ``values`` as a session: title, notes (the lesson, what is to be found), machine and log."""
        sizes = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in values.items())
        notes = (Note(0, f"{self.lesson} ({sizes})"), Note(len(operations), self.expected))
        return Session(
            title=f"{self.number} {self.title}", machine=self.machine(values), operations=operations,
            designs=tuple((key, {}) for key in self.designs), notes=notes, view=self.designs[-1],
            position=len(operations),
        )  # fmt: skip


def limited(machine: Machine, pages: int) -> Machine:
    """The machine with that many pages of RAM, and all the swap one could wish for."""
    return Machine(
        arch=machine.arch, word_bytes=machine.word_bytes, cache_line_bytes=machine.cache_line_bytes, ram_pages=pages,
        swap_pages=machine.swap_pages, calls=machine.calls, files=machine.files, processes=machine.processes,
        max_map_count=machine.max_map_count,
    )  # fmt: skip

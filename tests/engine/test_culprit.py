"""What a refused call is shown with: the hole, the sealed vma, the vma in the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rmapexplorer.core.operations import Fork, Mmap, Mremap, Mseal, Munmap, Operation, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.engine.culprit import culprit
from rmapexplorer.engine.engine import Engine
from rmapexplorer.engine.frames import Notice
from rmapexplorer.formats.session import Session


def after(*operations: Operation) -> tuple[str, tuple[int, int] | None]:
    """What the last of them, which must fail, is shown with."""
    world = World(design_named("anon_vma_chain"), Machine())
    for op in operations[:-1]:
        assert world.apply(op).ok, op
    outcome = world.apply(operations[-1])
    assert not outcome.ok
    return culprit(world, operations[-1], outcome)


def mapped(start: int, end: int) -> Mmap:
    return Mmap(pid=1, span=Span(start, end), prot="rw", kind="anon")


INIT = Spawn(pid=1, comm="init")


def test_a_touch_of_a_hole_shows_the_hole() -> None:
    what, spot = after(INIT, mapped(0x10, 0x14), Touch(pid=1, runs=((0x12, 0x18, "w"),)))
    assert spot == (1, 0x14)
    assert what == "page 14 of init 1, where nothing is mapped"


def test_a_sealed_vma_is_shown() -> None:
    what, spot = after(
        INIT, mapped(0x10, 0x18), Mseal(pid=1, span=Span(0x12, 0x14)), Munmap(pid=1, span=Span(0x10, 0x18))
    )
    assert (what, spot) == ("vma 12-14 of init 1", (1, 0x12))


def test_an_old_place_that_is_not_mapped_is_shown() -> None:
    what, spot = after(INIT, Mremap(pid=1, span=Span(0x40, 0x44), new_pages=8, to=-1))
    assert spot == (1, 0x40) and "nothing is mapped" in what


def test_a_process_that_is_not_there_cannot_be_shown() -> None:
    assert after(INIT, Fork(pid=7, child=8)) == ("", None)


def notices(*commands: Callable[[Engine], object]) -> list[Notice]:
    """What the engine says, of the notices."""
    engine = Engine()
    engine.start()
    for command in commands:
        command(engine)
        assert engine.wait_idle(10)
    found = [message for message in engine.take() if isinstance(message, Notice)]
    engine.stop()
    return found


def test_the_notice_of_a_refused_call_leads_there() -> None:
    session = Session(
        title="t", operations=(INIT, mapped(0x10, 0x14)), position=2, designs=(("anonmm", {}), ("anon_vma", {}))
    )
    touch = Touch(pid=1, runs=((0x12, 0x18, "w"),))
    (told,) = notices(lambda engine: engine.new(session), lambda engine: engine.submit([touch]))
    assert (told.level, told.errno, told.spot) == ("refused", "SIGSEGV", (1, 0x14))
    assert told.culprit.startswith("page 14 of init 1")


def test_trouble_with_a_file_says_what_may_be_tried_again(tmp_path: Path) -> None:
    there, nowhere = str(tmp_path / "none.rmap"), str(tmp_path / "no" / "x.rmap")
    session = Session(title="t", operations=(INIT,), position=1)
    told = notices(
        lambda engine: engine.new(session), lambda engine: engine.open(there), lambda engine: engine.save(nowhere)
    )
    assert [notice.retry for notice in told] == [("open", there), ("save", nowhere)]

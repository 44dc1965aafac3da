"""Claims run one after another for somebody who listens: messages are plain values that pass between processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

from rmapexplorer.claims.catalogue import claim_named, run_claim


@frozen
class Started:
    """A claim begins."""

    id: str


@frozen
class Step:
    """``done`` of ``total`` operations of a claim, ``column`` being the world at work."""

    id: str
    done: int
    total: int
    column: str


@frozen
class Measured:
    """The figures of one world, by name."""

    id: str
    column: str
    figures: dict[str, float]


@frozen
class Judged:
    """A claim is done: all figures by column, the kind of verdict and its sentence, the seconds it took."""

    id: str
    figures: dict[str, dict[str, float]]
    kind: str
    sentence: str
    seconds: float


def run_claims(tell: Callable[[object], None], ids: Sequence[str], often: Callable[[], bool]) -> None:
    """Run them; ``often`` says when progress may be told again.

    :raises KernelError: EINVAL, for an id that does not exist.
    """
    for name in ids:
        id_ = claim_named(name).id
        tell(Started(id_))

        def told(done: int, total: int, column: str, id_: str = id_) -> None:
            if often():
                tell(Step(id_, done, total, column))

        def measured(column: str, figures: dict[str, float], id_: str = id_) -> None:
            tell(Measured(id_, column, figures))

        result = run_claim(id_, told, measured=measured)
        tell(Judged(id_, result.figures, result.verdict.kind, result.verdict.sentence, result.seconds))

"""The questions that limits ask of trials: those on sampled metrics, each at its share of the session's errors."""

from collections.abc import Iterable

from harness.gates.limits import Limit
from harness.records.limit_test import LimitTest


def is_asked(limit: Limit, *, paired: bool) -> bool:
    """Whether a limit is answered by trials, each of which has a figure of its own.

    ``paired``: there is a baseline; without one a limit on a regression asks nothing.
    """
    return limit.definition.by_trials and _of_figures(limit, paired=paired)


def is_sampled(limit: Limit, *, paired: bool) -> bool:
    """Whether chance has a part in judging this limit, so that it takes a share of the session's alpha."""
    return limit.definition.by_chance and _of_figures(limit, paired=paired)


def limit_test_of(limit: Limit, *, share: float, miss: float, most_blocks: int | None) -> LimitTest | None:
    """What a limit asks of trials, in one look where it is asked at the end; None where trials do not answer it."""
    if not is_sampled(limit, paired=True):
        return None
    return LimitTest(
        metric=limit.metric,
        better=limit.definition.better,
        limit=limit.value,
        relative=limit.kind == "regression",
        alpha=share,
        miss=miss,
        most_blocks=most_blocks if is_asked(limit, paired=True) else None,
    )


def limit_tests_of(
    limits: Iterable[Limit], *, share: float, miss: float, most_blocks: int, paired: bool
) -> tuple[LimitTest, ...]:
    """The questions of all limits on an entry; those of regressions only where a baseline is measured too."""
    asked = [limit for limit in limits if is_asked(limit, paired=paired)]
    found = (limit_test_of(limit, share=share, miss=miss, most_blocks=most_blocks) for limit in asked)
    return tuple(one for one in found if one is not None)


def _of_figures(limit: Limit, *, paired: bool) -> bool:
    """Whether the limit is on trials' own figures, one arm's or both arms'."""
    return limit.kind == "absolute" or (paired and limit.kind == "regression")

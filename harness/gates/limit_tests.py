"""The questions that limits ask of trials: those on sampled metrics, each at its share of the session's errors."""

from collections.abc import Iterable

from harness.gates.limits import Limit
from harness.records.limit_test import LimitTest, fewest_to_fail
from harness.records.settings import LEAST_MOST_PAIRS


def is_asked(limit: Limit, *, paired: bool) -> bool:
    """Whether a limit is answered by trials, each of which has a figure of its own.

    ``paired``: there is a baseline; without one a limit on a regression asks nothing.
    """
    return limit.definition.by_trials and _of_figures(limit, paired=paired)


def is_sampled(limit: Limit, *, paired: bool) -> bool:
    """Whether chance has a part in judging this limit, so that it takes a share of the session's alpha."""
    return limit.definition.by_chance and _of_figures(limit, paired=paired)


def limit_test_of(
    limit: Limit, *, share: float, miss: float, most_blocks: int | None, most_windows: int | None = None
) -> LimitTest | None:
    """What a limit asks of trials, in one look where it is asked at the end; None where trials do not answer it.

    A limit on energy is asked of a sensor's windows, ``most_windows`` of each arm; None: they are not judged by pairs.
    """
    if not is_sampled(limit, paired=True):
        return None
    asked = most_blocks if is_asked(limit, paired=True) else None
    return LimitTest(
        metric=limit.metric,
        better=limit.definition.better,
        limit=limit.value,
        relative=limit.kind == "regression",
        alpha=share,
        miss=miss,
        most_blocks=most_windows if limit.definition.by_windows else asked,
    )


def limit_tests_of(
    limits: Iterable[Limit], *, share: float, miss: float, most_blocks: int, paired: bool
) -> tuple[LimitTest, ...]:
    """The questions of all limits on an entry; those of regressions only where a baseline is measured too."""
    asked = [limit for limit in limits if is_asked(limit, paired=paired)]
    found = (limit_test_of(limit, share=share, miss=miss, most_blocks=most_blocks) for limit in asked)
    return tuple(one for one in found if one is not None)


def window_tests_of(
    limits: Iterable[Limit], *, share: float, miss: float, most_windows: int | None, paired: bool
) -> tuple[LimitTest, ...]:
    """The questions that a power sensor's windows answer, pair by pair; without a given number as many as they take."""
    asked = [limit for limit in limits if limit.definition.by_windows and _of_figures(limit, paired=paired)]
    most = most_windows or max(LEAST_MOST_PAIRS, fewest_to_fail(share))
    found = (limit_test_of(limit, share=share, miss=miss, most_blocks=None, most_windows=most) for limit in asked)
    return tuple(one for one in found if one is not None)


def _of_figures(limit: Limit, *, paired: bool) -> bool:
    """Whether the limit is on trials' own figures, one arm's or both arms'."""
    return limit.kind == "absolute" or (paired and limit.kind == "regression")

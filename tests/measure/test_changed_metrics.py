"""Which ratios count as changed: what surely is one, at a rate that all ratios of a run share."""

import pytest

from harness.measure.changed_metrics import with_changes
from harness.records.entry import BaselineRecord, Entry
from harness.testing.gatelab.comments import Comments, shows_change, simulate_comments, simulate_entries


def entries(count: int, *, slowdown: float = 0.0, seed: int = 0) -> list[Entry]:
    (found,) = simulate_entries(Comments("iid", comments=1, entries=count, max_blocks=30, slowdown=slowdown, seed=seed))
    return found


def changed(found: list[Entry]) -> dict[str, set[bool | None]]:
    told: dict[str, set[bool | None]] = {}
    for entry in found:
        for ratio in entry.baseline.ratios if entry.baseline else ():
            told.setdefault(ratio.metric, set()).add(ratio.changed)
    return told


def test_what_surely_changed_is_and_what_did_not_is_not():
    assert set().union(*changed(entries(4)).values()) == {False}
    slower = changed(entries(4, slowdown=0.2))
    assert slower["latency_p50"] == slower["throughput"] == {True}


def test_a_change_that_holds_alone_may_not_hold_among_many():
    """The same trials, beside those of others: the rate is divided by how many there are."""
    few = next(found for seed in range(20) if any(map(set_of_changes, found := entries(2, slowdown=0.03, seed=seed))))
    many = with_changes([*few, *entries(60, seed=7)])[: len(few)]
    assert sum(len(set_of_changes(one)) for one in many) < sum(len(set_of_changes(one)) for one in few)


def set_of_changes(entry: Entry) -> set[str]:
    return {ratio.metric for ratio in entry.baseline.ratios if ratio.changed} if entry.baseline else set()


@pytest.mark.parametrize("state", ["stored", "identical", "new"])
def test_only_arms_by_turns_are_asked(state):
    (one,) = entries(1, slowdown=0.2)
    assert one.baseline is not None
    unasked = [ratio.model_copy(update={"changed": None}) for ratio in one.baseline.ratios]
    base = one.baseline.model_copy(update={"state": state, "ratios": unasked})
    other = one.model_copy(update={"baseline": base})
    assert with_changes([other]) == [other]
    mixed = with_changes([other, one])
    assert mixed[0] == other and set_of_changes(mixed[1])


def test_an_entry_without_a_baseline_stays_as_it_is():
    (one,) = entries(1)
    alone = one.model_copy(update={"baseline": None})
    assert with_changes([alone]) == [alone]
    empty = one.model_copy(update={"baseline": BaselineRecord(given="main", state="measured", sentence="")})
    assert with_changes([empty]) == [empty]


@pytest.mark.parametrize("noise", ["iid", "modes"])
def test_comments_on_nothing_show_no_arrow(noise):
    """Three comments of 20 entries with six metrics each; of 200 with 50 the laboratory tells."""
    assert sum(map(shows_change, simulate_comments(Comments(noise, comments=3, entries=20)))) == 0


def test_a_comment_on_a_slowdown_shows_it():
    (text,) = simulate_comments(Comments("iid", comments=1, entries=4, slowdown=0.2))
    assert shows_change(text)
    assert text.splitlines()[1].endswith("4 failed")

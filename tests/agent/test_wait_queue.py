"""The queue for a board that somebody has: first come first served, and who dies in it leaves it."""

import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from agent.agent_conversation import Steward
from edge_agent import wait_queue

Start = Callable[..., Steward]


def lease_of(tmp_path: Path) -> str:
    return f"edge-harness-{tmp_path}"[-90:]


def ready(one: Steward) -> bool:
    """Whether a steward that waits has the board now; what it said meanwhile is who has it."""
    while (said := one.read())["event"] == "waiting":
        pass
    return said["event"] == "ready"


def test_who_waits_hears_who_has_the_board_and_gets_it_when_it_is_free(steward: Start) -> None:
    holder = steward(holder="me@ci")
    waits = steward(holder="you@ci", wait="60")
    assert (waits.first["event"], waits.first["holder"], waits.first["ahead"]) == ("waiting", "me@ci", 0)
    holder.ask("release")
    assert ready(waits)
    assert waits.ask("ping")[-1]["event"] == "done"


def test_first_come_first_served(steward: Start) -> None:
    sessions = [steward(holder="session 0")]
    for place in range(4):
        sessions.append(steward(holder=f"session {place + 1}", wait="60"))
        assert sessions[-1].first["ahead"] == place
    for before, after in pairwise(sessions):
        before.ask("release")
        before.wait()
        assert ready(after)


@pytest.mark.parametrize("end", ["killed", "its host has gone"])
def test_who_dies_in_the_queue_leaves_it(steward: Start, tmp_path: Path, end: str) -> None:
    holder, dies, waits = steward(), steward(wait="60"), steward(wait="60")
    assert waits.first["ahead"] == 1
    if end == "killed":
        dies.process.send_signal(signal.SIGKILL)
    else:
        dies.close_stdin()
    dies.process.wait(10)
    assert len(wait_queue.places(lease_of(tmp_path))) == 1
    holder.process.send_signal(signal.SIGKILL)
    assert ready(waits)


def test_nobody_passes_those_who_wait(steward: Start, tmp_path: Path) -> None:
    place = wait_queue.Place(lease_of(tmp_path))
    passing = steward()
    assert (passing.first["event"], passing.first["holder"]) == ("held", "whoever waits first")
    place.close()
    assert steward().first["event"] == "ready"


def test_a_wait_ends_with_who_still_has_the_board(steward: Start, tmp_path: Path) -> None:
    holder = steward(holder="me@ci")
    waits = steward(wait="0.5")
    while (said := waits.read())["event"] == "waiting":
        pass
    assert (said["event"], said["holder"]) == ("held", "me@ci")
    assert waits.wait() == 3
    assert wait_queue.places(lease_of(tmp_path)) == []
    assert holder.ask("ping")[-1]["event"] == "done"


def test_who_waits_says_so_again_and_again(steward: Start) -> None:
    steward()
    waits = steward(wait="60")
    assert waits.read() == waits.first


def test_a_session_that_lost_its_link_goes_before_those_who_wait(steward: Start) -> None:
    first = steward(session="one")
    waits = steward(wait="60", session="two")
    again = steward(session="one", wait="60")
    assert again.first["event"] == "ready"
    first.process.wait(10)
    assert waits.read()["event"] == "waiting"


def test_places_are_of_one_lease_alone(tmp_path: Path) -> None:
    name = lease_of(tmp_path)
    one, other = wait_queue.Place(name), wait_queue.Place(f"{name}x")
    two = wait_queue.Place(name)
    assert (one.number, other.number, two.number, two.ahead(), other.ahead()) == (1, 1, 2, 1, 0)
    one.close()
    assert (two.ahead(), wait_queue.places(name)) == (0, [2])
    for place in (other, two):
        place.close()

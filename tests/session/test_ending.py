"""Steps of a session's end cost each other nothing; the first Ctrl-C lets a trial end, the second does not."""

import os
import signal
import threading
from collections.abc import Callable

import pytest

from harness.records.errors import HarnessError, told_of
from harness.session.interrupts import Ending, Interruption, Stop


def fail(error: BaseException) -> Callable[[], str]:
    def step() -> str:
        raise error

    return step


def test_a_step_that_fails_becomes_a_sentence_and_the_next_one_runs() -> None:
    ending = Ending()
    assert ending.attempt("the history", fail(HarnessError("no room\n there")), "instead") == "instead"
    assert ending.attempt("the report", fail(KeyboardInterrupt()), None) is None
    assert ending.attempt("the index", fail(ValueError("odd")), 1) == 1
    assert ending.attempt("the rest", lambda: "done", "instead") == "done"
    first, second, third = ending.problems
    assert first == "the history: no room there"
    assert second == "the report: left out, as the run was interrupted"
    assert third.startswith("the index: ValueError, test_ending.py line ")
    assert third.endswith(": odd")
    assert told_of(ValueError()) == "ValueError"


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_signals_at_the_end_leave_out_the_step_they_meet_and_nothing_else() -> None:
    ending = Ending()
    before = signal.getsignal(signal.SIGINT)
    with ending.holding_signals():
        send(signal.SIGTERM)  # between steps there is nothing to hurry
        assert ending.attempt("the report", lambda: send(signal.SIGINT), None) is None
        assert ending.attempt("the index", lambda: "done", "instead") == "done"
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)  # somebody who insists
    assert ending.problems == ["the report: left out, as the run was interrupted"]
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_the_first_signal_waits_for_the_trial_that_runs_and_the_second_does_not(
    number: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = Stop()
    with stop.listening(), stop.while_measuring():
        stop.trial_ended()
        send(number)
        assert f"{name}: stopping after this trial; once more stops at once" in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt, match=name):
            stop.trial_ended()
        with pytest.raises(KeyboardInterrupt, match=name):
            send(number)
    assert stop.heard == name


def test_where_nothing_is_measured_the_first_signal_stops_at_once() -> None:
    stop = Stop()
    with stop.listening(), pytest.raises(KeyboardInterrupt):
        send(signal.SIGTERM)


def test_of_signals_under_a_test_runner_the_first_is_raised_and_those_that_follow_at_once_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("harness.session.interrupts.time.monotonic", lambda: now)
    interruption = Interruption()
    with interruption.listening():
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            send(signal.SIGTERM)
        for _ in range(30):  # a key that is held down
            send(signal.SIGINT)
        assert interruption.heard == "SIGTERM"
        now += 1.5
        with pytest.raises(KeyboardInterrupt, match="Ctrl-C"):
            send(signal.SIGINT)  # somebody who insists
        assert interruption.heard == "SIGTERM"
        interruption.caught()
        assert interruption.heard == ""
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
        now += 1.5
        send(signal.SIGINT)  # a second one alone never breaks the unwinding


def test_another_thread_hears_nothing() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def elsewhere() -> None:
        with Interruption().listening():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before]

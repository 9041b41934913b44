"""A session on real boards of this machine: one at a time, entries kept at once, what is wrong is an entry or said."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import needs
from support.own_lease import own_lease
from support.sshd import Sshd, free_port, loopback_sshd

from harness.board import link
from harness.board.runtime_proof import addition_model
from harness.measure import Progress
from harness.pipeline import candidates_from_paths
from harness.profiles import load
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate
from harness.records.errors import ConnectionLostError, UnreachableError
from harness.records.settings import Settings
from harness.records.status import Status
from harness.session.finish_run import RunStart, close_run
from harness.session.outcome import run_exit_code
from harness.session.session import Session
from harness.session.session_builder import SessionBuilder
from harness.store import RunFolder, load_results


@pytest.fixture(autouse=True)
def leased() -> Iterator[None]:
    """Nobody else has this machine's lease."""
    with own_lease():
        yield


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(addition_model())
    (found,) = candidates_from_paths([str(path)])
    return found


@pytest.fixture
def server(tmp_path: Path, leased: None) -> Iterator[Sshd]:
    needs.need("sshd")
    with loopback_sshd(tmp_path / "sshd") as found:
        yield found


def session_on(tmp_path: Path, **profiles: str) -> Session:
    folder = tmp_path / "devices"
    folder.mkdir(exist_ok=True)
    for name, text in profiles.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    settings = Settings(
        devices=tuple(profiles),
        devices_dir=folder,
        reports_dir=tmp_path / "reports",
        cache_dir=tmp_path / "cache",
        trials=2,
        min_secs=0.02,
        num_runs=5,
    )
    loaded = {name: load(name, folder) for name in profiles}
    return Session(settings, loaded, RunFolder.create(settings.reports_dir))


def test_two_names_of_one_machine_take_turns(tmp_path: Path, candidate: Candidate) -> None:
    session = session_on(tmp_path, a='extends = "local"', b='extends = "local"')
    with session:
        for device in ("a", "b", "a"):
            assert session.measure(candidate, device, test="t").status is Status.MEASURED
    assert [entry.device for entry in session.folder.entries()] == ["a", "b", "a"]
    assert set(session.folder.devices()) == {"a", "b"}


def test_a_board_out_of_reach_is_said_once_and_remembered(tmp_path: Path, candidate: Candidate) -> None:
    text = f'[connection]\nhost = "127.0.0.1"\nport = {free_port()}\nuser = "x"\n'
    with session_on(tmp_path, gone=text) as session:
        errors = []
        for _ in range(2):
            with pytest.raises(UnreachableError) as caught:
                session.measure(candidate, "gone", test="t")
            errors.append(caught.value)
        assert errors[0] is errors[1]
        assert session.log.unreached == [str(errors[0])]
    assert session.folder.entries() == []
    assert run_exit_code([], session.log.outcome([], []), settings=session.settings) == 11


def test_a_board_that_is_lost_for_good_costs_its_own_tests_alone(
    tmp_path: Path, candidate: Candidate, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "RECONNECT_S", 1.0)
    session = session_on(tmp_path, there=server.profile_text("there"), here='extends = "local"')

    def lose(progress: Progress) -> None:
        if progress.device == "there" and progress.done:
            server.cut_links()
            server.daemon.kill()

    with session:
        assert session.measure(candidate, "there", test="first").status is Status.MEASURED
        session.say = lose
        for test in ("second", "third"):
            with pytest.raises(ConnectionLostError, match=r"^there: .* is gone .*; not back after \d+ s: "):
                session.measure(candidate, "there", test=test)
        assert session.measure(candidate, "here", test="first").status is Status.MEASURED
    assert [(entry.device, entry.test) for entry in session.folder.entries()] == [("there", "first"), ("here", "first")]
    assert len(session.log.unreached) == 1
    entries = session.folder.entries()
    assert run_exit_code(entries, session.log.outcome(entries, []), settings=session.settings) == 11
    assert "puts its settings back by itself" in session.folder.devices()["there"].record.differences[-1]


def test_a_file_that_is_no_model_is_an_entry_and_the_next_is_measured(tmp_path: Path, candidate: Candidate) -> None:
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(b"<html>not found</html>")
    (wrong,) = candidates_from_paths([str(bad)])
    with session_on(tmp_path, a='extends = "local"') as session:
        assert session.measure(wrong, "a", test="t").status is Status.ERROR
        assert session.measure(candidate, "a", test="t").status is Status.MEASURED


def test_meanwhile_runs_once_and_only_for_remote_boards(tmp_path: Path, candidate: Candidate, server: Sshd) -> None:
    calls: list[str] = []
    session = session_on(tmp_path, here='extends = "local"', there=server.profile_text("there"))
    session.meanwhile = lambda: calls.append("called")
    with session:
        session.measure(candidate, "here", test="t")
        assert calls == []
        session.measure(candidate, "there", test="t")
        session.measure(candidate, "there", test="t")
    assert calls == ["called"]


def test_the_work_ahead_never_runs_beside_the_making_of_keys(
    tmp_path: Path, candidate: Candidate, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both parse Python sources, which two threads must not do at a time."""
    events: list[str] = []
    build = SessionBuilder.build

    def watched(self: SessionBuilder, *args: Any) -> Artifact:
        events.append("builds")
        assert "work ahead" not in {thread.name for thread in threading.enumerate()}
        return build(self, *args)

    def meanwhile() -> None:
        time.sleep(5)
        events.append("made ready")

    monkeypatch.setattr(SessionBuilder, "build", watched)
    session = session_on(tmp_path, there=server.profile_text("there"))
    session.meanwhile = meanwhile
    with session:
        for _ in range(2):
            assert session.measure(candidate, "there", test="t").status is Status.MEASURED
    assert events == ["builds", "made ready", "builds"]


def test_a_closed_run_is_one_results_file(tmp_path: Path, candidate: Candidate) -> None:
    start = RunStart()
    with session_on(tmp_path, a='extends = "local"') as session:
        session.measure(candidate, "a", test="t")
    results = close_run(session.folder, settings=session.settings, start=start, seconds=session.seconds)
    assert load_results(session.folder.path) == results
    assert results.run.status is Status.MEASURED
    assert results.run.exit_code == 0
    assert {"connect", "build", "measure", "total"} <= set(results.run.seconds)
    assert results.devices["a"].label == "this machine, no edge board"

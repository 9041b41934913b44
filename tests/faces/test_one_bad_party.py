"""``harness run`` in this process: Ctrl-C, and one board or model that fails in a way nobody thought of."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.own_lease import own_lease

from harness.board import LiveBoard
from harness.board.runtime_proof import addition_model
from harness.cli.run import RunRequest, run_files
from harness.records.results import Results
from harness.session import session as session_module
from harness.store import RunFolder, load_results

QUICK: dict[str, Any] = {"trials": 2, "min_secs": 0.02, "num_runs": 5}


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with two models and two profiles of this machine, and nobody else on it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "models").mkdir()
    (tmp_path / "devices").mkdir()
    for name in ("first", "second"):
        (tmp_path / "models" / f"{name}.tflite").write_bytes(addition_model())
        (tmp_path / "devices" / f"{name}.toml").write_text('extends = "local"\n')
    with own_lease():
        yield tmp_path


def run(*devices: str, files: str = "models", **given: Any) -> tuple[int, Results]:
    code = run_files(RunRequest([files]), devices=list(devices), given=QUICK | given, as_json=False)
    results = load_results(Path("reports/latest"))
    assert results.run.exit_code == code
    return code, results


def test_the_first_ctrl_c_lets_the_trial_end_and_the_run_is_taken_up_again(
    at: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    append = RunFolder.append_trial

    def hit(folder: RunFolder, device: str, entry: str, trial: Any, **more: Any) -> None:
        if entry == "second":
            os.kill(os.getpid(), signal.SIGINT)
        append(folder, device, entry, trial, **more)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "append_trial", hit)
        code, results = run("first")
    said = capsys.readouterr()
    assert (code, results.run.status) == (2, "INTERRUPTED")
    assert "Ctrl-C: stopping after this trial; once more stops at once" in said.err
    text = " ".join(said.out.split())
    assert "interrupted: 1 of 2 measured (Ctrl-C); 1 measured; exit code 2: the run was interrupted" in text
    folder = Path("reports/latest").resolve()
    assert f"--resume=reports/{folder.name}" in said.out
    assert [line.entry for line in RunFolder(folder).trials()].count("second") == 1, "the trial that ran is kept whole"
    assert "put back" not in " ".join(results.run.notes)
    assert signal.getsignal(signal.SIGINT) is before

    code, again = run("first", resume=Path("reports/latest"))
    assert (code, again.run.status, again.run.id) == (0, "MEASURED", results.run.id)
    assert [entry.candidate for entry in again.entries] == ["first", "second"]
    assert again.entries[0] == results.entries[0]


def test_a_model_that_breaks_the_measuring_costs_no_other_its_entry(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = session_module.execute

    def broken(*args: Any, **options: Any) -> Any:
        if str(options["candidate"]) == "first":
            raise ZeroDivisionError("what nobody thought of")
        return execute(*args, **options)

    monkeypatch.setattr(session_module, "execute", broken)
    code, results = run("first")
    assert (code, results.run.status) == (1, "ERROR")
    assert [(entry.candidate, str(entry.status)) for entry in results.entries] == [
        ("first", "ERROR"),
        ("second", "MEASURED"),
    ]
    assert results.entries[0].reason.startswith("ZeroDivisionError, test_one_bad_party.py line ")


def test_a_board_that_its_profile_does_not_fit_is_noted_and_the_others_are_reported(at: Path) -> None:
    (at / "devices" / "second.toml").write_text('extends = "local"\n[runtime]\nnum_threads = 200\n')
    found, results = run("second", "first", files="models/first.tflite")
    assert (found, results.run.status) == (4, "ERROR")
    assert [entry.device for entry in results.entries] == ["first"]
    assert any(note.startswith("second: 200 threads were asked for") for note in results.run.notes)
    assert results.run.outcome is not None
    assert (results.run.outcome.planned, results.run.outcome.measured) == (2, 1)


def test_a_board_that_fails_when_it_is_opened_or_released_costs_the_other_nothing(
    at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, choose = LiveBoard.release, session_module.choose_runner

    def half_released(board: LiveBoard) -> None:
        release(board)
        if board.profile.name == "first":
            raise RuntimeError("no such pin")

    def unchosen(profile: Any, *args: Any, **options: Any) -> Any:
        if profile.name == "second":
            raise RuntimeError("no such knob")
        return choose(profile, *args, **options)

    monkeypatch.setattr(LiveBoard, "release", half_released)
    monkeypatch.setattr(session_module, "choose_runner", unchosen)
    code, results = run("first", "second", files="models/first.tflite")
    assert (code, results.run.status) == (11, "INCOMPLETE")
    assert [entry.device for entry in results.entries] == ["first"]
    text = " ".join(results.run.notes)
    assert "second: the board cannot be used: RuntimeError, test_one_bad_party.py line " in text
    assert "a board's release: RuntimeError" in text
    assert results.devices["first"].label == "this machine, no edge board"

    monkeypatch.undo()
    monkeypatch.chdir(at)
    monkeypatch.setenv("XDG_CACHE_HOME", str(at / "cache"))
    code, again = run("first", "second", files="models/first.tflite", resume=Path("reports/latest"))
    assert (code, again.run.status, again.run.id) == (0, "MEASURED", results.run.id)
    assert again.entries[0] == results.entries[0]
    assert [entry.device for entry in again.entries] == ["first", "second"]

"""What a session builds ahead, what of it is told, and that building and measuring take turns on this machine."""

import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from harness.measure import Progress
from harness.records.artifact import Artifact
from harness.records.candidate import Candidate
from harness.records.errors import BuildError, UsageError
from harness.records.settings import Settings
from harness.session import session_builder
from harness.session.host_lock import host_lock
from harness.session.session_builder import SessionBuilder, check_build_folders
from harness.testing import make_artifact

ONE, TWO, THREE = (Candidate(name, "zoo", name, "int8") for name in ("one", "two", "three"))


class FakeBuilder:
    """Stands in for the pipeline's builder: writes down what it is asked."""

    made: list["FakeBuilder"] = []

    def __init__(self, **options: object) -> None:
        self.options = options
        self.ahead: list[list[Candidate]] = []
        self.built: list[Candidate] = []
        self.closed = False
        self.made.append(self)

    def tell(self, step: str) -> None:
        progress = self.options["progress"]
        assert callable(progress)
        progress(step)

    def prefetch(self, candidates: Iterable[Candidate]) -> None:
        self.ahead.append(list(candidates))

    def build(self, candidate: Candidate) -> Artifact:
        self.built.append(candidate)
        self.tell(f"{candidate}: converting")
        if candidate is THREE:
            raise BuildError("three: no")
        return make_artifact()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def builders(monkeypatch: pytest.MonkeyPatch) -> list[FakeBuilder]:
    monkeypatch.setattr(FakeBuilder, "made", [])
    monkeypatch.setattr(session_builder, "Builder", FakeBuilder)
    return FakeBuilder.made


def test_nothing_is_started_before_something_is_asked_for(builders: list[FakeBuilder]) -> None:
    idle = SessionBuilder(Settings(), lambda _: None)
    idle.begin([])
    idle.close()
    assert builders == []


def test_the_builder_gets_what_the_user_asked_for(builders: list[FakeBuilder], tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path, seed=3, jobs=2, artifacts=tmp_path / "exported")
    SessionBuilder(settings, lambda _: None).begin([ONE])
    options = {name: builders[0].options[name] for name in ("cache_dir", "seed", "jobs", "artifacts")}
    assert options == {"cache_dir": tmp_path, "seed": 3, "jobs": 2, "artifacts": tmp_path / "exported"}


def test_each_candidate_is_begun_once_and_in_order(builders: list[FakeBuilder]) -> None:
    work = SessionBuilder(Settings(), lambda _: None)
    work.build(TWO, "board")
    work.begin([THREE, TWO, ONE, THREE])
    work.begin([ONE, TWO])
    (builder,) = builders
    assert builder.ahead == [[THREE, ONE]]
    work.close()
    assert builder.closed


def test_steps_are_told_only_while_somebody_waits(builders: list[FakeBuilder]) -> None:
    said: list[Progress] = []
    work = SessionBuilder(Settings(), said.append)
    work.begin([ONE, TWO])
    builders[0].tell("one/int8: epoch 1 of 3")
    assert said == []
    work.build(ONE, "board")
    assert said == [Progress("board", "one/int8: converting")]
    builders[0].tell("two/int8: epoch 1 of 3")
    assert len(said) == 1


def test_after_a_failure_what_is_built_ahead_is_silent_again(builders: list[FakeBuilder]) -> None:
    said: list[Progress] = []
    work = SessionBuilder(Settings(), said.append)
    with pytest.raises(BuildError):
        work.build(THREE, "board")
    builders[0].tell("one/int8: converting")
    assert [progress.what for progress in said] == ["three/int8: converting"]


def test_a_folder_of_artifacts_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    check_build_folders(Settings())
    with pytest.raises(UsageError, match="--artifacts"):
        check_build_folders(Settings(artifacts=tmp_path / "gone"))


def test_turns_are_taken_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    events: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with host_lock(tmp_path, waiting.set):
            events.append("second")

    thread = threading.Thread(target=second)
    with host_lock(tmp_path, lambda: events.append("never said: it was free")):
        thread.start()
        assert waiting.wait(30), "the second is not told that it waits"
        events.append("first ends")
    thread.join()
    assert events == ["first ends", "second"]


def test_a_turn_ends_with_an_error_too(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    with pytest.raises(BuildError), host_lock(tmp_path, lambda: None):
        raise BuildError("no")
    with host_lock(tmp_path, lambda: None):
        pass

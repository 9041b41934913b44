"""Tasks that wait for one another, done by threads; no process is started here."""

import threading

import pytest

from harness.pipeline.builder.scheduler import Scheduler, Task
from harness.pipeline.worker.worker_client import WorkerClient
from harness.records.errors import BuildError

WAIT_S = 20.0


class Diary:
    """Writes down when tasks begin and end, and holds them until they may go on."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.gates: dict[str, threading.Event] = {}
        self.begun: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def task(self, key: str, **more: object) -> Task:
        def run(_worker: WorkerClient) -> str:
            self._write(f"{key} begins")
            self.begun.setdefault(key, threading.Event()).set()
            if key in self.gates:
                assert self.gates[key].wait(WAIT_S)
            self._write(f"{key} ends")
            return f"{key} done"

        return Task(key, run, **more)  # type: ignore[arg-type]

    def held(self, key: str, **more: object) -> Task:
        self.gates[key] = threading.Event()
        self.begun[key] = threading.Event()
        return self.task(key, **more)

    def _write(self, line: str) -> None:
        with self._lock:
            self.lines.append(line)

    def order(self) -> list[str]:
        return [line.split()[0] for line in self.lines if line.endswith("begins")]


@pytest.fixture
def diary() -> Diary:
    return Diary()


def make_scheduler(jobs: int = 1) -> Scheduler:
    return Scheduler(jobs, WorkerClient)


def test_a_task_gives_its_result(diary):
    with make_scheduler() as scheduler:
        scheduler.add(diary.task("a"))
        assert scheduler.result("a") == "a done"


def test_the_least_rank_comes_first_and_among_equals_the_first_asked(diary):
    with make_scheduler() as scheduler:
        scheduler.add(diary.held("now"))
        diary.begun["now"].wait(WAIT_S)
        for key, rank in (("late", (5,)), ("b", (1,)), ("c", (1,)), ("first", (0, 9))):
            scheduler.add(diary.task(key, rank=rank))
        diary.gates["now"].set()
        for key in ("late", "b", "c", "first"):
            scheduler.result(key)
    assert diary.order() == ["now", "first", "b", "c", "late"]


def test_a_task_that_waits_becomes_more_urgent_and_is_not_done_twice(diary):
    with make_scheduler() as scheduler:
        scheduler.add(diary.held("now"))
        diary.begun["now"].wait(WAIT_S)
        scheduler.add(diary.task("a", rank=(1,)))
        scheduler.add(diary.task("b", rank=(2,)))
        scheduler.add(diary.task("b", rank=(0,)))
        scheduler.add(diary.task("b", rank=(7,)))
        diary.gates["now"].set()
        scheduler.result("a")
        scheduler.result("b")
    assert diary.order() == ["now", "b", "a"]


def test_needs_are_ended_before(diary):
    with make_scheduler(jobs=2) as scheduler:
        scheduler.add(diary.task("last", needs=("one", "two"), rank=(0,)))
        scheduler.add(diary.held("one", rank=(1,)))
        scheduler.add(diary.held("two", rank=(1,)))
        diary.begun["one"].wait(WAIT_S)
        diary.begun["two"].wait(WAIT_S)
        assert "last begins" not in diary.lines
        diary.gates["one"].set()
        diary.gates["two"].set()
        scheduler.result("last")
    assert diary.lines[-2:] == ["last begins", "last ends"]


def test_tasks_that_would_fill_one_folder_take_turns_while_others_go_on(diary, tmp_path):
    with make_scheduler(jobs=2) as scheduler:
        scheduler.add(diary.held("training", fills=(tmp_path / "weights",)))
        diary.begun["training"].wait(WAIT_S)
        scheduler.add(diary.task("again", fills=(tmp_path / "weights", tmp_path / "more"), rank=(0,)))
        scheduler.add(diary.task("another", fills=(tmp_path / "other",), rank=(9,)))
        scheduler.result("another")
        assert "again begins" not in diary.lines
        diary.gates["training"].set()
        scheduler.result("again")
    assert diary.order() == ["training", "another", "again"]


def test_a_folder_that_is_there_keeps_nobody_waiting(diary, tmp_path):
    (tmp_path / "weights").mkdir()
    with make_scheduler(jobs=2) as scheduler:
        for key in ("one", "two"):
            scheduler.add(diary.held(key, fills=(tmp_path / "weights",)))
        assert diary.begun["one"].wait(WAIT_S) and diary.begun["two"].wait(WAIT_S)
        diary.gates["one"].set()
        diary.gates["two"].set()


def test_no_more_threads_than_jobs_and_no_more_than_tasks(diary):
    before = threading.active_count()
    with make_scheduler(jobs=8) as scheduler:
        scheduler.add(diary.held("only"))
        diary.begun["only"].wait(WAIT_S)
        assert threading.active_count() == before + 1
        diary.gates["only"].set()
    assert threading.active_count() == before


def failing(key: str, error: BaseException) -> Task:
    def run(_worker: WorkerClient) -> object:
        raise error

    return Task(key, run)


def test_a_failure_is_told_to_everyone_who_asks_and_not_tried_again(diary):
    with make_scheduler() as scheduler:
        scheduler.add(failing("bad", BuildError("no such thing")))
        for _ in range(2):
            with pytest.raises(BuildError, match="no such thing"):
                scheduler.result("bad")
        scheduler.add(diary.task("bad"))
        with pytest.raises(BuildError, match="no such thing"):
            scheduler.result("bad")
        scheduler.add(diary.task("next", needs=("bad",)))
        assert scheduler.result("next") == "next done"


def test_a_mistake_of_the_harness_is_not_swallowed():
    with make_scheduler() as scheduler:
        scheduler.add(failing("bad", KeyError("oops")))
        with pytest.raises(KeyError, match="oops"):
            scheduler.result("bad")


def test_what_went_well_may_be_asked_for_again(diary):
    with make_scheduler() as scheduler:
        for _ in range(2):
            scheduler.add(diary.task("a"))
            scheduler.result("a")
    assert diary.order() == ["a", "a"]


def test_whichever_ends_first_is_told(diary):
    with make_scheduler(jobs=2) as scheduler:
        scheduler.add(diary.held("slow"))
        scheduler.add(diary.task("quick"))
        assert scheduler.next_ended(["slow", "quick"]) == "quick"
        diary.gates["slow"].set()
        assert scheduler.next_ended(["slow"]) == "slow"


def test_closing_gives_up_what_waits(diary):
    scheduler = make_scheduler()
    scheduler.add(diary.held("now"))
    scheduler.add(diary.task("never"))
    diary.begun["now"].wait(WAIT_S)
    closing = threading.Thread(target=scheduler.close)
    closing.start()
    with pytest.raises(BuildError, match="cancelled"):
        scheduler.result("never")
    diary.gates["now"].set()
    closing.join(WAIT_S)
    assert scheduler.closed and not closing.is_alive()
    assert diary.order() == ["now"]
    scheduler.add(diary.task("too late"))
    with pytest.raises(BuildError, match="cancelled"):
        scheduler.result("too late")


def test_closing_says_whether_all_was_done(diary):
    scheduler = make_scheduler()
    scheduler.add(diary.task("a"))
    scheduler.result("a")
    assert scheduler.close() is True
    other = make_scheduler()
    other.add(diary.task("never", needs=("nobody adds this", "now")))
    other.add(diary.held("now"))
    diary.begun["now"].wait(WAIT_S)
    closing = threading.Timer(0.05, diary.gates["now"].set)
    closing.start()
    assert other.close() is False

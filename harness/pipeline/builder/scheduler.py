"""Tasks that wait for one another, and the threads that do them, each with a worker process of its own."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from harness.pipeline.worker.worker_client import WorkerClient
from harness.records.errors import BuildError

Rank = tuple[int, ...]

_LOOK_S: Final = 0.5
"""How long the main thread waits at a time: a signal that comes just before a wait begins does not end it."""


@dataclass(frozen=True)
class Task:
    """Something to do once. The least rank is done first; among equals, what was asked for first.

    It starts when all tasks that it ``needs`` have ended, well or not. ``fills`` are folders that it makes where they
    are not there yet: no two tasks that would make the same one run beside each other, since the second would wait
    for the first while it could do something else.
    """

    key: str
    run: Callable[[WorkerClient], object]
    needs: tuple[str, ...] = ()
    fills: tuple[Path, ...] = ()
    rank: Rank = (0,)


@dataclass(frozen=True)
class _Ended:
    value: object = None
    error: BaseException | None = None


class Scheduler:
    """Does tasks in up to ``jobs`` threads. A failed one keeps its error; one that went well may be added again."""

    def __init__(self, jobs: int, new_worker: Callable[[], WorkerClient]) -> None:
        self._jobs = jobs
        self._new_worker = new_worker
        self._changed = threading.Condition()
        self._waiting: dict[str, Task] = {}
        self._running: dict[str, Task] = {}
        self._ended: dict[str, _Ended] = {}
        self._threads: list[threading.Thread] = []
        self._workers: list[WorkerClient] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether the tasks that are left were given up."""
        return self._closed

    def add(self, task: Task) -> None:
        """Have a task done; one that waits already only becomes more urgent, one that failed stays failed."""
        with self._changed:
            ended = self._ended.get(task.key)
            if self._closed or task.key in self._running or (ended is not None and ended.error is not None):
                return
            waiting = self._waiting.get(task.key)
            self._waiting[task.key] = replace(waiting, rank=min(waiting.rank, task.rank)) if waiting else task
            if len(self._threads) < self._jobs and len(self._threads) < len(self._waiting) + len(self._running):
                self._start_thread()
            self._changed.notify_all()

    def result(self, key: str) -> object:
        """What a task gave, when it has ended. Raises what it raised, or BuildError where it was given up."""
        with self._changed:
            while key in self._waiting or key in self._running:
                if self._closed:
                    raise BuildError("building was cancelled")
                self._changed.wait(_LOOK_S)
        return self.outcome(key)

    def next_ended(self, keys: Iterable[str]) -> str:
        """One of some tasks that has ended; waits for one. Raises BuildError where they were given up."""
        with self._changed:
            while True:
                for key in keys:
                    if key not in self._waiting and key not in self._running:
                        return key
                if self._closed:
                    raise BuildError("building was cancelled")
                self._changed.wait(_LOOK_S)

    def outcome(self, key: str) -> object:
        """The same for a task that is known to have ended."""
        ended = self._ended.get(key)
        if ended is None:
            raise BuildError("building was cancelled")
        if ended.error is not None:
            raise ended.error.with_traceback(None)
        return ended.value

    def close(self) -> bool:
        """Give up what waits, end the workers at once, and wait for the threads; gives whether all was done."""
        with self._changed:
            idle = not self._waiting and not self._running
            self._closed = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.kill()
        for thread in self._threads:
            thread.join()
        return idle

    def _start_thread(self) -> None:
        worker = self._new_worker()
        self._workers.append(worker)
        number = len(self._threads) + 1
        thread = threading.Thread(target=self._serve, args=(worker,), name=f"building {number}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, worker: WorkerClient) -> None:
        with worker:
            while (task := self._next()) is not None:
                ended = _done(task, worker)
                with self._changed:
                    self._ended[task.key] = ended
                    del self._running[task.key]
                    self._changed.notify_all()

    def _next(self) -> Task | None:
        """The most urgent task that can start; waits for one. None: closed."""
        with self._changed:
            while not self._closed:
                startable = [task for task in self._waiting.values() if self._can_start(task)]
                if startable:
                    task = min(startable, key=lambda task: task.rank)
                    self._running[task.key] = self._waiting.pop(task.key)
                    return task
                self._changed.wait()
        return None

    def _can_start(self, task: Task) -> bool:
        if not all(self._has_ended(key) for key in task.needs):
            return False
        missing = {folder for folder in task.fills if not folder.exists()}
        return not any(missing.intersection(other.fills) for other in self._running.values())

    def _has_ended(self, key: str) -> bool:
        return key in self._ended and key not in self._waiting and key not in self._running


def _done(task: Task, worker: WorkerClient) -> _Ended:
    try:
        return _Ended(task.run(worker))
    except BaseException as error:  # handed to whoever asks for the result
        return _Ended(error=error)

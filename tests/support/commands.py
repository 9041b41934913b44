"""How tests run a command: in their own process, in a fork of one that has imported it all, or in a process it starts.

Words, help, budgets, judging and comparing run in the test's own process (:func:`run_here`). Sessions that measure or
build want one of their own, for they handle signals and start threads: a fork (:func:`support.warm.run_warm`). What a
test holds about a process itself - what is imported, which interpreter, what an installed command is - is started
(:func:`run_started`).
"""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

HARNESS = str(Path(sys.executable).parent / "harness")


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


def outer_environment() -> dict[str, str]:
    """What the pytest and the pipeline that run this test tell their processes is not for the one in the test."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_"))}


def run_here(arguments: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Said:
    """Run "harness" with arguments in this process, as its console script does.

    ``env`` is the whole environment, by default this process' own without what its pytest put there. A traceback is
    the test's. A pytest that the command starts in turn goes without Hypothesis' plugin: loaded a second time, it
    would leave Hypothesis refusing the tests that follow.
    """
    from harness.cli.app import main

    out, err = _text(), _text()
    with (
        _as_process(arguments, cwd, outer_environment() if env is None else env),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
        else:
            code = 0
    assert isinstance(code, int), code
    return Said(code, _read(out), _read(err))


def run_started(*argv: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Said:
    """Start a process and wait for its end."""
    words = [str(word) for word in argv]
    environment = outer_environment() if env is None else env
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, env=environment, check=False)
    return Said(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def _as_process(arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Iterator[None]:
    path = list(sys.path)
    with (
        contextlib.chdir(cwd),
        mock.patch.dict(os.environ, {"PYTEST_ADDOPTS": "-p no:hypothesispytest", **env}, clear=True),
        mock.patch.object(sys, "argv", [HARNESS, *arguments]),
    ):
        try:
            yield
        finally:
            sys.path[:] = path


def _text() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _read(stream: io.TextIOWrapper) -> str:
    content = stream.buffer
    assert isinstance(content, io.BytesIO)
    return content.getvalue().decode("utf-8")

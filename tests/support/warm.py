"""A process that has imported what commands need, and forks for each: a command costs what it does, not its imports.

    said = run_warm("pytest", ["--device=local"], cwd=folder, env=os.environ)

What it runs is a process like any other: exit status, signals, files. It differs in what a test must not ask it about:
when modules are imported, which engine draws its charts (:mod:`support.shared_charts`), and what Python reads before
the first line (PYTHON*, the locale); those get a process that is started, see :func:`is_fit`. A test that holds a seam
(what the console script is, an installed wheel, what is imported) starts one in any case.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.commands import Said

_CLONE_NEWNET = 0x40000000
_HEAVY = (
    "numpy",
    "scipy.stats",
    "scipy.optimize",
    "altair",
    "paramiko",
    "ai_edge_litert.interpreter",
    "alembic.command",
    "alembic.config",
    "quantiphy",
    "sqlalchemy.dialects.sqlite",
    "pytest",
)
"""Third parties that most commands come to; the rest comes with the modules of the harness."""
_NOT_BEFORE = ("harness.plugin", "harness.agent", "harness.testing", "harness.store.history.migrations")
"""Pytest rewrites the first as it loads it; the others run elsewhere, as do modules whose name ends with _main_."""
_READ_AT_START = ("PYTHON", "LC_", "LANG", "MALLOC_", "LD_", "OPENBLAS_", "OMP_", "TERMINAL_WIDTH", "COVERAGE_")


def is_fit(env: Mapping[str, str]) -> bool:
    """Whether nothing in an environment would have had to be there before Python started."""
    now = os.environ
    odd = {name for name in now.keys() | env.keys() if name.startswith(_READ_AT_START)} - {"PYTHONPATH"}
    return all(now.get(name) == env.get(name) for name in odd)


def run_warm(program: str, arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> "Said":
    """Run "harness" or "pytest" with arguments in a fork of the warm process; returns when it has ended.

    Its network namespace is the calling thread's.
    """
    from support.commands import Said
    from support.shared_charts import relay

    with tempfile.TemporaryDirectory(prefix="edge-warm-") as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        request = {
            "program": program,
            "arguments": list(arguments),
            "cwd": str(cwd),
            "env": dict(env),
            "out": str(out),
            "err": str(err),
            "charts": str(relay()),
            "network": f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net",
        }
        code = _server().ask(request)
        return Said(code, *(path.read_text(encoding="utf-8", errors="strict") for path in (out, err)))


class _Client:
    """The other end of the warm process, for any number of threads."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment()
        )
        self._lock = threading.Lock()
        self._answers: dict[int, int] = {}
        self._count = 0
        self._arrived = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, request: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        with self._lock:
            self._count += 1
            number = self._count
            self._process.stdin.write(json.dumps({**request, "number": number}) + "\n")
            self._process.stdin.flush()
        with self._arrived:
            self._arrived.wait_for(lambda: number in self._answers or self._process.poll() is not None)
            return self._answers.pop(number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            number, code = json.loads(line)
            with self._arrived:
                self._answers[number] = code
                self._arrived.notify_all()
        self._process.wait()
        with self._arrived:
            self._arrived.notify_all()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


_started: list[_Client] = []
_starting = threading.Lock()


def _server() -> _Client:
    with _starting:
        if not _started:
            _started.append(_Client())
            atexit.register(_started[0].end)
        return _started[0]


def _environment() -> dict[str, str]:
    tests = str(Path(__file__).resolve().parents[1])
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return outer | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": tests}


def serve() -> None:
    """Fork for each line of standard input; a line of standard output for each that ended. Ends with its input."""
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    _import_all()
    gc.collect()
    gc.freeze()
    running: dict[int, tuple[int, int]] = {}
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _events in selector.select():
                if key.fd != requests:
                    number, pid = running.pop(key.fd)
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    os.write(answers, f"{json.dumps([number, status])}\n".encode())
                    continue
                read = os.read(requests, 1 << 16)
                if not read:
                    return
                *lines, rest = (rest + read).split(b"\n")
                for line in lines:
                    request = json.loads(line)
                    pid = os.fork()
                    if pid == 0:
                        selector.close()
                        for fd in (requests, answers, *running):
                            os.close(fd)
                        gc.enable()
                        _run(request)
                    handle = os.pidfd_open(pid)
                    running[handle] = (request["number"], pid)
                    selector.register(handle, selectors.EVENT_READ)


def _import_all() -> None:
    import harness

    sys.modules.update(dict.fromkeys(("tensorflow", "keras")))  # type: ignore[arg-type]  # no command imports them
    for name in _HEAVY:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(harness.__path__, "harness."):
        if not module.name.startswith(_NOT_BEFORE) and not module.name.endswith(("_main", "__main__")):
            with contextlib.suppress(ImportError):
                importlib.import_module(module.name)
    del sys.modules["tensorflow"], sys.modules["keras"]
    _prepare()
    import platformdirs

    # It has a plugin of pytest, which would say that it comes too late to be rewritten.
    platformdirs.__doc__ = f"{platformdirs.__doc__} PYTEST_DONT_REWRITE"


def _prepare() -> None:
    """Make what each fork would make at its first use: templates of reports, validators of records, unit patterns."""
    from harness.records.base import Record
    from harness.records.units import format_quantity
    from harness.report.page import load_templates

    load_templates()
    format_quantity(1.0, "s")
    kinds: list[type[Record]] = [Record]
    while kinds:
        kind = kinds.pop()
        kind.model_rebuild(raise_errors=False)
        kinds += kind.__subclasses__()


def _run(request: dict[str, Any]) -> None:
    """Be the command: never returns."""
    from support.shared_charts import draw_by
    from support.warm_builds import build_in_forks

    for number, name in ((1, "out"), (2, "err")):
        fd = os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.dup2(fd, number)
        os.close(fd)
    _join_network(request["network"])
    draw_by(Path(request["charts"]))
    build_in_forks()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).resolve().parent)]
    tests = str(Path(__file__).resolve().parents[1])
    sys.path.remove(tests)
    sys.path[:0] = [entry for entry in request["env"].get("PYTHONPATH", "").split(os.pathsep) if entry]
    if request["program"] == "pytest":
        sys.path.insert(0, request["cwd"])
        sys.argv = ["pytest", *request["arguments"]]
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    else:
        script = str(Path(sys.executable).parent / "harness")
        sys.argv = [script, *request["arguments"]]
        runpy.run_path(script, run_name="__main__")
    sys.exit(0)


def _join_network(path: str) -> None:
    wanted = Path(path)
    if wanted.stat().st_ino != Path("/proc/self/ns/net").stat().st_ino:
        with wanted.open("rb") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "the test's network namespace could not be entered")


if __name__ == "__main__":
    serve()

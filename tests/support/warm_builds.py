"""Processes that have imported what building needs, and fork for each that builds, or runs a model within limits.

    offer_forks()           # in the first process of a test run
    build_in_forks()        # in each process whose builders are to use it
    run_with_tensorflow(script)

What is started is then a relay (:mod:`support.build_relay`): it hands its streams, folder, environment and network to
the fork, ends as the fork ends, and the fork dies with it. In the fork "import tensorflow" runs none of it again; all
else is as in a process that was started. Where a fork cannot be what is asked for, such as of another account, the
relay becomes the process itself; so it does where TESTS_FORKS is empty, as in tests of how such a process begins and
ends.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import importlib.abc
import json
import os
import pkgutil
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from support.build_relay import ADDRESS, NETWORK, PROGRAMS, describe_process

_RELAY = "tests.support.build_relay"
_HERE = Path(__file__).resolve()
_CLONE_NEWNET = 0x40000000
_MOST_BYTES = 1 << 20
_HEAVY = {
    "worker": ("keras", "sklearn.metrics", "tensorflow.core.protobuf.saved_model_pb2"),
    "sandbox": ("ai_edge_litert.interpreter", "litert_quantizer.quantizer", "litert_quantizer.utils.qsv_utils"),
}
"""Third parties that they come to; the rest comes with the modules of the harness."""


def offer_forks() -> None:
    """Let this process and those that it starts have forks, by a name in the environment; ends with this process.

    What forks is started when the first fork is wanted.
    """
    from harness.pipeline.check.sandbox import child_environment
    from harness.pipeline.worker.determinism import ENVIRONMENT

    if ADDRESS in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="edge-forks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # As they are now: the test that wants the first fork may have changed its own.
    environments = {
        "worker": child_environment(**ENVIRONMENT),
        "sandbox": child_environment(**ENVIRONMENT, OPENBLAS_NUM_THREADS="1"),
    }
    os.environ[ADDRESS] = str(folder)
    for name, environment in environments.items():
        environment["PYTHONPATH"] += f"{os.pathsep}{_HERE.parents[1]}"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(folder / name))
        listener.listen(64)
        threading.Thread(target=_start_at_first, args=(name, listener, environment), daemon=True).start()


def build_in_forks() -> None:
    """In this process, let builders have forks of what :func:`offer_forks` offers."""
    from harness.pipeline.check import sandbox
    from harness.pipeline.worker.worker_client import WorkerClient

    WorkerClient.__init__.__kwdefaults__["module"] = _RELAY
    vars(sandbox)["_START"] = _RELAY


def run_with_tensorflow(text: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a fork that has TensorFlow, in the environment of a process that builds."""
    from harness.pipeline.check.sandbox import child_environment
    from harness.pipeline.worker.determinism import ENVIRONMENT

    with tempfile.TemporaryDirectory(prefix="edge-script-") as folder:
        script = Path(folder) / "script.py"
        script.write_text(text, encoding="utf-8")
        command = [sys.executable, "-P", "-m", _RELAY, script, *words]
        environment = child_environment(**ENVIRONMENT)
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def _start_at_first(name: str, listener: socket.socket, environment: dict[str, str]) -> None:
    with selectors.DefaultSelector() as selector, listener:
        selector.register(listener, selectors.EVENT_READ)
        selector.select()
        process = subprocess.Popen(
            [sys.executable, "-P", _HERE, name, str(listener.fileno())],
            stdin=subprocess.PIPE,  # nobody writes it: its end is this process' end
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            env=environment,
        )
    atexit.register(process.kill)


def serve(name: str, listener: socket.socket) -> None:
    """Fork for each that connects and is like this process; ends with standard input."""
    tensorflow = _import_all(name)
    like = describe_process(name)
    build_in_forks()
    gc.collect()
    gc.freeze()
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _events in selector.select():
                if key.fileobj == 0:
                    return
                if key.fileobj is listener:
                    link, _ = listener.accept()
                    _fork(link, selector, like, tensorflow)
                elif isinstance(key.fileobj, socket.socket):
                    selector.unregister(key.fileobj)
                    _end_group(key.data)
                else:
                    _report(key.fd, selector, *key.data)


def _fork(
    link: socket.socket, selector: selectors.BaseSelector, like: list[Any], tensorflow: ModuleType | None
) -> None:
    text, fds, _flags, _address = socket.recv_fds(link, _MOST_BYTES, 4)
    request = json.loads(text or b"{}")
    if request and request["like"] == like:
        link.send(b"yes")
        pid = os.fork()
        if pid == 0:
            selector.close()
            link.close()
            _become(request, fds, tensorflow)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # as it does itself, whoever comes first
        handle = os.pidfd_open(pid)
        selector.register(handle, selectors.EVENT_READ, (pid, link))
        selector.register(link, selectors.EVENT_READ, pid)
    else:
        link.close()
    for fd in fds:
        os.close(fd)


def _end_group(pid: int) -> None:
    """Of a fork whose relay ended before it; its status is not taken yet, so the number is still its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _report(handle: int, selector: selectors.BaseSelector, pid: int, link: socket.socket) -> None:
    """Hand the fork's exit status to its relay."""
    selector.unregister(handle)
    os.close(handle)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(KeyError):
        selector.unregister(link)
    with contextlib.suppress(OSError), link:
        link.send(json.dumps(status).encode())


def _become(request: dict[str, Any], fds: Sequence[int], tensorflow: ModuleType | None) -> None:
    """Be the process that was asked for: never returns."""
    os.setpgid(0, 0)
    *streams, network = fds
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    if os.fstat(network).st_ino != NETWORK.stat().st_ino:
        _join(network)
    for fd in (*fds, int(sys.argv[2])):
        os.close(fd)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:] = request["path"]
    tempfile.tempdir = None
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "support")]:
        del sys.modules[name]
    if tensorflow:
        del sys.modules["tensorflow"]
        sys.meta_path.insert(0, _Again(tensorflow))
    gc.unfreeze()
    script = request["arguments"][0]
    if script.endswith(".py"):
        sys.argv = request["arguments"]
        runpy.run_path(script, run_name="__main__")
    else:
        program = PROGRAMS[sys.argv[1]]
        sys.argv = [program, *request["arguments"]]
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    sys.exit(0)


def _join(network: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(network, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "the test's network namespace could not be entered")


class _Again(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a module that is loaded to whoever imports it, so that a fork's first import is one."""

    def __init__(self, loaded: ModuleType) -> None:
        self._loaded = loaded
        self._spec = loaded.__spec__

    def find_spec(self, name: str, _path: object, _target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name == self._loaded.__name__ else None

    def create_module(self, _spec: ModuleSpec) -> ModuleType:
        return self._loaded

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


def _import_all(name: str) -> ModuleType | None:
    """Returns TensorFlow, where it is among what a process of this name comes to."""
    import harness.pipeline

    tensorflow = importlib.import_module("tensorflow") if name == "worker" else None
    for heavy in _HEAVY[name]:
        importlib.import_module(heavy)
    for module in pkgutil.walk_packages(harness.pipeline.__path__, "harness.pipeline."):
        limited = module.name.endswith("_main")
        if not limited or (name == "sandbox" and module.name not in PROGRAMS.values()):
            importlib.import_module(module.name)
    return tensorflow


if __name__ == "__main__":
    serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))

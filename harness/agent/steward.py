"""The long-lived process of a session: holds the lease, hears heartbeats, runs blocks, puts everything back."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, Callable, Dict, List, NoReturn, Optional

from edge_agent import footprint, lease, load, oom, probe, spec, state, telemetry, tune, wait_queue, wire
from edge_agent.block_client import RunningBlock
from edge_agent.restore import Originals
from edge_agent.store import Store
from edge_agent.sysfs import Root

PROTOCOL = 1
LEASE = "edge-harness-lease"
HELD_STATUS = 3
UNFIT_STATUS = 4
_CHUNK = 1 << 16
_TICK_S = 0.5
_WORKING_S = 5.0
_MOST_WATCHED_S = 10.0
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class EndedError(Exception):
    """The session is over: released, silent, or told to end."""


class Steward:
    """One session's state: the lease, the originals, at most one running block."""

    def __init__(self, options: argparse.Namespace, out: wire.LineWriter) -> None:
        self.root = Root(options.root)
        self.store = Store(Path(options.cache), self._tick)
        self.originals = Originals(self.root, self.store.cache, options.lease)
        self._mark = oom.Mark(self.root, self.store.cache)
        self._out = out
        self._silence = float(options.silence)
        self._requests = wire.LineBuffer(wire.REQUEST_LIMIT)
        self._heard = time.monotonic()
        self._block: Optional[RunningBlock] = None
        self._number = 0
        self._said = self._heard

    def start(self) -> None:
        """Make the folders, put back what a dead steward left, say that we are ready."""
        self.store.make()
        starved = self._mark.left()
        restored = ([] if starved is None else [starved]) + self.originals.put_back_of_dead()
        self._out.send({"event": "ready", "protocol": PROTOCOL, "restored": restored})

    def serve(self, held: lease.Lease) -> NoReturn:
        """Answer until the session ends; raises EndedError with the reason."""
        self._heard = time.monotonic()
        while True:
            block = self._block
            waiting: List[Any] = [0, held] + ([block] if block else [])
            ready = select.select(waiting, [], [], _TICK_S)[0]
            if held in ready:
                held.answer()
            if 0 in ready:
                self._read_requests()
            if block is not None and block is self._block:
                self._pass_on_block(block, readable=block in ready)
            if time.monotonic() - self._heard > self._silence:
                raise EndedError("nothing heard for %g s" % self._silence)

    def stop(self) -> None:
        """Kill what runs and put everything back."""
        if self._block is not None:
            self._block.kill()
            self._block = None
        self._mark.clear()
        for sentence in self.originals.put_back():
            sys.stderr.write("restored: %s\n" % sentence)

    def _read_requests(self) -> None:
        data = os.read(0, _CHUNK)
        if not data:
            raise EndedError("the host closed the connection")
        for line in self._requests.feed(data):
            # After each, for a request may take longer than the silence allowed.
            self._handle_line(line)
            self._heard = time.monotonic()
        self._heard = time.monotonic()

    def _tick(self) -> None:
        """Tell the host now and then that a request which takes long is being fulfilled."""
        if self._number and time.monotonic() - self._said > _WORKING_S:
            self._said = time.monotonic()
            self._out.send({"id": self._number, "event": "working"})

    def _pass_on_block(self, block: RunningBlock, *, readable: bool) -> None:
        """Pass on what a block says; the end of it is an answer too."""
        try:
            for message in block.read() if readable else block.check():
                self._out.send({"id": block.request_id, **message})
        except wire.AgentError as error:
            self._refuse(block.request_id, error)
        else:
            if not block.over:
                return
            self._out.send({"id": block.request_id, "event": "done"})
        block.kill()
        self._block = None
        self._mark.clear()

    def _handle_line(self, line: bytes) -> None:
        request = wire.parse(line)
        number = request.get("id") if request else None
        if request is None or isinstance(number, bool) or not isinstance(number, int):
            self._refuse(0, wire.AgentError("bad_request", "a request is a JSON object with a number id"))
            return
        try:
            self._dispatch(number, request)
        except wire.AgentError as error:
            self._refuse(number, error)
        except (EndedError, wire.StalledError):
            raise
        except Exception as error:  # one request that went wrong is no reason to lose the board
            self._refuse(number, wire.AgentError("internal", "%s: %r" % (request.get("op"), error)))

    def _dispatch(self, number: int, request: wire.Message) -> None:
        op = request.get("op")
        if op == "block":
            self._begin(number, request)
            return
        handler = _OPERATIONS.get(op) if isinstance(op, str) else None
        if handler is None:
            raise wire.AgentError("bad_request", "unknown op %r" % (op,))
        if self._block is not None and op not in ("ping", "release"):
            raise wire.AgentError("bad_request", "a block is running: only ping and release are heard")
        self._number, self._said = number, time.monotonic()
        for message in handler(self, request):
            self._out.send({"id": number, **message})
        self._out.send({"id": number, "event": "done"})
        if op == "release":
            raise EndedError("released")

    def _begin(self, number: int, request: wire.Message) -> None:
        if self._block is not None:
            raise wire.AgentError("bad_request", "a block is running")
        block = spec.parse_block(request.get("block"))
        for trial in block.trials:
            for digest in (trial.model, trial.inputs, trial.expected, trial.expected_builtin):
                if digest is not None:
                    self.store.path(digest)
        told = {"block": request["block"], "cache": str(self.store.cache), "root": str(self.root.path)}
        self._mark.set()
        self._block = RunningBlock(number, block, told)

    def _refuse(self, number: int, error: wire.AgentError) -> None:
        self._out.send({"id": number, "event": "error", "kind": error.kind, "message": error.message})


Handler = Callable[[Steward, wire.Message], List[Dict[str, Any]]]


def _ping(_steward: Steward, _request: wire.Message) -> List[Dict[str, Any]]:
    return []


def _probe(steward: Steward, _request: wire.Message) -> List[Dict[str, Any]]:
    return [{"event": "facts", "facts": probe.facts(steward.root, steward.store.cache)}]


def _state(steward: Steward, _request: wire.Message) -> List[Dict[str, Any]]:
    return [{"event": "state", "state": state.read_state(steward.root, steward.store.cache)}]


def _watch(steward: Steward, request: wire.Message) -> List[Dict[str, Any]]:
    seconds = request.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= _MOST_WATCHED_S:
        raise wire.AgentError("bad_request", "watch needs seconds from 0 to %g" % _MOST_WATCHED_S)
    return [{"event": "watched", "telemetry": telemetry.watch(steward.root, seconds)}]


def _load(steward: Steward, request: wire.Message) -> List[Dict[str, Any]]:
    seconds, cores = request.get("seconds"), request.get("cores")
    for value, most in ((seconds, _MOST_WATCHED_S), (cores, load.MOST_CORES)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
            raise wire.AgentError("bad_request", "load needs seconds and cores from 0 to %g" % most)
    return [{"event": "watched", "telemetry": load.watch_load(steward.root, float(seconds or 0), float(cores or 0))}]


def _footprint(steward: Steward, request: wire.Message) -> List[Dict[str, Any]]:
    names = request.get("sensors")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise wire.AgentError("bad_request", "footprint needs a list sensors")
    return [{"event": "footprint", "footprint": footprint.read_footprint(steward.root, names)}]


def _tune(steward: Steward, request: wire.Message) -> List[Dict[str, Any]]:
    wishes = spec.parse_tuning(request.get("tuning"))
    return [{"event": "tuned", "point": tune.tune(steward.root, steward.originals, wishes)}]


def _have(steward: Steward, request: wire.Message) -> List[Dict[str, Any]]:
    digests = request.get("sha256")
    if not isinstance(digests, list):
        raise wire.AgentError("bad_request", "have needs a list sha256")
    return [{"event": "have", "missing": steward.store.missing(digests)}]


def _admit(steward: Steward, request: wire.Message) -> List[Dict[str, Any]]:
    steward.store.admit(_text(request, "sha256"), _text(request, "incoming"))
    return []


def _unpack(steward: Steward, request: wire.Message) -> List[Dict[str, Any]]:
    info = request.get("info")
    if not isinstance(info, dict):
        raise wire.AgentError("bad_request", "unpack needs an object info")
    steward.store.unpack(_text(request, "sha256"), _text(request, "env"), info)
    return []


def _clean(steward: Steward, request: wire.Message) -> List[Dict[str, Any]]:
    runtimes_only = request.get("runtimes_only") is True
    return [{"event": "cleaned", "bytes": steward.store.clean(Path(sys.argv[0]).name, runtimes_only)}]


def _release(steward: Steward, _request: wire.Message) -> List[Dict[str, Any]]:
    steward.stop()
    if steward.originals.unrestored:
        raise wire.AgentError("unfit", "; ".join(steward.originals.unrestored))
    return []


_OPERATIONS: Dict[str, Handler] = {
    "ping": _ping,
    "probe": _probe,
    "state": _state,
    "watch": _watch,
    "footprint": _footprint,
    "load": _load,
    "tune": _tune,
    "have": _have,
    "admit": _admit,
    "unpack": _unpack,
    "clean": _clean,
    "release": _release,
}


def _text(request: wire.Message, key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str):
        raise wire.AgentError("bad_request", "%s needs a text %s" % (request["op"], key))
    return value


def main(arguments: List[str]) -> int:
    """Serve one session; exit status 0, 3 if the board is held, 4 if its cache folder cannot be used."""
    options = _parser().parse_args(arguments)
    oom.spare_this_process()
    out = wire.take_stdout(float(options.silence))
    try:
        held = wait_queue.take_in_turn(
            options.lease, options.holder, options.session, wait_s=options.wait, say=out.send
        )
    except lease.HeldError as error:
        out.send({"event": "held", "holder": error.holder, "since": error.since})
        return HELD_STATUS
    except (wait_queue.HostGoneError, wire.StalledError) as reason:
        sys.stderr.write("steward ends: %s\n" % reason)
        return 0
    except wire.AgentError as error:
        out.send({"id": 0, "event": "error", "kind": error.kind, "message": error.message})
        return UNFIT_STATUS
    return _session(Steward(options, out), out, held)


def _session(steward: Steward, out: wire.LineWriter, held: lease.Lease) -> int:
    for number in _SIGNALS:
        signal.signal(number, _end)
    try:
        steward.start()
        steward.serve(held)
    except wire.AgentError as error:
        out.send({"id": 0, "event": "error", "kind": error.kind, "message": error.message})
        return UNFIT_STATUS
    except (EndedError, wire.StalledError, wire.LineTooLongError) as reason:
        sys.stderr.write("steward ends: %s\n" % reason)
        return 0
    finally:
        for number in _SIGNALS:
            # Putting things back is not interrupted.
            signal.signal(number, signal.SIG_IGN)
        steward.stop()
        held.close()


def _end(number: int, _frame: Optional[FrameType]) -> None:
    raise EndedError("signal %d" % number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="steward")
    parser.add_argument("--cache", required=True)
    parser.add_argument("--root", default="/")
    parser.add_argument("--holder", required=True)
    parser.add_argument("--lease", default=LEASE)
    parser.add_argument("--session", default="")
    parser.add_argument("--wait", type=float, default=0.0)
    parser.add_argument("--silence", type=float, default=15.0)
    return parser

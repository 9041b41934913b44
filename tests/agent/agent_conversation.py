"""The host's side of the agent's protocol, for tests."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.needs import need_shared

from harness.records.board import BlockDone, Trial

AGENT = Path(__file__).resolve().parents[2] / "harness" / "agent"
PYTHON = os.environ.get("AGENT_PYTHON", sys.executable)
"""The interpreter that runs the agent and its blocks; tests/pythons/pythons.py names older and younger ones."""
PACKAGE = os.environ.get("AGENT_PACKAGE", "litert")
"""The runtime that it has, of the two that the agent knows."""

Message = dict[str, Any]


def pack_agent(path: Path) -> Path:
    """The zip file as the protocol describes it, at this path."""
    with zipfile.ZipFile(path, "w") as archive:
        for source in sorted(AGENT.glob("*.py")):
            name = source.name if source.name == "__main__.py" else f"edge_agent/{source.name}"
            archive.write(source, name)
    return path


def unpack_agent(packed: Path) -> Path:
    """The zip file unpacked beside it, as boards keep it."""
    folder = packed.with_suffix("")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    return folder


class Steward:
    """A real steward process; its first line stands in ``first``."""

    def __init__(self, agent: Path, options: dict[str, str], prefix: Sequence[str] = ()) -> None:
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        self.cache = Path(options["cache"])
        self.root = Path(options["root"])
        self.process = subprocess.Popen(
            [*prefix, PYTHON, agent, "steward", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdin
        assert self.process.stdout
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self._number = 0
        self.first = self.read()

    def read(self) -> Message:
        line = self._stdout.readline()
        assert line, self.said()
        return json.loads(line)

    def tell(self, op: str, **fields: Any) -> int:
        self._number += 1
        self.tell_raw(json.dumps({"id": self._number, "op": op, **fields}).encode() + b"\n")
        return self._number

    def tell_raw(self, data: bytes) -> None:
        self._stdin.write(data)
        self._stdin.flush()

    def ask(self, op: str, **fields: Any) -> list[Message]:
        """All answers to one request, the last one included."""
        number = self.tell(op, **fields)
        answers = [self.read()]
        while answers[-1]["event"] not in ("done", "error"):
            answers.append(self.read())
        assert {answer["id"] for answer in answers} == {number}
        return answers

    def refusal(self, op: str, **fields: Any) -> tuple[str, str]:
        """Kind and message of the error that a request meets."""
        last = self.ask(op, **fields)[-1]
        assert last["event"] == "error", last
        assert "\n" not in last["message"]
        return last["kind"], last["message"]

    def put(self, source: Path | bytes) -> str:
        """A file into the store, by way of the protocol; its sha256."""
        incoming = self.cache / "incoming" / "upload"
        if isinstance(source, bytes):
            incoming.write_bytes(source)
        else:
            shutil.copyfile(source, incoming)
        digest = hashlib.sha256(incoming.read_bytes()).hexdigest()
        assert self.ask("admit", sha256=digest, incoming="upload")[-1]["event"] == "done"
        return digest

    def close_stdin(self) -> None:
        self._stdin.close()

    def wait(self) -> int:
        return self.process.wait(timeout=30)

    def said(self) -> str:
        """What it wrote on stderr until its end."""
        assert self.process.stderr
        return self.process.stderr.read().decode()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None and not stream.closed:
                try:
                    stream.close()
                except BrokenPipeError:
                    # What was not flushed has no reader any more.
                    continue


def runner(**changes: Any) -> Message:
    """A RunnerSpec for the interpreter that runs the agent."""
    return {
        "package": PACKAGE,
        "version": "any",
        "python": PYTHON,
        "site": None,
        "num_threads": 1,
        "delegate": "xnnpack",
        **changes,
    }


def trial(model: str, **changes: Any) -> Message:
    """A short TrialSpec."""
    return {
        "index": 0,
        "arm": "candidate",
        "kind": "latency",
        "model": model,
        "warmup_runs": 2,
        "num_runs": 10,
        "min_secs": 0.02,
        "max_secs": 2.0,
        "deadline_s": 30.0,
        **changes,
    }


def block(trials: list[Message], **changes: Any) -> Message:
    """A BlockSpec."""
    return {"index": 1, "runner": runner(**changes), "trials": trials}


def run(one: Steward, trials: list[Message], **runner: Any) -> list[Trial]:
    """The trials of one block, which must end well."""
    answers = one.ask("block", block=block(trials, **runner))
    assert answers[-1]["event"] == "done", answers[-1]
    done = BlockDone.model_validate_json(json.dumps(answers[-2]["done"]))
    assert done.block == 1
    assert done.parent_start_s > 0
    assert [answer["event"] for answer in answers[:-2]] == ["started", *["trial"] * len(trials)]
    return [Trial.model_validate_json(json.dumps(answer["trial"])) for answer in answers[1:-2]]


def put(one: Steward, relative: str) -> str:
    """The sha256 of a sample model, now in the steward's store."""
    return one.put(need_shared(relative))

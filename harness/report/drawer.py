"""Charts drawn by a process of their own, which may be started long before it is needed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from harness.records.errors import HarnessError

_PROGRAM = Path(__file__).with_name("drawing.py")


class Drawer:
    """A drawing process; starting returns at once, the engine warms up beside what the caller does.

    Closing it, or the end of this process, ends it.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, specs: list[dict[str, Any]]) -> None:
        """Hand over specifications to draw; ``answer`` waits for them."""
        stdin = self._process.stdin
        if stdin is None:
            raise HarnessError("charts: the drawing process has no input")
        try:
            stdin.write(json.dumps(specs, allow_nan=False).encode() + b"\n")
            stdin.flush()
        except OSError as error:
            raise _not_drawn(f"the drawing process ended ({error.strerror})") from error

    def answer(self) -> list[str]:
        """SVG texts, one for each specification of the last ``ask``; HarnessError if they were not drawn."""
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line.endswith(b"\n"):
            raise _not_drawn("the drawing process ended without an answer")
        answer = json.loads(line)
        if "error" in answer:
            raise _not_drawn(answer["error"])
        return list(answer["svgs"])

    def close(self) -> None:
        """End the process; may be called twice."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        self._process.kill()
        self._process.wait()


def _not_drawn(why: str) -> HarnessError:
    return HarnessError(
        f"report.html: the charts were not drawn: {why}; results.json is whole, check the installation of "
        "vl-convert-python and make the report again"
    )

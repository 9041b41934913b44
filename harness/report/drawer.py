"""Charts drawn by a process of their own, which may be started long before it is needed."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from harness.records.errors import HarnessError

_PROGRAM = Path(__file__).with_name("drawing.py")


class Drawer:
    """A drawing process; starting returns at once, the engine warms up beside what the caller does.

    Closing it, or the end of this process, ends it.
    """

    def __init__(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM)],  # -P: this folder stays off its module path
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if process.stdin is None or process.stdout is None:
            raise _not_drawn("the drawing process has no pipes")
        self._process, self._work, self._answers = process, process.stdin, process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, specs: list[dict[str, Any]]) -> None:
        """Hand over specifications to draw; ``answer`` waits for them."""
        work = json.dumps(specs, allow_nan=False).encode() + b"\n"
        try:
            self._work.write(work)
            self._work.flush()
        except (OSError, ValueError) as error:
            raise _not_drawn(f"the drawing process takes no work ({error})") from error

    def answer(self) -> list[str]:
        """SVG texts, one for each specification of the last ``ask``; HarnessError if they were not drawn."""
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise _not_drawn("the drawing process ended without an answer")
        answer = json.loads(line)
        if "error" in answer:
            raise _not_drawn(answer["error"])
        return list(answer["svgs"])

    def close(self) -> None:
        """End the process; may be called twice."""
        self._process.kill()
        self._process.wait()
        for stream in (self._work, self._answers):
            with suppress(OSError):  # what was not sent to a process that is gone
                stream.close()


def _not_drawn(why: str) -> HarnessError:
    return HarnessError(
        f"report.html: the charts were not drawn: {why}; results.json is whole, check the installation of "
        "vl-convert-python and make the report again"
    )

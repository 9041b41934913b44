"""Charts drawn by a process of their own, which may start long before; what it gives is checked before it is shown."""

import json
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from harness.records.errors import HarnessError
from harness.records.exit_status import describe_exit

_PROGRAM = Path(__file__).with_name("chart_main.py")
START_PATIENCE_S = 60.0
"""For the engine's start, which may fall into the first charts' time; a busy small machine takes a tenth of it."""
CHART_PATIENCE_S = 20.0
"""For one chart, of which a busy small machine draws several in a second."""
_ENDING_S = 2.0
ENLARGED = 1.12
"""Charts are drawn for a phone's width; a wide page shows them a little larger, all by the same factor."""
_SVG = "{http://www.w3.org/2000/svg}"
_ALLOWED_TAGS = {f"{_SVG}{tag}" for tag in ("svg", "g", "path", "text", "tspan", "line", "rect", "circle", "title")}
_FORBIDDEN_ATTRIBUTES = ("href", "src", "style", "id", "class")
_IDLE_ATTRIBUTES = ("role", "pointer-events", "stroke-miterlimit", "font-family", "version")
"""They change nothing on a page that gives every chart a name and its font, and are half of a chart's bytes."""
_INITIAL_VALUES = {
    "opacity": "1",
    "stroke-width": "1",
    "font-weight": "normal",
    "text-anchor": "start",
    "stroke-opacity": "1",
}
_DECIMALS = re.compile(r"(\.\d)\d+")
"""Tenths of a pixel are all that eyes see."""
_GROUP, _PATH = f"{_SVG}g", f"{_SVG}path"


class ChartClient:
    """A drawing process; starting returns at once, the engine warms up beside what the caller does.

    Closing it, or the end of this process, ends it. ``start_s`` and ``chart_s`` are how long its start and each
    chart may take, ``program`` is what draws.
    """

    def __init__(
        self, *, start_s: float = START_PATIENCE_S, chart_s: float = CHART_PATIENCE_S, program: Path = _PROGRAM
    ) -> None:
        process = subprocess.Popen(
            [sys.executable, "-P", str(program)],  # -P: this folder stays off its module path
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if process.stdin is None or process.stdout is None:
            raise _not_drawn("the drawing process has no pipes")
        self._process, self._work, self._answers = process, process.stdin, process.stdout
        self._start_s, self._chart_s = start_s, chart_s
        self._late = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether it can draw more: after one that is not well-formed it can, after its death or delay not."""
        return self._process.poll() is None and not self._late.is_set()

    def draw(self, specs: list[dict[str, Any]]) -> list[str]:
        """SVG texts, one for each specification; HarnessError if they were not drawn."""
        work = json.dumps(specs, allow_nan=False).encode() + b"\n"
        patience_s = self._start_s + self._chart_s * len(specs)
        with self._in_time(patience_s):
            try:
                self._work.write(work)
                self._work.flush()
                line = self._answers.readline()
            except (OSError, ValueError) as error:
                raise self._late_or(f"the drawing process takes no work ({error})", patience_s) from error
        if not line.endswith(b"\n"):
            raise self._late_or(f"the drawing process {self._describe_end()}, without an answer", patience_s)
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

    @contextmanager
    def _in_time(self, patience_s: float) -> Iterator[None]:
        """What waits for the process fails when its time is up, because the process is then killed."""
        timer = threading.Timer(patience_s, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        self._late.set()
        self._process.kill()

    def _late_or(self, otherwise: str, patience_s: float) -> HarnessError:
        late = f"the drawing process took longer than {patience_s:g} s"
        return _not_drawn(late if self._late.is_set() else otherwise)

    def _describe_end(self) -> str:
        try:
            return describe_exit(self._process.wait(_ENDING_S))
        except subprocess.TimeoutExpired:
            return "closed its output"


def _not_drawn(why: str) -> HarnessError:
    return HarnessError(
        f"report.html: the charts were not drawn: {why}; results.json is whole, check the installation of "
        "vl-convert-python and make the report again"
    )


def check_svg(svg: str) -> str:
    """The chart, scalable by the style sheet, in few bytes; HarnessError if it holds more than shapes and text."""
    root = ET.fromstring(svg)  # noqa: S314 - our own renderer's output, and no entity survives its writer
    for element in root.iter():
        if element.tag not in _ALLOWED_TAGS:
            raise HarnessError(
                f"report.html: a chart holds {element.tag!r}: expected shapes and text only; report this"
            )
        _clean(element.attrib)
    _drop_idle(root)
    root.attrib.pop("height", None)
    root.set("width", f"{float(root.get('width', '0')) * ENLARGED:.0f}")
    ET.register_namespace("", _SVG[1:-1])
    return ET.tostring(root, encoding="unicode")


def _clean(attributes: dict[str, str]) -> None:
    """Leave what acts or names out, then what changes nothing; round what places and shapes."""
    for attribute, value in list(attributes.items()):
        name = attribute.rpartition("}")[2]
        acts = name in _FORBIDDEN_ATTRIBUTES or name.startswith("on")
        idle = name in _IDLE_ATTRIBUTES or name.startswith("aria-") or _INITIAL_VALUES.get(name) == value
        if acts or idle or (name == "transform" and value == "translate(0,0)"):
            del attributes[attribute]
        else:
            attributes[attribute] = _DECIMALS.sub(r"\1", value)


def _drop_idle(element: ET.Element) -> None:
    """Take out shapes that draw nothing and empty groups; what a group without attributes holds takes its place."""
    for child in list(element):
        _drop_idle(child)
        unseen = child.tag == _PATH and not (child.get("fill") or child.get("stroke"))
        place = list(element).index(child)
        if unseen or child.get("display") == "none" or child.get("d") == "" or (child.tag == _GROUP and not len(child)):
            element.remove(child)
        elif child.tag == _GROUP and not child.attrib:
            element[place : place + 1] = list(child)

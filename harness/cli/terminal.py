"""What commands write to: text from files and boards reaches terminals and logs as text, and steers nothing."""

import os
import shutil
import sys
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from harness.records.text import visible_lines, without_commands

if TYPE_CHECKING:
    from harness.records.results import Results


class PlainText:
    """A text stream in whose place it stands: all that is written is made harmless first.

    On GitHub Actions no line begins like a workflow command either. What steers a terminal on purpose, such as a
    progress line, is written to the stream itself, ``sys.__stderr__``.
    """

    def __init__(self, stream: TextIO, *, on_github: bool) -> None:
        self._stream, self._on_github = stream, on_github
        self._begins_line = True

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text; gives its length, as streams do."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._stream.write(self._harmless(visible_lines(text)))
        if text:
            self._begins_line = text.endswith("\n")
        return len(text)

    def write_styled(self, text: str) -> None:
        """Write text that was made harmless before it was given its colours."""
        self._stream.write(without_commands(text) if self._on_github else text)

    def writelines(self, lines: Any) -> None:  # noqa: ANN401 - any iterable of texts, as streams take
        """Write several texts."""
        for line in lines:
            self.write(line)

    def _harmless(self, text: str) -> str:
        if not self._on_github:
            return text
        return without_commands(text) if self._begins_line else without_commands(f".{text}")[1:]


def make_output_plain(environment: Mapping[str, str] = os.environ) -> None:
    """Put such streams in the place of stdout and stderr; a letter that an encoding lacks is replaced."""
    for name in ("stdout", "stderr"):
        stream: IO[str] = getattr(sys, name)
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
        on_github = environment.get("GITHUB_ACTIONS") == "true"
        setattr(sys, name, cast(TextIO, PlainText(cast(TextIO, stream), on_github=on_github)))


def write_table(results: "Results", stream: TextIO) -> None:
    """The table of a run, as wide as the terminal; with colours only on one, and not where NO_COLOR is set."""
    from rich.console import Console

    from harness.report import table

    console = Console(file=stream)
    colour = console.is_terminal and not console.is_dumb_terminal and not os.environ.get("NO_COLOR")
    width = console.width if console.is_terminal else shutil.get_terminal_size().columns
    text = table(results, width, colour=colour)
    if colour and isinstance(stream, PlainText):
        stream.write_styled(text)
    else:
        stream.write(text)

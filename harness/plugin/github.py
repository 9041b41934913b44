"""What GitHub Actions is told: an annotation for what did not hold, and the summary on the job's page."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.records.entry import Entry
from harness.records.results import Outcome, Results, TestNote
from harness.records.status import Status
from harness.records.text import visible, visible_lines, without_commands
from harness.report.labels import STATUS_WORDS, device_title, entry_name, exit_meaning, sentences, tally, to_explain

MOST = 10
"""GitHub shows no more annotations of a step."""
LARGEST_SUMMARY = 1024 * 1024
"""Bytes that GitHub takes of one step's summary."""
_ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = {":": "%3A", ",": "%2C"}


def on_github(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a job of GitHub Actions."""
    return environment.get("GITHUB_ACTIONS") == "true"


def annotations(results: Results, *, root: str = "") -> list[str]:
    """A workflow command for all that is not green, at most MOST.

    That is how the run ended early, each board that was not reached, each word that was refused, each test that failed
    by itself and each entry that did not hold. ``root`` is the folder of test ids, relative to the repository.
    """
    outcome = results.run.outcome or Outcome()
    early = [f"{tally(results)}; {exit_meaning(results)}"] if outcome.end != "whole" else []
    found = [
        *(_command("error", "run not whole", said) for said in early),
        *(_command("error", "board not reached", said) for said in outcome.unreached),
        *(_command("error", "refused", said) for said in outcome.refused),
        *(_of_test(note, root) for note in outcome.failed_tests),
        *(line for entry in to_explain(results) for line in _of_entry(results, entry, root)),
    ]
    if len(found) <= MOST:
        return found
    rest = f"and {len(found) - MOST + 1} more: see the summary of the run"
    return [*found[: MOST - 1], _command("error", "edge-harness", rest)]


def for_log(text: str, environment: Mapping[str, str] = os.environ, *, styled: bool = False) -> str:
    """Text of any lines for a terminal or a job's log, in which nothing of it is read as a command.

    What is ``styled`` was made harmless before it was given its colours.
    """
    shown = text if styled else visible_lines(text)
    return without_commands(shown) if on_github(environment) else shown


def add_summary(summary: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Append the summary to the step's; a sentence where it could not be."""
    named = environment.get("GITHUB_STEP_SUMMARY")
    if not named:
        return None
    path, data = Path(named), f"{summary}\n".encode()
    try:
        taken = path.stat().st_size if path.exists() else 0
        if taken + len(data) > LARGEST_SUMMARY:
            return "the step's summary is full: this run's stands in its folder"
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        return f"the step's summary cannot be written ({error.strerror}): this run's stands in its folder"
    return None


def root_in_repository(root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The folder of test ids relative to the checkout; empty where they are the same or it lies elsewhere."""
    checkout = Path(environment.get("GITHUB_WORKSPACE") or root).resolve()
    resolved = root.resolve()
    inside = resolved.is_relative_to(checkout) and resolved != checkout
    return resolved.relative_to(checkout).as_posix() if inside else ""


def _of_test(note: TestNote, root: str) -> str:
    file = note.test.partition("::")[0]
    return _command("error", f"failed: {note.test}", note.sentence, file=f"{root}/{file}" if root else file)


def _of_entry(results: Results, entry: Entry, root: str) -> Iterator[str]:
    file = entry.test.partition("::")[0]
    for status, reason in sentences(entry):
        level = "warning" if status is Status.INCONCLUSIVE else "error"
        title = f"{STATUS_WORDS[status]}: {device_title(entry.device, results.devices)}, {entry_name(entry)}"
        yield _command(level, title, reason, file=f"{root}/{file}" if root else file)


def _command(level: str, title: str, message: str, file: str = "") -> str:
    where = f"file={_escape(visible(file), _ESCAPES | _IN_PROPERTIES)}," if file else ""
    return f"::{level} {where}title={_escape(visible(title), _ESCAPES | _IN_PROPERTIES)}::{_message(message)}"


def _message(text: str) -> str:
    return _escape(visible(text), _ESCAPES)


def _escape(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)

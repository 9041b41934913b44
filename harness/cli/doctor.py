"""``harness doctor``: what is wrong with a board, in words or as JSON."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.board import differences, open_board
from harness.board.doctor import Examination, check_board, examine, rights_script
from harness.board.events import StateEvent
from harness.profiles import accept_hardware, available, load
from harness.records.device import DeviceProfile, Hardware
from harness.records.errors import BoardUnavailableError, UsageError
from harness.records.health import CheckResult
from harness.records.text import escaped_json
from harness.session.describe import stand_in

NOT_FIT = 10
_INDENT = " " * 6
_WIDTH = (60, 120)
"""Narrower or wider terminals are taken for these."""
_KEYS = ("arch", "cpu", "memory", "storage")


def examine_device(
    name: str, *, devices_dir: Path | None, as_json: bool, verbose: bool = False, archive: Path | None = None
) -> int:
    """Print what each check says; 0 where the board is fit, 10 where it is not, 11 where it was not reached.

    All of it goes into ``archive`` too, where one is named.
    """
    if archive is not None and archive.exists():
        raise UsageError(f"--archive {archive} is there already: name another file, or remove it")
    found = examine(load(name, devices_dir), devices_dir=devices_dir)
    results = check_board(found)
    if archive is not None:
        from harness.cli.doctor_archive import write_archive

        said = "\n".join(_describe(found, results, verbose=True))
        inside = write_archive(archive, found, _as_json(found, results), said)
        sys.stderr.write(
            f"{archive}: {', '.join(inside)}; addresses, accounts and secrets are taken out: read it all the same\n"
        )
    if as_json:
        sys.stdout.write(escaped_json(json.dumps(_as_json(found, results), indent=2)) + "\n")
    else:
        sys.stdout.write("\n".join(_describe(found, results, verbose=verbose)) + "\n")
    if found.trouble is not None:
        return BoardUnavailableError.exit_code
    return NOT_FIT if any(result.status == "fail" for result in results) else 0


def _as_json(found: Examination, results: Sequence[CheckResult]) -> dict[str, object]:
    facts, state = found.facts, found.state
    return {
        "device": found.profile.name,
        "checks": [result.model_dump(mode="json") for result in results],
        "facts": None if facts is None else facts.model_dump(mode="json"),
        "state": None if state is None else state.model_dump(mode="json"),
        "restored": list(found.restored),
        "differences": [] if facts is None else differences(found.profile, facts),
        "unfit": [result.said for result in results if result.status == "fail"],
    }


def _describe(found: Examination, results: Sequence[CheckResult], *, verbose: bool) -> Iterator[str]:
    yield from _heading(found)
    for result in results:
        if verbose or result.status != "ok":
            yield from check_lines(result)
    well = sum(result.status == "ok" for result in results)
    yield f"{well} ok (-v shows them)" if well and not verbose else f"{well} ok"
    if found.trouble is not None:
        yield "not reached, or not leased"
    else:
        yield "not fit to measure" if any(result.status == "fail" for result in results) else "fit to measure"


def _heading(found: Examination) -> Iterator[str]:
    facts, name = found.facts, found.profile.name
    if facts is None:
        yield f"{name}: {found.profile.description or 'no description'}"
        return
    runtimes = ", ".join(f"{one.package} {one.version}" for one in facts.runtimes) or "none"
    label = facts.simulated or stand_in(found.profile, facts)
    name += f" ({label})" if label else ""
    yield from wrapped(f"{name}: {facts.model or facts.hostname}, {facts.cpu or 'unknown CPU'}, {facts.arch}")
    yield from wrapped(f"kernel {facts.kernel}, Python {facts.python}, runtimes: {runtimes}")
    yield from (f"left by a run that died: {sentence}" for sentence in found.restored)


def wrapped(text: str, *, first: str = "", others: str = _INDENT) -> list[str]:
    """Lines as wide as the terminal."""
    width = min(max(shutil.get_terminal_size().columns, _WIDTH[0]), _WIDTH[1])
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


def check_lines(result: CheckResult) -> Iterator[str]:
    """What a check says; the command stands on one line, to be copied."""
    yield from wrapped(f"{result.status:4}  {result.name}: {result.said}")
    if result.effect:
        yield from wrapped(f"effect: {result.effect}", first=_INDENT, others=_INDENT + " " * 8)
    if result.fix:
        yield f"{_INDENT}fix: {result.fix}"


def accept_board(name: str, *, devices_dir: Path | None) -> None:
    """Write into the profile's [hardware] what the board says, where it says something else."""
    profile = load(name, devices_dir)
    with open_board(profile, tune=False) as board:
        facts = board.facts
    wrong = [key for key in _KEYS if differences(_saying_only(profile, key), facts)]
    path = available(devices_dir)[name]
    if wrong and path.is_relative_to(Path(__file__).parents[1]):
        raise UsageError(f"{path} comes with the harness: write a profile of your own that extends {name}")
    if wrong:
        accept_hardware(path, facts, wrong)
    sys.stdout.write(f"{path}: {', '.join(wrong)} as the board says\n" if wrong else f"{path}: as the board says\n")


def _saying_only(profile: DeviceProfile, key: str) -> DeviceProfile:
    """The profile with one key of its [hardware] alone."""
    return profile.model_copy(update={"hardware": Hardware.model_validate({key: getattr(profile.hardware, key)})})


def print_rights(name: str, *, devices_dir: Path | None) -> None:
    """Print the script that lets the board's account set what tuning needs, for root to run there."""
    with open_board(load(name, devices_dir), tune=False) as board:
        sys.stdout.write(rights_script(board.ask("state", StateEvent).state))

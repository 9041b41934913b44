"""Commands on boards: list, add, provision."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.board import open_board
from harness.profiles import available, load, suggest_profile, write_profile
from harness.profiles.suggestion import check_name
from harness.records.device import Connection, DeviceProfile
from harness.records.errors import ProfileError, UsageError
from harness.records.ssh_address import parse_ssh_address
from harness.records.text import escaped_json
from harness.records.units import format_quantity


def list_devices(devices_dir: Path | None, *, as_json: bool) -> None:
    """Print every device's name and description; the last broken profile is raised, the others are said on stderr."""
    known, broken = _loadable(devices_dir)
    profiles = list(known.values())
    if as_json:
        sys.stdout.write(
            json.dumps([profile.without_secrets().model_dump(mode="json") for profile in profiles], indent=2) + "\n"
        )
    else:
        width = max((len(profile.name) for profile in profiles), default=0)
        sys.stdout.writelines(f"{profile.name:{width}}  {profile.description}\n" for profile in profiles)
    for error in broken[:-1]:
        sys.stderr.write(f"harness: {error}\n")
    if broken:
        raise broken[-1]


def add_device(name: str, address: str, *, devices_dir: Path | None, extra: dict[str, str], as_json: bool) -> None:
    """Probe the board at USER@HOST[:PORT] and write its profile. Raises UsageError where one stands already."""
    folder = devices_dir or Path("devices")
    target = folder / f"{name}.toml"
    check_name(name)
    if target.exists():
        raise UsageError(f"{target}: stands already: choose another name, or delete the file first")
    connection = _connection(address, extra)
    probing = DeviceProfile(name=name, lineage=(name,), connection=connection)
    with open_board(probing, tune=False) as board:
        facts = board.facts
    known, broken = _loadable(devices_dir if folder.is_dir() else None)
    for error in broken:
        sys.stderr.write(f"left out: {error}\n")
    suggestion = suggest_profile(name, connection, facts=facts, known=known)
    write_profile(target, suggestion.text)
    if as_json:
        found = {"profile": str(target), "missing": list(suggestion.missing), "facts": facts.model_dump(mode="json")}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    sys.stdout.write("\n".join([f"wrote {target}", *suggestion.missing]) + "\n")


def _loadable(devices_dir: Path | None) -> tuple[dict[str, DeviceProfile], list[ProfileError]]:
    """The profiles that can be read, by name in alphabetical order, and what is wrong with the others."""
    known, broken = {}, []
    for name in sorted(available(devices_dir)):
        try:
            known[name] = load(name, devices_dir)
        except ProfileError as error:
            broken.append(error)
    return known, broken


def provision_device(  # noqa: PLR0913 - one parameter an option
    name: str,
    *,
    devices_dir: Path | None,
    cache_dir: Path | None,
    package: str | None,
    wheels: Path | None,
    as_json: bool,
) -> None:
    """Put a runtime on the board and say which."""
    if wheels is not None and not wheels.is_dir():
        raise UsageError(f"--from {wheels} is no folder: expected one with the wheels that the board needs")

    def say(text: str) -> None:
        sys.stderr.write(text + "\n")

    from harness.board.provision import provision

    found = provision(load(name, devices_dir), package=package, cache_dir=cache_dir, wheels=wheels, say=say)
    if as_json:
        sys.stdout.write(escaped_json(found.model_dump_json(indent=2)) + "\n")
    else:
        sys.stdout.write(f"{name}: {found.package} {found.version} runs a model\n")


def clean_device(name: str, *, devices_dir: Path | None, runtimes_only: bool, as_json: bool) -> None:
    """Remove everything of ours from the board but the agent, or the runtimes alone, and say how much that was."""
    with open_board(load(name, devices_dir), tune=False) as board:
        freed = board.clean(runtimes_only=runtimes_only)
    if as_json:
        sys.stdout.write(json.dumps({"freed_bytes": freed}) + "\n")
    else:
        again = (
            "provision puts a runtime there again"
            if runtimes_only
            else "models and runtimes are sent again when needed"
        )
        sys.stdout.write(f"{name}: {format_quantity(freed, 'B')} freed: {again}\n")


def _connection(address: str, extra: dict[str, Any]) -> Connection:
    try:
        board = parse_ssh_address(address)
        if (jump := extra.get("proxy_jump")) is not None and jump.lower() != "none":
            for spec in jump.split(","):
                parse_ssh_address(spec.strip())
    except ValueError as error:
        raise UsageError(f"{error}: expected USER@HOST or USER@HOST:PORT") from error
    words = {"host": board.host, "user": board.user, "port": board.port} | extra
    words |= {key: _absolute(extra[key]) for key in ("identity_file", "known_hosts") if key in extra}
    try:
        return Connection.model_validate(words)
    except ValidationError as error:
        raise UsageError(f"--{error.errors()[0]['loc'][-1]}: expected a text without control characters") from error


def _absolute(path: str) -> str:
    """The path as the profile keeps it, good from any folder; ``~`` stays, for the colleague who takes the profile."""
    return path if path.startswith("~") else str(Path(path).absolute())

"""The record on disk of what the board's settings were: this account's own, and a copy for all accounts to read."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import stat
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Optional

from edge_agent import settings, wire
from edge_agent.sysfs import Root, read_text

OWN = "steward.json"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SHARED = "edge-harness-%d.json"
"""In /tmp, by the account's number: a copy that every account's steward can read."""
_SHARED_NAME = re.compile(r"edge-harness-(\d+)\.json")
_SHARED_LIMIT = 1 << 18


class Left(NamedTuple):
    """What one account's steward left changed: the values to put back, by key."""

    account: str
    values: Dict[str, str]


def describe_originals(root: Root, values: Dict[str, str]) -> Dict[str, Any]:
    """The record: values by key, whose board they are, and in which of its runs."""
    return {"boot": read_text(_BOOT_ID), "root": str(root.path), "files": values}


def read_own(path: Path) -> Optional[Dict[str, Any]]:
    """This account's record, its values those that still hold; None where there is none, or nothing of use in it.

    A start of the board resets all but what lasts.
    """
    record = wire.parse((read_text(path) or "").encode())
    files = record.get("files") if record is not None else None
    if record is None or not isinstance(files, dict) or not isinstance(record.get("root"), str):
        return None
    same = record.get("boot") == read_text(_BOOT_ID)
    values = {str(key): str(value) for key, value in files.items() if same or key in settings.LASTING}
    return {**record, "files": values} if values else None


def write_durably(path: Path, text: str, mode: int) -> None:
    """A file of ours, whole or not at all, there after a power cut too.

    What others put in its place, or in the way, is not followed.
    """
    making = path.with_name("%s.%d" % (path.name, os.getpid()))
    with contextlib.suppress(FileNotFoundError):
        making.unlink()
    fd = os.open(str(making), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(fd, "w") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        making.replace(path)
    except OSError:
        making.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Have the file's name on the disk as well."""
    fd = os.open(str(folder), os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def shared_path(root: Root) -> Path:
    """Where this account's copy is."""
    return root.at("tmp") / (_SHARED % os.getuid())


def left_by_others(root: Root) -> Iterator[Left]:
    """What other accounts' stewards left. Their copies are strangers' words: see `settings.may_hold`."""
    for path in root.glob("tmp/edge-harness-*.json"):
        account = owner(path)
        if account is not None and account != os.getuid():
            yield Left(_account_name(account), _read_shared(path, root))


def owner(path: Path) -> Optional[int]:
    """The account that a shared copy is named after, and to whom it belongs; None for any other file."""
    match = _SHARED_NAME.fullmatch(path.name)
    try:
        found = os.lstat(str(path))
    except OSError:
        return None
    named = match is not None and int(match.group(1)) == found.st_uid
    return found.st_uid if named and stat.S_ISREG(found.st_mode) else None


def _read_shared(path: Path, root: Root) -> Dict[str, str]:
    """What a copy says was there before, as far as it is ours to believe: this boot's, of known settings."""
    try:
        fd = os.open(str(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return {}
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or _SHARED % found.st_uid != path.name:
            return {}
        record = wire.parse(file.read(_SHARED_LIMIT))
    if record is None or record.get("boot") != read_text(_BOOT_ID) or record.get("root") != str(root.path):
        return {}
    files = record.get("files")
    known = files if isinstance(files, dict) else {}
    return {
        key: value for key, value in known.items() if isinstance(value, str) and settings.may_hold(root, key, value)
    }


def _account_name(number: int) -> str:
    try:
        return wire.one_line(pwd.getpwuid(number).pw_name)
    except KeyError:
        return "number %d" % number


def remove(path: Path) -> None:
    """Remove a file that may be gone already."""
    try:
        path.unlink()
    except FileNotFoundError:
        return

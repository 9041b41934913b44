"""``harness doctor --archive``: one file for a bug report: what the checks said, the profile, versions, the last run.

Nothing in it says who or where: addresses, accounts, names of hosts, home folders and secrets are taken out. It is to
be read before it is sent all the same.
"""

import getpass
import json
import platform
import re
import socket
import sys
import zipfile
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

from harness.board.doctor import Examination
from harness.records.device import DeviceProfile
from harness.records.errors import HarnessError, UsageError
from harness.records.secret_names import HIDDEN
from harness.session.make_settings import locate_history
from harness.store import load_results
from harness.store.stored_runs import find_run

_SHORTEST = 3
"""A shorter name is left out of what is taken out: it would be taken out of words."""
_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The first date that a zip file knows: the archive of the same findings is the same bytes."""


def write_archive(path: Path, found: Examination, examined: Mapping[str, object], said: str) -> list[str]:
    """Write the file, never over another, and give the names inside.

    ``examined`` is what ``--json`` prints, ``said`` what people read. UsageError where the file is there,
    HarnessError where it cannot be written.
    """
    profile = found.profile.without_secrets()
    contents = {
        "doctor.json": json.dumps(examined, indent=2),
        "doctor.txt": said,
        "profile.json": json.dumps(profile.model_dump(mode="json"), indent=2),
        "versions.json": json.dumps(_versions(), indent=2),
    }
    last = _last_run(profile)
    if last is not None:
        contents["results.json"] = last
    private = _private(found)
    try:
        with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as archive:
            for name, text in contents.items():
                archive.writestr(zipfile.ZipInfo(name, _BEGINNING), private.sub(HIDDEN, text), zipfile.ZIP_DEFLATED)
    except FileExistsError as error:
        raise UsageError(f"--archive {path} is there already: name another file, or remove it") from error
    except OSError as error:
        raise HarnessError(f"--archive {path} cannot be written: {error.strerror}") from error
    return list(contents)


def _versions() -> dict[str, object]:
    packages = {found.metadata["Name"]: found.version for found in distributions()}
    return {
        "python": sys.version,
        "system": platform.platform(),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].casefold())),
    }


def _last_run(profile: DeviceProfile) -> str | None:
    """The results.json of the latest run, where it was on this device."""
    folder, _ = locate_history(Path.cwd(), reports_dir=None, history=None)
    try:
        results = load_results(find_run("latest", folder))
    except HarnessError:
        return None
    return results.model_dump_json(indent=2) if profile.name in results.devices else None


def _private(found: Examination) -> "re.Pattern[str]":
    """Every word that says who or where, longest first, as it stands in JSON."""
    link, facts = found.profile.connection, found.facts
    words = {link.host, link.user, link.identity_file, link.known_hosts, link.proxy_jump}
    words |= {str(Path.home()), getpass.getuser(), socket.gethostname()}
    if facts is not None:
        words |= {facts.hostname, facts.cache_dir.partition("/.")[0]}
    private = {word for word in words if word and len(word) >= _SHORTEST and word != "root"}
    ends = r"(?![\w-])"
    return re.compile(
        "|".join(rf"(?<![\w-]){re.escape(json.dumps(word)[1:-1])}{ends}" for word in sorted(private)[::-1])
    )

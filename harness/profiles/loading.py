"""From a device's name to its profile."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from harness.profiles.folders import available, folders
from harness.profiles.lineage import ProfileFile, merged, origin, read_lineage
from harness.profiles.problems import Problem, parsed
from harness.profiles.sanity import contradictions
from harness.records.device import DeviceProfile
from harness.records.errors import ProfileError


def load(name: str, devices_dir: Path | str | None = None) -> DeviceProfile:
    """The profile of device ``name``; its ``lineage`` is its own name, then what it extends.

    The user's folder (``devices_dir``, else ./devices) comes before the shipped one.
    Raises ProfileError with one line that holds all problems at once.
    """
    lineage = read_lineage(name, folders(devices_dir))
    names = dict.fromkeys(file.name for file in lineage)
    profile = parsed(merged(lineage), name=name, lineage=tuple(names))
    problems = contradictions(profile) if isinstance(profile, DeviceProfile) else profile
    if not isinstance(profile, DeviceProfile) or problems:
        raise ProfileError(_sentence(problems, lineage))
    return profile


def lineages(devices_dir: Path | str | None = None) -> tuple[tuple[str, ...], ...]:
    """The lineage of every device there is a readable profile for, by name; what is wrong in others is not said."""
    found = []
    for name in available(devices_dir):
        with suppress(ProfileError):
            files = read_lineage(name, folders(devices_dir))
            found.append(tuple(dict.fromkeys(file.name for file in files)))
    return tuple(found)


def _sentence(problems: Sequence[Problem], lineage: Sequence[ProfileFile]) -> str:
    youngest = lineage[0]
    said = []
    for problem in sorted(problems, key=lambda problem: str(problem.keys)):
        file = origin(lineage, problem.keys)
        said.append(str(problem) if file is youngest else f"{problem} (said in {file.path})")
    return f"{youngest.path}: {'; '.join(said)}"

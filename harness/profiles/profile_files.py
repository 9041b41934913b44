"""Where device profiles stand: the user's folder first, then the ones that come with the harness."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.profiles.validation import Problem, Table, contradictions, parsed
from harness.records.device import DeviceProfile
from harness.records.errors import ProfileError
from harness.records.files import expand_home
from harness.records.nearest import did_you_mean
from harness.records.toml_file import read_toml


def folders(devices_dir: Path | str | None = None) -> tuple[Path, ...]:
    """The folders searched, nearest first: ``devices_dir``, else ./devices where it exists; then the shipped one.

    Raises ProfileError if ``devices_dir`` is no folder.
    """
    found = [*_own(devices_dir), _shipped()]
    return tuple(dict.fromkeys(folder.resolve() for folder in found))


def available(devices_dir: Path | str | None = None) -> dict[str, Path]:
    """Every device's name and its file; a name in the user's folder hides the shipped one."""
    found: dict[str, Path] = {}
    for folder in reversed(folders(devices_dir)):
        found |= {path.stem: path for path in profile_files(folder)}
    return dict(sorted(found.items()))


def profile_files(folder: Path) -> list[Path]:
    """The profiles in one folder, by name.

    Hidden files ("._pi.toml" of macOS, an editor's backup) are none, nor are files whose name cannot be shown.
    """
    return sorted(path for path in folder.glob("*.toml") if not path.name.startswith(".") and path.name.isprintable())


def _own(devices_dir: Path | str | None) -> Iterator[Path]:
    if devices_dir is not None:
        folder = expand_home(devices_dir)
        if not folder.is_dir():
            raise ProfileError(f"--devices-dir: no folder at {folder}: expected one with NAME.toml files")
        yield folder
    elif Path("devices").is_dir():
        yield Path("devices")


def _shipped() -> Path:
    """Inside the package where it was installed from a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "devices"
    return inside if inside.is_dir() else package.parent / "devices"


@dataclass(frozen=True)
class ProfileFile:
    """One file as it was read; ``extends`` is taken out of ``table``."""

    name: str
    path: Path
    table: Table
    extends: str | None


def read_lineage(name: str, search: Sequence[Path]) -> tuple[ProfileFile, ...]:
    """The file of device ``name`` in the folders ``search``, then what it extends, up to the root.

    A file that extends its own name takes over the file of that name in a later folder.
    Raises ProfileError for an unknown name, an unreadable file, or files that extend each other in a circle.
    """
    first = _find(name, search)
    if first is None:
        raise ProfileError(f"{unknown_device(name, _names(search))}; looked in {_places(search)}")
    chain = [_read(first)]
    while (parent := chain[-1].extends) is not None:
        chain.append(_read(_parent_path(chain, parent, search)))
    return tuple(chain)


def merged(lineage: Sequence[ProfileFile]) -> Table:
    """One table of all: the nearest file's key wins, tables are merged and lists replaced."""
    whole: Table = {}
    for file in reversed(lineage):
        whole = _overlaid(whole, file.table)
    return whole


def origin(lineage: Sequence[ProfileFile], keys: Sequence[str | int]) -> ProfileFile:
    """The nearest file that says something at the path ``keys``; the youngest if none does."""
    return next((file for file in lineage if _says(file.table, keys)), lineage[0])


def unknown_device(name: str, names: Sequence[str]) -> str:
    """The sentence for a name that no file has."""
    hint = did_you_mean(name, names, after=" ")
    return f'no device "{name}": {hint}known devices: {", ".join(names) or "none"}'


def _places(search: Sequence[Path]) -> str:
    """The folders, the shipped one, which comes last, by that word; without own profiles where those would be."""
    own = [str(folder) for folder in search[:-1]] or [f"{Path.cwd()} (it has no folder devices)"]
    return f"{', '.join(own)} and the shipped profiles"


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> Table:
    whole = dict(below)
    for key, value in above.items():
        under = whole.get(key)
        whole[key] = _overlaid(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return whole


def _says(table: Table, keys: Sequence[str | int]) -> bool:
    here: Any = table
    for key in keys:
        if not isinstance(here, dict):
            return True
        if key not in here:
            return False
        here = here[key]
    return True


def _find(name: str, search: Sequence[Path]) -> Path | None:
    """Compared with the names that are there, so that no name leads out of the folders."""
    return next((path for folder in search for path in profile_files(folder) if path.stem == name), None)


def _names(search: Sequence[Path]) -> list[str]:
    return sorted({path.stem for folder in search for path in profile_files(folder)})


def _parent_path(chain: Sequence[ProfileFile], parent: str, search: Sequence[Path]) -> Path:
    youngest = chain[-1]
    own_name = parent == youngest.name
    path = _find(parent, _after(youngest.path.parent, search) if own_name else search)
    if path in {file.path for file in chain} or (own_name and path is None):
        raise ProfileError(_cycle(chain, parent))
    if path is None:
        raise ProfileError(f"{youngest.path}: extends: {unknown_device(parent, _names(search))}")
    return path


def _after(folder: Path, search: Sequence[Path]) -> Sequence[Path]:
    return search[list(search).index(folder) + 1 :]


def _cycle(chain: Sequence[ProfileFile], parent: str) -> str:
    names = " -> ".join([*(file.name for file in chain), parent])
    return f"{chain[0].path}: extends: profiles extend each other in a circle: {names}; take one extends out"


def _read(path: Path) -> ProfileFile:
    table = read_toml(path, error=ProfileError)
    extends = table.pop("extends", None)
    if extends is not None and not isinstance(extends, str):
        raise ProfileError(f'{path}: extends: expected the name of one device, such as "rpi4"')
    return ProfileFile(path.stem, path, table, extends)


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


def profile_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a device's TOML file: the profile without what the file's name gives."""
    schema = DeviceProfile.model_json_schema()
    for given in ("name", "lineage"):
        del schema["properties"][given]
        schema["required"].remove(given)
    if not schema["required"]:
        del schema["required"]
    extends = {"type": "string", "description": "The name of a device whose profile is taken over, key by key."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "edge-harness device profile",
        "description": "One board: devices/NAME.toml describes the device NAME.",
        "properties": {"extends": extends, **schema["properties"]},
    }

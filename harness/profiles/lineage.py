"""A profile's file and the ones it extends, merged key by key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.profiles.folders import profile_files
from harness.profiles.problems import Table
from harness.records.errors import ProfileError
from harness.records.nearest import nearest
from harness.records.toml_file import read_toml


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
    meant = nearest(name, names)
    hint = f'did you mean "{meant}"? ' if meant else ""
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

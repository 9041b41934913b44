"""Where device profiles stand: the user's folder first, then the ones that come with the harness."""

from collections.abc import Iterator
from pathlib import Path

from harness.records.errors import ProfileError
from harness.records.files import expand_home


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

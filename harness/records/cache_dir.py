"""The host's cache folder: where it is, and whether it can be used."""

import secrets
from pathlib import Path

from harness.records.errors import UsageError


def default_cache_dir() -> Path:
    """edge-harness under the user's cache folder (XDG_CACHE_HOME where it is set)."""
    from platformdirs import user_cache_path

    return user_cache_path("edge-harness", appauthor=False)


def writable_cache(cache_dir: Path | None) -> Path:
    """The cache folder, whole path, made where it is not there; None: the default one.

    Raises UsageError, which names the folder and the ways out, where nothing can be written there.
    """
    folder = (cache_dir or default_cache_dir()).absolute()
    probe = folder / f".probe-{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.resolve()
        probe.touch()
        probe.unlink()
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"the cache folder {folder} cannot be written ({reason}): let this user write there, free some disk space, "
            "or name another folder by --cache-dir or XDG_CACHE_HOME"
        ) from error
    return folder

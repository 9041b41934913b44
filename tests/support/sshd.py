"""The loopback board of `harness.testing.sshd`, for tests: without sshd they are skipped, or fail where CI=true."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.testing import sshd
from harness.testing.sshd import HOST, Sshd, free_port
from support import needs

__all__ = ["HOST", "Sshd", "free_port", "loopback_sshd"]


@contextlib.contextmanager
def loopback_sshd(
    folder: Path,
    account: str | None = None,
    *,
    env: dict[str, str] | None = None,
    options: str = "",
    host: str = HOST,
    prefix: Sequence[str] = (),
) -> Iterator[Sshd]:
    """As `harness.testing.sshd.loopback_sshd`."""
    needs.need("sshd")
    if account is not None:
        needs.need_root()
    with sshd.loopback_sshd(folder, account, env=env, options=options, host=host, prefix=prefix) as board:
        yield board

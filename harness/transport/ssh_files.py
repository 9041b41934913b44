"""Files to the board: by SFTP, and through ``cat`` where a small SSH server has no SFTP."""

import shlex
from pathlib import Path

import paramiko

from harness.records.errors import BoardUnfitError, ConnectionLostError

CHUNK_BYTES = 2**18
STALL_S = 20.0
"""A transfer that makes no progress for so long has lost its link."""


class SshFiles:
    """Sends files over one SSH connection."""

    def __init__(self, link: paramiko.Transport, device: str) -> None:
        self._link = link
        self._device = device
        self._sftp: paramiko.SFTPClient | None = None
        self._without_sftp = False

    def put(self, source: Path, target: str) -> None:
        """Send a file; where the board refuses it, what arrived is removed."""
        try:
            self._send(source, target)
        except TimeoutError as error:
            raise self._lost(source, error) from error
        except OSError as error:
            if not self._link.is_active():
                raise self._lost(source, error) from error
            self._remove(source, target)
            raise BoardUnfitError(
                f"{self._device}: {target} cannot be written ({_refused(error)}); {source.stat().st_size} bytes "
                "are needed there: is the board's disk full?"
            ) from error
        except (paramiko.SSHException, EOFError) as error:
            raise self._lost(source, error) from error

    def _send(self, source: Path, target: str) -> None:
        client = self._client()
        if client is not None:
            client.put(str(source), target, confirm=True)
            return
        status = self._run(f"cat > {shlex.quote(target)}", source)
        if status != 0:
            raise OSError(f"cat on the board ended with exit status {status}")

    def _client(self) -> paramiko.SFTPClient | None:
        if self._sftp is None and not self._without_sftp:
            try:
                self._sftp = _open_sftp(self._link)
            except (paramiko.SSHException, EOFError):
                if not self._link.is_active():
                    raise
                self._without_sftp = True
        return self._sftp

    def _remove(self, source: Path, target: str) -> None:
        try:
            self._run(f"rm -f {shlex.quote(target)}")
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._lost(source, error) from error

    def _run(self, command: str, source: Path | None = None) -> int:
        """Exit status of a shell command that is given a file, or nothing, as its stdin."""
        channel = self._link.open_session(timeout=STALL_S)
        with channel:
            channel.settimeout(STALL_S)
            channel.exec_command(command)
            if source is not None:
                with source.open("rb") as file:
                    while chunk := file.read(CHUNK_BYTES):
                        channel.sendall(chunk)
            channel.shutdown_write()
            return channel.exit_status if channel.status_event.wait(STALL_S) else -1

    def _lost(self, source: Path, error: Exception) -> ConnectionLostError:
        return ConnectionLostError(f"{self._device}: the link broke while {source.name} was sent: {said(error)}")


def _open_sftp(link: paramiko.Transport) -> paramiko.SFTPClient:
    client = paramiko.SFTPClient.from_transport(link)
    channel = client.get_channel() if client else None
    if client is None or channel is None:
        raise EOFError("no SFTP server answered")
    channel.settimeout(STALL_S)
    return client


def _refused(error: OSError) -> str:
    """Why; where the disk fills while writes are on their way, paramiko sees only that the file is too short."""
    return "only a part of it arrived" if str(error).startswith("size mismatch") else said(error)


def said(error: Exception) -> str:
    """An exception in words, also where it has none of its own."""
    return str(error) or type(error).__name__

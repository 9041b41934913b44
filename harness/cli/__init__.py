"""The command ``harness``: thin commands over the rooms below; see ``harness --help``."""

from harness.cli.app import main

__all__ = ["main"]

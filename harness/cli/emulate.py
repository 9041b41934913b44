"""harness emulate: an ARM board without a board, left running until it is told to stop."""

import json
import shlex
import sys
from pathlib import Path

from harness.testing.emulated import EmulatedBoard, stop_board


def start_emulated(board: EmulatedBoard, *, as_json: bool) -> None:
    """Boot it, and print on stdout the command that makes a profile of it."""
    board.start()
    command = ["harness", "add", board.name, *board.add_arguments]
    if as_json:
        connection = board.connection.model_dump(mode="json", exclude_none=True)
        told = {"name": board.name, "connection": connection, "add": command, "seconds": board.seconds}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    took = f"image {board.seconds['image']:.0f} s, boot {board.seconds['boot']:.0f} s"
    stop = "harness emulate --stop" + ("" if board.name == "emulated" else f" --name {board.name}")
    sys.stderr.write(f"Debian {board.release} for aarch64 runs, {took}; its timings say nothing\n")
    sys.stderr.write(f"`{stop}` ends it; this makes its profile:\n")
    sys.stdout.write(shlex.join(command) + "\n")


def stop_emulated(name: str, cache_dir: Path | None) -> None:
    """Switch it off, and say whether it ran."""
    ran = stop_board(name, cache_dir=cache_dir)
    sys.stdout.write(f"{name}: {'stopped' if ran else 'no such board runs'}\n")

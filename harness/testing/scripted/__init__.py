"""Scripted boards: the real agent behind a real sshd, over made-up files that a script changes."""

from harness.testing.scripted.board import ScriptedBoard, scripted_board
from harness.testing.scripted.boards import BOARDS
from harness.testing.scripted.script import Event, load_script

__all__ = ["BOARDS", "Event", "ScriptedBoard", "load_script", "scripted_board"]

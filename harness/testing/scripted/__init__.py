"""Scripted boards: the real agent behind a real sshd, over made-up files that a script changes."""

from harness.testing.scripted.board import Event, ScriptedBoard, scripted_board
from harness.testing.scripted.boards import BOARDS

__all__ = ["BOARDS", "Event", "ScriptedBoard", "scripted_board"]

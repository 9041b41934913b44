"""A board, open: reached, leased, probed, tuned; files shipped to it and blocks of trials run on it."""

from harness.board.live import LiveBoard
from harness.board.open_board import open_board, this_process
from harness.board.preflight import (
    differences,
    fingerprint,
    throttled_between,
    throttled_causes,
    throttled_now,
    throttled_sentences,
    too_hot,
)
from harness.board.protocol import Board
from harness.board.provision import provision
from harness.board.runner import choose_runner

__all__ = [
    "Board",
    "LiveBoard",
    "choose_runner",
    "differences",
    "fingerprint",
    "open_board",
    "provision",
    "this_process",
    "throttled_between",
    "throttled_causes",
    "throttled_now",
    "throttled_sentences",
    "too_hot",
]

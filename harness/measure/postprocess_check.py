"""Whether postprocess answers on the board what it answered on the host."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.artifact import StagesFile
from harness.records.board import Trial
from harness.records.entry import Finding
from harness.records.status import Status

RELATIVE = 0.05
"""Of the larger of two numbers: outputs that agree at 30 dB differ by 3 % themselves."""
ABSOLUTE = 0.01
"""For numbers near zero: a score of an 8-bit softmax moves in steps of 1/256."""
_SHOWN = 80


@dataclass(frozen=True)
class PostprocessVerdict:
    """The board's answers, a sentence for the entry, and a finding where they are wrong."""

    answers: tuple[str, ...] = ()
    sentence: str = ""
    finding: Finding | None = None


def check_postprocess(stages: StagesFile | None, trials: Sequence[Trial], *, bit_equal: bool) -> PostprocessVerdict:
    """Compare each stages trial's answers with the host's, sample by sample.

    Words, whole numbers and the shape of an answer must be equal, other numbers within RELATIVE or ABSOLUTE. Where
    the model's outputs on the board are allowed to differ (``bit_equal`` False), one sample's answer may differ too.
    """
    told = [t.stages.answers for t in trials if t.kind == "stages" and t.stages is not None]
    if stages is None or not told:
        return PostprocessVerdict()
    longest = max(told, key=len)
    if not stages.answers:
        why = stages.answers_reason or "the stages file has no postprocess"
        return PostprocessVerdict(longest, f"answers unchecked: {why}")
    allowed = 0 if bit_equal else 1
    for answers in told:
        wrong = _differing(answers, stages.answers)
        if len(wrong) > allowed:
            return PostprocessVerdict(longest, finding=_finding(wrong[0], answers, stages.answers))
    same = len(longest) - len(_differing(longest, stages.answers))
    return PostprocessVerdict(longest, f"answers as on the host for {same} of {len(stages.answers)} samples")


def alike(board: str, host: str) -> bool:
    """Whether two answers, as JSON texts, are equal by the rule of ``check_postprocess``."""
    return board == host or _alike(json.loads(board), json.loads(host))


def _differing(board: Sequence[str], host: Sequence[str]) -> list[int]:
    """Samples whose answers differ; a sample that the time did not suffice for is none, but the first must be there."""
    if not board:
        return list(range(len(host)))
    return [at for at, (told, right) in enumerate(zip(board, host, strict=False)) if not alike(told, right)]


def _alike(board: object, host: object) -> bool:
    if isinstance(board, float) and isinstance(host, float):
        return math.isclose(board, host, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    if type(board) is not type(host):
        return False
    if isinstance(board, list) and isinstance(host, list):
        return len(board) == len(host) and all(map(_alike, board, host))
    if isinstance(board, dict) and isinstance(host, dict):
        return board.keys() == host.keys() and all(_alike(board[key], host[key]) for key in board)
    return board == host


def _finding(sample: int, board: Sequence[str], host: Sequence[str]) -> Finding:
    told = _short(board[sample]) if sample < len(board) else "nothing"
    reason = f"postprocess says {told} on the board, {_short(host[sample])} on the host for sample {sample}"
    return Finding(gate="outputs", metric=None, status=Status.FAIL, reason=reason)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."

"""What is wrong with a board, what that does to numbers, and the command that mends it."""

from harness.board.doctor.check import Answer, Check, Examination
from harness.board.doctor.clock_checks import CLOCK_CHECKS
from harness.board.doctor.examination import examine
from harness.board.doctor.measuring_checks import MEASURING_CHECKS
from harness.board.doctor.neighbour_checks import NEIGHBOUR_CHECKS
from harness.board.doctor.reach_checks import REACH_CHECKS
from harness.board.doctor.rights import rights_script
from harness.board.doctor.room_checks import ROOM_CHECKS
from harness.records.health import CheckResult

CHECKS: tuple[Check, ...] = (*REACH_CHECKS, *MEASURING_CHECKS, *CLOCK_CHECKS, *ROOM_CHECKS, *NEIGHBOUR_CHECKS)
"""Every check, in the order in which it is shown. A new one: an entry of the list in its file, a row in its page."""


def check_board(found: Examination) -> list[CheckResult]:
    """What each check says; those that could not ask the board are left out."""
    answers = [(check, check.judge(found)) for check in CHECKS]
    return [_result(check, answer) for check, answer in answers if answer is not None]


def _result(check: Check, answer: Answer) -> CheckResult:
    effect = None if answer.status == "ok" else check.effect
    return CheckResult(name=check.name, status=answer.status, said=answer.said, effect=effect, fix=answer.fix)


__all__ = ["CHECKS", "Check", "Examination", "check_board", "examine", "rights_script"]

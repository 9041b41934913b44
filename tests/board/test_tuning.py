"""Tuning a board: a setting that this account may not change is told and measured without, a wrong one refused."""

from pathlib import Path

import pytest

from harness.board import open_board
from harness.board.tuning import describe_untuned
from harness.records.device import Tuning
from harness.records.errors import BoardUnfitError
from harness.records.operating_point import OperatingPoint, SettingReached
from harness.session.describe import describe_device

POLICY = "sys/devices/system/cpu/cpufreq/policy0"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A made-up board with one frequency policy."""
    policy = tmp_path / "root" / POLICY
    policy.mkdir(parents=True)
    (policy / "scaling_governor").write_text("ondemand\n")
    (policy / "scaling_available_governors").write_text("ondemand performance powersave\n")
    return tmp_path / "root"


def tuned(place, governor: str):
    """The place's profile, asking for a governor."""
    tuning = place.profile.tuning.model_copy(update={"governor": governor})
    return place.profile.model_copy(update={"tuning": tuning})


def test_a_governor_is_set_and_the_facts_are_those_after(place, root):
    with open_board(tuned(place, "performance"), lease=place.lease, root=str(root)) as board:
        assert board.facts.governor == "performance"
        assert board.untuned is None
    assert (root / POLICY / "scaling_governor").read_text().strip() == "ondemand"


def test_a_governor_that_may_not_be_set_is_a_difference_that_is_shown(place, root):
    governor = root / POLICY / "scaling_governor"
    governor.unlink()
    # The kernel lets nobody write this file, root included.
    governor.symlink_to("/proc/version")
    with open_board(tuned(place, "performance"), lease=place.lease, root=str(root)) as board:
        assert board.point.changed == ()
        (said,) = [text for text in describe_device(board).differences if "not tuned" in text]
    assert "governor of policy0 is Linux version" in said and "not performance: " in said


def test_a_governor_the_board_does_not_have_is_refused(place, root):
    with (
        pytest.raises(BoardUnfitError, match="policy0 has no governor warp"),
        open_board(tuned(place, "warp"), lease=place.lease, root=str(root)),
    ):
        pytest.fail("the board was opened")


def test_another_operating_point_lasts_as_long_as_it_is_asked_for(place, root):
    governor = root / POLICY / "scaling_governor"
    with open_board(tuned(place, "performance"), lease=place.lease, root=str(root)) as board:
        with board.at_point(Tuning(governor="powersave")):
            assert (governor.read_text().strip(), board.facts.governor) == ("powersave", "powersave")
            assert board.profile.tuning.governor == "powersave"
            assert board.point.changed == ("governor of policy0 from ondemand to powersave",)
        assert (governor.read_text().strip(), board.facts.governor) == ("performance", "performance")
        with pytest.raises(BoardUnfitError, match="no governor warp"), board.at_point(Tuning(governor="warp")):
            pytest.fail("there is no such point")
        assert (governor.read_text().strip(), board.profile.tuning.governor) == ("performance", "performance")
    assert governor.read_text().strip() == "ondemand"


def test_sessions_one_after_the_other_each_put_back_what_was_before_them(place, root):
    governor = root / POLICY / "scaling_governor"
    for wanted in ("performance", "powersave"):
        with open_board(tuned(place, wanted), lease=place.lease, root=str(root)) as board:
            assert (board.facts.governor, board.restored) == (wanted, ())
        assert governor.read_text().strip() == "ondemand"


def test_what_was_not_taken_is_told_in_one_line_rights_last():
    def refused(what: str, reached: str | None, problem: str, *, denied: bool) -> SettingReached:
        return SettingReached(what=what, wanted="fast", before=reached, reached=reached, problem=problem, denied=denied)

    settings = (
        refused("power mode", "15W", "sudo: a password is required", denied=True),
        refused("governor of gpu", "slow", "it reads slow afterwards", denied=False),
        refused("page cache", None, "Permission denied", denied=True),
    )
    point = OperatingPoint(power_mode=None, clocks=(), cpus=None, settings=settings)
    assert describe_untuned(point, "pi") == (
        "governor of gpu is slow, not fast: it reads slow afterwards; its account may not set power mode (15W, not "
        "fast), page cache (not fast): harness doctor pi --rights lets it"
    )
    assert describe_untuned(None, "pi") is None

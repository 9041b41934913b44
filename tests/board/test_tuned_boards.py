"""Operating points of boards as they are sold, over scripted ones: reached, told, and left as it was before."""

from pathlib import Path

import pytest
from support import needs

from harness.board import open_board
from harness.profiles import load
from harness.records.device import ClockTuning, Tuning
from harness.testing.scripted import scripted_board

POINTS = {
    "rpi4": (Tuning(governor="performance", max_freq="1 GHz"), "policy0 (CPUs 0-3) performance, 600 MHz to 1 GHz"),
    "rock-5b": (
        Tuning(
            policies={"big": ClockTuning(max_freq="1.8 GHz"), "little": ClockTuning(governor="performance")},
            devices={"dmc": ClockTuning(min_freq="max")},
        ),
        "policy0 (CPUs 0-3) performance, 408 MHz to 1.8 GHz; policy4 (CPUs 4-5) ondemand, 408 MHz to 1.8 GHz; "
        "policy6 (CPUs 6-7) ondemand, 408 MHz to 1.8 GHz; dmc dmc_ondemand, 2.112 GHz",
    ),
    "jetson-orin-nano": (
        Tuning(power_mode="maxn_super", devices={"*.gpu": ClockTuning(min_freq="max")}),
        "power mode MAXN_SUPER; policy0 (CPUs 0-3) schedutil, 115.2 MHz to 1.728 GHz; "
        "policy4 (CPUs 4-5) schedutil, 115.2 MHz to 1.728 GHz; 17000000.gpu nvhost_podgov, 1.02 GHz",
    ),
}
"""What is asked of a board, and what begins the words of the point that is reached."""


@pytest.mark.board
@pytest.mark.parametrize("kind", POINTS)
def test_a_board_reaches_its_operating_point_and_leaves_it(kind: str, tmp_path: Path) -> None:
    needs.need("sshd")
    needs.need_root()
    tuning, reached = POINTS[kind]
    with scripted_board(kind) as board:
        (tmp_path / "board.toml").write_text(board.profile_text(), encoding="utf-8")
        profile = load("board", tmp_path)
        lease = f"edge-harness-test-{tmp_path}"[-90:]

        def point(wanted: Tuning) -> tuple[str, str | None]:
            tuned = profile.model_copy(update={"tuning": wanted})
            with open_board(tuned, lease=lease, root=board.root) as opened:
                assert opened.point is not None
                return opened.point.words, opened.untuned

        before = point(Tuning())
        words, untuned = point(tuning)
        assert words.startswith(reached) and untuned is None
        assert point(Tuning()) == before

"""The scripts that hold arms by turns against known truths: what their tables say, and one session for real."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from by_turns import ratios, sessions
from support import needs

SESSIONS = Path(sessions.__file__)


def outcome(ended: str, *, right: bool, ratio: float) -> sessions.Outcome:
    return sessions.Outcome(
        case="same, 1 ms",
        neighbour="random",
        ended=ended,
        right=right,
        measuring_s=12.0,
        whole_s=15.0,
        blocks=15,
        ratio=ratio,
        low=ratio - 0.01,
        high=ratio + 0.01,
        p50_ms=1.02,
        sentence="",
    )


def test_the_table_counts_how_sessions_ended() -> None:
    found = sessions.table([outcome("PASS", right=True, ratio=1.0), outcome("INCONCLUSIVE", right=False, ratio=1.002)])
    assert found.splitlines()[2:] == [
        "| same, 1 ms | random | 1.02 ms | 2 | 1 PASS, 1 INCONCLUSIVE | 1.0010 (1.0000 to 1.0020) | 15 "
        "| 12.0 s (12.0 s) | 15.0 s |",
        "",
        "2 sessions, 1 not right; 12.0 s of measuring",
    ]


def test_a_session_beside_a_neighbour_over_sshd_is_told() -> None:
    needs.need("sshd")
    needs.need_root()
    words = ["--case=same, 0.05 ms", "--neighbour=periodic", "--sessions=1", "--time-limit=3"]
    ended = subprocess.run([sys.executable, str(SESSIONS), *words], capture_output=True, text=True, check=False)
    assert "| same, 0.05 ms | periodic | " in ended.stdout, ended.stdout + ended.stderr
    assert "1 sessions, 1 not right" in ended.stdout


def test_the_line_through_whole_trials_gives_ratios_of_equal_layers() -> None:
    whole = {layers: [float(np.log(2.0 + 0.5 * layers))] * 3 for layers in ratios.WHOLE}
    found = ratios.Found(by_turns={}, whole=whole)
    assert np.isclose(found.line_ratio(44), np.log(24.0 / 22.0))
    assert str(found.whole_ratio(44)) == "+9.09 +- 0.00 %"

"""What runs on a board before the agent lies there."""

import threading
from pathlib import Path

import pytest

from harness.board.boot_code import make

SESSIONS = 8
ROUNDS = 100


def test_sessions_that_start_at_once_all_have_the_folder(tmp_path: Path) -> None:
    refused: list[OSError] = []
    together = threading.Barrier(SESSIONS)

    def session() -> None:
        for number in range(ROUNDS):
            together.wait()
            try:
                make(str(tmp_path / str(number) / "agents"))
            except OSError as error:
                refused.append(error)

    threads = [threading.Thread(target=session) for _ in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*/agents")} == {0o700}


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agents").write_text("not a folder")
    with pytest.raises(FileExistsError):
        make(str(tmp_path / "agents"))

"""The mutation tester itself: what it changes, that a change arrives, and that a few of a room are noticed."""

import subprocess
import sys
from pathlib import Path

import pytest
from mutants.mutants import ROOMS, ROOT, Mutant, drawn, mutants_of

SCRIPT = ROOT / "tests/mutants/mutants.py"


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_allows_many_and_each_changes_its_module(room: str) -> None:
    made = mutants_of(room)
    assert len(made) > 500
    for mutant in made[::100]:
        assert mutant.room == room
        assert mutant.code().co_code or mutant.code().co_consts
        assert mutant.code() != compile(mutant.path.read_text("utf-8"), str(mutant.path), "exec")


def test_the_same_seed_draws_the_same() -> None:
    assert drawn(ROOMS, 30, 1) == drawn(ROOMS, 30, 1) != drawn(ROOMS, 30, 2)
    assert len(set(drawn(ROOMS, 30, 1))) == 30


def test_a_planted_change_arrives_and_leaves_the_file_alone(tmp_path: Path) -> None:
    number, before = wanted("harness/records/text.py", "300 to 301")
    code = (
        "import sys\nfrom mutants import mutants\n"
        f"mutant = mutants.mutants_of('records')[{number}]\n"
        "sys.meta_path.insert(0, mutants._Planted(mutant))\n"
        "from harness.records.text import MESSAGE_CHARS\nprint(MESSAGE_CHARS)"
    )
    paths = {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", code], env=paths, capture_output=True, text=True, check=True)
    assert done.stdout == "301\n"
    assert before.path.read_text("utf-8").count("MESSAGE_CHARS: Final = 300") == 1


def wanted(path: str, what: str) -> tuple[int, Mutant]:
    return next(
        (number, mutant)
        for number, mutant in enumerate(mutants_of("records"))
        if mutant.path == ROOT / path and mutant.what == what
    )


def test_a_change_of_nothing_is_not_noticed() -> None:
    code = (
        "from mutants.mutants import *\nfrom mutants.mutants import _fork, _tested\n"
        "nothing = Mutant(ROOT / 'harness/records/text.py', -1, 1, 'nothing')\n"
        "order = Order(nothing, Reach({}, {}))\n"
        "print(os.waitpid(_fork(lambda: _tested('records', nothing, order, ['tests/records/test_text.py'])), 0)[1])"
    )
    paths = {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", code], env=paths, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_a_few_of_a_room_are_noticed() -> None:
    words = [sys.executable, SCRIPT, "records", "--count=4", "--seed=1", "--jobs=1", "--least=50"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "of    4 noticed" in done.stdout

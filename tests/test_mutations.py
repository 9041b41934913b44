"""Files of strangers, made wrong by a seed: no command ends in a traceback, hangs, or writes elsewhere."""

import pytest
from mutations.runner import Tally, main, run_one
from mutations.subjects import SUBJECTS, Place, Profiles

SLOW = {"results": 40, "history": 40, "artifacts": 8, "runs": 8}
"""How many of those that open databases, draw or measure."""


@pytest.mark.parametrize("kind", SUBJECTS)
def test_no_mutation_breaks_a_command(kind, capsys):
    status = main([kind, f"--count={SLOW.get(kind, 100)}", "--commands=1", "--seed=100000"])

    assert status == 0, capsys.readouterr().out


class Wrecked(Profiles):
    """What is typed writes elsewhere."""

    kind = "wrecked"

    def mutate(self, rng, place):
        (place.outside / "mine.txt").write_text("another's")


def test_what_is_written_elsewhere_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in Place(tmp_path / "place").homes.items():
        monkeypatch.setenv(name, value)
    tally = Tally("wrecked", "in process")

    run_one(Wrecked(tmp_path / "template"), Place(tmp_path / "place"), 0, tally)

    assert "wrote outside" in tally.faults[0] and tally.faults[0].startswith("seed 0: harness ")

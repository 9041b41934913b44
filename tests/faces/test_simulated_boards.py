"""A session on a scripted board, labelled wherever it is named, and the command that runs one."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import needs

from harness.testing.scripted import scripted_board

if TYPE_CHECKING:
    from support.user_folder import Place

LABEL = "simulated: timings of this machine"


@pytest.mark.board
@pytest.mark.usefixtures("leased")
def test_a_session_on_a_scripted_board_is_labelled_everywhere(place: "Place") -> None:
    needs.need("sshd")
    needs.need_root()
    (place.folder / "lab").mkdir()
    with scripted_board("rpi4", devices_dir=place.folder / "lab") as board:
        place.benchmark('model_size="1 MB"')
        said = place.pytest(f"--device={board.name}", "--devices-dir=lab")
    assert said.code == 0, said.text
    assert f"{board.name} ({LABEL})" in said.text
    device = place.results()["devices"][board.name]
    assert (device["label"], device["facts"]["simulated"]) == (LABEL, LABEL)
    # A real board of the kind is of another series, whatever else is alike.
    assert device["fingerprint"].endswith(f"{LABEL})")
    (results,) = (place.folder / "reports").glob("[0-9]*/results.json")
    for name in ("summary.md", "report.html"):
        assert LABEL in results.with_name(name).read_text(encoding="utf-8"), name


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("rpi9",), "there is no scripted board 'rpi9'; there are rpi4, rpi5, jetson-orin-nano, rock-5b, imx8mp-evk"),
        (("rpi4", "--script=odd.toml"), 'odd.toml, event 1: expected at = "2 s" and what changes'),
        (("rpi4", "--script=gone.toml"), "gone.toml"),
    ],
)
def test_a_board_or_a_script_that_is_none_is_refused_in_one_line(
    words: tuple[str, ...], told: str, place: "Place"
) -> None:
    place.write("odd.toml", "[[event]]\ntemp_c = 80.0\n")
    said = place.harness("simulate", *words)
    assert said.code == 4
    assert told in said.text
    assert len(said.text.strip().splitlines()) == 1
    assert not list(Path(place.folder).glob("devices/*scripted*"))

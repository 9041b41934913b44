"""Wrong words on pytest's command line and in files: one line, the right exit code, nothing green."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.user_folder import Place


def one_line(text: str, *words: str) -> None:
    """Some single line holds every word."""
    flat = [line for line in text.splitlines() if all(word in line for word in words)]
    assert flat, text


def test_no_device_lists_the_names(place: "Place") -> None:
    place.benchmark()
    said = place.pytest()
    assert said.code == 4
    one_line(said.text, "--device", "rpi4", "local")


def test_no_device_on_workers(place: "Place") -> None:
    place.benchmark()
    said = place.pytest("-n1")
    assert said.code == 4, said.text


def test_collecting_needs_no_device(place: "Place") -> None:
    place.benchmark()
    said = place.pytest("--collect-only", "-q")
    assert said.code == 0
    assert "test_models[tiny]" in said.out


def test_an_unknown_device_names_the_nearest(place: "Place") -> None:
    place.benchmark()
    said = place.pytest("--device=rpi44")
    assert said.code == 4
    one_line(said.text, "rpi44", "rpi4")


def test_an_invalid_profile_says_every_problem(place: "Place") -> None:
    place.benchmark()
    place.write("devices/odd.toml", '[connection]\nhots = "x"\nport = "22"\n[runtime]\nnum_threads = 0\n')
    said = place.pytest("--device=odd")
    assert said.code == 4
    one_line(said.text, "odd.toml", "connection.hots", "host", "connection.port", "runtime.num_threads")


@pytest.mark.parametrize("option", ["--trials=0", "--runtime=litter", "--min-secs=50", "--inconclusive=no"])
def test_a_wrong_option(place: "Place", option: str) -> None:
    place.benchmark()
    said = place.pytest("--device=local", option, quick=False)
    assert said.code == 4
    one_line(said.text, option.split("=", maxsplit=1)[0])


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ('latency_p5="1 ms"', ("latency_p5", "latency_p50")),
        ('latency_p50="1 mW"', ("latency_p50", "1 mW")),
        ("latency_p50=1", ("latency_p50",)),
    ],
)
def test_a_wrong_marker(place: "Place", budget: str, words: tuple[str, ...]) -> None:
    place.benchmark(budget)
    said = place.pytest("--device=local")
    assert said.code == 4, said.text
    one_line(said.text, *words)


def test_a_budget_that_matches_nothing(place: "Place") -> None:
    place.benchmark()
    place.write("budgets.toml", '[local."tyni"]\nlatency_p50 = "1 ms"\n')
    said = place.pytest("--device=local", ".")
    assert said.code == 4, said.text
    one_line(said.text, "tyni")
    assert place.pytest("--device=local", "-k", "tiny").code == 0


def test_a_removed_model_is_never_green(place: "Place") -> None:
    place.benchmark()
    (place.folder / "models" / "tiny.tflite").unlink()
    said = place.pytest("--device=local")
    assert said.code == 4, said.text
    one_line(said.text, "models")


def test_an_empty_selection_is_never_green(place: "Place") -> None:
    place.benchmark()
    assert place.pytest("--device=local", "-k", "nothing").code == 5


def test_an_unreachable_board_is_11(place: "Place") -> None:
    place.benchmark()
    place.write("devices/gone.toml", '[connection]\nhost = "127.0.0.1"\nport = 9\nuser = "x"\n')
    said = place.pytest("--device=gone")
    assert said.code == 11, said.text
    one_line(said.text, "gone", "127.0.0.1")
    assert place.results()["run"]["exit_code"] == 11


def test_a_reached_board_is_measured_though_another_is_gone(place: "Place") -> None:
    place.benchmark('model_size="1 MB"')
    place.write("devices/gone.toml", '[connection]\nhost = "127.0.0.1"\nport = 9\nuser = "x"\n')
    said = place.pytest("--device=gone", "--device=local")
    assert said.code == 11, said.text
    assert place.statuses() == ["PASS"]


WAIVED = """
[local."tiny"]
latency_p50 = "1 s"
[[waiver]]
device = "local"
candidate = "{candidate}"
metric = "latency_p50"
limit = "{limit}"
until = {until}
issue = "#7"
reason = "why"
"""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"candidate": "tinny"}, ("[[waiver]] 1", "matches no candidate", "did you mean tiny")),
        ({"limit": "500 ms"}, ("[[waiver]] 1", "500 ms does not relax 1 s")),
        ({"limit": "2 s"}, ()),
        ({"until": "2020-01-01"}, ()),
    ],
)
def test_a_waiver_that_does_not_hold_is_refused_before_a_board_is_touched(
    place: "Place", changes: dict[str, str], words: tuple[str, ...]
) -> None:
    place.benchmark()
    keys = {"candidate": "t*", "limit": "2 s", "until": "2999-12-31"} | changes
    place.write("budgets.toml", WAIVED.format(**keys))
    said = place.pytest("--device=local", "--collect-only", "-q", ".", quick=False)
    assert said.code == (4 if words else 0), said.text
    if words:
        one_line(said.text, *words)


def test_a_waiver_of_tests_that_are_left_out_is_not_wrong(place: "Place") -> None:
    place.benchmark()
    place.write("budgets.toml", WAIVED.format(candidate="other", limit="2 s", until="2999-12-31"))
    assert place.pytest("--device=local", "--collect-only", "-q", "-k", "tiny", ".", quick=False).code == 0


def test_when_a_waiver_has_expired_the_limit_holds_again_and_names_it(place: "Place") -> None:
    place.benchmark()
    waived = WAIVED.replace('latency_p50 = "1 s"', 'model_size = "10 B"').replace('"latency_p50"', '"model_size"')
    for until, code in (("2999-12-31", 0), ("2020-01-01", 1)):
        place.write("budgets.toml", waived.format(candidate="t*", limit="1 MB", until=until))
        said = place.pytest("--device=local")
        assert said.code == code, said.text
    (finding,) = (one for one in place.results()["entries"][0]["findings"] if one["metric"] == "model_size")
    assert finding["reason"] == "model_size: 284 B, 28 times limit 10 B"
    assert finding["detail"].startswith("the waiver to 1 MB expired on 2020-01-01 (#7: why); exact; budgets.toml ")
    assert finding["limit"] == 10
    for text in (said.out, (place.folder / "reports/latest/summary.md").read_text(encoding="utf-8")):
        assert "the waiver to 1 MB expired on 2020-01-01" in " ".join(text.split())
    checked = place.harness("budgets", "check", "test_bench.py")
    assert checked.code == 1
    assert "expired: budgets.toml [[waiver]] 1" in checked.out


def test_a_waiver_that_soon_expires_warns_where_the_verdict_is(place: "Place") -> None:
    place.benchmark()
    waived = WAIVED.replace('latency_p50 = "1 s"', 'model_size = "10 B"').replace('"latency_p50"', '"model_size"')
    until = datetime.now(UTC).date() + timedelta(days=9)
    place.write("budgets.toml", waived.format(candidate="t*", limit="1 MB", until=until))
    said = place.pytest("--device=local")
    assert said.code == 0, said.text
    for text in (said.out, (place.folder / "reports/latest/summary.md").read_text(encoding="utf-8")):
        assert "expires in 9 days: then 10 B holds again" in " ".join(text.split())


def test_a_cache_that_cannot_be_written_is_one_line_before_anything_is_measured(place: "Place") -> None:
    place.write("file", "")
    place.benchmark()
    barred = f"--cache-dir={place.folder}/file/cache"
    for said in (
        place.harness("run", str(next((place.folder / "models").glob("*.tflite"))), "--device=local", barred),
        place.pytest("--device=local", barred),
        place.harness("build", "test_bench.py", "--out=artifacts", barred),
    ):
        assert said.code == 4, said.text
        assert "cannot be written (Not a directory): let this user write there" in " ".join(said.text.split())
    assert not (place.folder / "reports").exists()

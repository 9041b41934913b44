"""A repository whose conftests or plugins have options and fixtures of our names: theirs stay theirs."""

import re
import sys
from pathlib import Path

import pytest
from support.user_folder import Place

from harness.plugin.options import twin
from harness.records.settings import OPTIONS

FLAGS = tuple(flag for option in OPTIONS.values() for flag in option.flags)
OWNER = """
FLAGS = {flags!r}

def pytest_addoption(parser):
    for flag in FLAGS:
        parser.addoption(flag, default="theirs")
"""
UNRELATED = """
from conftest import FLAGS

def test_unrelated(request):
    values = {flag: request.config.getoption(flag) for flag in FLAGS}
    assert values.pop("--device") == "cpu"
    assert set(values.values()) == {"theirs"}
"""


def owning(place: Place, *flags: str, file: str = "conftest.py") -> None:
    place.write(file, OWNER.format(flags=flags))


def test_a_conftest_s_own_options_work_whether_ours_are_used_or_not(place: Place) -> None:
    owning(place, *FLAGS)
    place.write("test_x.py", UNRELATED)
    said = place.pytest("test_x.py", "--device=cpu", quick=False)
    assert said.code == 0, said.text
    assert "harness: another plugin or a conftest owns --device, --board, --devices-dir" in said.out
    assert "ours have a prefix, such as --harness-device" in said.out

    place.benchmark('model_size="1 MB"')
    quick = ("--harness-trials=2", "--harness-min-secs=0.02", "--harness-num-runs=5")
    for workers in ((), ("-n1",)):
        said = place.pytest("--device=cpu", "--harness-device=local", *quick, *workers, quick=False)
        assert said.code == 0, said.text
        assert place.statuses() == ["PASS"]
        settings = place.results()["run"]["settings"]
        assert (settings["devices"], settings["trials"], settings["baseline"]) == (["local"], 2, None)


@pytest.mark.parametrize("flags", [FLAGS[::2], FLAGS[1::2]], ids=["even", "odd"])
def test_what_nobody_else_owns_keeps_its_short_name(place: Place, flags: tuple[str, ...]) -> None:
    owning(place, *flags)
    place.write("test_x.py", "def test_x():\n    pass\n")
    # The rest of pytest's help speaks of tracebacks, which none of our commands may show.
    said = place.run("sh", "-c", f"{sys.executable} -m pytest --help | sed -n '/^edge benchmarks/,/^Custom/p'")
    named = set(re.findall(r"--[\w-]+", said.out))
    assert not named & set(flags)
    assert {*FLAGS} - {*flags} <= named
    assert {twin(flag) for flag in FLAGS if flag != "--board"} <= named
    said = place.pytest("test_x.py", quick=False)
    assert f"owns {', '.join(flags)} here" in said.out


def test_messages_name_the_spelling_that_works(place: Place) -> None:
    owning(place, "--device", "--trials", "--baseline")
    place.benchmark('latency_p50="1 s"')
    said = place.pytest("--device=local", quick=False)
    assert said.code == 4, said.text
    assert "no device named: give --harness-device NAME" in said.err
    said = place.pytest("--board=local", "--harness-trials=0", quick=False)
    assert (said.code, said.err.strip()) == (4, "ERROR: --harness-trials 0: expected a number from 1 to 10000")
    said = place.pytest("--board=local", "--harness-baseline=nowhere.tflite", quick=False)
    assert said.code == 4
    assert said.err.startswith("ERROR: --harness-baseline nowhere.tflite: there is no such file")


def test_options_in_files_go_the_same_way(place: Place) -> None:
    owning(place, "--device", "--trials")
    place.write(
        "pyproject.toml",
        '[tool.pytest.ini_options]\naddopts = "--device=cpu --harness-device=local"\n'
        "[tool.harness]\ntrials = 2\nmin-secs = 0.02\nnum-runs = 5\n",
    )
    place.benchmark('model_size="1 MB"')
    said = place.pytest(quick=False)
    assert said.code == 0, said.text
    assert place.results()["run"]["settings"]["trials"] == 2


def test_a_conftest_below_testpaths_is_found_beside_values_in_words_of_their_own(place: Place) -> None:
    owning(place, "--seed", file="benchmarks/conftest.py")
    place.write("benchmarks/test_x.py", "def test_x(request):\n    assert request.config.getoption('--seed') == '7'\n")
    place.write("pyproject.toml", '[tool.pytest.ini_options]\ntestpaths = ["benchmarks"]\n')
    (place.folder / "elsewhere").mkdir()
    said = place.pytest("--device", "local", "--reports-dir", "elsewhere", "--seed", "7", quick=False)
    assert said.code == 0, said.text


def test_a_conftest_that_is_found_at_collection_may_have_our_names(place: Place) -> None:
    owning(place, *FLAGS, file="checks/conftest.py")
    place.write("checks/test_x.py", "def test_x(request):\n    assert request.config.getoption('--seed') == 'theirs'\n")
    for device in ((), ("--device=local",)):
        said = place.pytest(*device, quick=False)
        assert said.code == 0, said.text


def test_a_conftest_may_name_the_plugin(place: Place) -> None:
    place.write("conftest.py", 'pytest_plugins = ["harness.plugin"]\n' + OWNER.format(flags=("--seed",)))
    place.benchmark('model_size="1 MB"')
    said = place.pytest("--device=local", "--seed=theirs", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert said.code == 0, said.text
    assert place.results()["run"]["settings"]["seed"] == 0


def test_a_fixture_called_bench_is_theirs(place: Place) -> None:
    place.write("conftest.py", "import pytest\n\n@pytest.fixture\ndef bench():\n    return 7\n")
    place.write("test_x.py", "def test_x(bench):\n    assert bench == 7\n")
    for device in ((), ("--device=local",)):
        said = place.pytest("test_x.py", *device, quick=False)
        assert said.code == 0, said.text
    assert not Path(place.folder / "reports").exists()


def test_a_fixture_that_wraps_ours_is_a_benchmark_s(place: Place) -> None:
    place.write("conftest.py", "import pytest\n\n@pytest.fixture\ndef bench(bench):\n    return bench\n")
    place.benchmark('model_size="1 MB"')
    said = place.pytest("--device=local")
    assert said.code == 0, said.text
    assert place.statuses() == ["PASS"]

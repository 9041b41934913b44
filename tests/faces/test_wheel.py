"""The wheel, installed in an empty environment elsewhere, without TensorFlow."""

import json
import re
from pathlib import Path

import pytest
from support.user_folder import run

BOARDS = {
    "local",
    "rpi-zero-2w",
    "rpi3b-plus",
    "rpi4",
    "rpi5",
    "jetson-nano",
    "jetson-orin-nano",
    "coral-dev-board",
    "imx8mp-evk",
    "beagleplay",
    "rock-5b",
}


def test_it_carries_the_devices_and_no_tensorflow(installed: Path, tmp_path: Path) -> None:
    listed = json.loads(run(installed / "harness", "devices", "--json", cwd=tmp_path).stdout)
    assert {profile["name"] for profile in listed} == BOARDS
    run(installed / "python", "-c", "import tensorflow", cwd=tmp_path, code=1)


@pytest.mark.usefixtures("leased")
def test_another_repository_gets_the_option_and_measures(installed: Path, tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "tiny.tflite").write_bytes(tiny_model.read_bytes())
    (tmp_path / "test_mine.py").write_text(
        "import pytest\nfrom harness import candidates\n\n"
        '@pytest.mark.parametrize("candidate", candidates("tiny.tflite"), ids=str)\n'
        '@pytest.mark.budget(model_size="1 MB")\n'
        "def test_mine(bench, candidate):\n"
        '    assert bench(candidate).candidate == "tiny"\n',
        encoding="utf-8",
    )
    home = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    quick = ("--trials=2", "--min-secs=0.05")
    done = run(installed / "python", "-m", "pytest", "--device=local", *quick, cwd=tmp_path, **home)
    assert "tiny" in done.stdout
    results = json.loads((tmp_path / "reports" / "latest" / "results.json").read_text(encoding="utf-8"))
    assert [entry["status"] for entry in results["entries"]] == ["PASS"]
    assert results["devices"]["local"]["label"] == "this machine, no edge board"


@pytest.mark.usefixtures("leased")
def test_a_recipe_without_tensorflow_is_one_line(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import pytest\nfrom harness import candidates\n\n"
        '@pytest.mark.parametrize("candidate", candidates("digits_cnn"), ids=str)\n'
        "def test_mine(bench, candidate):\n    bench(candidate)\n",
        encoding="utf-8",
    )
    home = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = run(installed / "python", "-m", "pytest", "--device=local", cwd=tmp_path, code=1, **home)
    assert "edge-harness[convert]" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.usefixtures("leased")
def test_the_demo_measures_writes_a_report_and_says_what_to_type_next(installed: Path, tmp_path: Path) -> None:
    home = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_DATA_HOME": str(tmp_path / "data"), "COLUMNS": "120"}
    said = run(installed / "harness", "demo", cwd=tmp_path, **home).stdout
    results = json.loads((tmp_path / "reports/latest/results.json").read_text(encoding="utf-8"))
    assert {entry["candidate"]: entry["status"] for entry in results["entries"]} == {
        "keyword_spotting_float32": "MEASURED",
        "keyword_spotting_int8": "MEASURED",
    }
    (report,) = re.findall(r"^report: (\S+)$", said, re.MULTILINE)
    assert "keyword_spotting_int8" in (tmp_path / report).read_text(encoding="utf-8")
    assert re.search(r"^Found: as int8 the network is .*48.12 kB instead of 99.32 kB\.$", said, re.MULTILINE)
    typed = re.findall(r"^  (harness \w+)", said, re.MULTILINE)
    assert typed == ["harness run", "harness add", "harness init"]


def test_it_carries_what_init_writes(installed: Path, tmp_path: Path) -> None:
    found = json.loads(run(installed / "harness", "init", "--json", cwd=tmp_path).stdout)
    assert len(found["written"]) == 6
    assert (tmp_path / "benchmarks/models/keyword_spotting.tflite").stat().st_size == 48120

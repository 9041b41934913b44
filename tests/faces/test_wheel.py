"""The wheel, installed in an empty environment elsewhere, without TensorFlow."""

import json
import os
import re
from pathlib import Path

import pytest
from faces.test_docs_commands import ROOT, fences
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
def test_the_readme_s_commands_measure_write_a_report_and_say_what_to_type_next(
    installed: Path, tmp_path: Path
) -> None:
    home = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_DATA_HOME": str(tmp_path / "data"), "COLUMNS": "130"}
    commands = [command for fence in fences("sh", documents=(ROOT / "README.md",)) for command in fence.commands]
    assert commands == ["pip install edge-harness", "harness demo", "harness init"]
    path = f"{installed}{os.pathsep}{os.environ['PATH']}"
    _, demo, init = (run("sh", "-c", line, cwd=tmp_path, PATH=path, **home).stdout for line in commands)
    results = json.loads((tmp_path / "reports/latest/results.json").read_text(encoding="utf-8"))
    assert {entry["candidate"]: entry["status"] for entry in results["entries"]} == {
        "keyword_spotting_float32": "MEASURED",
        "keyword_spotting_int8": "MEASURED",
    }
    (report,) = re.findall(r"^report: (\S+)$", demo, re.MULTILINE)
    assert "keyword_spotting_int8" in (tmp_path / report).read_text(encoding="utf-8")
    concluded = r"\nkeyword_spotting_int8 (?:is|may be) [^\n]*\bkeyword_spotting_float32\b[^,]*, 2\.06x\s+smaller\n"
    assert re.search(concluded, demo), demo
    assert re.findall(r"^  (harness \w+)", demo, re.MULTILINE) == ["harness run", "harness add", "harness init"]
    assert init.count("wrote ") == 6 and "  pytest benchmarks/ --device=ci-runner\n" in init


def test_it_carries_what_init_writes(installed: Path, tmp_path: Path) -> None:
    found = json.loads(run(installed / "harness", "init", "--json", cwd=tmp_path).stdout)
    assert len(found["written"]) == 6
    assert (tmp_path / "benchmarks/models/keyword_spotting.tflite").stat().st_size == 48120

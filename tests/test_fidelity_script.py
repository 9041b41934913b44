"""The fidelity script: independent of the harness, fair in its verdict, honest where a figure is missing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from fidelity.fidelity import NoFigureError, Row, line, main, p50_us
from support.needs import need_shared

FOLDER = Path(__file__).parent / "fidelity"
QUICK = ["--processes", "1", "--turns", "2", "--seconds", "0.02"]


def row(bare, ours):
    return Row("x.tflite", bare, ours, None)


@pytest.mark.parametrize("name", ["fidelity.py", "loops.py"])
def test_the_script_imports_nothing_of_the_harness(name):
    tree = ast.parse((FOLDER / name).read_text())

    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert imported
    assert not [module for module in imported if module.split(".")[0] == "harness"]


@pytest.mark.parametrize(
    ("bare", "ours", "verdict", "outside"),
    [
        (500.0, 509.0, "within 2 % or 2 us", False),
        (500.0, 511.0, "OUTSIDE", True),
        (500.0, 489.0, "OUTSIDE", True),
        (80.0, 81.9, "within 2 % or 2 us", False),
        (80.0, 82.1, "OUTSIDE", True),
        (70.0, 99.0, "fast: not judged", False),
        (500.0, None, "OUTSIDE", True),
        (None, 500.0, "no bare loop", False),
    ],
)
def test_a_slow_model_is_within_two_percent_or_two_microseconds(bare, ours, verdict, outside):
    assert (row(bare, ours).verdict, row(bare, ours).outside) == (verdict, outside)


def test_a_line_shows_both_figures_and_why_one_is_missing():
    assert "+10.00" in line(row(500.0, 510.0))
    assert "+2.00" in line(row(500.0, 510.0))
    assert line(Row("x", 500.0, None, None, ("harness: killed",))).splitlines()[1] == "    harness: killed"


def results(value, reason="measured"):
    measurement = {"metric": "latency_p50", "value": value}
    return json.dumps({"entries": [{"status": "ERROR", "reason": reason, "measurements": [measurement]}]})


def test_the_harness_figure_is_read_from_its_results():
    assert p50_us(results(0.00043)) == pytest.approx(430.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (results(None, "killed by SIGABRT"), "killed by SIGABRT"),
        ("", "no results on stdout"),
        ("{}", "no results on stdout"),
        ('{"entries": []}', "no results on stdout"),
        ('{"entries": [], "run": {"notes": ["fidelity: lease held"]}}', "no entry: fidelity: lease held"),
    ],
)
def test_results_without_a_figure_say_why(text, told):
    with pytest.raises(NoFigureError, match=told):
        p50_us(text)


@pytest.fixture
def stand_in(tmp_path):
    """Makes a command that takes the harness' arguments and prints given results."""

    def make(text, status=0):
        script = tmp_path / "stand_in.py"
        script.write_text(f"import sys\nassert sys.argv[1] == 'run'\nsys.stdout.write({text!r})\nsys.exit({status})\n")
        return ["--harness", f"{sys.executable} {script}"]

    return make


def test_a_harness_that_is_far_off_makes_the_script_fail(stand_in, capsys):
    model = need_shared("models/tiny_vww96_fp32.tflite")  # slower than 70 us on a quick machine, too

    status = main([*stand_in(results(430.0)), *QUICK, str(model)])

    shown = capsys.readouterr().out
    assert status == 1
    assert "OUTSIDE" in shown
    assert "1 of 1 models slower than 70 us judged, 1 outside" in shown


def test_a_harness_that_gives_no_figure_makes_the_script_fail(stand_in, capsys):
    model = need_shared("models/tiny_kws_dscnn_int8.tflite")

    assert main([*stand_in("", status=11), *QUICK, str(model)]) == 1
    assert "harness: exit status 11" in capsys.readouterr().out


def test_nothing_judged_is_not_green(stand_in, capsys, tmp_path):
    empty = tmp_path / "empty.tflite"
    empty.write_bytes(b"")

    assert main([*stand_in(results(0.001)), *QUICK, str(empty)]) == 1

    shown = capsys.readouterr().out
    assert "no bare loop" in shown
    assert "interpreter: exit status 1: ValueError" in shown
    assert "0 of 1 models slower than 70 us judged" in shown


@pytest.mark.parametrize("path", ["interpreter", "compiled"])
@pytest.mark.parametrize("name", ["tiny_kws_dscnn_int8.tflite", "tiny_ic_resnet8_fp32.tflite"])
def test_both_paths_run_real_models(path, name):
    model = need_shared(f"models/{name}")

    done = subprocess.run(
        [sys.executable, str(FOLDER / "loops.py"), path, str(model), "0.02", "0", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_a_model_that_compiled_model_cannot_take_names_the_function():
    model = need_shared("bad/made_wrong_identifier.tflite")

    done = subprocess.run(
        [sys.executable, str(FOLDER / "loops.py"), "compiled", str(model), "0.02", "0", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "LiteRtCreateModelFromFile returned status" in done.stderr

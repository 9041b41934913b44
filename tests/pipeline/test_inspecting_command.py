"""``harness inspect``, as a user types it."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import needs
from support.made_graphs import Graph, Made, Op, constant, model
from support.tiny_model import add_model, custom_model, write

from harness.cli import main


class Said:
    """What the command printed, and its exit code."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *argv: object) -> None:
        monkeypatch.setattr(sys, "argv", ["harness", "inspect", *map(str, argv)])
        with pytest.raises(SystemExit) as ended:
            main()
        self.code = ended.value.code or 0
        self.out, self.err = capsys.readouterr()

    @property
    def told(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def inspect(capsys, monkeypatch):
    return lambda *argv: Said(capsys, monkeypatch, *argv)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Two layers of int8 and a softmax."""
    rng = np.random.default_rng(0)
    tensors = {
        "sound": Made((1, 16), "int8", scales=[0.5], zero_points=[3]),
        "w": constant(rng.integers(1, 100, (8, 16)).astype(np.int8), scales=[0.01] * 8),
        "b": constant(np.ones(8, np.int32), scales=[0.005] * 8),
        "hidden": Made((1, 8), "int8", scales=[0.25]),
        "v": constant(np.zeros((4, 8), np.int8), scales=[0.01]),
        "logits": Made((1, 4), "int8", scales=[0.125]),
        "words": Made((1, 4), "int8", scales=[1 / 256], zero_points=[-128]),
    }
    steps = [
        Op("FULLY_CONNECTED", ["sound", "w", "b"], ["hidden"]),
        Op("FULLY_CONNECTED", ["hidden", "v", ""], ["logits"]),
        Op("LOGISTIC", ["logits"], ["words"]),
    ]
    return write(tmp_path / "network.tflite", model(Graph(tensors, steps, ["sound"], ["words"])))


def test_people_get_a_page_of_eighty_columns(inspect, network):
    said = inspect(network)
    assert said.code == 0 and said.err == ""
    page = said.out.replace(str(network), "network.tflite")
    assert max(map(len, page.splitlines())) <= 80
    assert page.startswith(f"network.tflite: {network.stat().st_size / 1000:.4g} kB, ")
    for line in (
        "input   1x16 int8, scale 0.5, zero point 3  sound",
        "output  1x4 int8, scale 0.00390625, zero point -128  words",
        "operator                          count              MACs   share   XNNPACK",
        "FULLY_CONNECTED                       2               160  100.0%         2",
        "all                                   3               160",
        "parameters   168 in 192 B",
        "             1 int8 tensor, a scale a channel: 128 in 128 B",
        "             1 int8 tensor, a scale a tensor: 32 in 32 B",
        "zeros        20.0% of the weights of convolutions and dense layers",
        "activations  24 B at one time, at least",
    ):
        assert line in page, page


def test_machines_get_all_of_it(inspect, network):
    told = inspect(network, "--json").told
    assert told["operators"] == {"FULLY_CONNECTED": 2, "LOGISTIC": 1}
    assert told["operator_details"][0] == {"name": "FULLY_CONNECTED", "count": 2, "macs": 160, "xnnpack": 2}
    sound = {"name": "sound", "shape": [1, 16], "dtype": "int8", "scale": 0.5, "zero_point": 3, "below": None}
    assert told["inputs"] == [sound]
    assert [tensor["name"] for tensor in told["outputs"]] == ["words"]
    assert told["sha256"] == hashlib.sha256(network.read_bytes()).hexdigest()
    assert told["size_bytes"] == network.stat().st_size > told["compressed_bytes"] > 100
    figures = ("macs", "parameters", "weight_bytes", "activation_bytes", "zero_share", "custom_operators")
    assert [told[figure] for figure in figures] == [160, 168, 192, 24, 0.2, []]
    assert told["weights"][0]["quantised"] == "channel" and told["graphs"] == {"called": 0, "aside": 0}
    assert told["xnnpack"]["reason"] is None


def test_the_documentation_names_every_key(inspect, network):
    page = (Path(__file__).resolve().parents[2] / "docs/inspect.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    assert {key for row in rows for key in re.findall(r"`(\w+)`", row)} == set(inspect(network, "--json").told) - {
        "file"
    }


def test_an_open_size_is_told(inspect, tmp_path):
    tensors = {"x": Made((1, 16), signature=(-1, 16)), "w": constant(np.ones((4, 16), np.float32)), "y": Made((1, 4))}
    layer = Op("FULLY_CONNECTED", ["x", "w", ""], ["y"])
    path = write(tmp_path / "a.tflite", model(Graph(tensors, [layer], ["x"], ["y"])))
    assert "open sizes   counted as 1, of input x" in inspect(path).out
    told = inspect(path, "--json").told
    assert told["open_inputs"] == ["x"] and told["macs"] == 64 and told["inputs"][0]["shape"] == [1, 16]


def test_several_files_are_several_pages_or_a_list(inspect, network, tmp_path):
    other = write(tmp_path / "add.tflite", add_model())
    assert [each["file"] for each in inspect(network, other, "--json").told] == [str(network), str(other)]
    assert f"\n\n{other}: " in inspect(network, other).out


def test_a_bad_file_is_one_line_and_the_others_are_told(inspect, network, tmp_path):
    bad = write(tmp_path / "page.tflite", b"<!DOCTYPE html><html>404</html>")
    said = inspect(bad, network, "--json")
    assert said.code == 1 and len(said.told) == 1
    assert said.err.count("\n") == 1 and said.err.startswith("harness: ") and "web page" in said.err


@pytest.mark.parametrize("content", [b"", b"\0" * 50, add_model()[:60]])
def test_a_single_bad_file_leaves_stdout_empty(inspect, tmp_path, content):
    said = inspect(write(tmp_path / "a.tflite", content), "--json")
    assert said.code == 1 and said.out == "" and said.err.count("\n") == 1


def test_a_missing_file(inspect, tmp_path):
    said = inspect(tmp_path / "gone.tflite")
    assert said.code == 1 and "cannot be read: No such file" in said.err


def test_litert_itself_says_which_custom_operators_it_has(inspect, tmp_path):
    lacking = inspect(write(tmp_path / "a.tflite", custom_model("FlexErf"))).out
    assert "custom       FlexErf: LiteRT has it not; its work is not counted" in lacking
    assert "XNNPACK      not known: LiteRT refuses it" in lacking and max(map(len, lacking.splitlines()[3:])) <= 80
    brought = inspect(write(tmp_path / "b.tflite", custom_model("Mfcc"))).out
    assert "Mfcc: " in brought


def test_graphs_beside_the_first_are_told(inspect, tmp_path):
    def graph(*calls: int) -> Graph:
        step = Op("IF", ["x"], ["y"], calls=calls) if calls else Op("RELU", ["x"], ["y"])
        return Graph({"x": Made((1, 8)), "y": Made((1, 8))}, [step], ["x"], ["y"])

    said = inspect(write(tmp_path / "a.tflite", model(graph(1, 2), graph(), graph(), graph()))).out
    assert "graphs       2 more that operators call are counted, each once;" in said
    assert "graphs       1 more belong to other signatures and are not counted" in said
    assert "RELU                                  2" in said


def test_a_name_as_long_as_a_file_allows_does_not_break_the_page(inspect, tmp_path):
    said = inspect(write(tmp_path / "a.tflite", add_model(name="layer/" * 30))).out
    assert max(map(len, said.splitlines()[1:])) <= 80 and "..." in said


def test_the_installed_command(network):
    program = Path(sys.executable).parent / "harness"
    done = subprocess.run([program, "inspect", network, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["macs"] == 160 and done.stderr == ""


@pytest.mark.parametrize("name", ["support_mobilenet_v1_0.25_224_quant.tflite", "litert_multi_signatures.bin"])
def test_real_models_fit_on_a_page(inspect, name):
    said = inspect(needs.need_shared(f"models/{name}"))
    assert said.code == 0 and said.err == ""
    lines = [line for line in said.out.splitlines() if "compressed" not in line]
    assert max(map(len, lines)) <= 80


def test_asking_for_the_contents_loads_nothing_heavy():
    heavy = ("tensorflow", "keras", "paramiko", "scipy", "jinja2", "altair", "numpy")
    code = f"import harness.cli.inspect, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""The command ``harness`` on this machine: JSON for machines, prose for people, one line for what is wrong."""

import json
from typing import TYPE_CHECKING

import pytest
from support import needs

if TYPE_CHECKING:
    from support.user_folder import Place

QUICK = ("--trials=2", "--min-secs=0.02", "--num-runs=5")
REFUSED = (
    "edgetpu_mobilenet_v1_0.25_128_quant.tflite",
    "custom_sinh.bin",
    "made_html_404.tflite",
    "made_wrong_identifier.tflite",
    "made_truncated_half.tflite",
    "made_zero_bytes.tflite",
    "flex_softplus.bin",
    "abort_blockwise_quantized.tflite",
    "invoke_fail_invalid_buffer.bin",
    "alloc_fail_squeeze.tflite",
    "no_subgraphs.bin",
)


def test_json_is_the_results_file_and_prose_goes_to_stderr(place: "Place") -> None:
    of_gate = ("--alpha=1 %", "--miss=0.1", "--inconclusive=warn")
    said = place.harness("run", "models/tiny.tflite", "--device=local", "--json", *QUICK, *of_gate)
    assert said.code == 0, said.text
    assert json.loads(said.out) == place.results()
    assert "report: " in said.err
    settings = place.results()["run"]["settings"]
    assert (settings["alpha"], settings["miss"], settings["inconclusive"]) == (0.01, 0.1, "warn")


def test_bad_files_cost_one_line_each_and_the_good_one_is_measured(place: "Place") -> None:
    bad = needs.need_shared("bad")
    files = [str(bad / name) for name in (*REFUSED, "made_zero_inputs_const_add.tflite")]
    said = place.harness("run", *files, "models/tiny.tflite", "--device=local", "--json", *QUICK)
    assert said.code == 1, said.text
    entries = {entry["candidate"]: entry for entry in json.loads(said.out)["entries"]}
    for name in REFUSED:
        entry = entries[name.rsplit(".", 1)[0]]
        assert entry["status"] == "ERROR", entry
        assert entry["reason"]
        assert "\n" not in entry["reason"]
    assert entries["made_zero_inputs_const_add"]["status"] == "MEASURED"
    assert entries["tiny"]["status"] == "MEASURED"


def test_every_real_model_is_measured_or_has_one_honest_reason(place: "Place") -> None:
    models = sorted(needs.need_shared("models").iterdir())
    said = place.harness("run", *map(str, models), "--device=local", "--json", *QUICK)
    entries = json.loads(said.out)["entries"]
    assert len(entries) == len(models)
    measured = [entry for entry in entries if entry["status"] == "MEASURED"]
    assert len(measured) >= len(models) - 1
    assert all(entry["reason"] for entry in entries if entry["status"] != "MEASURED")


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("run", "models/tiny.tflite"), 4, ("--device", "rpi4")),
        (("run", "models/tiny.tflite", "--device=locl"), 4, ("locl", "local")),
        (("run", "nothing.tflite", "--device=local"), 4, ("nothing.tflite",)),
        (("run", "empty", "--device=local"), 4, ("empty",)),
        (("run", "models/tiny.tflite", "--device=local", "--trials=0"), 4, ("--trials",)),
        (("provision", "nobody"), 4, ("nobody",)),
        (("add", "mine", "not an address"), 4, ("USER@HOST",)),
        (("report", "nowhere"), 4, ("nowhere",)),
        (("build", "empty"), 4, ("empty",)),
    ],
)
def test_wrong_words_are_one_line(place: "Place", argv: tuple[str, ...], code: int, words: tuple[str, ...]) -> None:
    (place.folder / "empty").mkdir()
    said = place.harness(*argv)
    assert said.code == code, said.text
    line = said.err.strip().splitlines()
    assert len(line) == 1, said.err
    assert all(word in line[0] for word in words)


@pytest.mark.parametrize("argv", [("--nope",), ("run",), ("run", "models/tiny.tflite", "--trials=many")])
def test_options_that_are_none_have_the_code_of_wrong_words(place: "Place", argv: tuple[str, ...]) -> None:
    said = place.harness(*argv)
    assert (said.code, said.out) == (4, "")
    assert said.err.splitlines()[-1].startswith("Error: ")


def test_devices_are_listed(place: "Place") -> None:
    said = place.harness("devices")
    assert said.code == 0
    assert "rpi4 " in said.out
    assert {"local", "rpi4"} <= {profile["name"] for profile in json.loads(place.harness("devices", "--json").out)}


def test_build_prints_what_it_built(place: "Place") -> None:
    place.benchmark()
    said = place.harness("build", "test_bench.py", "--out=artifacts", "--json")
    assert said.code == 0, said.text
    (row,) = json.loads(said.out)
    assert {"candidate", "recipe", "path", "sha256", "size_bytes", "accuracy", "seconds", "cached"} <= set(row)
    assert {path.name for path in (place.folder / "artifacts").iterdir()} == {"tiny.tflite", "index.json", "golden"}

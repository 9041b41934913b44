"""A run's entries as pytest-benchmark's own objects; the sessions are in tests/faces/test_pytest_benchmark.py."""

from support.sample_results import HOSTILE, results

from harness.plugin.pytest_benchmark import facts_of, make_metadata, unlike
from harness.records.comparable import trial_medians


def as_told(entries, **changes):
    return [one.as_dict() for one in make_metadata(results().model_copy(update={"entries": entries, **changes}))]


def test_what_was_measured_well_is_listed_with_its_trials_medians():
    made = make_metadata(results())
    assert len(made) == 8
    first = made[0].as_dict()
    assert first["stats"]["data"] == trial_medians(results().entries[0])
    assert first["stats"]["rounds"] == 9
    assert not any(one.has_error for one in made)
    statuses = {one.extra_info["status"] for one in made}
    assert statuses == {"MEASURED", "PASS", "INCONCLUSIVE", "FAIL"}


def test_several_entries_of_one_test_are_told_apart():
    made = as_told(results().entries[:2] + results().entries[:1])
    assert [one["fullname"] for one in made] == [
        "benchmarks/test_models.py::test_model digits_cnn/float32",
        "benchmarks/test_models.py::test_model digits_cnn/float16",
        "benchmarks/test_models.py::test_model digits_cnn/float32 #2",
    ]


def test_names_and_parameters_are_those_of_the_test_s_id():
    test = "benchmarks/test_a.py::TestClass::test_b[rpi4-a::b]"
    (made,) = as_told([results().entries[0].model_copy(update={"test": test})])
    assert (made["fullname"], made["name"], made["param"]) == (test, "test_b[rpi4-a::b]", "rpi4-a::b")
    assert made["params"]["candidate"] == "digits_cnn"
    assert made["params"]["recipe"] == "float32"


def test_several_boards_are_told_with_each_entry_and_one_is_not():
    entries = results().entries[:1]
    assert as_told(entries)[0]["extra_info"]["board"]["label"] == "this machine, no edge board"
    assert "board" not in as_told(entries, devices={"local": results().devices["local"]})[0]["extra_info"]


def test_stand_ins_are_labelled():
    made = as_told(results().entries)
    assert {one["extra_info"]["label"] for one in made} == {"this machine, no edge board", "simulated board"}
    assert {one["group"] for one in made} == {"local (this machine, no edge board)", "rpi4 (simulated board)"}


def test_only_what_stays_the_same_is_compared():
    saved = {name: facts_of(record) for name, record in results().devices.items()}
    assert list(unlike(saved, results())) == []
    saved["rpi4"]["governor"] = "ondemand"
    (line,) = unlike(saved, results())
    assert line.startswith("rpi4 is not what it was")
    assert line.endswith("governor 'ondemand' there, 'performance' here")
    assert list(unlike({"rpi4": "no board", "other": {}}, results())) == []


def test_what_boards_and_models_named_does_not_steer_the_terminal():
    entries = [one.model_copy(update={"candidate": HOSTILE}) for one in results().entries]
    devices = {name: one.model_copy(update={"label": HOSTILE}) for name, one in results().devices.items()}
    shown = "".join(one["group"] + one["name"] for one in as_told(entries, devices=devices))
    assert "<script>" in shown
    assert not set(shown) & set("\x1b\u202e")

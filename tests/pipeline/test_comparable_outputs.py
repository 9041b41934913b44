"""Which outputs are compared at all, from which state, with which inputs, and by which of the host's kernels."""

from hashlib import sha256

import numpy as np
import pytest
from support.made_graphs import Graph, Made, Op, constant, detection, lookup, model, random_numbers, running_sum
from support.needs import need_shared
from support.tiny_model import write

from harness.pipeline import inspect_file
from harness.pipeline.check.inspection.index_inputs import file_graphs, lookup_limits
from harness.pipeline.check.verification.golden_client import HostInputs, run_on_host
from harness.pipeline.check.verification.litert import LiteRTModel, RefusedError, repeatable_outputs
from harness.pipeline.check.verification.samples import random_samples, read_samples
from harness.pipeline.check.verification.scoring import score_all


@pytest.fixture
def run(tmp_path):
    def _run(path, samples=None, score=None):
        return run_on_host(
            path,
            sha256(path.read_bytes()).hexdigest(),
            inputs=HostInputs(samples, 0),
            score=score,
            cache_dir=tmp_path / "cache",
            deadline_s=60.0,
        )

    return _run


def arrays(path):
    with np.load(path, allow_pickle=False) as content:
        return dict(content)


def test_the_first_expected_output_comes_from_a_model_that_never_ran(run, tmp_path):
    golden = run(write(tmp_path / "m.tflite", running_sum())).golden

    given_arrays, outputs = arrays(golden.inputs_path)["i0"], arrays(golden.outputs_path)["o0"]
    np.testing.assert_allclose(outputs, given_arrays.cumsum(axis=0), rtol=1e-5)


def test_a_score_is_its_own_samples_alone(tmp_path):
    """The running sum would put every later sample's top where the first one had it."""
    path = write(tmp_path / "m.tflite", running_sum())
    labels = np.arange(20) % 2
    fed = np.eye(2, dtype=np.float32)[labels]
    fed[0] *= 1000
    np.savez(tmp_path / "s.npz", i0=fed, labels=labels)

    samples = read_samples(str(tmp_path / "s.npz"), LiteRTModel(str(path)).inputs)
    scores = score_all(str(path), samples, score="top1", threads=1)

    assert scores["right"].all()


def test_a_score_is_alone_where_variables_are_resources(tmp_path):
    path = need_shared("cases/15-stateful-and-random/stateful_variable.tflite")
    model = LiteRTModel(str(path))
    sample = random_samples(model.inputs, count=1, seed=0).sample(0)

    first = model.run(sample)
    second = model.run(sample)
    model.reset()
    third = model.run(sample)

    assert first[0].tobytes() != second[0].tobytes()
    assert first[0].tobytes() == third[0].tobytes()


def test_random_numbers_are_not_compared(run, tmp_path):
    found = run(write(tmp_path / "m.tflite", random_numbers()))

    assert found.golden is None
    assert found.reason == "not deterministic: it draws random numbers (RANDOM_UNIFORM)"


def test_two_runs_that_start_alike_and_differ_are_not_compared(tmp_path):
    class Unsteady(LiteRTModel):
        """Gives what no second interpreter does."""

        def run(self, values):
            return [output + 1 for output in super().run(values)]

    path = str(write(tmp_path / "m.tflite", running_sum()))
    samples = [[np.ones((1, 2), np.float32)]]

    assert len(repeatable_outputs(LiteRTModel(path), samples)) == 1
    with pytest.raises(RefusedError, match="not deterministic: two runs that start alike give different outputs"):
        repeatable_outputs(Unsteady(path), samples)


def test_a_model_without_outputs_says_so(run, tmp_path):
    nothing = Graph({"x": Made((1, 2)), "y": Made((1, 2))}, [Op("ADD", ["x", "x"], ["y"])], ["x"], [])

    found = run(write(tmp_path / "m.tflite", model(nothing)))

    assert (found.golden, found.reason) == (None, "it has no outputs to compare")


def test_what_a_detection_operator_leaves_unwritten_is_zero(run, tmp_path):
    golden = run(write(tmp_path / "m.tflite", detection())).golden

    outputs = arrays(golden.outputs_path)
    counts = outputs["o3"].reshape(-1).astype(int)
    assert 0 < counts.min() < counts.max() < 10
    for name in ("o0", "o1", "o2"):
        for sample, count in zip(outputs[name], counts, strict=True):
            assert not sample[0, count:].any()


def test_both_families_of_kernels_are_kept_where_they_differ(run):
    golden = run(need_shared("models/tiny_ic_resnet8_int8.tflite")).golden

    xnnpack, builtin = arrays(golden.outputs_path)["o0"], arrays(golden.builtin.outputs_path)["o0"]
    assert xnnpack.shape == builtin.shape and (xnnpack != builtin).any()
    assert 10.0 < golden.builtin.sqnr_db < 40.0
    assert set(golden.files) == {golden.inputs_path, golden.outputs_path, golden.builtin.outputs_path}


def test_one_file_is_kept_where_both_families_give_the_same_bits(run, tmp_path):
    golden = run(write(tmp_path / "m.tflite", running_sum())).golden

    assert golden.builtin is None and len(golden.files) == 2


@pytest.mark.parametrize("cast", [False, True])
def test_made_up_indices_stay_in_their_table(run, tmp_path, cast):
    path = write(tmp_path / "m.tflite", lookup(7, cast=cast))

    golden = run(path).golden

    indices = arrays(golden.inputs_path)["i0"]
    assert (indices.min(), indices.max()) == (0, 6)
    assert inspect_file(path).inputs[0].below == 7


def index_limits(path):
    return [lookup_limits(graph) for graph in file_graphs(path)[:1]]


def test_the_smallest_table_along_its_own_axis_counts(tmp_path):
    table = constant(np.zeros((5, 9), np.float32))
    tensors = {"x": Made((2,), "int32"), "table": table, "rows": Made((2, 9)), "columns": Made((5, 2))}
    rows, columns = Op("GATHER", ["table", "x"], ["rows"]), Op("GATHER", ["table", "x"], ["columns"], axis=1)

    def limits(*operators):
        graph = Graph(tensors, operators, ["x"], [operator.outputs[0] for operator in operators])
        return index_limits(write(tmp_path / "m.tflite", model(graph)))

    assert limits(rows) == [(5,)]
    assert limits(columns) == [(9,)]
    assert limits(rows, columns) == [(5,)]


def test_indices_of_several_axes_stay_below_the_smallest(tmp_path):
    tensors = {"x": Made((1, 2), "int32"), "table": constant(np.zeros((5, 3, 2), np.float32)), "out": Made((1, 2))}
    graph = Graph(tensors, [Op("GATHER_ND", ["table", "x"], ["out"])], ["x"], ["out"])

    assert index_limits(write(tmp_path / "m.tflite", model(graph))) == [(3,)]


def test_random_numbers_in_a_graph_that_is_called_are_seen(tmp_path):
    """The runtime lists the operators of the first graph alone."""
    numbers = {"n": constant(np.array([1, 4], np.int32)), "u": Made((1, 4))}
    called = Graph(numbers, [Op("RANDOM_UNIFORM", ["n"], ["u"])], [], ["u"])
    first = {"c": Made((1,), "bool"), "y": Made((1, 4))}
    main = Graph(first, [Op("IF", ["c"], ["y"], calls=(1, 1))], ["c"], ["y"])

    assert LiteRTModel(str(write(tmp_path / "m.tflite", model(main, called)))).random_operators == ("RANDOM_UNIFORM",)


def test_numbers_that_index_nothing_have_no_limit(tmp_path):
    graph = Graph(
        {"x": Made((1, 2), "int32"), "y": Made((1, 2), "int32")}, [Op("ADD", ["x", "x"], ["y"])], ["x"], ["y"]
    )

    assert index_limits(write(tmp_path / "m.tflite", model(graph))) == [(None,)]
    assert index_limits(write(tmp_path / "n.tflite", b"no model")) == []

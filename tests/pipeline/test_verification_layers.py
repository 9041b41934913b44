"""Where a model fell off a cliff: the layer at fault is named as the user knows it, or it is said why not."""

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline.made_networks import Classifier, samples_of
from support.tiny_model import write

from harness.pipeline.check import sandbox
from harness.pipeline.check.inspection.layer_names import layer_names
from harness.pipeline.check.sandbox import Reply
from harness.pipeline.check.verification.golden_client import HostInputs
from harness.pipeline.check.verification.layers_client import LayersJob
from harness.pipeline.check.verification.verify import Claims, Reference, verify
from harness.pipeline.model.conversion.quantize_client import quantize_file


@pytest.fixture
def check(tmp_path):
    def _check(own, reference, network):
        path, held = write(tmp_path / "own.tflite", own), write(tmp_path / "float32.tflite", reference)
        return verify(
            path,
            sha256(own).hexdigest(),
            reference=Reference(held, sha256(reference).hexdigest(), "float32"),
            inputs=HostInputs(samples_of(network, tmp_path / "samples.npz", noise=0.05), 0),
            claims=Claims("digits", "top1", None, real=True),
            cache_dir=tmp_path / "cache",
            deadline_s=60.0,
        )

    return _check


def test_one_scale_for_weights_of_a_thousandfold_spread_ruins_the_layer_that_has_them(check):
    network = Classifier(spread=1000.0)

    found = check(network.rounded_as_a_whole(), network.content(), network)

    assert found.accuracy_drop.value > 0.05
    worst = found.worst_layers[0]
    assert (worst.layer, worst.operator) == ("hidden", "FULLY_CONNECTED")
    assert worst.fall_db > 20 and worst.sqnr_db < 20
    assert found.layers_reason is None


def test_one_scale_for_activations_of_a_thousandfold_spread_ruins_the_layer_that_makes_them(check, tmp_path):
    network = Classifier(spread=1000.0)
    source, made = write(tmp_path / "source.tflite", network.content()), tmp_path / "made.tflite"
    samples = samples_of(network, tmp_path / "calibration.npz", n=50)
    quantize_file(source, "int8", made, samples=samples, seed=0)

    found = check(made.read_bytes(), network.content(), network)

    assert found.worst_layers[0].layer == "hidden"
    assert found.layers_reason is None


def test_what_quantises_well_names_no_layer(check):
    network = Classifier()

    found = check(network.rounded_as_a_whole(), network.content(), network)

    assert (found.worst_layers, found.layers_reason) == ((), None)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Classifier(seed=9), "its weights were trained further than those of float32"),
        (Classifier(hidden=4), "its layers have other sizes than those of float32"),
    ],
)
def test_another_network_is_not_compared_layer_by_layer(check, other, told):
    network = Classifier()

    found = check(other.content(), network.content(), network)

    assert found.accuracy_drop.value > 0.05 and found.worst_layers == ()
    assert found.layers_reason == f"layers were not compared: {told}"


def test_a_comparison_that_dies_is_a_reason(check, monkeypatch):
    whole = sandbox.run

    def dies_over_layers(module, job, limits):
        return Reply((), "was killed by SIGSEGV") if isinstance(job, LayersJob) else whole(module, job, limits)

    monkeypatch.setattr(sandbox, "run", dies_over_layers)
    network = Classifier(spread=1000.0)

    found = check(network.rounded_as_a_whole(), network.content(), network)

    assert found.layers_reason == "layers were not compared: LiteRT on this host was killed by SIGSEGV"


def named(*tensors):
    return list(layer_names(dict(enumerate(tensors))).values())


@pytest.mark.parametrize(
    ("operator", "tensor", "layer"),
    [
        ("CONV_2D", "model/activation/Relu;model/conv2d/BiasAdd;model/conv2d_2/Conv2D;model/conv2d/Conv2D1", "conv2d"),
        ("CONV_2D", "model/conv2d_5/Conv2D;model/conv2d_5/BiasAdd/ReadVariableOp/resource1", "conv2d_5"),
        ("FULLY_CONNECTED", "model/dense/MatMul;model/dense/BiasAdd", "dense"),
        ("DEPTHWISE_CONV_2D", "model/bn/batchnorm/mul;model/dw/depthwise;model/bn/batchnorm/sub", "dw"),
        ("CONV_2D", "model/bn/batchnorm/mul;model/bn/batchnorm/sub", "bn"),
        ("DEPTHWISE_CONV_2D", "model/dw_6/depthwise;model/dw_6/BiasAdd;model/dw_11/depthwise", "dw_6"),
        ("FULLY_CONNECTED", "net/activation_1/Relu;net/dense_1/BiasAdd", "dense_1"),
        ("ADD", "model/activation_2/Relu;model/add/add", "activation_2"),
        ("MAX_POOL_2D", "functional/encoder/pool/MaxPool2d", "pool"),
    ],
)
def test_a_tensor_is_named_by_the_layer_of_its_main_operation(operator, tensor, layer):
    assert named((operator, tensor)) == [layer]


def test_endings_that_tracing_twice_appended_are_taken_off():
    assert named(
        ("CONV_2D", "functional_1/net_1/relu_1/Relu;functional_1/net_1/conv_1/convolution"),
        ("CONV_2D", "functional_1/net_1/conv_1_2/convolution"),
        ("FULLY_CONNECTED", "functional_1/net_1/dense_1/MatMul"),
    ) == ["conv", "conv_1", "dense"]


def test_endings_of_the_user_s_own_stay():
    assert named(("CONV_2D", "model/conv_1/Conv2D"), ("CONV_2D", "model/conv_2/Conv2D")) == ["conv_1", "conv_2"]
    assert named(("CONV_2D", "net_1/conv_1/Conv2D"), ("CONV_2D", "net_1/conv_2/Conv2D")) == ["conv_1", "conv_2"]


def test_a_tensor_without_a_path_names_no_layer():
    assert named(("SOFTMAX", "StatefulPartitionedCall_1:0"), ("SOFTMAX", "")) == []


@given(tensors=st.lists(st.tuples(st.sampled_from(["CONV_2D", "ADD", "x"]), st.text(alphabet="aB_1/;:", max_size=20))))
def test_any_name_at_all_is_borne(tensors):
    found = layer_names(dict(enumerate(tensors)))

    assert set(found) <= set(range(len(tensors)))


def test_channels_count_alike_however_large_they_are():
    from harness.pipeline.check.verification.layers_main import _Tally

    signal = np.array([[1000.0, 1.0], [1000.0, 1.0]])
    tally = _Tally(0, 0)
    tally.add(signal + np.array([1.0, 1.0]), signal)

    # 60 dB for the large channel, 0 dB for the small one; the sum over both would tell 57 dB.
    assert tally.ratio_db() == pytest.approx(30.0)


def test_silent_channels_do_not_count_and_nan_is_all_error():
    from harness.pipeline.check.verification.layers_main import _Tally

    tally = _Tally(0, 0)
    tally.add(np.array([[np.nan, 5.0]]), np.array([[1.0, 0.0]]))
    assert tally.ratio_db() == 0.0

    silent = _Tally(0, 0)
    silent.add(np.zeros((1, 2)), np.zeros((1, 2)))
    assert silent.ratio_db() is None

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import needs
from support.made_graphs import pooling_with_places
from support.tiny_model import INT8, add_model, custom_model, empty_model, write

from harness.pipeline import inspect_file
from harness.pipeline.check.inspection.delegation_client import refuse_unresolved_operators
from harness.pipeline.check.verification.litert import LiteRTModel
from harness.records.artifact import TensorInfo
from harness.records.errors import ModelFileError

SOUND = add_model()


def refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        refuse_unresolved_operators(path, inspect_file(path))
    message = str(caught.value)
    assert "\n" not in message and path.name in message
    return message


def test_what_a_file_says_of_itself(tmp_path):
    info = inspect_file(write(tmp_path / "a.tflite", add_model((1, 8), dtype=INT8, scale=0.5)))
    assert info.inputs[0] == TensorInfo(name="x0", shape=(1, 8), dtype="int8", scale=0.5, zero_point=3)
    assert [tensor.name for tensor in info.outputs] == ["sum"]
    assert info.operators == 1 and info.custom_operators == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty (0 bytes)"),
        (b"<!DOCTYPE html><html>404</html>", "looks like a web page"),
        (b"\0" * 100, "starts with zero bytes"),
        (SOUND[:4] + b"TFL2" + SOUND[8:], 'says "TFL2"'),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 64, "Keras .h5"),
        (b"PK\x03\x04" + b"\0" * 64, "looks like a zip"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        (b"abc", "does not say so"),
        (SOUND[: len(SOUND) // 2], "cut off or damaged"),
        (empty_model(), "no subgraph"),
        (custom_model("Sinh"), 'the custom operator "Sinh"'),
        (custom_model("FlexErf"), 'the TensorFlow (Flex) operator "FlexErf"'),
        (custom_model("edgetpu-custom-op"), "the Edge TPU operator"),
        (custom_model("line\nbreak"), 'the custom operator "line?break"'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_model_is_told_by_what_it_looks_like(tmp_path, content, said):
    assert said in refusal(write(tmp_path / "a.tflite", content))


def test_an_operator_that_litert_has_is_no_reason(tmp_path):
    path = write(tmp_path / "a.tflite", custom_model("TFLite_Detection_PostProcess"))
    refuse_unresolved_operators(path, inspect_file(path))


def test_an_operator_that_xnnpack_alone_has_is_no_reason(tmp_path):
    path = write(tmp_path / "a.tflite", pooling_with_places())
    refuse_unresolved_operators(path, inspect_file(path))
    pooled = LiteRTModel(str(path)).run([np.arange(32, dtype=np.float32).reshape(1, 4, 4, 2)])[0]
    assert pooled.reshape(-1).tolist() == [10, 11, 14, 15, 26, 27, 30, 31]


def test_a_missing_file_and_a_folder(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "gone.tflite")
    assert "cannot be read" in refusal(tmp_path)


@given(st.data())
def test_damage_is_refused_in_one_line_or_harmless(tmp_path_factory, data):
    """Whatever a file holds, reading it ends, and with nothing but an answer or ModelFileError."""
    content = bytearray(SOUND[: data.draw(st.integers(8, len(SOUND)))])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
    path = write(tmp_path_factory.mktemp("damage") / "a.tflite", bytes(content))
    try:
        inspect_file(path)
    except ModelFileError as error:
        assert len(str(error).splitlines()) == 1


def test_every_strangers_model_is_read():
    for path in sorted(needs.need_shared("models").iterdir()):
        info = inspect_file(path)
        refuse_unresolved_operators(path, info)
        assert info.inputs and info.outputs and info.size_bytes == path.stat().st_size


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("custom_sinh.bin", "Sinh"),
        ("flex_softplus.bin", "FlexSoftplus"),
        ("edgetpu_mobilenet_v1_0.25_128_quant.tflite", "Edge TPU"),
        ("made_html_404.tflite", "web page"),
        ("made_truncated_half.tflite", "49,248 bytes"),
        ("made_wrong_identifier.tflite", "TFL2"),
        ("made_zero_bytes.tflite", "empty"),
        ("no_subgraphs.bin", "no subgraph"),
    ],
)
def test_strangers_bad_files(name, said):
    assert said in refusal(needs.need_shared(f"bad/{name}"))

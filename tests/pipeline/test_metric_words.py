"""A metric of the user's own as candidates name it: its name, unit and direction; what is wrong in one line."""

import pytest

from harness.pipeline import candidates_from_paths
from harness.pipeline.candidates.parse_metric import parse_metric
from harness.records.candidate import OwnMetric
from harness.records.errors import CandidateSpecError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metrics:mean_ap", OwnMetric("metrics:mean_ap", "mean_ap")),
        ("scores.text:wer(name=WER, better=lower)", OwnMetric("scores.text:wer", "WER", "1", "lower")),
        (" m:psnr(unit=dB) ", OwnMetric("m:psnr", "psnr", "dB")),
        ("m:miou(name='mean IoU', unit=1)", OwnMetric("m:miou", "mean IoU")),
    ],
)
def test_a_metric_has_its_function_s_name_unless_one_is_given(text, expected):
    assert parse_metric(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mean_ap", 'metric "mean_ap" is no module:function: write it such as "metrics:mean_ap" or'),
        ("m:wer(8)", "metric wer(8): give name, unit and better by name, once each"),
        ("m:wer(naem=WER)", "metric wer(naem=WER) has no argument naem: did you mean name?"),
        ("m:wer(better=less)", 'metric: better is "less", where higher or lower was expected'),
        ("m:wer(unit='%')", 'its unit is "%", one of other metrics: give shares as fractions, 0.42 for 42 %'),
        ("m:wer(unit='2x')", 'its unit is "2x": expected one that begins with no digit, such as "dB"'),
        ("m:wer(name='')", "its name is '', where a text of 1 to 24 letters was expected"),
        ("m:wer(", "is no module:function"),
        ("m:wer(a b)", 'is not written as word or word(argument), joined by "+"'),
    ],
)
def test_what_is_no_metric_is_said_in_one_line(text, told):
    with pytest.raises(CandidateSpecError) as caught:
        parse_metric(text)
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_every_candidate_gets_it_with_the_folder_where_its_module_lies(tmp_path):
    (tmp_path / "one.tflite").write_bytes(b"x")
    found = candidates_from_paths(["one.tflite", "digits_cnn"], metric="m:wer", base_dir=tmp_path)
    assert {one.metric for one in found} == {OwnMetric("m:wer", "wer")}
    assert {one.base_dir for one in found} == {str(tmp_path)}

"""Whether postprocess says on the board what it said on the host."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.postprocess_check import alike, check_postprocess
from harness.records.board import StageTimes
from harness.records.status import Status
from harness.testing import make_stages, make_trial

HOST = ('"cat"', '"dog"', '["owl", 0.5]')


def trial(*answers, index=0):
    runs = (1,) * len(answers)
    times = StageTimes(preprocess_ns=runs, inference_ns=runs, postprocess_ns=runs, end_to_end_ns=runs, answers=answers)
    return make_trial(index, kind="stages", samples_ns=(), stages=times)


def judged(*trials, host=HOST, bit_equal=True, **changes):
    return check_postprocess(make_stages(answers=host, samples=3, **changes), trials, bit_equal=bit_equal)


def test_the_same_answers_are_said_and_kept():
    found = judged(trial(*HOST), trial(*HOST, index=1))
    assert (found.answers, found.finding) == (HOST, None)
    assert found.sentence == "answers as on the host for 3 of 3 samples"


def test_another_answer_is_wrong_and_named():
    finding = judged(trial('"cat"', '"cow"', HOST[2])).finding
    assert (finding.gate, finding.status) == ("outputs", Status.FAIL)
    assert finding.reason == 'postprocess says "cow" on the board, "dog" on the host for sample 1'


def test_one_trial_that_differs_is_enough():
    assert judged(trial(*HOST), trial('"cow"', *HOST[1:], index=1)).finding is not None


def test_where_outputs_may_differ_one_answer_may_too():
    one, two = trial('"cow"', *HOST[1:]), trial('"cow"', '"cow"', HOST[2])
    assert judged(one, bit_equal=False).sentence == "answers as on the host for 2 of 3 samples"
    assert judged(one, bit_equal=True).finding is not None
    assert judged(two, bit_equal=False).finding is not None


def test_what_the_time_did_not_suffice_for_is_not_wrong():
    found = judged(trial(HOST[0]))
    assert (found.finding, found.sentence) == (None, "answers as on the host for 1 of 3 samples")


def test_no_answer_at_all_is_wrong():
    assert judged(trial()).finding.reason == 'postprocess says nothing on the board, "cat" on the host for sample 0'


def test_long_answers_are_cut_in_the_sentence():
    reason = judged(trial(json.dumps("x" * 500), *HOST[1:])).finding.reason
    assert len(reason) < 300
    assert "x..." in reason


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"host": ()}, "answers unchecked: the stages file has no postprocess"),
        (
            {"host": (), "answers_reason": "LiteRT on this host refuses the model: x"},
            "answers unchecked: LiteRT on this host refuses the model: x",
        ),
    ],
)
def test_without_the_hosts_answers_they_are_unchecked(changes, sentence):
    found = judged(trial(*HOST), **changes)
    assert (found.answers, found.sentence, found.finding) == (HOST, sentence, None)


def test_without_stages_nothing_is_said():
    assert check_postprocess(None, [make_trial()], bit_equal=True).sentence == ""
    assert judged(make_trial()).sentence == ""


@pytest.mark.parametrize(
    ("board", "host", "same"),
    [
        ("0.50", "0.51", True),
        ("100.0", "104.0", True),
        ("100.0", "106.0", False),
        ("0.0", "0.009", True),
        ("0.0", "0.02", False),
        ("3", "4", False),
        ("3", "3.0", False),
        ("true", "1", False),
        ("null", "false", False),
        ('["cat", 0.50]', '["cat", 0.52]', True),
        ('["cat", 0.5]', '["dog", 0.5]', False),
        ('["cat"]', '["cat", "dog"]', False),
        ('{"a": 0.5}', '{"a": 0.51}', True),
        ('{"a": 1}', '{"b": 1}', False),
    ],
)
def test_words_and_whole_numbers_are_exact_and_others_nearly_so(board, host, same):
    assert alike(board, host) is same
    assert alike(host, board) is same


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_an_answer_is_like_itself(answer):
    assert alike(json.dumps(answer), json.dumps(answer, indent=1))

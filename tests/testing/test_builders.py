"""Builders give valid records and refuse what is none."""

import pytest
from pydantic import ValidationError

import harness.testing
from harness.testing import (
    made_up_sha256,
    make_artifact,
    make_entry,
    make_facts,
    make_golden,
    make_memory,
    make_profile,
    make_runner,
    make_telemetry,
    make_trial,
)

BUILDERS = [
    make_artifact,
    make_entry,
    make_facts,
    make_golden,
    make_memory,
    make_profile,
    make_runner,
    make_telemetry,
    make_trial,
]


@pytest.mark.parametrize("build", BUILDERS)
def test_a_record_survives_json(build):
    record = build()
    assert type(record).model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize("build", BUILDERS)
def test_an_unknown_field_is_refused(build):
    with pytest.raises(ValidationError, match="no_such_field"):
        build(no_such_field=1)


def test_changes_take_the_place_of_the_default():
    assert make_facts(arch="armv7l").arch == "armv7l"
    assert make_profile("rpi4").lineage == ("rpi4",)
    assert make_trial(7, batch=3).batch == 3


def test_made_up_hashes_tell_files_apart():
    assert made_up_sha256("a") != made_up_sha256("b")
    assert len(made_up_sha256("a")) == 64


@pytest.mark.parametrize("letter", ["", "g", "ab"])
def test_a_letter_that_is_no_digit_is_refused(letter):
    with pytest.raises(ValueError, match="expected one of"):
        made_up_sha256(letter)


def test_the_public_face_is_whole():
    assert set(harness.testing.__all__) <= set(vars(harness.testing))
    assert {build.__name__ for build in BUILDERS} <= set(harness.testing.__all__)

"""Lines in, lines out."""

import json
import os

import pytest
from edge_agent import wire
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)), st.lists(st.integers(1, 9)))
def test_lines_come_out_whole_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    buffer = wire.LineBuffer(1000)
    found: list[bytes] = []
    for size in [*cuts, len(stream) + 1]:
        piece, stream = stream[:size], stream[size:]
        found += buffer.feed(piece)
    assert found == lines


def test_a_line_without_an_end_is_given_up() -> None:
    buffer = wire.LineBuffer(10)
    assert buffer.feed(b"0123456789") == []
    with pytest.raises(wire.LineTooLongError):
        buffer.feed(b"0")


@given(st.text())
def test_one_line_is_one_short_line(text: str) -> None:
    line = wire.one_line(text)
    assert len(line.splitlines()) <= 1
    assert len(line) <= wire.MESSAGE_LIMIT
    assert json.loads(json.dumps(line)) == line


def test_one_line_skips_empty_lines() -> None:
    assert wire.one_line("\n \n  first\nsecond") == "first"


@given(st.binary(max_size=60))
def test_whatever_is_no_object_is_none(data: bytes) -> None:
    parsed = wire.parse(data)
    assert parsed is None or isinstance(parsed, dict)


def test_deep_nesting_is_none() -> None:
    assert wire.parse(b"[" * 200_000) is None


def test_a_reader_that_does_not_read_is_given_up() -> None:
    read_end, write_end = os.pipe()
    try:
        with pytest.raises(wire.StalledError):
            wire.LineWriter(write_end, 0.05).send({"text": "x" * 1_000_000})
    finally:
        os.close(read_end)
        os.close(write_end)


def test_a_reader_that_went_away_is_given_up() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        with pytest.raises(wire.StalledError):
            wire.LineWriter(write_end, 1.0).send({})
    finally:
        os.close(write_end)

"""Text from files reaches terminals and job logs as text."""

import io
import json

from harness.cli.terminal import PlainText

PROFILE = r"""description = "red \u001b[31m\u0007 \u202e"
extends = "local"
"""


def written(*parts, on_github=False):
    stream = io.StringIO()
    plain = PlainText(stream, on_github=on_github)
    for part in parts:
        plain.write(part)
    return stream.getvalue()


def test_what_steers_a_terminal_is_replaced():
    assert written("a\x1b[2J\x9b", "b\n") == "a\ufffd[2J\ufffdb\n"


def test_a_line_that_begins_like_a_workflow_command_is_marked_on_github_alone():
    assert written("::error::x\n  ::set-output::y\n") == "::error::x\n  ::set-output::y\n"
    assert written("::error::x\n  ::add-mask::y\n", on_github=True) == "| ::error::x\n|   ::add-mask::y\n"


def test_a_line_that_goes_on_is_no_new_line():
    assert written("test.py", "::test_a\n", "::b", on_github=True) == "test.py::test_a\n| ::b"


def test_a_stream_stays_what_it_was_otherwise():
    stream = io.StringIO()
    plain = PlainText(stream, on_github=False)
    assert plain.write("abc") == 3
    assert not plain.isatty()
    plain.writelines(["d", "e\n"])
    assert plain.getvalue() == "abcde\n"


def test_a_profile_does_not_steer_the_terminal(place):
    place.write("devices/mine.toml", PROFILE)
    for args in (("devices",), ("devices", "--json"), ("doctor", "mine")):
        said = place.harness(*args)
        assert not set(said.text) & {"\x1b", "\x07", "\u202e"}, said.text
        assert "mine.toml: description:" in said.text and "without control characters" in said.text
    assert "mine" not in [profile["name"] for profile in json.loads(place.harness("devices", "--json").out)]


def test_a_file_named_like_a_workflow_command_gives_github_none(place):
    place.write("::error::a.tflite", "no model")
    place.write("##[group]b.tflite", "no model")
    said = place.harness("inspect", "::error::a.tflite", "##[group]b.tflite", GITHUB_ACTIONS="true")
    assert said.code == 1
    lines = said.text.splitlines()
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]

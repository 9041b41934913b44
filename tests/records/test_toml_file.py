"""The one reader of TOML files: whatever a file holds, one short line, soon."""

import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records.errors import BudgetsError, ProfileError
from harness.records.toml_file import MOST_BYTES, MOST_SHARED_BYTES, parse_toml, read_toml, read_toml_table

BAD = {
    "a mark of UTF-8": (b'\xef\xbb\xbfdescription = "x"', "byte order mark (BOM) of UTF-8; save it as UTF-8 without"),
    "a mark of UTF-16": ('\ufeffdescription = "x"'.encode("utf-16-le"), "byte order mark (BOM) of UTF-16"),
    "another encoding": ('description = "B\u00fcro"'.encode("latin-1"), "not UTF-8 at byte 16"),
    "no TOML": (b"= nonsense", "not valid TOML: Invalid statement (at line 1, column 1)"),
    "a control character": (b'description = "\x1b[2J"', r"Illegal character '\x1b'"),
    "3,000 arrays within each other": (b"x = " + b"[" * 3000 + b"]" * 3000, "more than 32 deep"),
    "40 arrays within each other": (b"x = " + b"[" * 40 + b"]" * 40, "more than 32 deep"),
    "3,000 inline tables": (b"x = " + b"{a=" * 3000 + b"1" + b"}" * 3000, "more than 32 deep"),
    "a key of 1,500 parts": (b".".join([b"a"] * 1500) + b" = 1", "more than 32 deep"),
    "a header of 1,500 parts": (b"[" + b" . ".join([b"a"] * 1500) + b"]", "more than 32 deep"),
    "a key of 1,500 quoted parts": (b".".join([b'"a b"', b"'c'"] * 750) + b" = 1", "more than 32 deep"),
    "a megabyte of one key": (b"a." * (MOST_BYTES // 2 - 4) + b"a=1", "more than 32 deep"),
    "a header and keys below it": (b"[" + b"a." * 60_000 + b"a]\n" + b"b=1\n" * 100_000, "more than 32 deep"),
    "5,000 digits": (b"n = " + b"9" * 5000, "beyond 64 bits"),
    "5,000 hex digits": (b"n = 0x" + b"f" * 5000, "beyond 64 bits"),
    "400 digits": (b"n = [{ m = " + b"9" * 400 + b" }]", "beyond 64 bits"),
    "the 30th of February": (b"d = 2026-02-30", "not valid TOML"),
    "more than a megabyte": (b"#" * (MOST_BYTES + 1), "larger than 1 MiB"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_in_one_short_line(tmp_path: Path, name: str) -> None:
    content, said = BAD[name]
    path = tmp_path / "board.toml"
    path.write_bytes(content)
    with pytest.raises(ProfileError) as caught:
        read_toml(path, error=ProfileError)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and said in message, message
    assert "\n" not in message and "\x1b" not in message and len(message) < len(str(path)) + 200


def test_the_label_names_the_file_and_the_error_is_the_callers(tmp_path: Path) -> None:
    with pytest.raises(BudgetsError, match=r"^benchmarks/budgets.toml: cannot be read: No such file or directory"):
        read_toml(tmp_path / "absent", error=BudgetsError, label="benchmarks/budgets.toml")
    with pytest.raises(ProfileError, match="cannot be read: Is a directory"):
        read_toml(tmp_path, error=ProfileError)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    said: list[str] = []

    def read() -> None:
        with pytest.raises(ProfileError) as caught:
            read_toml(tmp_path / "pipe.toml", error=ProfileError)
        said.append(str(caught.value))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(20)
    assert said and "is no regular file" in said[0]


def test_what_people_write_is_read() -> None:
    dotted = b'hosts = "' + b".".join([b"word"] * 31) + b'"\n'
    text = b'a.b."c d" = 1\n[x."kws_ds_cnn/*"]\nlatency = { max = "4 ms" }\nn = -9223372036854775807\n# \xe2\x80\xa6\n'
    table = parse_toml(dotted + text)
    assert table["a"] == {"b": {"c d": 1}} and table["x"]["kws_ds_cnn/*"]["n"] == -(2**63) + 1
    assert parse_toml(b"") == {}


@given(st.binary(max_size=200) | st.text("[]{}.=\"'\\\n0x_-:TZae", max_size=200).map(str.encode))
def test_any_bytes_are_tables_or_a_value_error(content: bytes) -> None:
    depth = sys.getrecursionlimit()
    try:
        assert isinstance(parse_toml(content), dict)
    except ValueError as error:
        assert "\n" not in str(error)
    assert sys.getrecursionlimit() == depth


def shared(folder: Path, text: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_of_a_shared_file_one_table_is_read(tmp_path: Path) -> None:
    path = shared(tmp_path, f"[tool.harness]\nx = 1\n[tool.other]\nn = {'[' * 40}{']' * 40}")
    assert read_toml_table(path, ("tool", "harness"), error=ProfileError) == {"x": 1}
    assert read_toml_table(path, ("tool", "absent"), error=ProfileError) == {}
    assert read_toml_table(path, ("absent", "harness"), error=ProfileError) == {}
    with pytest.raises(ProfileError, match="more than 32 deep"):
        read_toml_table(path, ("tool",), error=ProfileError)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tool = 5", "tool = 5: expected a table, [tool.harness]"),
        (f"[tool]\nharness = '{'x' * 90}'", f"harness = '{'x' * 59}: expected a table, [tool.harness]"),
    ],
)
def test_what_stands_in_the_place_of_a_table_is_shown_in_short(tmp_path: Path, text: str, said: str) -> None:
    path = shared(tmp_path, text)
    with pytest.raises(ProfileError) as caught:
        read_toml_table(path, ("tool", "harness"), error=ProfileError)
    assert str(caught.value) == f"{path}: {said}"


def test_a_shared_file_may_be_larger_than_one_of_ours(tmp_path: Path) -> None:
    path = shared(tmp_path, "#" * MOST_SHARED_BYTES)
    assert read_toml_table(path, ("tool",), error=ProfileError) == {}
    with path.open("a", encoding="utf-8") as stream:
        stream.write("#")
    with pytest.raises(ProfileError, match="larger than 16 MiB"):
        read_toml_table(path, ("tool",), error=ProfileError)


def test_the_limits_are_reached() -> None:
    assert parse_toml(b"n = 9223372036854775807\nm = -9223372036854775807")["n"] == 2**63 - 1
    for number in (b"9223372036854775808", b"-9223372036854775808"):
        with pytest.raises(ValueError, match="integer beyond 64 bits"):
            parse_toml(b"n = " + number)
    assert parse_toml(b"x = " + b"[" * 31 + b"1" + b"]" * 31)
    with pytest.raises(ValueError, match="more than 32 deep"):
        parse_toml(b"x = " + b"[" * 32 + b"1" + b"]" * 32)

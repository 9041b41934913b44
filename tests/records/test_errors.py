"""Every error is one line."""

import pytest

from harness.records import errors
from harness.records.errors import HarnessError, HostKeyError, ProfileError, UnreachableError, told_of


def test_an_error_that_quotes_another_text_stays_one_line():
    assert str(ProfileError('devices/x.toml: no device "a\nb\r\n\tc"')) == 'devices/x.toml: no device "a b c"'


def test_another_error_is_told_by_its_kind_its_words_and_where_it_arose():
    def raised(error: Exception) -> Exception:
        with pytest.raises(type(error)) as caught:
            raise error
        return caught.value

    line = raised.__code__.co_firstlineno + 2
    assert told_of(raised(ValueError("a\n  b"))) == f"ValueError, test_errors.py line {line}: a b"
    assert told_of(raised(KeyError())) == f"KeyError, test_errors.py line {line}"
    assert told_of(ValueError("never raised")) == "ValueError: never raised"
    assert told_of(raised(ProfileError("our\nown"))) == "our own"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("HarnessError", 1),
        ("UsageError", 4),
        ("GitError", 4),
        ("BoardUnavailableError", 11),
        ("BlockLostError", 11),
        ("HandshakeError", 11),
        ("EntryError", 1),
        ("TrialError", 1),
    ],
)
def test_a_kind_of_error_has_an_exit_code(kind, code):
    error = getattr(errors, kind)
    assert issubclass(error, HarnessError)
    assert error.exit_code == code


def test_a_board_s_trouble_may_carry_the_command_that_mends_it():
    error = HostKeyError("pi: unknown", fix="ssh-keyscan pi >> ~/.ssh/known_hosts")
    assert (str(error), error.fix, error.exit_code) == ("pi: unknown", "ssh-keyscan pi >> ~/.ssh/known_hosts", 11)
    assert UnreachableError("pi: off").fix is None

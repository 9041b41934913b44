"""Every error is one line."""

from harness.records.errors import ProfileError


def test_an_error_that_quotes_another_text_stays_one_line():
    assert str(ProfileError('devices/x.toml: no device "a\nb\r\n\tc"')) == 'devices/x.toml: no device "a b c"'

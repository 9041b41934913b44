"""Servers as people write them, and what is no server."""

import pytest

from harness.records.ssh_address import SshAddress, is_host, is_ipv6, is_user, listed_name, parse_ssh_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("pi", SshAddress("pi")),
        ("pi.local", SshAddress("pi.local")),
        ("pi.local.", SshAddress("pi.local.")),
        ("me@pi", SshAddress("pi", "me")),
        ("me@pi:2222", SshAddress("pi", "me", 2222)),
        ("pi:1", SshAddress("pi", None, 1)),
        ("pi:65535", SshAddress("pi", None, 65535)),
        ("ssh://me@pi:22/", SshAddress("pi", "me", 22)),
        ("ssh://pi", SshAddress("pi")),
        ("10.0.0.7:22", SshAddress("10.0.0.7", None, 22)),
        ("::1", SshAddress("::1")),
        ("me@fe80::1%eth0", SshAddress("fe80::1%eth0", "me")),
        ("[fe80::1%eth0]:2222", SshAddress("fe80::1%eth0", None, 2222)),
        ("ssh://me@[::1]", SshAddress("::1", "me")),
    ],
)
def test_a_server_is_read_as_it_is_written(text: str, address: SshAddress) -> None:
    assert parse_ssh_address(text) == address


NO_SERVERS = (
    *("", "@pi", "me@", "a b", "pi:", "pi:x", "pi:123456", "me@you@pi", "[::1", "[not-an-address]", "[pi]", "-pi"),
    *("pi..local", f"{'x' * 64}.local", "-oProxyCommand=x@pi", "a;b", "$HOME", "me@::1x", "a\x1b@::1", "-o@::1"),
)


@pytest.mark.parametrize("text", NO_SERVERS)
def test_what_is_none_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="is no ") as caught:
        parse_ssh_address(text)
    assert str(caught.value) == f"{text!r} is no [user@]host[:port], an IPv6 address before a port in brackets"


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_that_none_has_is_named(port: str) -> None:
    with pytest.raises(ValueError, match=f"^'pi:{port}': port {port}, expected one from 1 to 65535$"):
        parse_ssh_address(f"pi:{port}")


def test_a_host_has_no_empty_and_no_endless_part() -> None:
    assert is_host("x" * 63) and is_host("x" * 63 + ".y") and is_host("::1")
    assert not any(map(is_host, ("", ".", "x" * 64, "a..b", "a b", "a`b", "fe80::1%a;b")))


def test_an_account_has_no_blank_and_no_character_of_a_shell() -> None:
    assert is_user("me") and is_user("me-too") and is_user("Zoë")
    assert not any(map(is_user, ("", "-me", "a b", "a;b", "a\x07")))


def test_a_zone_of_an_address_has_no_character_of_a_shell() -> None:
    assert is_ipv6("fe80::1%eth0")
    assert not any(map(is_ipv6, ("pi", "fe80::1%e;h", "fe80::1%\x07", "[::1]")))


def test_only_another_port_than_ssh_s_is_listed() -> None:
    assert listed_name("pi", 22) == "pi"
    assert listed_name("pi", 2222) == "[pi]:2222"

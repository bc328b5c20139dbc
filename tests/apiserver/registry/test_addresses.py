"""Addresses are read as Go reads them and refused in upstream's words."""

from __future__ import annotations

import pytest

from k8snb.apiserver.registry import addresses


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10.0.0.1", ""),
        ("fd00::1", ""),
        ("", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
        ("10.0.0", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
        ("10.0.0.256", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
        ("10.0.0.01", "must not have leading 0s"),
        ("::ffff:10.0.0.1", "must not be an IPv4-mapped IPv6 address"),
    ],
)
def test_an_address_is_written_one_way(text: str, told: str) -> None:
    assert [error.detail for error in addresses.ip("f", text)] == ([told] if told else [])


def test_what_an_object_already_held_is_left_in_peace() -> None:
    assert addresses.ip("f", "010.0.0.1", ["010.0.0.1"]) == []
    assert addresses.cidr("f", "10.0.0.1/8", ["10.0.0.1/8"]) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10.0.0.0/8", ""),
        ("fd00::/64", ""),
        ("10.0.0.0", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
        ("10.0.0.0/33", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
        ("10.0.0.0/-1", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
        ("10.0.0.0/08", "must not have leading 0s in IP or prefix length"),
        ("10.00.0.0/8", "must not have leading 0s in IP or prefix length"),
        ("::ffff:10.0.0.0/104", "must not have an IPv4-mapped IPv6 address"),
        ("10.0.0.1/8", "must not have bits set beyond the prefix length"),
    ],
)
def test_a_block_is_written_one_way(text: str, told: str) -> None:
    assert [error.detail for error in addresses.cidr("f", text)] == ([told] if told else [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10.0.0.1", ""),
        ("x", "must be a valid IP address"),
        ("::", "may not be unspecified (::)"),
        ("127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("fe80::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        ("224.0.0.1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ],
)
def test_traffic_goes_to_addresses_that_mean_a_machine(text: str, told: str) -> None:
    assert [error.detail for error in addresses.endpoint_ip("f", text)] == ([told] if told else [])

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.errors import FetchFailed
from retake.steps.fetch import check_url
from retake.steps.fetch.address import is_public, may_reach


def words(text: str) -> list[str]:
    return text.split()


NOT_PUBLIC = words("""
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.1.2.3
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1
192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255
240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 ::8.8.8.8
64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:7f00:1::
2001:db8::1 2002:7f00:1:: 2002:a00:1:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1
ff02::1 ff0e::1
""")
PUBLIC = words("""
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
169.253.255.255 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
223.255.255.255 2606:4700:4700::1111 2a00:1450:4001::1 2001:4860:4860::8888 ::ffff:8.8.8.8
64:ff9b::8.8.8.8 2002:808:808::1
""")


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_public_may_not_be_reached(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not may_reach(ip_address(text), allow_private=False)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_may_be_reached(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_the_same_in_every_ipv6_dress(address: IPv4Address) -> None:
    number = int(address)
    dresses = [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(0x64FF9B << 96 | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
    ]
    assert {is_public(dress) for dress in dresses} == {is_public(address)}


@given(st.ip_addresses())
def test_what_the_standard_library_calls_private_is_never_public(
    address: IPv4Address | IPv6Address,
) -> None:
    if is_public(address) and not getattr(address, "sixtofour", None):
        assert not (address.is_loopback or address.is_link_local or address.is_multicast)
        assert not address.is_private or address in ip_address_exceptions(address)


def ip_address_exceptions(address: IPv4Address | IPv6Address) -> set[object]:
    # A mapped public address is "private" to Python, because the mapping is.
    inner = getattr(address, "ipv4_mapped", None)
    return {address} if inner is not None and not inner.is_private else set()


def test_private_addresses_may_be_reached_where_a_setting_allows_them() -> None:
    for text in ("127.0.0.1", "10.0.0.1", "::1", "fd00::1", "169.254.169.254"):
        assert may_reach(ip_address(text), allow_private=True)
    for text in ("0.0.0.0", "224.0.0.1", "::", "ff02::1", "::ffff:0.0.0.0"):
        assert not may_reach(ip_address(text), allow_private=True)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/v", "http://2130706433/v", "http://0x7f000001/v", "http://0x7f.1/v",
        "http://0177.0.0.1/v", "http://017700000001/v", "http://127.1/v", "http://127.0.0.1./v",
        "http://[::1]/v", "http://[::ffff:127.0.0.1]/v", "http://[::ffff:7f00:1]/v",
        "http://[64:ff9b::7f00:1]/v", "http://[fe80::1%25eth0]/v", "http://169.254.169.254/latest",
        "http://0/v", "http://[::]/v", "https://10.0.0.1:8443/v", "http://user:pass@127.0.0.1/v",
        "http://①②⑦.0.0.1/v", "http://127。0。0。1/v",
    ],
)  # fmt: skip
def test_a_private_address_is_seen_in_every_spelling(uri: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        check_url(uri, allow_private=False)
    assert caught.value.code in {"blocked_address", "bad_url"}
    assert caught.value.param == "video_uri"


@pytest.mark.parametrize(
    "uri",
    [
        "", "video.mp4", "/etc/passwd", "file:///etc/passwd", "ftp://example.com/v.mp4",
        "gopher://example.com/", "data:video/mp4;base64,AAAA", "http://", "http:///v.mp4",
        "http://:80/v", "https://?x", "http:example.com", "//example.com/v", "javascript:1",
        "http://[::1", "http://exa mple.com/", "http://example.com:99999/", "http://example.com:0/",
        "http://example.com:x/", "http://./", "http://..", "http://\ud800/",
        "http://" + "a" * 70000 + "/", "http://a_b,c/", "\x00http://example.com/",
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(uri: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        check_url(uri, allow_private=True)
    assert caught.value.code == "bad_url"
    assert "http" in caught.value.message


@pytest.mark.parametrize(
    "uri",
    [
        "http://example.com/v.mp4", "HTTPS://Example.COM:8443/a%20b.mp4?x=1#t", "http://8.8.8.8/",
        "https://bücher.example/ü.mp4", "https://u:p@example.com/", "http://[2606:4700::1111]/",
        "https://example.com./v", "https://example.com/ä ö",
    ],
)  # fmt: skip
def test_a_web_address_is_accepted(uri: str) -> None:
    assert check_url(uri, allow_private=False).host


@given(st.text(max_size=40))
def test_any_text_is_accepted_or_refused_with_an_error_of_ours(text: str) -> None:
    for uri in (text, f"http://{text}", f"https://{text}/v.mp4"):
        try:
            url = check_url(uri, allow_private=False)
        except FetchFailed as error:
            assert error.code in {"bad_url", "blocked_address"}
        else:
            assert url.scheme in {"http", "https"}


def spellings(address: IPv4Address) -> Iterator[str]:
    a, b, c, d = address.packed
    whole = int(address)
    tails = {3: [a, b, c << 8 | d], 2: [a, whole & 0xFFFFFF], 1: [whole], 4: [a, b, c, d]}
    for parts in tails.values():
        for form in ("{}", "0x{:x}", "0X{:X}", "0{:o}"):
            yield ".".join(form.format(part) for part in parts)


@given(st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_no_spelling_that_a_resolver_reads_gets_past(address: IPv4Address) -> None:
    for host in spellings(address):
        assert IPv4Address(socket.inet_aton(host)) == address
        for dressed in (host, f"{host}."):
            with pytest.raises(FetchFailed, match=r"public|is not a URL"):
                check_url(f"http://{dressed}/video.mp4", allow_private=False)

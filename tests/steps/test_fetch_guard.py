"""No URL reaches an address that it should not, nor a host that is not the one it names."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from shutil import which

import pytest

from retake.core.watch import Watch
from retake.steps.fetch import FetchPolicy, fetch
from tests.steps.fetching import QUICK, VIDEO, brought, here, refused
from tests.steps.origin import origin, redirects, says


def test_a_loopback_server_is_not_even_connected_to(dest: Path) -> None:
    with origin({"/video.mp4": says(VIDEO)}) as server:
        for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"):
            error = refused(server.url(host=host), dest, FetchPolicy())
            assert error.code == "blocked_address", host
        assert server.requests == []


def test_a_redirect_into_the_private_net_is_blocked(dest: Path) -> None:
    with origin({"/video.mp4": says(VIDEO)}) as inside, origin({}) as server:
        # The resolver makes the first host look public; only its redirect leads inside.
        server.talks["/video.mp4"] = redirects(inside.url(host="inside.example"))

        def resolve(host: str, _port: int) -> list[str]:
            return ["127.0.0.1"] if host == "127.0.0.1" else ["224.0.0.1"]

        error = refused(server.url(), dest, QUICK, resolve=resolve)
        assert error.code == "blocked_address"
        assert inside.requests == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.com/v", "http://["])
def test_a_redirect_to_what_is_no_web_address_is_refused(dest: Path, target: str) -> None:
    with origin({"/video.mp4": redirects(target)}) as server:
        assert refused(server.url(), dest).code == "bad_url"


def test_a_redirect_to_nowhere_is_an_error_of_the_other_side(dest: Path) -> None:
    with origin({"/video.mp4": says(b"", status="302 Found")}) as server:
        assert refused(server.url(), dest).code == "http_302"


def test_redirects_without_end_are_given_up(dest: Path) -> None:
    with origin({"/video.mp4": redirects("/video.mp4")}) as server:
        assert refused(server.url(), dest).code == "too_many_redirects"
        assert len(server.requests) == QUICK.max_redirects + 1


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(dest: Path) -> None:
    """DNS rebinding: a second answer for the name would lead somewhere else, and is never asked."""
    answers = iter([["127.0.0.1"], ["224.0.0.1"], ["10.0.0.1"]])
    with origin({"/video.mp4": says(VIDEO)}) as server:
        uri = server.url(host="rebind.example")
        fetched = fetch(uri, dest, QUICK, Watch(), resolve=lambda _h, _p: next(answers))
        assert fetched.size == len(VIDEO)
        assert f"Host: rebind.example:{server.port}" in server.requests[0]
    assert next(answers) == ["224.0.0.1"]


def test_a_name_with_one_private_address_among_public_ones_is_blocked(dest: Path) -> None:
    mixed = ["8.8.8.8", "192.168.0.1"]
    error = refused("http://mixed.example/", dest, FetchPolicy(), resolve=lambda _h, _p: mixed)
    assert error.code == "blocked_address"
    assert "192.168" not in error.message


def test_the_next_address_is_tried_when_one_refuses(dest: Path) -> None:
    with origin({"/video.mp4": says(VIDEO)}) as server:
        uri = server.url(host="two.example")
        addresses = ["127.0.0.2", "127.0.0.1"]
        fetched = fetch(uri, dest, QUICK, Watch(), resolve=lambda _h, _p: addresses)
    assert fetched.size == len(VIDEO)


def test_the_environments_proxy_is_not_asked(dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with origin({"/video.mp4": says(VIDEO)}) as server, origin({}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
        monkeypatch.setenv("ALL_PROXY", proxy.url(""))
        assert brought(server, dest).size == len(VIDEO)
        assert proxy.requests == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for secure.example, with its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    openssl = which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here to make a certificate with")
    asked = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=secure.example -addext subjectAltName=DNS:secure.example "
        "-keyout key.pem -out cert.pem"
    )
    subprocess.run([openssl, *asked.split()], cwd=folder, capture_output=True, check=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    return both


@pytest.fixture
def secure(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_self_signed_certificate_is_refused(dest: Path, secure: ssl.SSLContext) -> None:
    with origin({"/video.mp4": says(VIDEO)}, secure) as server:
        error = refused(server.url(host="secure.example"), dest, resolve=here)
        assert server.requests == []
    assert (error.code, error.retryable) == ("tls", False)
    assert "certificate" in error.message


def test_a_trusted_certificate_is_checked_against_the_name_not_the_address(
    dest: Path, secure: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with origin({"/video.mp4": says(VIDEO)}, secure) as server:
        fetched = fetch(server.url(host="secure.example"), dest, QUICK, Watch(), resolve=here)
        assert fetched.size == len(VIDEO)
        dest.unlink()
        assert refused(server.url(host="other.example"), dest, resolve=here).code == "tls"


def test_https_to_a_port_that_speaks_http_is_a_tls_error(dest: Path) -> None:
    with origin({"/video.mp4": says(VIDEO)}) as server:
        uri = server.url().replace("http:", "https:")
        # Its "request" is a TLS hello, which has no end that the server would know.
        assert refused(uri, dest).code in {"tls", "timeout", "refused"}

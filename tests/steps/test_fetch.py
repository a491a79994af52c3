from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path
from shutil import which

import pytest

from retake.core.errors import Cancelled, FetchFailed, StorageFailed
from retake.core.watch import Stage, Watch
from retake.steps.fetch import Fetched, FetchPolicy, fetch
from tests.steps.origin import Origin, origin, raw, redirects, says

VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 4000
QUICK = FetchPolicy(
    allow_private=True, max_bytes=2**21, connect_s=2.0, stall_s=0.4, total_s=5.0, max_redirects=3
)
HTML = b"  \n<!DOCTYPE html><html><body>Please log in</body></html>"


def brought(server: Origin, dest: Path, path: str = "/video.mp4") -> Fetched:
    return fetch(server.url(path), dest, QUICK, Watch())


def refused(uri: str, dest: Path, policy: FetchPolicy = QUICK, **more: object) -> FetchFailed:
    """Fetch what must fail; nothing may be left behind."""
    with pytest.raises(FetchFailed) as caught:
        fetch(uri, dest, policy, Watch(), **more)  # type: ignore[arg-type]
    assert list(dest.parent.iterdir()) == []
    assert caught.value.param == "video_uri"
    assert FetchFailed.from_dict(caught.value.to_dict()).code == caught.value.code
    return caught.value


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder / "source.mp4"


def test_a_video_arrives_whole_with_its_hash_and_progress(dest: Path) -> None:
    seen: list[tuple[Stage, int, int]] = []
    watch = Watch(lambda stage, done, total: seen.append((stage, done, total)))
    with origin({"/video.mp4": says(VIDEO)}) as server:
        fetched = fetch(server.url(), dest, QUICK, watch)
        asked = server.requests[0]
    assert fetched == Fetched(dest, len(VIDEO), sha256(VIDEO).hexdigest())
    assert dest.read_bytes() == VIDEO
    assert seen[-1] == (Stage.FETCH, len(VIDEO), len(VIDEO))
    assert f"Host: 127.0.0.1:{server.port}" in asked
    assert [path.name for path in dest.parent.iterdir()] == ["source.mp4"]


def test_a_video_of_unknown_length_arrives_too(dest: Path) -> None:
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (VIDEO[:70000], VIDEO[70000:])
    )
    chunked = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    until_closed = raw(b"HTTP/1.0 200 OK\r\n\r\n" + VIDEO)
    with origin({"/chunked": chunked, "/closed": until_closed}) as server:
        for path in ("/chunked", "/closed"):
            assert brought(server, dest, path).size == len(VIDEO)
            assert dest.read_bytes() == VIDEO


def test_a_redirect_is_followed_also_a_relative_one(dest: Path) -> None:
    talks = {"/a": redirects("b?x=1"), "/b": redirects("/video.mp4"), "/video.mp4": says(VIDEO)}
    with origin(talks) as server:
        assert brought(server, dest, "/a").size == len(VIDEO)


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "500 Oops", "204 None"])
def test_an_error_of_the_other_side_is_told_by_its_status(dest: Path, status: str) -> None:
    with origin({"/video.mp4": says(b"", status=status)}) as server:
        error = refused(server.url(), dest)
    assert error.code == f"http_{status[:3]}"
    assert status in error.message
    assert error.retryable is (status[0] == "5")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (HTML, "text/html; charset=utf-8"),
        (HTML, "video/mp4"),
        (b"\xef\xbb\xbf<HTML>", ""),
        (b"no markup, but labelled as a page", "text/html"),
    ],
)
def test_a_web_page_is_no_video(dest: Path, body: bytes, kind: str) -> None:
    with origin({"/video.mp4": says(body, Content_Type=kind)}) as server:
        assert refused(server.url(), dest).code == "html_not_video"


def test_a_video_labelled_as_a_page_is_a_video(dest: Path) -> None:
    with origin({"/video.mp4": says(VIDEO, Content_Type="text/html")}) as server:
        assert brought(server, dest).size == len(VIDEO)


def test_an_empty_answer_is_no_video(dest: Path) -> None:
    with origin({"/video.mp4": says(b"")}) as server:
        assert refused(server.url(), dest).code == "empty"


def test_a_file_that_announces_too_much_is_refused_before_it_is_read(dest: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    with origin({"/video.mp4": raw(head)}) as server:
        error = refused(server.url(), dest)
    assert error.code == "too_large"
    assert str(QUICK.max_bytes) in error.message


def test_a_file_that_goes_on_too_long_is_stopped(dest: Path) -> None:
    def endless(connection: socket.socket, _request: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(VIDEO)

    with origin({"/video.mp4": endless}) as server:
        assert refused(server.url(), dest).code == "too_large"


def test_exactly_the_largest_size_is_accepted(dest: Path) -> None:
    with origin({"/video.mp4": says(bytes(QUICK.max_bytes))}) as server:
        assert brought(server, dest).size == QUICK.max_bytes


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + VIDEO[:3000],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + VIDEO[:300],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + VIDEO[:300],
        b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n" + VIDEO,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + VIDEO,
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_breaks_off_or_is_no_http_is_interrupted(dest: Path, answer: bytes) -> None:
    with origin({"/video.mp4": raw(answer)}) as server:
        error = refused(server.url(), dest)
    assert (error.code, error.retryable) == ("interrupted", True)


def test_a_longer_body_than_announced_is_cut_where_it_should_end(dest: Path) -> None:
    with origin({"/video.mp4": says(VIDEO, Content_Length="2000")}) as server:
        assert brought(server, dest).size == 2000


def test_a_compressed_answer_is_refused(dest: Path) -> None:
    packed = gzip.compress(bytes(10**7))
    with origin({"/video.mp4": says(packed, Content_Encoding="gzip")}) as server:
        assert refused(server.url(), dest).code == "compressed"


def test_a_stall_times_out_in_the_head_and_in_the_body(dest: Path) -> None:
    with origin({}) as server:

        def stalls(connection: socket.socket, request: str) -> None:
            if "/body" in request:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + VIDEO[:99])
            server.stall()

        server.talks |= {"/head": stalls, "/body": stalls}
        for path in ("/head", "/body"):
            began = time.monotonic()
            error = refused(server.url(path), dest)
            assert (error.code, error.retryable) == ("timeout", True)
            assert time.monotonic() - began < 2


def test_a_trickle_ends_at_the_total_time(dest: Path) -> None:
    policy = FetchPolicy(allow_private=True, stall_s=0.5, total_s=0.8)
    with origin({}) as server:

        def trickles(connection: socket.socket, _request: str) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
            while True:
                connection.sendall(b"x")
                server.stall(0.1)

        server.talks["/video.mp4"] = trickles
        began = time.monotonic()
        assert refused(server.url(), dest, policy).code == "timeout"
        assert time.monotonic() - began < 2


def test_a_closed_port_refuses(dest: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refused(f"http://127.0.0.1:{port}/v.mp4", dest)
    assert (error.code, error.retryable) == ("refused", True)
    assert "127.0.0.1" in error.message


def test_a_name_that_does_not_resolve_is_told(dest: Path) -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    error = refused("http://no.such.host/v.mp4", dest, resolve=nowhere)
    assert (error.code, error.retryable) == ("dns", True)
    assert "no.such.host" in error.message


def test_a_resolver_that_hangs_or_says_nothing_is_a_dns_error(dest: Path) -> None:
    policy = FetchPolicy(connect_s=0.2)
    over = threading.Event()

    def hangs(_host: str, _port: int) -> list[str]:
        over.wait(20)
        return ["8.8.8.8"]

    began = time.monotonic()
    assert refused("http://slow.example/v", dest, policy, resolve=hangs).code == "dns"
    assert time.monotonic() - began < 2
    over.set()
    assert refused("http://a.example/", dest, policy, resolve=lambda _h, _p: []).code == "dns"
    long_label = "http://" + "a" * 64 + ".example/"
    assert refused(long_label, dest, policy).code == "dns"


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


def here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


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


def test_cancel_is_felt_within_half_a_second(dest: Path) -> None:
    cancel = threading.Event()
    watch = Watch(cancel=cancel)
    policy = FetchPolicy(allow_private=True)
    with origin({}) as server:

        def stalls(connection: socket.socket, _request: str) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + VIDEO[:99])
            server.stall()

        server.talks["/video.mp4"] = stalls
        threading.Timer(0.3, cancel.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            fetch(server.url(), dest, policy, watch)
        assert time.monotonic() - began < 0.8
    assert list(dest.parent.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    with origin({"/video.mp4": says(VIDEO)}) as server, pytest.raises(StorageFailed):
        fetch(server.url(), in_the_way / "source.mp4", QUICK, Watch())


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    script = f"""
import resource, signal, sys
from pathlib import Path
from retake.core.errors import StorageFailed
from retake.core.watch import Watch
from retake.steps.fetch import FetchPolicy, fetch
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    fetch(sys.argv[1], Path({str(tmp_path / "v.mp4")!r}), FetchPolicy(allow_private=True), Watch())
except StorageFailed as error:
    print(error.code)
"""
    with origin({"/video.mp4": says(VIDEO)}) as server:
        done = subprocess.run(
            [sys.executable, "-c", script, server.url()], capture_output=True, text=True, check=True
        )
    assert done.stdout.strip() == "storage"
    assert list(tmp_path.iterdir()) == []

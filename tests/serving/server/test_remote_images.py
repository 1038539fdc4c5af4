import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from regard.serving.images import ImageError
from regard.serving.server.remote_images import fetch_image, is_public

LIMIT = 1000


class Pictures(BaseHTTPRequestHandler):
    """Answers by path."""

    hosts: list[str] = []

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        if self.path == "/picture":
            self._answer(200, b"a picture")
        elif self.path == "/large":
            self._answer(200, b"x" * (LIMIT + 1))
        elif self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/picture")
            self.end_headers()
        elif self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(20):
                time.sleep(0.1)
                self.wfile.write(b"x")
                self.wfile.flush()
        else:
            self._answer(404, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            # The client hung up on what was too slow or too large.
            self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def fetch() -> Iterator[Callable[..., bytes]]:
    """Fetches from a server on loopback, which is allowed here, under another name."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    port = server.server_address[1]

    def get(path: str, **options: object) -> bytes:
        options = {"is_allowed": lambda address: address == "127.0.0.1", **options}
        return fetch_image(
            f"http://pictures.example:{port}{path}",
            max_bytes=LIMIT,
            resolve=lambda host, port: ["127.0.0.1"],
            **options,
        )

    yield get
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_picture_is_fetched_from_the_address_that_was_checked(fetch: Callable[..., bytes]):
    assert fetch("/picture") == b"a picture"
    assert Pictures.hosts[-1].startswith("pictures.example:")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/large", "over 1,000 bytes"),
        ("/elsewhere", "answered 302 instead of a picture; redirects are not followed"),
        ("/nothing", "answered 404"),
    ],
)
def test_other_answers_are_refused(fetch: Callable[..., bytes], path: str, message: str):
    with pytest.raises(ImageError, match=message):
        fetch(path)


def test_a_server_that_drips_is_given_up(fetch: Callable[..., bytes]):
    started = time.monotonic()
    with pytest.raises(ImageError, match=r"within 0.3 seconds"):
        fetch("/slow", timeout_seconds=0.3)
    assert time.monotonic() - started < 1.5


def test_nobody_listening_is_said(fetch: Callable[..., bytes]):
    with pytest.raises(ImageError, match=r"no picture from a\.example"):
        fetch_image(
            "http://a.example:1/",
            max_bytes=LIMIT,
            resolve=lambda host, port: ["127.0.0.1"],
            is_allowed=lambda address: True,
        )


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(ImageError, match="not on the public internet"):
        fetch_image(
            "http://a.example/",
            max_bytes=LIMIT,
            resolve=lambda host, port: ["8.8.8.8", "10.0.0.1"],
        )


def test_an_unknown_host_is_said():
    def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(ImageError, match=r"'a\.example' is not known"):
        fetch_image("http://a.example/", max_bytes=LIMIT, resolve=resolve)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://localhost/", "http://2130706433/", "http://[::1]/",
     "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest"],
)  # fmt: skip
def test_this_machine_and_its_network_are_out_of_reach(url: str):
    with pytest.raises(ImageError, match="not on the public internet|is not known"):
        fetch_image(url, max_bytes=LIMIT)


@pytest.mark.parametrize("url", ["http://", "http://u:p@a.example/", "gopher://a/", "http://a:b/"])
def test_urls_of_another_kind_are_refused(url: str):
    with pytest.raises(ImageError, match="URL"):
        fetch_image(url, max_bytes=LIMIT)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::a00:1", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("localhost", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool):
    assert is_public(address) is public

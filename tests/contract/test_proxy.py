"""One setting for the proxy and the certificates: every client goes through the one and trusts the other."""

import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bot.adapters.census.client import CensusClient
from bot.adapters.databricks.login import Login
from bot.adapters.databricks.warehouse import DatabricksWarehouse
from bot.adapters.heartbeat import UrlHeartbeat
from bot.config.databricks import Databricks
from bot.config.environment import network_in_words, problems_of
from bot.errors import SyncHealthError, TemporaryError, UncertainError
from bot.transport.slack_api import answer_url, call, web_client
from bot.transport.socket_mode import open_line

if not shutil.which("openssl"):
    pytest.skip("openssl makes the certificates: apt-get install openssl", allow_module_level=True)

PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy")
BUNDLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for the hosts below, which vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp("ca")
    cert, key = folder / "cert.pem", folder / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=throw-away"]
    made += ["-addext", "subjectAltName=DNS:*.example.test,DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made, check=True, capture_output=True, timeout=60)
    return cert, key


class Refusing(socketserver.ThreadingTCPServer):
    """Answers 403 to whatever arrives over TLS; `asked` has the request lines, `tunnels` what CONNECT named.

    A proxy in one: whatever host is asked for, this is what is found there.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, certificate: tuple[Path, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Refuse)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*map(str, certificate))
        self.asked: list[str] = []
        self.tunnels: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Refuse(socketserver.BaseRequestHandler):
    server: Refusing

    def handle(self) -> None:
        with suppress(OSError):
            if self.request.recv(7, socket.MSG_PEEK | socket.MSG_WAITALL) == b"CONNECT":
                self.server.tunnels.append(self._head(self.request).split()[1])
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self.server.context.wrap_socket(self.request, server_side=True) as line:
                self.server.asked.append(self._head(line).splitlines()[0])
                line.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def _head(self, line: socket.socket) -> str:
        read = b""
        while b"\r\n\r\n" not in read and (some := line.recv(1 if line is self.request else 65536)):
            read += some
        return read.decode(errors="replace")


@pytest.fixture
def outside(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Refusing]:
    for name in (*PROXIES, *BUNDLES):
        monkeypatch.setenv(name, "")  # so that it is taken away afterwards, whoever set it meanwhile
        monkeypatch.delenv(name)
    server = Refusing(certificate)
    yield server
    server.shutdown()
    server.server_close()


def ask_slack(host: str, scheme: str = "https") -> object:
    return call(web_client("x", f"{scheme}://{host}/api/").auth_test)


def answer_slack(host: str, scheme: str = "https") -> None:
    answer_url(web_client("x", f"{scheme}://{host}/api/"), f"{scheme}://{host}/commands/1", text="hello")


def open_socket_mode(host: str, scheme: str = "https") -> object:
    client = web_client("x", f"{scheme}://{host}/api/")
    url = f"{scheme.replace('http', 'ws')}://{host}/link"
    client.apps_connections_open = lambda **_: Answer({"url": url})  # type: ignore[method-assign,assignment]
    return open_line(client)


class Answer:
    def __init__(self, data: dict[str, str]) -> None:
        self.data = data


def ask_census(host: str, scheme: str = "https") -> object:
    return CensusClient(f"{scheme}://{host}/api", token="x", attempts=1).sync(1)


def ask_databricks(host: str, scheme: str = "https") -> object:
    named = f"http://{host}" if scheme == "http" else host
    warehouse = DatabricksWarehouse(Databricks(named, "/sql/1.0/warehouses/a", token="x"), patience=20, silence=5)
    try:
        return warehouse.ask("doctor/wake")
    finally:
        warehouse.close()


def ask_for_a_token(host: str, scheme: str = "https") -> object:
    named = f"http://{host}" if scheme == "http" else host
    return Login(Databricks(named, "/sql/1.0/warehouses/a", client_id="x", client_secret="y")).headers()


def beat(host: str, scheme: str = "https") -> object:
    return UrlHeartbeat(f"{scheme}://{host}/beat").beat()


# a warehouse is always at 443
AT_A_PORT = (ask_slack, answer_slack, open_socket_mode, ask_census, ask_for_a_token, beat)
CLIENTS = (*AT_A_PORT, ask_databricks)


@pytest.mark.parametrize("ask", CLIENTS)
def test_every_client_goes_through_the_proxy_and_trusts_the_file(
    ask: Callable[[str], object], outside: Refusing, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{outside.port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with pytest.raises(SyncHealthError):
        ask("a.example.test")
    assert set(outside.tunnels) == {"a.example.test:443"}
    assert outside.asked, "its certificate was not trusted"


@pytest.mark.parametrize("ask", AT_A_PORT)
def test_what_no_proxy_names_goes_past_it(
    ask: Callable[[str], object], outside: Refusing, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "other.example.test,localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with pytest.raises(SyncHealthError):
        ask(f"localhost:{outside.port}")
    assert outside.asked and not outside.tunnels


@pytest.mark.parametrize("ask", CLIENTS)
def test_without_the_file_nobody_speaks_to_a_stranger_and_everybody_says_why(
    ask: Callable[[str], object], outside: Refusing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{outside.port}")
    with pytest.raises(TemporaryError, match=r"certificate of .* is not trusted here \(.+\): .* in SSL_CERT_FILE"):
        ask("a.example.test")
    assert not outside.asked


@pytest.mark.full
def test_a_warehouse_that_no_proxy_names_is_not_asked_for_at_the_proxy(
    outside: Refusing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{outside.port}")
    monkeypatch.setenv("NO_PROXY", "localhost")
    with pytest.raises(SyncHealthError):
        ask_databricks("localhost")  # where nobody listens at 443, or nobody who is trusted
    assert not outside.tunnels


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("ask", CLIENTS)
def test_nobody_reaches_this_machine_through_a_proxy(
    ask: Callable[[str, str], object], host: str, scheme: str, outside: Refusing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy, socket.create_server(("127.0.0.1", 0)) as once:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "other.example.test")
        port = once.getsockname()[1]
        once.close()
        with pytest.raises(SyncHealthError):
            ask(host if ask is ask_databricks and scheme == "https" else f"{host}:{port}", scheme)
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_a_socket_mode_address_that_would_show_its_ticket_is_not_used(outside: Refusing) -> None:
    client = web_client("x", "https://a.example.test/api/")
    client.apps_connections_open = lambda **_: Answer({"url": "ws://a.example.test/link"})  # type: ignore[method-assign,assignment]
    with pytest.raises(UncertainError, match="named no wss:// address"):
        open_line(client)


def test_the_doctor_shows_them_without_a_password() -> None:
    set_ = {"HTTPS_PROXY": "http://user:secret@proxy:3128", "NO_PROXY": "a.b", "SSL_CERT_FILE": "/ca.pem"}
    assert network_in_words(set_) == "proxy http://…@proxy:3128, none for a.b, this machine, certificates of /ca.pem"
    assert network_in_words(set_ | {"NO_PROXY": "*, a.b"}).startswith("proxy http://…@proxy:3128, none for *,")
    assert network_in_words({}) == "no proxy, the system's certificates"


@pytest.mark.parametrize("proxy", ["proxy:3128", "socks5://proxy:1080", "http://u:secret@proxy", "http://proxy:3128/x"])
def test_a_proxy_that_only_some_would_find_is_refused(proxy: str) -> None:
    [problem] = problems_of({"HTTPS_PROXY": proxy}, ())
    assert "write http://HOST:PORT" in problem and "secret" not in problem


def test_certificates_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (empty := tmp_path / "empty.pem").write_text("", encoding="utf-8")
    for path in (tmp_path / "nothing.pem", empty, tmp_path):
        [problem] = problems_of({"SSL_CERT_FILE": str(path)}, ())
        assert "no file of certificates" in problem

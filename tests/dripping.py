"""Servers on loopback that answer oddly: a byte at a time and without an end, or with whatever bytes a test wants."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Listener:
    """Hands each connection to `answer`, in a thread of its own."""

    def __init__(self) -> None:
        self.opened = 0  # connections so far
        self.open = 0  # …of them those that nobody has ended
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._guard = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, line: socket.socket) -> None:
        """Say what it likes."""
        raise NotImplementedError

    def stop(self) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with self._guard:
            self.opened, self.open = self.opened + 1, self.open + 1
        try:
            with line:
                self.answer(line)
        except OSError:
            pass
        finally:
            with self._guard:
                self.open -= 1


class OddServer(Listener):
    """Reads what is asked, says `first` at once and then `drip` again and again until the other side hangs up."""

    def __init__(self, first: bytes, drip: bytes, pause: float) -> None:
        self.asked = 0  # connections on which something was asked
        self._first, self._drip, self._pause = first, drip, pause
        super().__init__()

    def answer(self, line: socket.socket) -> None:
        line.recv(65536)
        with self._guard:
            self.asked += 1
        line.sendall(self._first)
        while self._drip and not self.over.wait(self._pause):
            line.sendall(self._drip)


@contextmanager
def dripping(first: bytes, drip: bytes = b"x", pause: float = 0.02) -> Iterator[OddServer]:
    """A server that never comes to an end; with an empty `drip` it says `first` and hangs up."""
    server = OddServer(first, drip, pause)
    try:
        yield server
    finally:
        server.stop()


def answer(body: bytes, *headers: str) -> bytes:
    """A whole answer with this body."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body

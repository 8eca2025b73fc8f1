"""A real cascade on loopback: `tb serve` for a root and two leaves, beside TURN servers that answer Binding alone.

`TB_BINARY` is the `tb`, `target/debug/tb` if left out.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import turn_balance
from turn_balance import Options, Selection

if TYPE_CHECKING:
    from typing_extensions import Unpack

ROOT = Path(__file__).resolve().parents[3]
TB = os.environ.get("TB_BINARY", str(ROOT / "target/debug/tb"))
# For all that must come, and takes milliseconds on a machine that has nothing else to do.
PATIENCE = 60.0
# Of STUN.
COOKIE = 0x2112A442


def eventually(what: str, found: Callable[[], bool]) -> None:
    """Waits until something is so."""
    end = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def require(program: str, found: bool) -> None:
    """Skips loudly where a program is missing, and fails where it must not be."""
    variable = f"TB_REQUIRE_{program.upper()}"
    if not found:
        assert os.environ.get(variable) != "1", f"no {program}, and {variable}=1"
        pytest.skip(f"there is no {program}")


class Turn:
    """As much of a TURN server as a client asks to verify it: Binding (RFC 8489)."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.addr = "127.0.0.1:{}".format(self.socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                request, peer = self.socket.recvfrom(2048)
            except OSError:
                return
            if not peer:
                return
            if request[:2] != b"\x00\x01":
                continue
            (ip,) = struct.unpack("!I", socket.inet_aton(peer[0]))
            mapped = struct.pack("!HHBBHI", 0x0020, 8, 0, 1, peer[1] ^ COOKIE >> 16, ip ^ COOKIE)
            self.socket.sendto(b"\x01\x01\x00\x0c" + request[4:20] + mapped, peer)

    def close(self) -> None:
        # The thread that waits at it is woken, and lets go of it.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


class Server:
    """A `tb serve`, at a port that the system chose."""

    def __init__(self, folder: Path, name: str, more: str) -> None:
        config = folder / f"{name}.toml"
        config.write_text(f"net = {{ bind = '127.0.0.1:0', name = '{name}' }}\n{more}")
        self.process = subprocess.Popen(
            [TB, "serve", "-c", str(config)], env={}, stderr=subprocess.PIPE, text=True
        )
        self.addr = self.told("udp")

    def told(self, what: str) -> str:
        """The address in the next line that has one of this name. A server goes on where nobody reads on."""
        assert self.process.stderr is not None
        said = ""
        for line in self.process.stderr:
            said += line
            found = re.search(rf" {what}=(127\.0\.0\.1:\d+)", line)
            if found:
                return found[1]
        raise AssertionError(said)

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()


def select_whole(root: str, turns: int, **options: Unpack[Options]) -> Selection:
    """A selection for which so many TURN servers have answered, as they do once the cascade is whole, and sooner or
    later on a machine that is busy."""
    found = list[Selection]()

    def is_whole() -> bool:
        try:
            found.append(turn_balance.select(root, **options))
        except turn_balance.NotFoundError:
            return False
        others = [other for other in found[-1].runners_up if other.why == "slower"]
        return found[-1].verified and len(others) + 1 == turns

    eventually("all TURN servers have answered", is_whole)
    return found[-1]


Serve = Callable[[str, str], Server]


@dataclass
class Cascade:
    root: str
    leaves: list[str]
    turns: list[str]

    def select(self, **options: Unpack[Options]) -> Selection:
        """A selection for which all TURN servers have answered."""
        return select_whole(self.root, len(self.turns), **options)


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts servers, which end with the tests."""
    folder, servers = tmp_path_factory.mktemp("cascade"), list[Server]()

    def start(name: str, more: str) -> Server:
        servers.append(Server(folder, name, more))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def cascade(serve: Serve) -> Iterator[Cascade]:
    turns = [Turn(), Turn()]
    leaves = [
        serve(f"leaf-{at}", f"turn = {{ bind = '{turn.addr}', health = 'binding' }}\n")
        for at, turn in enumerate(turns)
    ]
    root = serve("root", f"[cluster]\nnodes = {[leaf.addr for leaf in leaves]}\n")
    cascade = Cascade(root.addr, [leaf.addr for leaf in leaves], [turn.addr for turn in turns])
    cascade.select()
    yield cascade
    for turn in turns:
        turn.close()


SECRET = "north-wind"


@pytest.fixture(scope="session")
def relay() -> Iterator[str]:
    """A coturn that shares a secret, and relays between loopback addresses, by UDP and TCP."""
    require("coturn", shutil.which("turnserver") is not None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-n", "--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers", "--fingerprint"]
    options += ["--log-file=stdout", "--pidfile=/dev/null", "--relay-threads=1", "--userdb=:memory:"]
    options += ["--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=turn.example"]
    options += ["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}"]
    null = subprocess.DEVNULL
    with subprocess.Popen(["turnserver", *options], stdout=null, stderr=null) as process:
        # A leaf that finds it silent at first looks again much later.
        eventually("coturn answers", lambda: answers_binding(port))
        yield f"127.0.0.1:{port}"
        process.kill()


def answers_binding(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.2)
        asking.connect(("127.0.0.1", port))
        try:
            asking.send(struct.pack("!HHI12s", 1, 0, COOKIE, b"transaction!"))
            return len(asking.recv(2048)) > 0
        except OSError:
            return False


@pytest.fixture
def silent() -> Iterator[str]:
    """A root that never answers: whoever asks it waits."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        yield "127.0.0.1:{}".format(mute.getsockname()[1])

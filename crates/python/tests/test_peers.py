"""Two WebRTC peers that may use TURN alone, through a coturn that the cascade has chosen."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys

import turn_balance
from conftest import PATIENCE, ROOT, Serve, eventually, require

SECRET = "north-wind"
EXAMPLE = ROOT / "crates/python/examples/peers.py"


def coturn() -> tuple[subprocess.Popen[bytes], str]:
    """One that shares a secret, and relays between loopback addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-n", "--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers", "--fingerprint"]
    options += ["--log-file=stdout", "--pidfile=/dev/null", "--relay-threads=1", "--userdb=:memory:"]
    options += ["--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=turn.example"]
    options += ["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}"]
    null = subprocess.DEVNULL
    return subprocess.Popen(["turnserver", *options], stdout=null, stderr=null), f"127.0.0.1:{port}"


def test_a_message_passes_through_the_chosen_relay_alone(serve: Serve) -> None:
    require("coturn", shutil.which("turnserver") is not None)
    require("aiortc", importlib.util.find_spec("aiortc") is not None)
    relay, turn = coturn()
    try:
        leaf = serve("relay", f"turn = {{ bind = '{turn}', health = 'binding' }}\n")
        root = serve("above", f"cluster.nodes = ['{leaf.addr}']\n").addr

        def is_offered() -> bool:
            try:
                return turn_balance.select(root, timeout=2, verify="require").turn == turn
            except turn_balance.NotFoundError:
                return False

        eventually("the cascade offers the relay", is_offered)
        command = [sys.executable, str(EXAMPLE), root, SECRET]
        peers = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE)
        assert peers.returncode == 0, peers.stderr
        chosen, *said = peers.stdout.splitlines()
        assert chosen.endswith(f": turn:{turn}?transport=udp")
        assert said == ["through the relay"]
    finally:
        relay.kill()
        relay.wait()

"""What a coturn relays that the cascade has chosen."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import turn_balance
from conftest import PATIENCE, ROOT, SECRET, Serve, require, select_whole

EXAMPLE = ROOT / "crates/python/examples/peers.py"


def test_two_peers_hear_each_other_through_the_chosen_relay_alone(serve: Serve, relay: str) -> None:
    require("aiortc", importlib.util.find_spec("aiortc") is not None)
    leaf = serve("relay", f"turn = {{ bind = '{relay}', health = 'binding' }}\n")
    root = serve("above", f"cluster.nodes = ['{leaf.addr}']\n").addr
    select_whole(root, 1, verify="require")
    command = [sys.executable, str(EXAMPLE), root, SECRET]
    peers = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE)
    assert peers.returncode == 0, peers.stderr
    chosen, *said = peers.stdout.splitlines()
    assert chosen.endswith(f": turn:{relay}?transport=udp")
    assert said == ["through the relay"]


def test_without_udp_the_relay_is_found_by_https(serve: Serve, relay: str, tmp_path: Path) -> None:
    openssl = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split()
    for name, more in [
        ("ca", ["-subj", "/CN=authority.example"]),
        ("own", ["-subj", "/CN=root.example", "-addext", "subjectAltName=IP:127.0.0.1",
                 "-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key"]),
    ]:  # fmt: skip
        made = [*openssl, *more, "-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    by_tcp = f"turn:{relay}?transport=tcp"
    leaf = serve("stream", f"turn = {{ bind = '{relay}', health = 'binding', urls = ['{by_tcp}'] }}\n")
    https = f"bind = '127.0.0.1:0', cert = '{tmp_path}/own.pem', key = '{tmp_path}/own.key'"
    root = serve("web", f"cluster.nodes = ['{leaf.addr}']\nhttp = {{ {https} }}\n")
    url, ca_file = f"https://{root.told('tcp')}", tmp_path / "ca.pem"

    found = select_whole(url, 1, ca_file=ca_file)
    assert (found.turn, found.transport, found.cost.datagrams) == (relay, "https", 0)
    assert found.urls[0] == by_tcp == found.ice_servers(secret=SECRET)[0]["urls"][0]
    assert turn_balance.select([root.addr, url], ca_file=ca_file).transport == "udp"
    with pytest.raises(turn_balance.HttpsError, match="nobody who is trusted has signed"):
        turn_balance.select(url, ca_file=tmp_path / "own.pem")

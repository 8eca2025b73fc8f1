"""A selection and a trace say what `tb` says of the same cascade."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import pytest
import turn_balance
from conftest import TB, Cascade


def tb(*arguments: str) -> dict[str, Any]:
    """The document that a command prints."""
    output = subprocess.run([TB, *arguments], env={}, capture_output=True, text=True).stdout
    document: dict[str, Any] = json.loads(output)
    return document


def test_it_chooses_a_server_and_says_how(cascade: Cascade) -> None:
    # The TURN servers are threads of this Python, which run meanwhile.
    found = cascade.select()
    assert found.turn in cascade.turns
    assert found.verified and found.transport == "udp" and found.strategy == "best"
    assert 0 < found.rtt_ms < found.elapsed_ms
    assert found.path[0].addr == cascade.root and found.path[0].name == "root"
    assert found.path[-1].addr in cascade.leaves and found.path[-1].name == found.name
    (other,) = found.runners_up
    assert {other.turn, found.turn} == set(cascade.turns) and other.rtt_ms >= found.rtt_ms
    assert found.cost.candidates == 5 and 0 < found.cost.datagrams < found.cost.bytes
    assert found.unresolved == () and found.urls == ()


def test_documents_have_the_shape_of_the_commands(cascade: Cascade) -> None:
    found, trace = cascade.select(urls=True), turn_balance.trace(cascade.root)
    assert found.to_dict() == json.loads(found.to_json())
    assert trace.to_dict() == json.loads(trace.to_json())
    for mine, theirs in [
        (found.to_dict(), tb("probe", "--json", cascade.root)),
        (trace.to_dict(), tb("trace", "--json", "--view=flat", cascade.root)),
    ]:
        assert list(mine) == list(theirs) and mine["schema"] == theirs["schema"]
        for key in ("path", "runners_up", "candidates"):
            if isinstance(theirs.get(key), list) and mine[key] and theirs[key]:
                assert list(mine[key][0]) == list(theirs[key][0])


def test_a_trace_has_all_candidates(cascade: Cascade) -> None:
    cascade.select()
    trace = turn_balance.trace(cascade.root, view="subordinates")
    assert trace.error is None and trace.selection is not None
    rows = {row.addr: row for row in trace.candidates}
    assert {cascade.root, *cascade.leaves, trace.selection.turn} <= set(rows)
    assert rows[cascade.root].via is None and rows[cascade.leaves[0]].via == cascade.root
    assert rows[trace.selection.turn].state == "selected" and trace.view == "subordinates"


def test_roots_are_asked_together(cascade: Cascade, silent: str) -> None:
    assert turn_balance.select([silent, cascade.root]).turn in cascade.turns
    assert turn_balance.trace(cascade.root, strategy="first").strategy == "first"


def test_what_is_found_can_be_sent_to_another_process(cascade: Cascade) -> None:
    balance = turn_balance.Balance(cascade.root, urls=True, timeout=5)
    found = balance.select()
    assert pickle.loads(pickle.dumps(found)) == found
    again = pickle.loads(pickle.dumps(balance))
    assert repr(again) == repr(balance) and "timeout=5" in repr(again)
    assert again.select().turn in cascade.turns


def test_ice_servers_are_what_the_command_prints(cascade: Cascade, tmp_path: Path) -> None:
    found = cascade.select(urls=True)
    best = {"urls": [f"turn:{found.turn}?transport=udp"]}
    assert list(found.urls) == best["urls"]
    assert found.ice_servers(runners_up=0) == [best]
    assert len(found.ice_servers()) == len(found.ice_servers(runners_up=9)) == 2
    (unasked,) = turn_balance.select(cascade.root).ice_servers(runners_up=0)
    assert unasked["urls"][0].startswith("turn:127.0.0.1:")

    given = found.ice_servers(username="me", credential="word", runners_up=0)
    assert given == [{**best, "username": "me", "credential": "word"}]
    secret = tmp_path / "secret"
    secret.write_text("north-wind")
    os.chmod(secret, 0o600)
    printed = tb("probe", "--format=ice", "--turn-secret-file", str(secret), cascade.root)
    for server in found.ice_servers(secret="north-wind") + printed["iceServers"]:
        until, user = server["username"].split(":")
        minted = turn_balance.mint("north-wind", expiry=int(until), user=user)
        assert (user, server["credential"]) == ("tb", minted.credential)


def test_minted_credentials_are_those_that_openssl_makes() -> None:
    minted = turn_balance.mint(b"north-wind", expiry=1_795_778_101)
    assert minted.username == "1795778101:tb"
    assert minted.credential == "7Vp3O53nA5eDKBBRv3hr53fsI5k="
    assert minted.credential not in repr(minted)
    assert turn_balance.mint("north-wind", expiry=1_795_778_101, user="").username == "1795778101"


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "me"},
        {"credential": "word"},
        {"secret": "s", "credential": "word"},
        {"runners_up": -1},
    ],
)
def test_half_of_who_one_is_is_an_error(cascade: Cascade, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        turn_balance.select(cascade.root).ice_servers(**wrong)

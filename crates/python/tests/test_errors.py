"""Each error has its class, its kind and its text."""

from __future__ import annotations

import pickle
import re
import socket
from typing import Any

import pytest
import turn_balance
from conftest import ROOT, Cascade, Serve
from turn_balance import _errors


def test_each_kind_of_the_library_has_a_class() -> None:
    kinds = set[str]()
    for file in ("src/net/engine/client/descent/failure.rs", "src/error.rs"):
        body = (ROOT / file).read_text().split("pub fn kind(")[1].split("\n    }\n")[0]
        kinds |= set(re.findall(r'"(\w+)",\n', body))
    servers = {"listen", "certificate", "thread", "worker", "task", "config", "key"}
    assert kinds - servers == set(_errors.KINDS)
    for kind, error_class in _errors.KINDS.items():
        error = error_class(kind, "words")
        assert (str(error), error.kind) == ("words", kind)
        assert getattr(turn_balance, error_class.__name__) is error_class
        assert error_class.__module__ == "turn_balance"


def test_silence(silent: str) -> None:
    says = "the root did not answer within 100 ms"
    with pytest.raises(turn_balance.NoAnswerError, match=says) as raised:
        turn_balance.select(silent, timeout=0.1)
    error = raised.value
    assert isinstance(error, turn_balance.NotFoundError) and error.kind == "no_answer"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.message) == (type(error), error.message)
    trace = turn_balance.trace(silent, timeout=0.1)
    assert trace.selection is None and isinstance(trace.error, turn_balance.NoAnswerError)
    assert trace.candidates[0].state == "silent"


def test_a_closed_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        addr = "127.0.0.1:{}".format(closed.getsockname()[1])
    with pytest.raises(turn_balance.UnreachableError, match="nothing listens at"):
        turn_balance.select(addr)


def test_a_dead_end(serve: Serve) -> None:
    with pytest.raises(turn_balance.DeadEndError, match="has nothing to offer"):
        turn_balance.select(serve("empty", "").addr)


def test_turn_servers_that_do_not_answer(serve: Serve, silent: str) -> None:
    leaf = serve("unverified", f"turn = {{ bind = '{silent}', health = 'none' }}\n").addr
    with pytest.raises(turn_balance.UnverifiedError, match=silent):
        turn_balance.select(leaf, verify="require")
    assert not turn_balance.select(leaf, verify="off").verified


def test_names_that_nobody_knows(cascade: Cascade) -> None:
    # An interface that is not there: no resolver is asked.
    nobody = "fe80::1%no-such"
    with pytest.raises(turn_balance.ResolveError, match=f"cannot look up `{nobody}`: there is no"):
        turn_balance.select(nobody)
    found = turn_balance.select([nobody, cascade.root])
    assert [root.host for root in found.unresolved] == [nobody]


def test_https_that_is_not_there() -> None:
    with pytest.raises(turn_balance.HttpsError, match="by HTTPS"):
        turn_balance.select("https://127.0.0.1:1", timeout=2)


@pytest.mark.parametrize(
    ("roots", "options", "kind"),
    [
        ("udp://a", {}, turn_balance.EndpointError),
        ("http://root.example", {}, turn_balance.EndpointError),
        ([], {}, turn_balance.NoRootsError),
        ("root.example", {"transport": "https"}, turn_balance.NoRootByError),
        ("192.0.2.1", {"family": 6}, turn_balance.NoAddressError),
        ("https://a.example", {"ca_file": "/no/such"}, turn_balance.CertificatesError),
    ],
)
def test_what_cannot_be_asked_is_told_before_anything_is(
    roots: Any, options: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        turn_balance.Balance(roots, **options)
    assert issubclass(kind, turn_balance.TurnBalanceError)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("family", 5, "family is 5, expected 4, 6 or None"),
        ("verify", "yes", "verify is 'yes', expected 'on' or 'off' or 'require'"),
        ("timeout", -1, "timeout is -1, expected a number of seconds between 0 and a day"),
        ("family", -1, "family is -1, expected 4, 6 or None"),
        ("family", 2**70, "family is out of range, expected 4, 6 or None"),
        ("timeout", float("nan"), "timeout is nan"),
        ("timeout", 10**400, "timeout is out of range"),
        ("linger", float("inf"), "linger is inf"),
        ("linger", 1e300, "linger is 1"),
        ("allow", "10.1.2.3/8", "10.0.0.0/8 is meant"),
        ("require", "gold", "require: a label is `KEY=VALUE`"),
    ],
)
def test_wrong_options_are_value_errors(option: str, value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        turn_balance.Balance("192.0.2.1", **{option: value})


@pytest.mark.parametrize("option", turn_balance.Options.__annotations__)
def test_options_of_a_wrong_type_are_type_errors(option: str) -> None:
    with pytest.raises(TypeError):
        turn_balance.Balance("192.0.2.1", **{option: object()})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"secret": ""}, "the secret is empty"),
        ({"secret": b""}, "the secret is empty"),
        ({"ttl": 0}, "ttl is 0, expected a number of seconds above 0"),
        ({"ttl": -1.5}, "ttl is -1.5"),
        ({"ttl": float("nan")}, "ttl is nan"),
        ({"ttl": float("inf")}, "ttl is inf"),
        ({"ttl": 1e300}, "expected seconds since 1970"),
        ({"expiry": -1}, "the credentials end at -1, expected seconds since 1970"),
        ({"expiry": 2**64}, "the credentials end at 18446744073709551616"),
    ],
)
def test_credentials_that_are_none_are_value_errors(options: Any, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        turn_balance.mint(**{"secret": "north-wind", **options})


@pytest.mark.parametrize(
    "options", [{"secret": None}, {"secret": 5}, {"ttl": "1"}, {"expiry": 1.5}, {"user": b"tb"}]
)
def test_credentials_of_a_wrong_type_are_type_errors(options: Any) -> None:
    with pytest.raises(TypeError):
        turn_balance.mint(**{"secret": "north-wind", **options})


def test_what_goes_to_a_browser_is_text(cascade: Cascade) -> None:
    found = cascade.select()
    for username, credential in [(b"me", "word"), ("me", b"word")]:
        with pytest.raises(TypeError, match="are text, not bytes"):
            found.ice_servers(username=username, credential=credential)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ttl is 0"):
        found.ice_servers(secret="north-wind", ttl=0)


def test_roots_are_text() -> None:
    with pytest.raises(TypeError):
        turn_balance.Balance(b"root.example")  # type: ignore[arg-type]

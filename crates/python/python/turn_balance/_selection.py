"""What a descent finds."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from ._credentials import DAY, Credentials, IceServer, mint
from ._errors import UnresolvedRoot


@dataclass(frozen=True)
class Hop:
    """A balance server on the way down."""

    level: int
    """Its step of the cascade; the root is level 0."""
    addr: str
    """Its address."""
    listed: str | None
    """How it is listed, as `Selection.listed`."""
    name: str | None
    """Its name."""
    rtt_ms: float | None
    """Its least round-trip time; None where a list that it stands in sufficed."""
    says: str | None
    """What it says of itself though the way leads through it: that it is full or draining."""


@dataclass(frozen=True)
class RunnerUp:
    """A TURN server that was measured and not chosen."""

    turn: str
    """Its address, to be used."""
    listed: str | None
    """How it is listed, as `Selection.listed`."""
    name: str | None
    """What the leaf beside it calls it."""
    rtt_ms: float
    """Its least round-trip time, measured as `Selection.rtt_ms` is."""
    verified: bool
    """Whether it has answered itself."""
    load: float | None
    """How full it is, as `Selection.load`."""
    labels: dict[str, str] = field(hash=False)
    """What it is labelled with, as `Selection.labels`."""
    urls: tuple[str, ...]
    """How it is reached, as `Selection.urls`."""
    why: str
    """Why another was chosen: "slower", "drawn", "unpreferred", "silent" or "later"."""


@dataclass(frozen=True)
class Cost:
    """What a descent cost and met."""

    candidates: int
    """Nodes that stood in the lists or were roots."""
    silent: int
    """Candidates that were asked, and of which nothing was heard."""
    unasked: int
    """Candidates that might have been asked, and never were."""
    unlisted: int
    """Nodes that servers say they list, and that no answer told of."""
    datagrams: int
    """Datagrams sent."""
    bytes: int
    """Bytes of UDP payload sent."""
    connections: int
    """TCP connections begun to TURN servers to measure them."""
    misplaced: int
    """Datagrams ignored: from an address that was not asked."""
    mismatched: int
    """Datagrams ignored: with an id, nonce or transaction that was not sent there."""
    repeated: int
    """Datagrams ignored: a second answer to one request."""
    malformed: int
    """Datagrams ignored: no message of the protocol."""
    ruled_out: int
    """Candidates that `require` and `exclude` left out."""


@dataclass(frozen=True)
class Selection:
    """A TURN server, and how it was found. Addresses are `IP:PORT`, times milliseconds."""

    turn: str
    """The TURN server's address, to be used."""
    listed: str | None
    """How it is listed, where a NAT64 leads to it; None: as it is used."""
    name: str | None
    """What the leaf beside it, or the list that named it, calls it."""
    rtt_ms: float
    """The least round-trip time measured to it or, where it was not asked itself, to the leaf that names it."""
    verified: bool
    """Whether it has answered itself (STUN Binding)."""
    drawn: int | None
    """Among how many it was drawn that are as near as one another, by what each has free; None: the least time won."""
    load: float | None
    """How full it is, from 0 to 1; None: that is not told."""
    labels: dict[str, str] = field(hash=False)
    """What it is labelled with, where there was `require`, `prefer` or `exclude`: nobody asks for labels else."""
    transport: str
    """By which means it was found: "udp" or "https". By "https" it is reached by the first of `urls`."""
    urls: tuple[str, ...]
    """How it is reached, the best first; empty unless `urls=True` asked for it, or HTTPS found it."""
    elapsed_ms: float
    """From the start, look-ups of names included, to the decision."""
    strategy: str
    """How it was to be chosen: "best" or "first"."""
    path: tuple[Hop, ...]
    """The balance servers on the way, root first."""
    runners_up: tuple[RunnerUp, ...]
    """The other TURN servers that could have been chosen, in the order to try."""
    cost: Cost
    """What the descent cost."""
    unresolved: tuple[UnresolvedRoot, ...]
    """The roots that could not be asked."""
    _document: dict[str, Any] = field(repr=False, compare=False)
    _ice: tuple[tuple[str, ...], ...] = field(repr=False, compare=False)

    def ice_servers(
        self,
        *,
        username: str | None = None,
        credential: str | None = None,
        secret: str | bytes | None = None,
        ttl: float = DAY,
        runners_up: int = 1,
    ) -> list[IceServer]:
        """What an `RTCConfiguration` takes as `iceServers`: the TURN server that was chosen, and the next best.

        With `username` and `credential` those are who one is to all of them; with `secret` they are minted, good for
        `ttl` seconds, in the name of `username` or of "tb"; without either there are none. Ask for `urls=True` to have
        names, TCP and TLS among the URLs, not only an address over UDP. Clients test all servers that they are given,
        so that each one more costs time; those that were asked in vain are left out.
        """
        if runners_up < 0:
            raise ValueError(f"runners_up is {runners_up}, expected 0 or more")
        who = _who(username, credential, secret, ttl)
        servers: list[IceServer] = [{"urls": list(urls)} for urls in self._ice[: runners_up + 1]]
        if who is not None:
            for server in servers:
                server["username"], server["credential"] = who.username, who.credential
        return servers

    def to_dict(self) -> dict[str, Any]:
        """The document that `tb probe --json` prints."""
        return {"schema": "tb.probe/1", **copy.deepcopy(self._document)}

    def to_json(self) -> str:
        """The same as text, in one line."""
        return json.dumps(self.to_dict())

    @classmethod
    def _read(cls, text: str) -> Selection:
        return cls._of(json.loads(text))

    @classmethod
    def _of(cls, found: dict[str, Any]) -> Selection:
        document = found["document"]
        return cls(
            turn=document["turn"],
            listed=document["listed"],
            name=document["name"],
            rtt_ms=document["rtt_ms"],
            verified=document["verified"],
            drawn=document["drawn"],
            load=document["load"],
            labels=document["labels"],
            transport=document["transport"],
            urls=tuple(document["urls"] or ()),
            elapsed_ms=document["elapsed_ms"],
            strategy=document["strategy"],
            path=tuple(Hop(**hop) for hop in document["path"]),
            runners_up=tuple(
                RunnerUp(**{**other, "urls": tuple(other["urls"] or ())})
                for other in document["runners_up"]
            ),
            cost=Cost(**found["cost"]),
            unresolved=tuple(UnresolvedRoot(**root) for root in document["unresolved"]),
            _document=document,
            _ice=tuple(tuple(server["urls"]) for server in found["ice"]["iceServers"]),
        )


def _who(
    username: str | None, credential: str | None, secret: str | bytes | None, ttl: float
) -> Credentials | None:
    if secret is not None:
        if credential is not None:
            raise ValueError("a credential and a secret, expected one of them")
        return mint(secret, ttl=ttl, user="tb" if username is None else username)
    if username is not None and credential is not None:
        for text in (username, credential):
            if not isinstance(text, str):
                raise TypeError(f"username and credential are text, not {type(text).__name__}")
        return Credentials(username, credential)
    if username is not None or credential is not None:
        raise ValueError("username and credential belong together")
    return None

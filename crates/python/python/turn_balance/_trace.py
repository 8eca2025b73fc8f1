"""Everything that a descent has seen."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from ._errors import TurnBalanceError, UnresolvedRoot, error_of
from ._selection import Cost, Selection


@dataclass(frozen=True)
class Candidate:
    """One line of a `Trace`."""

    level: int
    """Its step of the cascade; the root is level 0."""
    addr: str
    """Its address, as it was or would be asked."""
    listed: str | None
    """How it is listed, as `Selection.listed`."""
    name: str | None
    """Its name."""
    via: str | None
    """The address of the one that listed it; None: it is a root."""
    turn: str | None
    """The TURN server beside it, for a leaf."""
    rtt_ms: float | None
    """Its least round-trip time."""
    total_ms: float | None
    """The round-trip times from the root down to it, added up; None: the descent did not go through it."""
    load: float | None
    """How full the TURN server beside it is, from 0 to 1; None: that is not told."""
    labels: dict[str, str] = field(hash=False)
    """What it is labelled with, below those above it, as `Selection.labels`."""
    sent: int
    """Datagrams sent to it."""
    state: str
    """What became of it: the words of `tb trace`."""
    says: str | None
    """What it says of itself, where its state is another."""
    fault: str | None
    """Why, as far as a TURN server is to blame."""
    answered_from: str | None
    """From where its answer came, where that is another address than was asked."""
    unasked: str | None
    """Why it was never asked, where that is its state."""
    unlisted: int
    """How many nodes it says that it lists beside those that came."""


@dataclass(frozen=True)
class Trace:
    """Everything that a descent has seen, also where it finds nothing."""

    candidates: tuple[Candidate, ...]
    """All of them: by level, then with the best first and the silent last."""
    selection: Selection | None
    """What it came to; None: to nothing."""
    error: TurnBalanceError | None
    """Why it came to nothing: a `NotFoundError`."""
    strategy: str
    """How it was to choose."""
    transport: str
    """By which means it went."""
    view: str
    """Which lists it asked for."""
    elapsed_ms: float
    """From the start, look-ups of names included, to the end."""
    cost: Cost
    """What the descent cost."""
    unresolved: tuple[UnresolvedRoot, ...]
    """The roots that could not be asked."""
    _document: dict[str, Any] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The document that `tb trace --json` prints."""
        return {"schema": "tb.trace/1", **copy.deepcopy(self._document)}

    def to_json(self) -> str:
        """The same as text, in one line."""
        return json.dumps(self.to_dict())

    @classmethod
    def _read(cls, text: str) -> Trace:
        seen = json.loads(text)
        document, selection = seen["document"], seen["selection"]
        unresolved = [(root["host"], root["reason"]) for root in document["unresolved"]]
        error = document["error"]
        return cls(
            candidates=tuple(Candidate(**row) for row in document["candidates"]),
            selection=Selection._of(selection) if selection else None,
            error=error_of(**error, unresolved=unresolved) if error else None,
            strategy=document["strategy"],
            transport=document["transport"],
            view=document["view"],
            elapsed_ms=document["elapsed_ms"],
            cost=Cost(**seen["cost"]),
            unresolved=tuple(UnresolvedRoot(*root) for root in unresolved),
            _document=document,
        )

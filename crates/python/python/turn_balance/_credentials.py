"""Who one is to a TURN server."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from . import _native

if TYPE_CHECKING:
    from typing_extensions import NotRequired

DAY = 24 * 60 * 60


class IceServer(TypedDict):
    """W3C's `RTCIceServer`: `aiortc.RTCIceServer(**server)`, or as JSON for a browser."""

    urls: list[str]
    username: NotRequired[str]
    credential: NotRequired[str]


@dataclass(frozen=True)
class Credentials:
    """The user and the password that a TURN server asks for."""

    username: str
    """The user; of minted ones `<unix time of their end>:<name>`."""
    credential: str = field(repr=False)
    """The password, which is not shown."""


def mint(
    secret: str | bytes, *, ttl: float = DAY, expiry: int | None = None, user: str = "tb"
) -> Credentials:
    """Credentials from the secret that TURN servers share (coturn's `static-auth-secret`).

    They are good for `ttl` seconds from now, or until `expiry` (seconds since 1970), for whoever `user` is. The clocks
    of this host and of the TURN servers must agree.
    """
    until = int(time.time() + ttl) if expiry is None else expiry
    text = secret.encode() if isinstance(secret, str) else secret
    return Credentials(*_native.mint(text, until, user))

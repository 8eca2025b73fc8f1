"""Who one is to a TURN server."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import inf
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

    Raises ValueError where the secret is empty, `ttl` is not above 0, or they would end before 1970 or never.
    """
    text = secret.encode() if isinstance(secret, str) else secret
    if expiry is None:
        if not 0 < ttl < inf:
            raise ValueError(f"ttl is {ttl}, expected a number of seconds above 0")
        expiry = int(time.time() + ttl)
    try:
        minted = _native.mint(text, expiry, user)
    except OverflowError:
        raise ValueError(f"the credentials end at {expiry}, expected seconds since 1970") from None
    return Credentials(*minted)

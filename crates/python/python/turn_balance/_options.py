"""Whom to ask, and how."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Union

from . import _native

if TYPE_CHECKING:
    from typing_extensions import Self

Roots = Union[str, Iterable[str]]
"""One root or several: `HOST[:PORT]`, port 3001 if left out, IPv6 in brackets; a domain that has SRV records
`_tb._udp`; or `https://HOST[:PORT][/PATH]`, which is asked where UDP is blocked."""


class Options(TypedDict, total=False):
    """The options of `Balance`, which says what they mean."""

    timeout: float
    family: Literal[4, 6] | None
    verify: Literal["on", "off", "require"]
    urls: bool
    transport: Literal["auto", "udp", "https"]
    ca_file: str | os.PathLike[str] | None
    strategy: Literal["best", "first"]
    view: Literal["flat", "subordinates"]
    linger: float
    allow: Iterable[str]
    allow_private: bool
    require: Iterable[str]
    prefer: Iterable[str]
    exclude: Iterable[str]


def _texts(given: str | Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


class Client:
    """What `Balance` and `aio.Balance` have in common."""

    def __init__(
        self,
        roots: Roots,
        *,
        timeout: float = 10.0,
        family: Literal[4, 6] | None = None,
        verify: Literal["on", "off", "require"] = "on",
        urls: bool = False,
        transport: Literal["auto", "udp", "https"] = "auto",
        ca_file: str | os.PathLike[str] | None = None,
        strategy: Literal["best", "first"] = "best",
        view: Literal["flat", "subordinates"] = "flat",
        linger: float = 1.0,
        allow: Iterable[str] = (),
        allow_private: bool = False,
        require: Iterable[str] = (),
        prefer: Iterable[str] = (),
        exclude: Iterable[str] = (),
    ) -> None:
        """A client of these roots. Nothing is asked yet, and no name is looked up.

        roots: one root or several, all asked at once: `HOST[:PORT]`, or `https://HOST[:PORT][/PATH]`, which is asked
            where UDP is blocked.
        timeout: seconds for all of a descent, look-ups of names included.
        family: 4 or 6: addresses of this family alone.
        verify: whether the TURN servers themselves are asked at the end; "require": name none that has not answered.
        urls: whether to ask how TURN servers are reached, for `ice_servers()`: by name, by TCP, by TLS.
        transport: "udp" or "https": by this alone.
        ca_file: certificates (PEM) to trust in place of the system's.
        strategy: "first": the first answer wins, in place of the nearest.
        view: "subordinates": every level of the cascade, without the servers' flat lists.
        linger: seconds that a trace goes on listening for slow candidates after the choice.
        allow: networks (`10.0.0.0/8`) that lists may lead into although they are nearer than the root.
        allow_private: the same for all private networks.
        require: labels (`region=eu`) of which a TURN server must be known to have one of each key; `name=fra-b` is
            what it is called. Nobody else is named, also where nobody else lives.
        prefer: labels that it had better have: who has one of more of their keys is better, however far it is.
        exclude: labels that neither it nor a server on the way to it may have.

        Raises EndpointError where a root is none, NoRootsError, NoRootByError, NoAddressError and CertificatesError
        where nothing could be asked, and ValueError where an option is wrong.
        """
        if isinstance(roots, (bytes, bytearray)):
            raise TypeError("roots are text, not bytes")
        self._roots = [roots] if isinstance(roots, str) else list(roots)
        self._options: dict[str, Any] = {
            "timeout": timeout,
            "family": family,
            "verify": verify,
            "urls": urls,
            "transport": transport,
            "ca_file": ca_file,
            "strategy": strategy,
            "view": view,
            "linger": linger,
            "allow": _texts(allow),
            "allow_private": allow_private,
            "require": _texts(require),
            "prefer": _texts(prefer),
            "exclude": _texts(exclude),
        }
        self._client = _native.Client(self._roots, **self._options)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self._options.items())
        return f"{type(self).__name__}({self._roots!r}, {options})"

    def __reduce__(self) -> tuple[functools.partial[Self], tuple[list[str]]]:
        return functools.partial(type(self), **self._options), (self._roots,)

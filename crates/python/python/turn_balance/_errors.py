"""What can go wrong, by kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class UnresolvedRoot:
    """A root that could not be asked by UDP: no address of it was known in time."""

    host: str
    """Its host, without the port."""
    reason: str
    """Why it has none."""


class TurnBalanceError(Exception):
    """Whatever the library says no with."""

    __module__ = "turn_balance"  # where users have it from, as tracebacks say

    kind: str
    """One word for it, as in the JSON of `tb`."""
    message: str
    """All of it in a line, with what the system says."""
    unresolved: tuple[UnresolvedRoot, ...]
    """The roots that could not be asked besides."""

    def __init__(self, kind: str, message: str, unresolved: Iterable[UnresolvedRoot] = ()) -> None:
        self.kind, self.message, self.unresolved = kind, message, tuple(unresolved)
        super().__init__(self.kind, self.message, self.unresolved)

    def __init_subclass__(cls) -> None:
        cls.__module__ = TurnBalanceError.__module__

    def __str__(self) -> str:
        return self.message


class NotFoundError(TurnBalanceError):
    """It asked, and there is no TURN server to be had."""


class NoAnswerError(NotFoundError):
    """The deepest level that was reached stayed silent."""


class UnreachableError(NotFoundError):
    """Nobody can be reached on the deepest level: nothing listens, or there is no way."""


class DeadEndError(NotFoundError):
    """Whatever answered had nothing to offer."""


class UnverifiedError(NotFoundError):
    """No TURN server has answered itself, and `verify="require"` asks for it."""


class LimitedError(NotFoundError):
    """The limits let nobody be asked whom a server lists."""


class RuledOutError(NotFoundError):
    """`require` and `exclude` leave out whoever there is."""


class HttpsError(NotFoundError):
    """By HTTPS and TCP none was found, and by UDP neither."""


class ResolveError(TurnBalanceError):
    """A host name could not be looked up."""


class NoAddressError(TurnBalanceError):
    """A host has no address of the family asked for."""


class EndpointError(TurnBalanceError, ValueError):
    """A text stands for no root."""


class NoRootsError(TurnBalanceError, ValueError):
    """No root was given."""


class NoRootByError(TurnBalanceError, ValueError):
    """No root was given by the transport that alone is to be used."""


class SocketError(TurnBalanceError):
    """A socket could not be opened or used."""


class RandomError(TurnBalanceError):
    """The system gave no random numbers."""


class CertificatesError(TurnBalanceError):
    """Whom to trust with certificates is not known: the file cannot be used, or the system trusts nobody."""


KINDS: dict[str, type[TurnBalanceError]] = {
    "no_answer": NoAnswerError,
    "unreachable": UnreachableError,
    "dead_end": DeadEndError,
    "unverified": UnverifiedError,
    "limited": LimitedError,
    "ruled_out": RuledOutError,
    "https": HttpsError,
    "resolve": ResolveError,
    "no_address": NoAddressError,
    "endpoint": EndpointError,
    "no_roots": NoRootsError,
    "no_root_by": NoRootByError,
    "socket": SocketError,
    "random": RandomError,
    "roots": CertificatesError,
}


def error_of(kind: str, message: str, unresolved: Iterable[tuple[str, str]]) -> TurnBalanceError:
    """The exception of a kind. `_native` calls it."""
    roots = (UnresolvedRoot(host, reason) for host, reason in unresolved)
    return KINDS.get(kind, TurnBalanceError)(kind, message, roots)

"""For programs that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._options import Client, Options, Roots
from ._selection import Selection
from ._trace import Trace

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Balance(Client):
    """A client of a cascade. Several threads may use it at once, and so may a forked child."""

    def select(self) -> Selection:
        """The best TURN server, and how it was found. Other threads run meanwhile, and Ctrl-C ends it.

        Raises NotFoundError, and whatever kept it from asking: ResolveError, NoAddressError, SocketError,
        RandomError and CertificatesError.
        """
        return Selection._read(self._client.run(False))

    def trace(self) -> Trace:
        """Everything that a descent sees. One that finds nothing is no error here: `Trace.error` says why.

        Raises what kept it from asking.
        """
        return Trace._read(self._client.run(True))


def select(roots: Roots, **options: Unpack[Options]) -> Selection:
    """The best TURN server below these roots: `Balance(roots, **options).select()`."""
    return Balance(roots, **options).select()


def trace(roots: Roots, **options: Unpack[Options]) -> Trace:
    """Everything that a descent sees: `Balance(roots, **options).trace()`."""
    return Balance(roots, **options).trace()

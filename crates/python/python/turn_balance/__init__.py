"""Names the best TURN server of a turn-balance cascade.

>>> import turn_balance
>>> selection = turn_balance.select("root.example", urls=True)
>>> selection.turn, selection.rtt_ms
('203.0.113.52:3478', 11.97)

`turn_balance.aio` is the same for asyncio.
"""

import atexit as _atexit

from . import _native, aio
from ._balance import Balance, select, trace
from ._credentials import Credentials, IceServer, mint
from ._errors import (
    CertificatesError,
    DeadEndError,
    EndpointError,
    HttpsError,
    LimitedError,
    NoAddressError,
    NoAnswerError,
    NoRootByError,
    NoRootsError,
    NotFoundError,
    RandomError,
    ResolveError,
    RuledOutError,
    SocketError,
    TurnBalanceError,
    UnreachableError,
    UnresolvedRoot,
    UnverifiedError,
)
from ._options import Options
from ._selection import Cost, Hop, RunnerUp, Selection
from ._trace import Candidate, Trace

__version__ = _native.__version__

__all__ = [
    "Balance",
    "Candidate",
    "CertificatesError",
    "Cost",
    "Credentials",
    "DeadEndError",
    "EndpointError",
    "Hop",
    "HttpsError",
    "IceServer",
    "LimitedError",
    "NoAddressError",
    "NoAnswerError",
    "NoRootByError",
    "NoRootsError",
    "NotFoundError",
    "Options",
    "RandomError",
    "ResolveError",
    "RuledOutError",
    "RunnerUp",
    "Selection",
    "SocketError",
    "Trace",
    "TurnBalanceError",
    "UnreachableError",
    "UnresolvedRoot",
    "UnverifiedError",
    "aio",
    "mint",
    "select",
    "trace",
]

# No thread of the library has the interpreter when it ends.
_atexit.register(_native.stop)

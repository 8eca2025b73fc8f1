"""The same for asyncio: `await turn_balance.aio.select("root.example")`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from . import _native
from ._options import Client, Options, Roots
from ._selection import Selection
from ._trace import Trace

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Balance", "select", "trace"]


class Balance(Client):
    """A client of a cascade, for the tasks of any event loop."""

    async def select(self) -> Selection:
        """As `turn_balance.Balance.select`. To cancel the task is to end the descent and close its sockets."""
        return Selection._read(await _ended(self._client, trace=False))

    async def trace(self) -> Trace:
        """As `turn_balance.Balance.trace`."""
        return Trace._read(await _ended(self._client, trace=True))


async def select(roots: Roots, **options: Unpack[Options]) -> Selection:
    """The best TURN server below these roots: `await Balance(roots, **options).select()`."""
    return await Balance(roots, **options).select()


async def trace(roots: Roots, **options: Unpack[Options]) -> Trace:
    """Everything that a descent sees: `await Balance(roots, **options).trace()`."""
    return await Balance(roots, **options).trace()


async def _ended(client: _native.Client, trace: bool) -> str:
    """Goes down on the library's thread, and waits here."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()

    def settle(document: str | None, error: Exception | None) -> None:
        if future.done():  # the task was cancelled meanwhile
            return
        if error is not None:
            future.set_exception(error)
        elif document is not None:
            future.set_result(document)

    def done(document: str | None, error: Exception | None) -> None:
        try:
            loop.call_soon_threadsafe(settle, document, error)
        except RuntimeError:
            pass  # the loop was closed meanwhile, and nobody waits

    job = client.start(trace, done)
    try:
        return await future
    finally:
        job.cancel()

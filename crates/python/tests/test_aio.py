"""asyncio: many at once, some cancelled, loops that close."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest
import turn_balance
from conftest import PATIENCE, Cascade, eventually
from turn_balance import aio


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def threads() -> list[str]:
    """The names of the system's threads of this process."""
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm") as comm:
                names.append(comm.read().strip())
        except OSError:
            pass  # it has just ended
    return names


def test_it_selects_and_traces(cascade: Cascade) -> None:
    async def both() -> None:
        assert (await aio.select(cascade.root)).turn in cascade.turns
        balance = aio.Balance([cascade.root], urls=True)
        found, trace = await asyncio.gather(balance.select(), balance.trace())
        assert found.urls and trace.selection is not None

    asyncio.run(both())


def test_errors_come_to_who_awaits(silent: str) -> None:
    with pytest.raises(turn_balance.NoAnswerError):
        asyncio.run(aio.select(silent, timeout=0.1))


def test_two_hundred_at_once_of_which_half_are_cancelled(cascade: Cascade, silent: str) -> None:
    asyncio.run(aio.select(cascade.root))  # the library's thread is there from now on
    before = descriptors()

    async def crowd() -> None:
        found = [asyncio.create_task(aio.select(cascade.root, timeout=PATIENCE)) for _ in range(100)]
        waiting = [asyncio.create_task(aio.select(silent, timeout=600)) for _ in range(100)]
        selections = await asyncio.gather(*found)
        assert {selection.turn for selection in selections} <= set(cascade.turns)
        eventually("a socket each", lambda: descriptors() >= before + 100)
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)

    asyncio.run(crowd())
    eventually("all descriptors are closed", lambda: descriptors() <= before)
    assert threads().count("turn-balance") == 1


def test_a_timeout_of_the_caller_ends_the_descent(silent: str) -> None:
    before = descriptors()

    async def impatient() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(aio.select(silent, timeout=600), 0.05)

    asyncio.run(impatient())
    eventually("its socket is closed", lambda: descriptors() <= before)


def test_a_loop_that_is_closed_meanwhile_is_harmless(cascade: Cascade, silent: str) -> None:
    balance, tasks = aio.Balance(silent, timeout=0.1), []
    for _ in range(20):
        loop = asyncio.new_event_loop()
        task = loop.create_task(balance.select())
        loop.run_until_complete(asyncio.sleep(0))  # it has begun
        loop.close()
        tasks.append(task)
    # What comes to them finds no loop.
    with pytest.raises(turn_balance.NoAnswerError):
        turn_balance.select(silent, timeout=0.3)
    assert asyncio.run(aio.select(cascade.root)).turn in cascade.turns
    assert not any(task.done() for task in tasks)
    for task in tasks:
        task.get_coro().close()
        task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_a_loop_that_stands_still_delays_no_descent(cascade: Cascade) -> None:
    asyncio.run(aio.select(cascade.root))

    async def busy() -> None:
        before = descriptors()
        task = asyncio.create_task(aio.select(cascade.root))
        await asyncio.sleep(0)
        eventually("its socket is closed", lambda: descriptors() <= before)
        assert (await task).turn in cascade.turns

    asyncio.run(busy())


def test_loops_of_several_threads(cascade: Cascade) -> None:
    balance, found = aio.Balance(cascade.root), list[str]()

    def run() -> None:
        found.append(asyncio.run(balance.select()).turn)

    runners = [threading.Thread(target=run) for _ in range(8)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(PATIENCE)
    assert len(found) == 8 and set(found) <= set(cascade.turns)

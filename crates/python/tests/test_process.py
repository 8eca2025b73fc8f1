"""Signals, forks and the end of the interpreter, each in a Python of its own."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys

import pytest
from conftest import PATIENCE, Cascade


def begin(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    """Ends it with its children, where they have not ended."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(script: str, *arguments: str) -> str:
    """What it prints, if it ends by itself and complains of nothing."""
    process = begin(script, *arguments)
    try:
        stdout, stderr = process.communicate(timeout=PATIENCE)
    finally:
        end(process)
    assert (process.returncode, stderr) == (0, ""), stdout
    return stdout


def test_ctrl_c_ends_a_selection_and_closes_its_socket() -> None:
    script = """
import os, sys, turn_balance
balance = turn_balance.Balance(sys.argv[1], timeout=600)
before = len(os.listdir("/proc/self/fd"))
try:
    balance.select()
except KeyboardInterrupt:
    while len(os.listdir("/proc/self/fd")) > before:
        pass
    print("interrupted")
"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        process = begin(script, "127.0.0.1:{}".format(mute.getsockname()[1]))
        try:
            assert select.select([mute], [], [], PATIENCE)[0], "it has not asked"
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=PATIENCE) == ("interrupted\n", "")
        finally:
            end(process)


# Each child exits as programs do, with what that entails.
FORKS = """
import asyncio, os, sys, threading, turn_balance, warnings
from turn_balance import aio
warnings.simplefilter("ignore")  # of forks beside threads
root, silent = sys.argv[1:]
balance, several = turn_balance.Balance(root), aio.Balance([root, silent])

async def both():
    return {(await several.select()).turn, (await aio.select(root)).turn}

def work():
    assert {balance.select().turn} | asyncio.run(both())

def fork(then):
    child = os.fork()
    if child == 0:
        then()
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7

work()
threading.excepthook = lambda _: None  # what waits at the end is told
threading.Thread(target=lambda: turn_balance.select(silent, timeout=600), daemon=True).start()
for _ in range(3):
    fork(work)
fork(lambda: fork(work))
work()
print("whole")
"""


def test_forked_children_select_and_so_does_the_parent(cascade: Cascade, silent: str) -> None:
    assert run(FORKS, cascade.root, silent) == "whole\n"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(cascade: Cascade, method: str) -> None:
    script = """
import multiprocessing, sys, turn_balance, warnings
warnings.simplefilter("ignore")
if __name__ == "__main__":
    balance = turn_balance.Balance(sys.argv[1])
    balance.select()
    context = multiprocessing.get_context(sys.argv[2])
    with context.Pool(2) as pool:
        print(len(pool.map(turn_balance.Balance.select, [balance] * 4)))
"""
    assert run(script, cascade.root, method) == "4\n"


ENDS = {
    "a thread that waits": """
threading.Thread(target=lambda: turn_balance.select(silent, timeout=600), daemon=True).start()
""",
    "threads that select all the time": """
def again():
    balance = turn_balance.Balance(root)
    while True:
        balance.select()
for _ in range(4):
    threading.Thread(target=again, daemon=True).start()
""",
    "a loop on a thread": """
async def many():
    await asyncio.gather(*(aio.select(at, timeout=600) for at in [root, silent] * 20))
threading.Thread(target=lambda: asyncio.run(many()), daemon=True).start()
""",
    "tasks that nobody awaits": """
async def begin():
    tasks.extend(asyncio.ensure_future(aio.select(silent, timeout=600)) for _ in range(20))
    await asyncio.sleep(0)
tasks = []
asyncio.run(begin())
""",
    "descents whose ends nobody waits for": """
client = turn_balance.Balance([root, silent])._client
jobs = [client.start(False, lambda *_: None) for _ in range(20)]
""",
}


@pytest.mark.parametrize("what", ENDS)
def test_the_interpreter_ends_in_the_middle(cascade: Cascade, silent: str, what: str) -> None:
    script = f"""
import asyncio, sys, threading, time, turn_balance
from turn_balance import aio
threading.excepthook = lambda _: None  # those that wait are told
root, silent, pause = sys.argv[1:]
{ENDS[what]}
time.sleep(float(pause))
print("ended")
"""
    # At several moments of the work, none of which matters.
    for pause in ("0", "0.001", "0.01", "0.05"):
        assert run(script, cascade.root, silent, pause) == "ended\n"


def test_nothing_begins_once_the_interpreter_ends(cascade: Cascade) -> None:
    script = """
import atexit, sys

def late():
    try:
        turn_balance.select(sys.argv[1])
    except OSError as error:
        print(error)

atexit.register(late)  # before the library's own, so that it comes after that
import turn_balance
"""
    assert run(script, cascade.root) == "the interpreter is about to end\n"

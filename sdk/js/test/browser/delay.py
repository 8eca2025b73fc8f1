"""Delays and loses UDP datagrams between clients and servers.

Each line of its input replaces what was set before, and is answered by a line:
{"loss": 0.05, "ways": [{"front": "IP:PORT", "back": "IP:PORT", "ms": 30}]}. A client sends to the front; the answer from the back
reaches it so many milliseconds after the client was heard, by the kernel's clock: a machine that is busy in between adds nothing. The line that
answers has after how many milliseconds the soonest has left each front since the line before. Each way of a datagram is
lost with the same probability. A front that is named once stays.
"""

import heapq
import json
import os
import random
import resource
import select
import socket
import struct
import sys
import time

# As a NAT does, a way forgets a client that is silent.
IDLE = 5.0
# What Python has no name for: when the kernel had a datagram (socket(7)).
SO_TIMESTAMPNS = 35

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
try:
    # Before all that waits its turn: what it adds to a delay is an error of all that is measured.
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
except OSError:
    pass
# Waited on with `select`, which alone keeps time to the microsecond.
poll = select.epoll()
poll.register(sys.stdin, select.EPOLLIN)
ways, flows, due, loss, count, text, swept = {}, {}, [], 0.0, 0, b"", 0.0


class Flow:
    """A socket: that of a front, or that of one client to a back."""

    def __init__(self, way, client=None, address=None):
        self.way, self.client, self.used = way, client, time.monotonic()
        self.asked = self.used  # when the client was last heard
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if address:
            self.socket.bind(address)
        flows[self.socket.fileno()] = self
        poll.register(self.socket, select.EPOLLIN)


class Way:
    def __init__(self, front):
        self.front, self.clients, self.least = Flow(self, address=endpoint(front)), {}, 1.0


def endpoint(written):
    ip, port = written.rsplit(":", 1)
    return ip, int(port)


def configure(line):
    global loss
    wanted = json.loads(line)
    loss = wanted.get("loss", 0.0)
    for entry in wanted["ways"]:
        way = ways.get(entry["front"])
        if way is None:
            way = ways[entry["front"]] = Way(entry["front"])
        way.back, way.delay = endpoint(entry["back"]), entry["ms"] / 1000
    print(json.dumps({front: round(1000 * way.least, 2) for front, way in ways.items() if way.least < 1}), flush=True)
    for way in ways.values():
        way.least = 1.0


def pass_on(flow):
    global count
    while True:
        try:
            data, stamps, _, source = flow.socket.recvmsg(2048, 64)
        except OSError:
            return
        way, now = flow.way, time.monotonic()
        if random.random() < loss:
            continue
        if flow.client:
            count += 1
            heapq.heappush(due, (flow.asked + way.delay, count, flow, data))
            continue
        back = way.clients.get(source)
        if back is None:
            back = way.clients[source] = Flow(way, source)
        back.used, back.asked = now, now - waited(stamps)
        try:
            back.socket.sendto(data, way.back)
        except OSError:
            pass


def send_due():
    while due and due[0][0] <= (now := time.monotonic()):
        at, _, flow, data = heapq.heappop(due)
        way = flow.way
        way.least = min(way.least, way.delay + now - at)
        try:
            way.front.socket.sendto(data, flow.client)
        except OSError:
            pass


def waited(stamps):
    """For how long a datagram lay in the kernel."""
    seconds, nanoseconds = struct.unpack("qq", stamps[0][2]) if stamps else (time.time(), 0)
    return max(0.0, time.time() - seconds - nanoseconds / 1e9)


def sweep(now):
    idle = [flow for flow in flows.values() if flow.client and now - flow.used > IDLE]
    for flow in idle:
        del flow.way.clients[flow.client], flows[flow.socket.fileno()]
        flow.socket.close()


while True:
    wait = max(0.0, due[0][0] - time.monotonic()) if due else 1.0
    ready, _, _ = select.select([poll], [], [], wait)
    send_due()
    for fd, _ in poll.poll(0) if ready else ():
        send_due()
        if fd in flows:
            pass_on(flows[fd])
            continue
        chunk = os.read(fd, 1 << 20)
        if not chunk:
            sys.exit()
        *lines, text = (text + chunk).split(b"\n")
        for line in lines:
            configure(line)
    if not due and time.monotonic() - swept > 1:
        swept = time.monotonic()
        sweep(swept)

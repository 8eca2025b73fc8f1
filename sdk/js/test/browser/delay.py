"""Delays and loses UDP datagrams between clients and servers.

Each line of its input replaces what was set before, and is answered by a line:
{"loss": 0.05, "ways": [{"front": "IP:PORT", "back": "IP:PORT", "ms": 30}]}. A client sends to the front; the answer from the back
reaches it after so many milliseconds. Each way of a datagram is lost with the same probability. A front that is named once stays.
"""

import heapq
import json
import os
import random
import resource
import select
import socket
import sys
import time

# As a NAT does, a way forgets a client that is silent.
IDLE = 5.0

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
try:
    os.nice(-15)  # what it adds to a delay is an error of all that is measured
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
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        if address:
            self.socket.bind(address)
        flows[self.socket.fileno()] = self
        poll.register(self.socket, select.EPOLLIN)


class Way:
    def __init__(self, front):
        self.front, self.clients = Flow(self, address=endpoint(front)), {}


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
    print("ready", flush=True)


def pass_on(flow):
    global count
    while True:
        try:
            data, source = flow.socket.recvfrom(2048)
        except OSError:
            return
        way, now = flow.way, time.monotonic()
        if random.random() < loss:
            continue
        if flow.client:
            count += 1
            heapq.heappush(due, (now + way.delay, count, way.front.socket, data, flow.client))
            continue
        back = way.clients.get(source)
        if back is None:
            back = way.clients[source] = Flow(way, source)
        back.used = now
        try:
            back.socket.sendto(data, way.back)
        except OSError:
            pass


def sweep(now):
    idle = [flow for flow in flows.values() if flow.client and now - flow.used > IDLE]
    for flow in idle:
        del flow.way.clients[flow.client], flows[flow.socket.fileno()]
        flow.socket.close()


while True:
    wait = max(0.0, due[0][0] - time.monotonic()) if due else 1.0
    ready, _, _ = select.select([poll], [], [], wait)
    now = time.monotonic()
    while due and due[0][0] <= now:
        _, _, front, data, client = heapq.heappop(due)
        try:
            front.sendto(data, client)
        except OSError:
            pass
    for fd, _ in poll.poll(0) if ready else ():
        if fd in flows:
            pass_on(flows[fd])
            continue
        chunk = os.read(fd, 1 << 20)
        if not chunk:
            sys.exit()
        *lines, text = (text + chunk).split(b"\n")
        for line in lines:
            configure(line)
    if now - swept > 1:
        swept = now
        sweep(now)

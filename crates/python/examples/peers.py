"""Two aiortc peers that reach each other through the best TURN server alone:
`python peers.py root.example SECRET`, where the secret is coturn's `static-auth-secret`."""

from __future__ import annotations

import asyncio
import sys

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
)

from turn_balance import aio


async def main(root: str, secret: str) -> None:
    found = await aio.select(root, urls=True)
    print(f"{found.turn} at {found.rtt_ms} ms: {', '.join(found.urls)}")
    servers = [RTCIceServer(**server) for server in found.ice_servers(secret=secret)]
    configuration = RTCConfiguration(servers, iceTransportPolicy=RTCIceTransportPolicy.RELAY)
    caller, callee = RTCPeerConnection(configuration), RTCPeerConnection(configuration)
    heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @callee.on("datachannel")
    def on_channel(channel: RTCDataChannel) -> None:
        channel.on("message", heard.set_result)

    channel = caller.createDataChannel("test")
    channel.on("open", lambda: channel.send("through the relay"))
    try:
        await caller.setLocalDescription(await caller.createOffer())
        await callee.setRemoteDescription(caller.localDescription)
        await callee.setLocalDescription(await callee.createAnswer())
        await caller.setRemoteDescription(callee.localDescription)
        print(await asyncio.wait_for(heard, 30))
    finally:
        await asyncio.gather(caller.close(), callee.close())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

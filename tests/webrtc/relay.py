"""Two WebRTC peers that reach each other through TURN alone, configured as `tb probe --format ice` prints
it: reads the RTCConfiguration from standard input, sends a message from one to the other, and prints it."""

import asyncio
import json
import sys

from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
)


async def main() -> None:
    servers = [RTCIceServer(**server) for server in json.load(sys.stdin)["iceServers"]]
    configuration = RTCConfiguration(
        iceServers=servers, iceTransportPolicy=RTCIceTransportPolicy.RELAY
    )
    caller, callee = RTCPeerConnection(configuration), RTCPeerConnection(configuration)
    heard = asyncio.get_running_loop().create_future()

    @callee.on("datachannel")
    def _(channel):
        channel.on("message", heard.set_result)

    channel = caller.createDataChannel("test")
    channel.on("open", lambda: channel.send("through the relay"))
    await caller.setLocalDescription(await caller.createOffer())
    await callee.setRemoteDescription(caller.localDescription)
    await callee.setLocalDescription(await callee.createAnswer())
    await caller.setRemoteDescription(callee.localDescription)
    lines = (caller.localDescription.sdp + callee.localDescription.sdp).splitlines()
    candidates = [line for line in lines if line.startswith("a=candidate:")]
    assert candidates and all(" typ relay " in line for line in candidates), candidates
    print(await asyncio.wait_for(heard, 30))
    await caller.close()
    await callee.close()


asyncio.run(main())

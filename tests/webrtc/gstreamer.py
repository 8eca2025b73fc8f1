"""A `webrtcbin` that may use TURN alone, given its server as `tb probe --format gst` prints it: prints a line
for each of the two ways to give it by which a relay candidate is found."""

import sys

import gi

for library in ("Gst", "GstWebRTC", "GstSdp"):
    gi.require_version(library, "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402, F401


def gather(give) -> bool:
    """Whether there is a candidate, all of which are relayed."""
    loop, candidates = GLib.MainLoop(), []
    pipeline, peer = Gst.Pipeline.new(), Gst.ElementFactory.make("webrtcbin")
    pipeline.add(peer)
    peer.set_property("ice-transport-policy", GstWebRTC.WebRTCICETransportPolicy.RELAY)
    give(peer)

    def found(_peer, _line, candidate):
        candidates.append(candidate)
        loop.quit()

    def offered(promise, _data):
        reply = promise.get_reply()  # which holds the offer
        peer.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    peer.connect("on-ice-candidate", found)
    pipeline.set_state(Gst.State.PLAYING)
    channel = peer.emit("create-data-channel", "test", None)
    peer.emit("create-offer", None, Gst.Promise.new_with_change_func(offered, None))
    GLib.timeout_add_seconds(10, loop.quit)
    loop.run()
    pipeline.set_state(Gst.State.NULL)
    del channel
    return bool(candidates) and all(" typ relay " in line for line in candidates)


Gst.init(None)
uri = sys.argv[1]
if gather(lambda peer: peer.set_property("turn-server", uri)):
    print("turn-server")
if gather(lambda peer: peer.emit("add-turn-server", uri)):
    print("add-turn-server")

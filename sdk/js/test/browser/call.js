// A call between two connections of one page, with what the SDK returned and nothing else, as a page has it.

import { iceServers, watch } from '/turn-balance.js'

export async function call(broker) {
  const note = { states: [], changes: [], errors: [], heard: 0 }
  const configuration = { iceServers: await iceServers({ ...broker, onselect: ({ server, method }) => Object.assign(note, { server, method }) }), iceTransportPolicy: 'relay' }
  const pcs = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)]
  negotiate(pcs)
  for (const pc of pcs) {
    pc.addEventListener('iceconnectionstatechange', () => note.states.push([performance.now(), pc.iceConnectionState]))
    watch({ pc, ...broker, onchange: ({ reason, selection, restarted }) => note.changes.push([performance.now(), reason, selection.server.turn, restarted]), onerror: (error) => note.errors.push(String(error)) })
  }
  pcs[1].ondatachannel = ({ channel }) => (channel.onmessage = ({ data }) => channel.send(data))
  const channel = pcs[0].createDataChannel('talk', { ordered: false, maxRetransmits: 0 })
  channel.onmessage = ({ data }) => {
    note.heard++
    // The first message that was sent after a change.
    if (note.changes.length && Number(data) > note.changes[0][0]) note.back ??= performance.now()
  }
  await new Promise((resolve) => (channel.onopen = resolve))
  const silent = () => note.quiet && !note.changes.length
  setInterval(() => silent() || (channel.readyState === 'open' && channel.send(String(performance.now()))), 50)
  return Object.assign(note, { iceServers: configuration.iceServers })
}

export function negotiate(pcs) {
  const deliver = pcs.map((pc, index) => {
    const send = (message) => setTimeout(() => deliver[1 - index](message))
    let offering = false
    let ignored = false
    pc.onicecandidate = ({ candidate }) => send({ candidate })
    pc.onnegotiationneeded = async () => {
      offering = true
      await pc.setLocalDescription()
      offering = false
      send({ description: pc.localDescription })
    }
    return async ({ description, candidate }) => {
      if (!description) return ignored || pc.addIceCandidate(candidate)
      ignored = index === 0 && description.type === 'offer' && (offering || pc.signalingState !== 'stable')
      if (ignored) return
      await pc.setRemoteDescription(description)
      if (description.type !== 'offer') return
      await pc.setLocalDescription()
      send({ description: pc.localDescription })
    }
  })
}

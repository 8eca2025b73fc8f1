// An internet for one test: a broker behind `fetch`, and peer connections whose checks take the times that the test sets.

export class Internet {
  /** Lists by what they are below, times by address, what the broker is asked. */
  constructor({ lists = {}, ms = {}, samples = 3, srflx = {}, https = {}, ice } = {}) {
    Object.assign(this, { lists, ms, samples, srflx, https, ice, asked: [], connections: [], measured: [] })
    const internet = this
    globalThis.RTCPeerConnection = class extends FakeConnection {
      constructor(configuration) {
        super(internet, configuration)
      }
    }
    globalThis.fetch = (url, init = {}) => this.#answer(new URL(url), init)
  }

  async #answer(url, init) {
    this.asked.push({ url: `${url}`, ...init })
    if (url.hostname !== 'broker.example') {
      const time = this.https[url.hostname]
      if (time === undefined) throw new TypeError('no way there')
      await new Promise((resolve) => setTimeout(resolve, time))
      return new Response(null, { status: 200 })
    }
    if (url.pathname.endsWith('/v1/ice')) return this.ice(init)
    if (this.hang) return new Promise((_, reject) => init.signal.addEventListener('abort', () => reject(init.signal.reason)))
    const servers = this.lists[url.searchParams.get('below') ?? '']
    if (!servers) return Response.json({ title: 'not found', detail: 'nothing is listed there' }, { status: 404 })
    return Response.json({ schema: 'tb.servers/1', name: 'root', ice: { pwd: 'turnBalanceBindingCheck1' }, servers })
  }
}

class FakeConnection extends EventTarget {
  constructor(internet, configuration = {}) {
    super()
    Object.assign(this, { internet, configuration, sections: 0, pairs: [], closed: false })
    internet.connections.push(this)
  }

  addTransceiver() {
    this.sections++
  }

  createDataChannel() {}

  async createOffer() {
    const section = (_, mid) => `m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:${mid}\r\na=rtpmap:111 opus/48000/2\r\n`
    return { type: 'offer', sdp: `v=0\r\n${Array.from({ length: this.sections }, section).join('')}` }
  }

  async setLocalDescription() {
    const stun = this.configuration.iceServers?.[0]?.urls
    if (!stun) return
    const { internet } = this
    let time = internet.srflx[stun.replace('stun:', '')]
    if (Array.isArray(time)) time = time.shift()
    const tell = (candidate) => !this.closed && this.onicecandidate?.({ candidate })
    internet.asking = [...(internet.asking ?? []), this]
    internet.atOnce = Math.max(internet.atOnce ?? 0, internet.asking.length)
    internet.step?.('gathering')
    this.onicegatheringstatechange?.()
    if (internet.mute?.includes(stun.replace('stun:', ''))) return
    // It tells of candidates when it gets to it.
    await null
    internet.step?.('host')
    tell({ type: 'host' })
    internet.asking = internet.asking.filter((other) => other !== this)
    if (time === undefined) tell(null)
    else setTimeout(() => (internet.step?.('srflx'), tell({ type: 'srflx' })), time)
  }

  async setRemoteDescription({ sdp }) {
    this.answer = sdp
    this.round = this.internet.connections.length
    for (const [, priority, ip, port] of sdp.matchAll(/a=candidate:\d+ 1 udp (\d+) (\S+) (\d+) typ host/g)) {
      const addr = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
      this.pairs.push({ addr, priority: Number(priority) })
      this.internet.measured.push(addr)
    }
  }

  async getStats() {
    const report = new Map()
    this.pairs.forEach(({ addr, priority }, index) => {
      let time = this.internet.ms[addr]
      if (typeof time === 'function') time = time(this)
      report.set(`R${index}`, { id: `R${index}`, type: 'remote-candidate', priority })
      const times = Array.isArray(time) ? time : Array(time === undefined ? 0 : this.internet.samples).fill(time)
      const sum = times.reduce((sum, time) => sum + time, 0)
      const pair = { responsesReceived: times.length, totalRoundTripTime: sum / 1000, currentRoundTripTime: times.at(-1) / 1000 }
      report.set(`P${index}`, { id: `P${index}`, type: 'candidate-pair', remoteCandidateId: `R${index}`, ...pair })
    })
    return report
  }

  close() {
    this.closed = true
  }
}

export const leaf = (ip, more) => ({ addr: `${ip}:3001`, kind: 'leaf', name: null, turn: `${ip}:3478`, urls: [], rtt_ms: null, load: null, weight: 1, labels: {}, ...more })
export const balance = (ip, more) => ({ ...leaf(ip), kind: 'balance', turn: null, ...more })
export const turn = (ip, more) => ({ ...leaf(ip), addr: `${ip}:3478`, kind: 'turn', ...more })

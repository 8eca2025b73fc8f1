// turn-balance: the nearest TURN server, measured by the page itself. GPL-3.0-or-later.

// Firefox sends one check every 20 ms in each connection: more m-lines would take longer.
const GROUP = 8
// Chromium gives three samples in one round, Firefox one.
const ROUNDS = 3
const SAMPLES = 3
// A list is a stranger's word: what it can make a page do is bounded.
const AT_ONCE = 64
const MOST = 256
const EXPLORED = 6
const LEVELS = 8
const TIMED = 16
const TOP = 0x7effffff

const now = () => performance.now()
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const least = (servers) => Math.min(...servers.map(({ rtt }) => rtt ?? Infinity))
const address = (server) => server.turn ?? server.addr
// Those without a time stand behind all others, by what their superior says.
const time = ({ rtt, estimate }) => rtt ?? 1e6 + Math.min(estimate, 1e6)
const byTime = (a, b) => time(a) - time(b)
// Whether a server is one of these: addresses or URLs, of which only the place counts.
const place = (url) => url?.replace(/^turns?:|\?.*/g, '')
const isOf = (names, { addr, turn, urls }) => [addr, turn, ...urls].some((own) => own && names.map(place).includes(place(own)))
// A balance server this much slower than the fastest may still lead to the best.
const near = (fastest) => fastest * 1.5 + 20

export class BalanceError extends Error {
  constructor(message, status, problem) {
    super(message)
    Object.assign(this, { name: 'BalanceError', status, problem })
  }
}

/** Measures what a broker lists, and names the nearest TURN server. */
export async function select(options) {
  const run = begin(options)
  try {
    await descend(run)
  } catch (error) {
    // Time is up: what was found until then is the answer.
    if (!run.late || !ranked(run).length) throw error
  } finally {
    run.end()
  }
  const candidates = ranked(run)
  const [server] = candidates
  if (!server) throw new BalanceError(`${run.base} lists no TURN server that fits`)
  const method = server.by === 'https' ? 'https' : server.samples ? 'ice' : 'none'
  return { server, rtt: server.rtt, method, drawn: run.drawn, candidates, servers: run.servers }
}

/** What a page passes to RTCPeerConnection as `iceServers`. */
export async function iceServers(options) {
  const { token, count, onselect, selection } = options
  for (let again = false; ; again = true) {
    const chosen = selection ?? (await select({ ...options, fresh: again || options.fresh }))
    const run = begin(options)
    try {
      const bearer = await run.race(token?.call ? token() : token)
      const headers = { 'Content-Type': 'application/json' }
      if (bearer) headers.Authorization = `Bearer ${bearer}`
      const order = chosen.candidates.slice(0, TIMED).map(address)
      const answer = await ask(run, 'v1/ice', 'iceServers', { method: 'POST', headers, body: JSON.stringify({ order, count }) })
      onselect?.(chosen)
      return answer.iceServers
    } catch (error) {
      // A server may have left the list since it was measured.
      if (selection || again || error.status !== 422) throw error
    } finally {
      run.end()
    }
  }
}

/** Keeps a connection at the nearest server that works. */
export function watch({ pc, onchange, onerror, signal, ...options }) {
  const network = globalThis.navigator?.connection
  const failed = new Map()
  const abort = new AbortController()
  const ended = abort.signal
  let type = network?.type
  let looked = -Infinity
  // `doubt` is when a failure is taken for certain.
  let wanted, doing, doubt, again, last, used

  const reselect = async (reason, pause = 1000) => {
    // Of two reasons a failure is the graver.
    if (wanted !== 'failed') wanted = reason
    if (doing) return
    clearTimeout(again)
    while (wanted && !ended.aborted) {
      reason = doing = wanted
      wanted = undefined
      try {
        await change(reason)
      } catch (error) {
        if (ended.aborted) return
        again = setTimeout(reselect, pause, reason, Math.min(2 * pause, 30000))
        if (reason !== 'failed' || doubt <= now()) onerror?.(error)
        break
      }
    }
    doing = undefined
  }
  const suspect = (patience) => {
    doubt = Math.min(doubt ?? Infinity, now() + patience)
    reselect('failed')
  }
  const change = async (reason) => {
    const failure = reason === 'failed'
    const over = () => {
      if (pc.signalingState === 'closed') stop()
      return ended.aborted || (failure && !doubt)
    }
    if (over()) return
    const blamed = failure ? used : undefined
    for (const [server, until] of failed) if (until < now()) failed.delete(server)
    const except = [options.except, ...failed.keys(), blamed].flat()
    let selection
    const onselect = (made) => (selection = made)
    const keep = used ?? last
    const servers = await iceServers({ ...options, fresh: true, except, keep, onselect, signal: ended })
    // It is measured while the connection may still come back by itself.
    while (!over() && failure && doubt > now()) await sleep(20)
    if (over()) return
    if (failure) doubt = undefined
    // A list may go on naming for eleven seconds what is dead.
    if (blamed) failed.set(blamed, now() + 60000)
    const moved = keep && !isOf([keep], selection.server)
    last = address(selection.server)
    pc.setConfiguration({ ...pc.getConfiguration(), iceServers: servers })
    // A network that only became faster or slower is no reason to disturb a call.
    const restarted = reason !== 'speed' || moved
    if (restarted) pc.restartIce()
    onchange?.({ reason, selection, iceServers: servers, restarted })
  }
  const on = (target, name, heard) => target?.addEventListener?.(name, heard, { signal: ended })
  const look = async () => {
    const state = pc.iceConnectionState
    const works = state === 'connected' || state === 'completed'
    if (works) doubt = undefined
    // Between two states ICE may have moved to another by itself.
    if (works || state === 'disconnected') used = (await relay(pc)) ?? (works ? undefined : used)
    if (state === 'failed') suspect(0)
    // It takes a browser many seconds more to give up.
    if (state === 'disconnected' && state === pc.iceConnectionState) suspect(1000)
  }
  const stop = () => {
    abort.abort()
    clearTimeout(again)
  }
  on(globalThis, 'online', () => reselect('online'))
  on(network, 'change', () => {
    const same = network.type === type
    type = network.type
    if (same && now() - looked < 10000) return
    looked = now()
    reselect(same ? 'speed' : 'network')
  })
  on(pc, 'iceconnectionstatechange', look)
  on(pc, 'signalingstatechange', () => {
    // The other side restarts ICE: where our TURN server gives no candidate now, it is why.
    const ufrag = (side) => side?.sdp.match(/^a=ice-ufrag:.*/m)[0]
    if (used && pc.signalingState === 'have-remote-offer' && ufrag(pc.currentRemoteDescription) !== ufrag(pc.pendingRemoteDescription)) suspect(1500)
  })
  on(pc, 'icecandidate', ({ candidate }) => {
    if (candidate?.type === 'relay') doubt = undefined
  })
  on(signal, 'abort', stop)
  if (signal?.aborted) stop()
  else look()
  return { stop }
}

// Which TURN server a connection goes through, if it does.
async function relay(pc) {
  const stats = await pc.getStats()
  const find = (test) => [...stats.values()].find(test)
  const chosen = find((entry) => entry.selectedCandidatePairId)?.selectedCandidatePairId
  const pair = stats.get(chosen) ?? find((entry) => entry.type === 'candidate-pair' && entry.selected)
  const local = stats.get(pair?.localCandidateId)
  if (local?.candidateType !== 'relay') return
  // Firefox tells only where it relays, mostly at the TURN server. Else it is the first, which was the nearest.
  const urls = pc.getConfiguration().iceServers.flatMap(({ urls }) => urls).filter((url) => url.startsWith('turn'))
  return local.url || urls.find((url) => url.includes(local.address)) || urls[0]
}

// One deadline and one signal for all that a call does.
function begin({ url, timeout = 5000, signal, ...options }) {
  const stop = new AbortController()
  const base = new URL(`${url}`.replace(/\/*$/, '/'), globalThis.location?.href)
  const start = now()
  const abort = () => stop.abort(signal.reason)
  const aborted = new Promise((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason))
  })
  aborted.catch(() => {})
  const run = { ...options, base, signal: stop.signal, servers: [], broker: Infinity }
  const timer = setTimeout(() => {
    run.late = true
    stop.abort(new DOMException(`${base} took longer than ${timeout} ms`, 'TimeoutError'))
  }, timeout)
  run.race = (promise) => Promise.race([aborted, promise])
  run.left = (share) => start + timeout * share - now()
  run.end = () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    stop.abort()
  }
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  return run
}

// What is answered, which must have a list of this key.
async function ask(run, path, key, init) {
  const asked = fetch(new URL(path, run.base), { ...init, credentials: 'omit', signal: run.signal })
  const answer = await run.race(asked.catch(({ message }) => { throw new BalanceError(`${run.base} cannot be asked: ${message}`) }))
  const body = (await run.race(answer.json().catch(() => {}))) ?? {}
  if (answer.ok && body[key]?.map) return body
  throw new BalanceError(`${run.base} answers ${answer.status}: ${body.detail ?? (answer.ok ? 'no list' : answer.statusText)}`, answer.status, body)
}

// What the broker lists, or a server below it.
async function list(run, parent = { level: -1, rtt: 0 }) {
  const query = new URLSearchParams()
  if (parent.addr) query.set('below', parent.addr)
  if (run.family) query.set('family', run.family)
  for (const label of [run.require ?? []].flat()) query.append('require', label)
  const start = now()
  const answer = await ask(run, `v1/servers?${query}`, 'servers', run.fresh && { cache: 'no-cache' })
  run.broker = Math.min(run.broker, now() - start)
  run.password ??= answer.ice.pwd
  const known = run.servers.length
  for (const server of answer.servers) {
    if (run.servers.length >= MOST || run.servers.some(({ addr }) => addr === server.addr)) continue
    const estimate = (parent.rtt ?? parent.estimate) + (server.rtt_ms ?? Infinity)
    run.servers.push({ urls: [], ...server, level: parent.level + 1, via: parent.addr ?? null, estimate, rtt: null, worst: 0, samples: 0, by: null, luck: -Math.log(1 - Math.random()) })
  }
  return run.servers.slice(known)
}

async function descend(run) {
  let level = await list(run)
  for (let depth = 0; ; depth++) {
    run.onprogress?.(run.servers)
    for (let at = 0; at < level.length && run.udp !== false; at += AT_ONCE) {
      await measure(run, level.slice(at, at + AT_ONCE))
      run.udp = least(run.servers) < Infinity
    }
    const down = depth < LEVELS ? toExplore(run, level) : []
    if (!down.length) break
    const lists = down.map((server) => {
      server.explored = true
      return list(run, server).catch(() => [])
    })
    level = (await run.race(Promise.all(lists))).flat()
  }
  if (run.udp) await estimateTurn(run)
  else await timeHttps(run)
}

// Which balance servers to go down into: those that may lead to the best.
function toExplore(run, level) {
  const open = (servers) => servers.filter(({ kind, explored }) => kind === 'balance' && !explored).sort(byTime)
  const close = open(level).filter((server) => time(server) <= near(least(run.servers)))
  // Where none of them led on, those that were passed over are all that is left.
  const rest = ranked(run).length ? [] : open(run.servers)
  return (close.length ? close : rest).slice(0, EXPLORED)
}

// Those with a TURN server, the best first. Of those that are as near as the best one is drawn, by what each has free.
function ranked(run) {
  const all = run.servers.filter(({ kind }) => kind !== 'balance')
  const kept = all.filter((server) => !isOf([run.except].flat(), server))
  const order = (kept.length ? kept : all).sort(byTime)
  const best = least(order)
  const near = order.filter(({ rtt, samples }) => samples && rtt <= Math.max(best * 1.1, best + 5))
  const free = ({ load, weight }) => load !== null && Math.max(1 - load, 0.005) * weight
  const told = near.map(free).filter(Boolean)
  run.drawn = told.length && near.length > 1 ? near.length : null
  // Who does not tell has no more than the least of those who do.
  const lot = (server) => (isOf([run.keep], server) ? 0 : run.drawn ? server.luck / (free(server) || Math.min(...told)) : 1)
  return [...near.sort((a, b) => lot(a) - lot(b)), ...order.filter((server) => !near.includes(server))]
}

function hear(server, rtt, by, samples = 1) {
  server.samples += samples
  server.worst = Math.max(server.worst, rtt)
  if (server.rtt === null || rtt < server.rtt) Object.assign(server, { rtt, by })
}

// Times servers by ICE: the least of three samples, from as many rounds as that takes.
async function measure(run, servers) {
  if (!globalThis.RTCPeerConnection) return
  let open = servers
  for (let round = 1; round <= ROUNDS + 2; round++) {
    // Where nobody answers, the next round waits longer, within UDP's half of the timeout.
    const limit = Math.min(600 * round, run.left(run.udp ? 1 : 0.5))
    if (limit <= 0) return
    const turn = open.filter(({ kind }) => kind === 'turn')
    const rest = open.filter(({ kind }) => kind !== 'turn')
    // Setting up checks delays what a page hears of candidates, so these come behind.
    let ready
    const gathers = new Promise((resolve) => (ready = resolve)).then(() => gatherAll(run, turn, Math.min(limit, 250 + 2 * least(run.servers))))
    await run.race(Promise.all([checks(run, rest, limit, ready), gathers]))
    run.onprogress?.(run.servers)
    const [best] = servers.filter(({ samples }) => samples).sort(byTime)
    if (!best && round > 1) return
    if (!best) continue
    // Further samples go where they decide something: to those that may be the best by what is known of them, and by
    // how far samples are apart here. Of balance servers one tells who is near enough.
    const spreads = servers.filter(({ samples }) => samples > 1).map(({ rtt, worst }) => worst - rtt)
    const noise = Math.round(spreads.sort((a, b) => a - b)[spreads.length >> 1] ?? 0)
    open = servers.filter(({ kind, rtt, samples }) => {
      if (!samples) return round < ROUNDS && best.samples < SAMPLES
      if (kind === 'balance') return false
      // Its samples may be of requests that were lost: Firefox sends them again after 100 ms, and times them from the first.
      if (samples < SAMPLES) return round < ROUNDS && (rtt < near(best.rtt) + 100 || samples < 2 && best.samples < SAMPLES)
      // What a page hears of candidates is late by more than checks are.
      return (round < 2 || kind === 'turn') && rtt < best.rtt + 2 * noise
    })
    if (!open.some((server) => server !== best)) return
  }
}

// One round of connectivity checks, which are STUN Binding requests that the browser times.
async function checks(run, servers, limit, ready) {
  const groups = []
  for (let at = 0; at < servers.length; at += GROUP) groups.push({ servers: servers.slice(at, at + GROUP), seen: new Map() })
  const had = servers.map(({ samples }) => samples)
  try {
    await run.race(Promise.all(groups.map((group) => connect(group, run.password).catch(() => {}))))
    ready()
    let before = 0
    let news = 0
    for (const start = now(); ; ) {
      await run.race(sleep(25))
      // What came while the thread was busy is in the statistics: the time is taken before.
      const spent = now() - start
      await run.race(Promise.all(groups.map((group) => read(group).catch(() => {}))))
      if (servers.every(({ samples }, index) => samples >= had[index] + SAMPLES)) return
      const heard = servers.reduce((sum, { samples }) => sum + samples, 0)
      if (heard > before) news = spent
      before = heard
      // On a busy machine some connections begin late: as long as answers come, it is not over.
      const enough = 130 + 20 * groups[0].servers.length + 1.5 * least(run.servers)
      if (spent > Math.min(limit, Math.max(enough, news + 100))) return
    }
  } finally {
    ready()
    for (const { pc } of groups) pc?.close()
  }
}

// A peer connection with an m-line a server, whose peer the page plays itself.
async function connect(group, password) {
  const pc = (group.pc = new RTCPeerConnection({ bundlePolicy: 'max-compat' }))
  group.servers.forEach(() => pc.addTransceiver('audio'))
  const offer = await pc.createOffer()
  await pc.setLocalDescription(offer)
  await pc.setRemoteDescription({ type: 'answer', sdp: answer(offer.sdp, group.servers, password) })
}

function answer(offer, servers, password) {
  // Its sections differ in nothing but what they are called.
  const [, protocol, format] = offer.match(/^m=audio \d+ (\S+) (\d+)/m)
  const [codec] = offer.match(new RegExp(`^a=rtpmap:${format} .*`, 'm'))
  const names = offer.match(/^a=mid:.*/gm)
  const sections = servers.map(({ addr }, index) => {
    const [, ip, port] = addr.match(/^\[?(.*?)\]?:(\d+)$/)
    return `m=audio 9 ${protocol} ${format}
c=IN IP4 0.0.0.0
${names[index]}
${codec}
a=inactive
a=rtcp-mux
a=ice-ufrag:balance
a=ice-pwd:${password}
a=fingerprint:sha-256 ${'00:'.repeat(31)}00
a=setup:active
a=candidate:${index + 1} 1 udp ${TOP - index * 256} ${ip} ${port} typ host
`
  })
  // As `active` it would send the ClientHello, so the page never does.
  return `v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=ice-lite\n${sections.join('')}`.replace(/\n/g, '\r\n')
}

// A sample is the last round trip, or what the sum of all has grown by. Servers are told apart by the priority that the answer gave them.
async function read({ pc, servers, seen }) {
  const report = await pc.getStats()
  const remotes = new Map()
  report.forEach(({ id, priority }) => remotes.set(id, servers[(TOP - priority) / 256]))
  report.forEach(({ id, remoteCandidateId, responsesReceived: count, totalRoundTripTime: sum, currentRoundTripTime: last }) => {
    const server = remotes.get(remoteCandidateId)
    const before = seen.get(id) ?? { count: 0, sum: 0 }
    if (!server || !(count > before.count)) return
    seen.set(id, { count, sum })
    const more = count - before.count
    const grown = sum - before.sum
    // Of two that came at once, as to a busy page, both are known.
    const split = more > 1 && last <= grown
    if (split) hear(server, 1000 * last, 'check')
    hear(server, (1000 * (split ? grown - last : grown)) / (more - split), 'check', more - split)
  })
}

// Connections that are made side by side delay each other: each waits until the one before has sent its request.
async function gatherAll(run, servers, limit) {
  const all = []
  const end = now() + limit
  for (const server of servers) {
    if (now() < end) await Promise.race([new Promise((sent) => all.push(gather(run, server, limit, sent))), sleep(50)])
  }
  await Promise.all(all)
}

// A TURN server answers no checks, but the plain request by which a browser gathers its reflexive candidate.
async function gather(run, server, limit, sent) {
  let pc
  try {
    pc = new RTCPeerConnection({ iceServers: [{ urls: `stun:${server.addr}` }] })
    pc.createDataChannel('')
    const gathered = new Promise((resolve) => {
      let begun, start
      pc.onicegatheringstatechange = () => (begun ??= now())
      pc.onicecandidate = ({ candidate }) => {
        if (!candidate) resolve()
        else if (candidate.type === 'srflx') resolve(now() - start)
        else if (!start) {
          // The request has left since gathering began; of the host candidate a page hears later, once it has a name.
          start = ((begun ?? now()) + now()) / 2
          sent()
        }
      }
    })
    await pc.setLocalDescription(await pc.createOffer())
    const rtt = await run.race(Promise.race([gathered, sleep(limit)]))
    if (rtt >= 0) hear(server, rtt, 'gather')
  } catch {
    // It stays without a time.
  } finally {
    sent()
    pc?.close()
  }
}

// Without UDP: those that have a URL for it, as long as one of them may be the nearest.
async function timeHttps(run) {
  const start = now()
  const times = []
  for (const server of ranked(run)) {
    const url = server.urls.find((url) => url.startsWith('https:'))
    if (url && times.length < TIMED) times.push(timeUrl(run, url, (rtt) => hear(server, rtt, 'https')))
  }
  const all = Promise.allSettled(times)
  const first = Promise.any(times).then(() => sleep(now() - start), () => all)
  await run.race(Promise.race([all, first]))
}

// The first of three also opens the connection.
async function timeUrl(run, url, hear) {
  for (let count = 0; count < SAMPLES; count++) {
    const start = now()
    await run.race(fetch(url, { method: 'HEAD', mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal: run.signal }))
    hear(now() - start)
    run.onprogress?.(run.servers)
  }
}

// A TURN server without a candidate is as far as its superior says, and the way there.
async function estimateTurn(run) {
  const left = run.servers.filter(({ kind, rtt, estimate }) => kind === 'turn' && rtt === null && estimate < Infinity)
  if (!left.length) return
  await timeUrl(run, new URL('v1/servers', run.base), (rtt) => (run.broker = Math.min(run.broker, rtt))).catch(() => {})
  for (const server of left) hear(server, server.estimate + (server.level ? 0 : run.broker), 'list', 0)
}

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { watch } from '../turn-balance.js'
import { Internet, leaf } from './fake.mjs'

const url = 'https://broker.example'
const near = leaf('203.0.113.1')
const far = leaf('203.0.113.2')

function internet() {
  const ice = ({ body }) => Response.json({ iceServers: JSON.parse(body).order.map((turn) => ({ urls: [`turn:${turn}?transport=udp`] })) })
  return new Internet({ lists: { '': [near, far] }, ms: { [near.addr]: 10, [far.addr]: 16 }, ice })
}

// A connection that relays by a TURN server.
class Call extends EventTarget {
  signalingState = 'stable'
  iceConnectionState = 'new'
  restarts = 0
  configuration = { iceTransportPolicy: 'relay', iceServers: [] }

  getConfiguration() {
    return this.configuration
  }

  setConfiguration(configuration) {
    this.configuration = configuration
  }

  restartIce() {
    this.restarts++
  }

  async getStats() {
    const pair = { id: 'P', type: 'candidate-pair', localCandidateId: 'L' }
    const local = { id: 'L', type: 'local-candidate', candidateType: 'relay', url: this.configuration.iceServers[0]?.urls[0] }
    return new Map([['T', { id: 'T', type: 'transport', selectedCandidatePairId: 'P' }], ['P', pair], ['L', local]])
  }

  async become(state) {
    this.iceConnectionState = state
    this.dispatchEvent(new Event('iceconnectionstatechange'))
    // What is asked of it at once is answered.
    for (let turn = 0; turn < 5; turn++) await null
  }
}

// Watches, and waits for one change or error after another.
function watched(pc, options) {
  const happened = []
  const waiting = []
  const note = (what) => (waiting.length ? waiting.shift()(what) : happened.push(what))
  const next = () => (happened.length ? happened.shift() : new Promise((resolve) => waiting.push(resolve)))
  return { next, ...watch({ pc, url, timeout: 1000, onchange: note, onerror: note, ...options }) }
}

async function until(look) {
  while (!look()) await new Promise((resolve) => setTimeout(resolve))
}

// Until the broker's last answer has been read and acted upon.
async function settled(net) {
  for (let asked = -1; asked !== net.asked.length; await new Promise((resolve) => setTimeout(resolve, 30))) asked = net.asked.length
}

test('whoever failed is left out, and the connection is restarted with another', async () => {
  internet()
  const pc = new Call()
  pc.configuration.iceServers = [{ urls: ['turn:203.0.113.1:3478?transport=udp'] }]
  const { next, stop } = watched(pc)
  await pc.become('connected')
  await pc.become('failed')
  const { reason, selection, restarted } = await next()
  assert.deepEqual([reason, selection.server.addr, restarted, pc.restarts], ['failed', far.addr, true, 1])
  assert.deepEqual(pc.configuration, { iceTransportPolicy: 'relay', iceServers: [{ urls: ['turn:203.0.113.2:3478?transport=udp'] }] })
  // Where all have failed, one of them is better than none.
  await pc.become('connected')
  await pc.become('failed')
  assert.equal((await next()).selection.server.addr, near.addr)
  stop()
})

test('a connection that relays by nobody blames nobody', async () => {
  internet()
  const pc = new Call()
  pc.getStats = async () => new Map()
  const { next, stop } = watched(pc)
  await pc.become('connected')
  await pc.become('failed')
  assert.equal((await next()).selection.server.addr, near.addr)
  stop()
})

test('back online, all is measured anew, and who failed is still left out', async (context) => {
  internet()
  const page = new EventTarget()
  globalThis.addEventListener = page.addEventListener.bind(page)
  globalThis.removeEventListener = page.removeEventListener.bind(page)
  context.after(() => (delete globalThis.addEventListener, delete globalThis.removeEventListener))
  const pc = new Call()
  pc.configuration.iceServers = [{ urls: ['turn:203.0.113.1:3478?transport=udp'] }]
  const { next, stop } = watched(pc)
  await pc.become('connected')
  await pc.become('failed')
  await next()
  page.dispatchEvent(new Event('online'))
  const { reason, selection } = await next()
  assert.deepEqual([reason, selection.server.addr, pc.restarts], ['online', far.addr, 2])
  stop()
  page.dispatchEvent(new Event('online'))
  assert.equal(pc.restarts, 2)
})

test('a network that changed is measured anew, one that became slower disturbs no call', async (context) => {
  internet()
  const network = Object.assign(new EventTarget(), { type: 'wifi' })
  const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: { connection: network }, configurable: true })
  context.after(() => (own ? Object.defineProperty(globalThis, 'navigator', own) : delete globalThis.navigator))
  const pc = new Call()
  const { next, stop } = watched(pc)
  network.type = 'cellular'
  network.dispatchEvent(new Event('change'))
  let change = await next()
  assert.deepEqual([change.reason, change.restarted, pc.restarts], ['network', true, 1])
  network.type = 'wifi'
  network.dispatchEvent(new Event('change'))
  change = await next()
  assert.deepEqual([change.reason, pc.restarts], ['network', 2])
  stop()
  const again = watched(pc)
  network.dispatchEvent(new Event('change'))
  assert.deepEqual([(await again.next()).reason, pc.restarts], ['speed', 2])
  // Ten seconds later.
  const { now } = performance
  context.mock.method(performance, 'now', () => now.call(performance) + 10001)
  network.dispatchEvent(new Event('change'))
  change = await again.next()
  assert.deepEqual([change.reason, change.restarted, pc.restarts], ['speed', false, 2])
  again.stop()
})

test('a network that became slower moves a call only from what is no longer as near as the nearest', async (context) => {
  const net = internet()
  const network = Object.assign(new EventTarget(), { type: 'wifi' })
  const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: { connection: network }, configurable: true })
  context.after(() => (own ? Object.defineProperty(globalThis, 'navigator', own) : delete globalThis.navigator))
  net.ms[far.addr] = 13
  const pc = new Call()
  pc.configuration.iceServers = [{ urls: [`turn:${far.turn}?transport=udp`] }]
  const { next, stop } = watched(pc)
  await pc.become('connected')
  network.dispatchEvent(new Event('change'))
  let { selection, restarted } = await next()
  assert.deepEqual([selection.server.addr, restarted], [far.addr, false])
  net.ms[far.addr] = 17
  const { now } = performance
  context.mock.method(performance, 'now', () => now.call(performance) + 10001)
  network.dispatchEvent(new Event('change'))
  ;({ selection, restarted } = await next())
  assert.deepEqual([selection.server.addr, restarted], [near.addr, true])
  stop()
})

test('a short disconnection changes nothing, a longer one is a failure', async (context) => {
  const net = internet()
  const pc = new Call()
  pc.configuration.iceServers = [{ urls: ['turn:203.0.113.1:3478?transport=udp'] }]
  const changes = []
  const { next, stop } = watched(pc, { onselect: undefined })
  const { now } = performance
  let later = 0
  context.mock.method(performance, 'now', () => now.call(performance) + later)
  await pc.become('connected')
  await pc.become('disconnected')
  await until(() => net.asked.some(({ url }) => url.endsWith('/v1/ice')))
  await pc.become('connected')
  later = 2000
  await settled(net)
  assert.deepEqual([pc.restarts, pc.configuration.iceServers[0].urls[0]], [0, 'turn:203.0.113.1:3478?transport=udp'])
  await pc.become('disconnected')
  later = 4000
  // ICE gives up while it is measured: that is the same failure.
  await pc.become('failed')
  changes.push(await next())
  assert.deepEqual([changes[0].reason, changes[0].selection.server.addr, pc.restarts], ['failed', far.addr, 1])
  await pc.become('connected')
  assert.equal(pc.restarts, 1)
  stop()
})

test('a server that leaves the list meanwhile is measured without', async () => {
  const net = internet()
  const { ice } = net
  net.ice = (init) => {
    net.ice = ice
    net.lists[''] = [far]
    return Response.json({ detail: 'is not listed' }, { status: 422 })
  }
  const pc = new Call()
  const { next, stop } = watched(pc)
  await pc.become('failed')
  const { reason, selection } = await next()
  assert.deepEqual([reason, selection.server.addr], ['failed', far.addr])
  stop()
})

test('where the other side restarts, a TURN server that gives no candidate has failed', async (context) => {
  const net = internet()
  const { now } = performance
  let later = 0
  context.mock.method(performance, 'now', () => now.call(performance) + later)
  const pc = new Call()
  pc.configuration.iceServers = [{ urls: ['turn:203.0.113.1:3478?transport=udp'] }]
  const offer = (before, after) => {
    const side = (name) => name && { sdp: `v=0\r\na=ice-ufrag:${name}\r\n` }
    Object.assign(pc, { signalingState: 'have-remote-offer', currentRemoteDescription: side(before), pendingRemoteDescription: side(after) })
    pc.dispatchEvent(new Event('signalingstatechange'))
    pc.signalingState = 'stable'
    pc.dispatchEvent(new Event('signalingstatechange'))
  }
  const gathered = (type) => pc.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: type && { type } }))
  const { next, stop } = watched(pc)
  // Nothing yet that could have failed, and then no restart.
  offer(undefined, 'a')
  await pc.become('connected')
  offer('a', 'a')
  assert.equal(net.asked.length, 0)
  offer('a', 'b')
  await until(() => net.asked.some(({ url }) => url.endsWith('/v1/ice')))
  await settled(net)
  const asked = net.asked.length
  // That came to nothing.
  gathered('relay')
  later = 2000
  await settled(net)
  assert.equal(pc.restarts, 0)
  offer('b', 'c')
  for (const type of ['host', 'srflx', null]) gathered(type)
  later = 4000
  const { reason, selection } = await next()
  assert.deepEqual([reason, selection.server.addr, pc.restarts, net.asked.length > asked], ['failed', far.addr, 1, true])
  stop()
})

test('a browser that does not tell by which server it relays is known by its address, or has the first', async () => {
  const urls = ['stun:203.0.113.9', 'turn:203.0.113.1:3478?transport=udp', 'turn:203.0.113.2:3478']
  for (const [address, left] of [['203.0.113.2', near], ['203.0.113.1', far], ['203.0.113.200', far], [undefined, far]]) {
    internet()
    const pc = new Call()
    pc.configuration.iceServers = [{ urls: urls[0] }, { urls: urls.slice(1) }]
    const { getStats } = pc
    pc.getStats = async () => {
      const stats = await getStats.call(pc)
      stats.set('L', { ...stats.get('L'), url: undefined, address })
      // Nor which pair its transport has chosen.
      stats.delete('T')
      stats.set('P', { ...stats.get('P'), selected: true })
      return stats
    }
    const { next, stop } = watched(pc)
    await pc.become('connected')
    await pc.become('failed')
    assert.equal((await next()).selection.server.addr, left.addr)
    stop()
  }
})

test('whoever failed is left out for a minute, beside whom the page leaves out', async (context) => {
  const third = leaf('203.0.113.3')
  const net = internet()
  net.lists[''] = [near, far, third]
  net.ms[third.addr] = 5
  const page = new EventTarget()
  globalThis.addEventListener = page.addEventListener.bind(page)
  context.after(() => delete globalThis.addEventListener)
  const { now } = performance
  let later = 0
  context.mock.method(performance, 'now', () => now.call(performance) + later)
  const pc = new Call()
  pc.configuration.iceServers = [{ urls: ['turn:203.0.113.1:3478?transport=udp'] }]
  // It is connected already.
  pc.iceConnectionState = 'connected'
  const { next, stop } = watched(pc, { except: [third.turn] })
  for (let turn = 0; turn < 5; turn++) await null
  await pc.become('failed')
  assert.equal((await next()).selection.server.addr, far.addr)
  assert.equal(net.asked[0].cache, 'no-cache')
  for (const [time, server] of [[59000, far], [61000, near]]) {
    later = time
    page.dispatchEvent(new Event('online'))
    assert.equal((await next()).selection.server.addr, server.addr)
  }
  stop()
})

test('a failure comes behind what is going on, and before all else', async (context) => {
  const net = internet()
  const page = new EventTarget()
  globalThis.addEventListener = page.addEventListener.bind(page)
  context.after(() => delete globalThis.addEventListener)
  const pc = new Call()
  pc.configuration.iceServers = [{ urls: ['turn:203.0.113.1:3478?transport=udp'] }]
  const { next, stop } = watched(pc)
  await pc.become('connected')
  page.dispatchEvent(new Event('online'))
  await pc.become('failed')
  page.dispatchEvent(new Event('online'))
  assert.equal((await next()).reason, 'online')
  const { reason, selection } = await next()
  assert.deepEqual([reason, selection.server.addr], ['failed', far.addr])
  page.dispatchEvent(new Event('online'))
  stop()
  await settled(net)
  assert.ok(net.asked.at(-1).signal.aborted)
})

test('it is blamed what a connection goes by, or went by when it was last told', async () => {
  for (const [state, left] of [['completed', near], ['disconnected', far]]) {
    internet()
    const pc = new Call()
    pc.configuration.iceServers = [{ urls: ['turn:203.0.113.1:3478?transport=udp'] }]
    const { next, stop } = watched(pc)
    await pc.become('connected')
    pc.getStats = async () => new Map()
    await pc.become(state)
    await pc.become('failed')
    assert.equal((await next()).selection.server.addr, left.addr)
    stop()
  }
})

test('as long as a connection may come back no error is told', async () => {
  const net = internet()
  net.lists = {}
  const pc = new Call()
  const told = []
  const { stop } = watched(pc, { onerror: (error) => told.push(error) })
  await pc.become('disconnected')
  await until(() => net.asked.length)
  await settled(net)
  assert.deepEqual(told, [])
  stop()
})

test('where the broker cannot be asked it is told, and tried again', async () => {
  const net = internet()
  const { lists } = net
  net.lists = {}
  const pc = new Call()
  const { next, stop } = watched(pc)
  await pc.become('failed')
  assert.equal((await next()).status, 404)
  net.lists = lists
  assert.equal((await next()).reason, 'failed')
  stop()
})

test('nothing is asked for a connection that is closed, or after a stop', async () => {
  for (const end of ['stop', 'closed', 'abort', 'aborted']) {
    const net = internet()
    const pc = new Call()
    const controller = new AbortController()
    if (end === 'aborted') controller.abort()
    const { stop } = watched(pc, { signal: controller.signal })
    if (end === 'stop') stop()
    if (end === 'abort') controller.abort()
    if (end === 'closed') pc.signalingState = 'closed'
    await pc.become('failed')
    assert.deepEqual([end, net.asked.length, pc.restarts], [end, 0, 0])
  }
})

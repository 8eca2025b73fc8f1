import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'

import { BalanceError, iceServers, select } from '../turn-balance.js'
import { Internet, balance, leaf, turn } from './fake.mjs'

const url = 'https://broker.example'
const near = leaf('203.0.113.1')
const far = leaf('203.0.113.2')
const names = (servers) => servers.map(({ addr }) => addr.split(':')[0])
let internet

afterEach(() => {
  assert.deepEqual(internet.connections.filter(({ closed }) => !closed), [], 'a connection stays open')
})

test('the nearest is named, the others behind it by their times', async () => {
  internet = new Internet({ lists: { '': [far, near, leaf('203.0.113.3')] }, ms: { [far.addr]: 40, [near.addr]: 12 } })
  const { server, rtt, method, candidates } = await select({ url })
  assert.deepEqual([server.turn, Math.round(rtt), method], ['203.0.113.1:3478', 12, 'ice'])
  assert.deepEqual(names(candidates), ['203.0.113.1', '203.0.113.2', '203.0.113.3'])
  assert.deepEqual(candidates.map(({ by }) => by), ['check', 'check', null])
})

test('one sample each is not enough: the least of three rounds counts', async () => {
  const slow = ({ round }) => [130, 10, 60][round - 1]
  internet = new Internet({ lists: { '': [near, far] }, samples: 1, ms: { [near.addr]: slow, [far.addr]: 12 } })
  const { server, rtt } = await select({ url })
  assert.deepEqual([server.addr, Math.round(rtt)], [near.addr, 10])
  assert.equal(internet.connections.length, 3)
})

test('two samples are not enough where both requests may have been sent again', async () => {
  const lost = ({ round }) => [130, 130, 10][round - 1]
  internet = new Internet({ lists: { '': [near, far] }, samples: 1, ms: { [near.addr]: lost, [far.addr]: 12 } })
  assert.equal((await select({ url })).server.addr, near.addr)
})

test('of samples that came at once the last, and the others in the mean', async () => {
  internet = new Internet({ lists: { '': [near, far] }, ms: { [near.addr]: [90, 10, 50], [far.addr]: [14, 31] } })
  const { candidates } = await select({ url })
  assert.deepEqual(candidates.map(({ addr, rtt }) => [addr, Math.round(rtt)]), [[far.addr, 14], [near.addr, 50]])
})

test('who is silent is asked in all rounds, as long as the nearest has not three samples', async () => {
  for (const last of [2, 3]) {
    internet = new Internet({ lists: { '': [near, far] }, samples: 1, ms: { [near.addr]: ({ round }) => (round < last ? undefined : 10), [far.addr]: 12 } })
    assert.equal((await select({ url })).server.addr, near.addr)
  }
})

test('where nobody has answered all are asked once more', async () => {
  internet = new Internet({ lists: { '': [near] }, ms: { [near.addr]: ({ round }) => (round === 1 ? undefined : 10) } })
  const { method } = await select({ url })
  assert.deepEqual([method, internet.connections.length], ['ice', 2])
})

test('where samples are far apart, those that may be the nearest have one more round', async () => {
  const [a, b] = [[24, 30, 36], [12, 18, 24]]
  internet = new Internet({ lists: { '': [near, far] }, ms: { [near.addr]: ({ round }) => (round === 1 ? a : [9, 15, 9]), [far.addr]: b } })
  const { server } = await select({ url })
  assert.deepEqual([server.addr, internet.connections.length], [near.addr, 2])
})

test('no round is for the nearest alone, nor for balance servers', async () => {
  internet = new Internet({ lists: { '': [near, far] }, ms: { [near.addr]: [10], [far.addr]: [90, 90, 90] } })
  await select({ url })
  assert.equal(internet.connections.length, 1)
  const regions = ['203.0.113.10', '203.0.113.20'].map((ip) => balance(ip))
  const ms = Object.fromEntries([...regions, near].map(({ addr }) => [addr, 10]))
  internet = new Internet({ lists: { '': regions, [regions[0].addr]: [near], [regions[1].addr]: [near] }, samples: 1, ms })
  await select({ url })
  assert.equal(internet.measured.filter((addr) => addr !== near.addr).length, 2)
})

test('a round waits for those that have not answered', async () => {
  let polls = 0
  internet = new Internet({ lists: { '': [near, far] }, ms: { [near.addr]: () => (polls++ < 3 ? undefined : 10), [far.addr]: 12 } })
  assert.equal((await select({ url })).server.addr, near.addr)
  assert.equal(internet.connections.length, 1)
})

test('where three samples came in one round, one round is enough', async () => {
  internet = new Internet({ lists: { '': [near, far] }, ms: { [near.addr]: 10, [far.addr]: 16 } })
  await select({ url })
  assert.equal(internet.connections.length, 1)
})

test('eight servers share a connection, each with an m-line of its own', async () => {
  const servers = Array.from({ length: 20 }, (_, index) => leaf(`203.0.113.${index + 1}`))
  internet = new Internet({ lists: { '': servers }, ms: Object.fromEntries(servers.map(({ addr }, index) => [addr, 50 - index])) })
  const { server } = await select({ url })
  assert.equal(server.addr, '203.0.113.20:3001')
  assert.deepEqual(internet.connections.map(({ sections }) => sections), [8, 8, 4])
  const { answer, configuration } = internet.connections[0]
  assert.equal(configuration.bundlePolicy, 'max-compat')
  assert.equal(answer.match(/a=setup:active\r\n/g).length, 8)
  assert.equal(answer.match(/a=ice-pwd:turnBalanceBindingCheck1\r\n/g).length, 8)
  assert.equal(answer.match(/^(?!.*\r$).+/gm), null)
})

test('an IPv6 address is measured as well', async () => {
  const server = leaf('[2001:db8::1]')
  internet = new Internet({ lists: { '': [server] }, ms: { [server.addr]: 5 } })
  assert.equal(Math.round((await select({ url })).rtt), 5)
})

test('it goes down into those that may lead to the best, and into no other', async () => {
  const [a, b, c] = ['203.0.113.10', '203.0.113.20', '203.0.113.30'].map((ip) => balance(ip))
  internet = new Internet({
    lists: { '': [a, b, c], [a.addr]: [far], [b.addr]: [near] },
    ms: { [a.addr]: 20, [b.addr]: 50, [c.addr]: 51, [far.addr]: 19, [near.addr]: 18 },
  })
  const { server } = await select({ url })
  assert.deepEqual([server.addr, server.via, server.level], [near.addr, b.addr, 1])
  assert.deepEqual(internet.asked.map(({ url }) => new URL(url).searchParams.get('below')), [null, a.addr, b.addr])
})

test('it goes down into six of a level, whatever is listed', async () => {
  const regions = Array.from({ length: 9 }, (_, index) => balance(`203.0.113.${index + 10}`))
  const ms = Object.fromEntries([...regions, near].map(({ addr }) => [addr, 20]))
  internet = new Internet({ ms, lists: { '': [near, ...regions], ...Object.fromEntries(regions.map(({ addr }) => [addr, [far]])) } })
  await select({ url })
  assert.equal(internet.asked.length, 7)
})

test('what was passed over is asked where the nearest leads nowhere', async () => {
  const [a, b] = ['203.0.113.10', '203.0.113.20'].map((ip) => balance(ip))
  internet = new Internet({ lists: { '': [a, b], [a.addr]: [], [b.addr]: [near] }, ms: { [a.addr]: 10, [b.addr]: 200, [near.addr]: 200 } })
  assert.equal((await select({ url })).server.addr, near.addr)
})

test('a region without a list does not hide the others, and who is listed twice is there once', async () => {
  const [a, b] = ['203.0.113.10', '203.0.113.20'].map((ip) => balance(ip))
  internet = new Internet({ lists: { '': [a, b], [b.addr]: [near, near] }, ms: { [a.addr]: 10, [b.addr]: 12, [near.addr]: 14 } })
  const { server, servers } = await select({ url })
  assert.deepEqual([server.addr, servers.length], [near.addr, 3])
})

test('a list cannot make it measure more than 256, nor one twice, nor go down for ever', async () => {
  const many = Array.from({ length: 300 }, (_, index) => leaf(`203.0.${index >> 8}.${index & 255}`))
  internet = new Internet({ lists: { '': [...many, ...many] }, ms: Object.fromEntries(many.map(({ addr }) => [addr, 9])) })
  await select({ url })
  assert.equal(new Set(internet.measured).size, 256)
  assert.equal(internet.measured.length, 256)
  const chain = Array.from({ length: 20 }, (_, index) => balance(`203.0.113.${index}`))
  const lists = Object.fromEntries(chain.map((server, index) => [index ? chain[index - 1].addr : '', [server]]))
  internet = new Internet({ lists, ms: Object.fromEntries(chain.map(({ addr }) => [addr, 9])) })
  await assert.rejects(select({ url }), /lists no TURN server/)
  assert.equal(internet.asked.length, 9)
})

test('a TURN server is timed by its candidate', async () => {
  const [a, b] = [turn('203.0.113.8'), turn('203.0.113.9')]
  internet = new Internet({ lists: { '': [a, b] }, srflx: { [a.addr]: 60, [b.addr]: 5 } })
  const { server, method } = await select({ url })
  assert.deepEqual([server.addr, server.by, method], [b.addr, 'gather', 'ice'])
  const stun = internet.connections.map(({ configuration }) => configuration.iceServers)
  assert.ok(stun.every((servers) => servers.length === 1 && servers[0].urls.startsWith('stun:')))
})

test('a request leaves between the start of gathering and the host candidate', async (context) => {
  const server = turn('203.0.113.8')
  internet = new Internet({ lists: { '': [server] }, srflx: { [server.addr]: [1, 1, 1] } })
  let clock = 100
  const times = { gathering: 10, host: 20, srflx: 50 }
  context.mock.method(performance, 'now', () => clock)
  internet.step = (step) => (clock += times[step])
  assert.equal((await select({ url })).rtt, 60)
})

test('TURN servers are asked one after another, and none waits for one that is silent', async () => {
  const servers = Array.from({ length: 5 }, (_, index) => turn(`203.0.113.${index + 1}`))
  internet = new Internet({ lists: { '': servers }, srflx: Object.fromEntries(servers.slice(1).map(({ addr }, index) => [addr, 10 + index])) })
  const { candidates } = await select({ url })
  assert.equal(internet.atOnce, 1)
  assert.deepEqual(candidates.map(({ by }) => by), ['gather', 'gather', 'gather', 'gather', null])
})

test('a connection that tells of no candidate holds up no other', async () => {
  const [a, b] = [turn('203.0.113.8'), turn('203.0.113.9')]
  internet = new Internet({ lists: { '': [a, b] }, srflx: { [b.addr]: 5 } })
  internet.mute = [a.addr]
  const { server } = await select({ url })
  assert.deepEqual([server.addr, server.by], [b.addr, 'gather'])
})

test('a TURN server that may be the nearest gets three samples, whoever else has them', async () => {
  const server = turn('203.0.113.8')
  internet = new Internet({ lists: { '': [near, server] }, ms: { [near.addr]: 60 }, srflx: { [server.addr]: [80, 90, 5] } })
  const found = await select({ url })
  assert.deepEqual([found.server.addr, found.server.samples], [server.addr, 3])
})

test('TURN servers are asked when the checks are on their way, which make a page busy', async () => {
  const server = turn('203.0.113.8')
  internet = new Internet({ lists: { '': [near, server] }, ms: { [near.addr]: 60 }, srflx: { [server.addr]: 5 } })
  const measured = []
  internet.step = (step) => step === 'gathering' && measured.push(internet.measured.length)
  await select({ url })
  assert.equal(measured[0], 1)
})

test('a TURN server without a candidate is as far as its superior says, and the way there', async () => {
  const region = balance('203.0.113.10')
  const silent = turn('203.0.113.9', { rtt_ms: 7 })
  internet = new Internet({ lists: { '': [region], [region.addr]: [silent, far] }, ms: { [region.addr]: 20, [far.addr]: 35 } })
  const { server, rtt, method, servers } = await select({ url })
  assert.deepEqual([server.addr, rtt, server.by, method], [silent.addr, servers[0].rtt + 7, 'list', 'none'])
  // Below the broker's own server the way is that to the broker.
  internet = new Internet({ lists: { '': [silent, far] }, ms: { [far.addr]: 35 } })
  const direct = await select({ url })
  assert.ok(direct.servers[0].rtt > 7)
})

test('without UDP the leaves are timed by HTTPS', async () => {
  const [a, b] = ['a', 'b'].map((name, index) => leaf(`203.0.113.${index + 1}`, { urls: ['turn:203.0.113.1:3478', `https://${name}.example/`], rtt_ms: index }))
  internet = new Internet({ lists: { '': [a, b] }, https: { 'a.example': 60, 'b.example': 5 } })
  const { server, method, rtt } = await select({ url, timeout: 1000 })
  assert.deepEqual([server.addr, server.by, method, rtt >= 4], [b.addr, 'https', 'https', true])
})

test('of HTTPS the first sixteen are timed, three times each, as long as one may be the nearest', async () => {
  const leaves = Array.from({ length: 20 }, (_, index) => leaf(`203.0.113.${index + 1}`, { urls: [`https://leaf-${index}.example/`], rtt_ms: index }))
  const https = Object.fromEntries(leaves.map((_, index) => [`leaf-${index}.example`, 1]))
  internet = new Internet({ lists: { '': leaves }, https: { ...https, 'leaf-1.example': 40, 'leaf-0.example': 180 } })
  for (const name in https) if (!['leaf-0.example', 'leaf-1.example'].includes(name)) delete internet.https[name]
  const { servers } = await select({ url, timeout: 1000 })
  const asked = internet.asked.filter(({ method }) => method === 'HEAD')
  assert.equal(new Set(asked.map(({ url }) => url)).size, 16)
  assert.deepEqual(servers.slice(0, 2).map(({ by }) => by), ['https', 'https'])
  assert.ok(asked.every(({ credentials, mode, cache }) => credentials === 'omit' && mode === 'no-cors' && cache === 'no-store'))
  internet = new Internet({ lists: { '': leaves.slice(0, 1) }, https })
  await select({ url, timeout: 400 })
  assert.equal(internet.asked.filter(({ method }) => method === 'HEAD').length, 3)
})

test('nothing of it goes on when it has ended', async () => {
  internet = new Internet({ lists: { '': [near] }, ms: { [near.addr]: 10 } })
  const { signal } = new AbortController()
  const heard = []
  signal.addEventListener = (name, listener) => heard.push(listener)
  signal.removeEventListener = (name, listener) => heard.splice(heard.indexOf(listener), 1)
  await select({ url, signal })
  assert.deepEqual([heard, internet.asked[0].signal.aborted], [[], true])
})

test('without UDP and HTTPS the order is the broker\'s, also below it', async () => {
  const [a, b] = [balance('203.0.113.10', { rtt_ms: 5 }), balance('203.0.113.20', { rtt_ms: 1 })]
  const lists = { '': [a, b], [a.addr]: [leaf('203.0.113.1', { rtt_ms: 1 })], [b.addr]: [leaf('203.0.113.2', { rtt_ms: 2, urls: ['https://silent.example/'] })] }
  internet = new Internet({ lists })
  const { server, method, rtt } = await select({ url, timeout: 600 })
  assert.deepEqual([server.addr, method, rtt], ['203.0.113.2:3001', 'none', null])
})

test('a page without WebRTC takes the broker\'s order', async () => {
  internet = new Internet({ lists: { '': [leaf('203.0.113.1', { rtt_ms: 9 }), leaf('203.0.113.2', { rtt_ms: 2 })] } })
  delete globalThis.RTCPeerConnection
  const { server, method } = await select({ url })
  assert.deepEqual([server.addr, method], ['203.0.113.2:3001', 'none'])
})

test('a connection that cannot be made leaves its servers without a time', async () => {
  internet = new Internet({ lists: { '': [near, turn('203.0.113.9')] } })
  globalThis.RTCPeerConnection = class {
    constructor() {
      throw new Error('Cannot create so many PeerConnections')
    }
  }
  assert.equal((await select({ url, timeout: 400 })).method, 'none')
})

test('who is excepted is not chosen while there is anybody else', async () => {
  internet = new Internet({ lists: { '': [near, far] }, ms: { [near.addr]: 10, [far.addr]: 16 } })
  assert.equal((await select({ url, except: ['turn:203.0.113.1:3478?transport=udp'] })).server.addr, far.addr)
  assert.equal((await select({ url, except: [near.turn, far.addr] })).server.addr, near.addr)
})

test('filters are the broker\'s', async () => {
  internet = new Internet({ lists: { '': [near] }, ms: { [near.addr]: 10 } })
  await select({ url: `${url}/below/`, family: 4, require: ['region=eu', 'tier=gold'] })
  assert.equal(internet.asked[0].url, `${url}/below/v1/servers?family=4&require=region%3Deu&require=tier%3Dgold`)
})

test('a refusal says why', async () => {
  internet = new Internet()
  await assert.rejects(select({ url }), (error) => error instanceof BalanceError && error.status === 404 && /nothing is listed there/.test(error.message))
})

test('one deadline for all, and what was found until then', async () => {
  internet = new Internet()
  internet.hang = true
  await assert.rejects(select({ url, timeout: 30 }), { name: 'TimeoutError' })
  internet = new Internet({ lists: { '': [near, far] }, samples: 1, ms: { [far.addr]: 16 } })
  assert.equal((await select({ url, timeout: 60 })).server.addr, far.addr)
  const slow = leaf('203.0.113.3', { rtt_ms: 1, urls: ['https://slow.example/'] })
  internet = new Internet({ lists: { '': [far, slow] }, https: { 'slow.example': 300 } })
  const { server, method } = await select({ url, timeout: 60 })
  assert.deepEqual([server.addr, method], [slow.addr, 'none'])
})

test('an abort ends it at once, with its reason', async () => {
  internet = new Internet()
  internet.hang = true
  const controller = new AbortController()
  const asked = select({ url, signal: controller.signal })
  controller.abort(new Error('the page is left'))
  await assert.rejects(asked, { message: 'the page is left' })
  await assert.rejects(select({ url, signal: controller.signal }), { message: 'the page is left' })
  internet = new Internet({ lists: { '': [near] } })
  const measuring = new AbortController()
  const waits = select({ url, signal: measuring.signal, onprogress: () => measuring.abort() })
  await assert.rejects(waits, { name: 'AbortError' })
})

test('what it measured is what it asks credentials for', async () => {
  const minted = [{ urls: ['turn:203.0.113.1:3478?transport=udp'], username: '1:me', credential: 'x' }]
  internet = new Internet({ lists: { '': [far, near] }, ms: { [near.addr]: 10, [far.addr]: 16 }, ice: () => Response.json({ iceServers: minted }) })
  let selection
  assert.deepEqual(await iceServers({ url, token: async () => 'a.b.c', count: 1, onselect: (made) => (selection = made) }), minted)
  const { method, headers, body } = internet.asked.at(-1)
  assert.deepEqual([method, headers.Authorization, headers['Content-Type']], ['POST', 'Bearer a.b.c', 'application/json'])
  assert.deepEqual(JSON.parse(body), { order: [near.turn, far.turn], count: 1 })
  assert.equal(selection.server.addr, near.addr)
  let told
  await iceServers({ url, selection, onselect: (made) => (told = made) })
  assert.equal(internet.asked.length, 3)
  assert.deepEqual([told, internet.asked[2].headers.Authorization], [selection, undefined])
  const many = Array.from({ length: 20 }, () => near)
  await iceServers({ url, selection: { candidates: many } })
  assert.equal(JSON.parse(internet.asked[3].body).order.length, 16)
})

test('a server that has left the list is measured without, once', async () => {
  const lists = { '': [far, near] }
  const refuse = () => {
    lists[''] = [far]
    return Response.json({ detail: `${near.turn} is not listed` }, { status: 422 })
  }
  const answers = [refuse, () => Response.json({ iceServers: [] })]
  internet = new Internet({ lists, ms: { [near.addr]: 10, [far.addr]: 16 }, ice: () => answers.shift()() })
  assert.deepEqual(await iceServers({ url }), [])
  assert.deepEqual(JSON.parse(internet.asked.at(-1).body).order, [far.turn])
  assert.equal(internet.asked[2].cache, 'no-cache')
  answers.push(refuse, refuse)
  await assert.rejects(iceServers({ url }), { status: 422 })
  for (const status of [400, 401]) {
    answers.push(() => Response.json({ title: 'who is that' }, { status }))
    await assert.rejects(iceServers({ url }), { status })
  }
})

test('what answers and is no broker is said to be none', async () => {
  for (const body of ['<!doctype html>', 'null', '[]', '{"servers":{}}', '{"ice":{"pwd":"x"}}', '"x"']) {
    internet = new Internet({})
    globalThis.fetch = async () => new Response(body)
    await assert.rejects(select({ url }), (error) => error instanceof BalanceError && error.status === 200 && /answers 200: no list/.test(error.message), body)
    globalThis.fetch = async () => new Response(body, { status: 502, statusText: 'Bad Gateway' })
    await assert.rejects(select({ url }), (error) => error instanceof BalanceError && error.status === 502 && /Bad Gateway/.test(error.message), body)
  }
})

// Those at 20, 22 and 25 ms are as near as one another, that at 26 is not.
function crowd(region, spare) {
  const ms = [20, 22, 25, 26]
  const servers = ms.map((ms, index) => leaf(`203.0.${region}.${ms}`, spare[index]))
  servers.forEach(({ addr }, index) => (internet.ms[addr] = ms[index]))
  internet.lists[''] = servers
}

test('of those that are as near one is drawn, as often as it has of what is free', async (t) => {
  let state = 1
  t.mock.method(Math, 'random', () => (state = (state * 48271) % 2147483647) / 2147483647)
  const drawn = []
  internet = new Internet()
  for (let region = 0; region < 250; region++) {
    crowd(region, [{ load: 0.5, weight: 1 }, { load: 0.5, weight: 4 }, { load: null }, { load: 0, weight: 9 }])
    drawn.push(select({ url }))
  }
  const times = { 20: 0, 22: 0, 25: 0 }
  for (const { server, rtt, drawn: among, candidates } of await Promise.all(drawn)) {
    times[Math.round(rtt)]++
    assert.equal(among, 3)
    assert.equal(server, candidates[0])
    assert.equal(Math.round(candidates[3].rtt), 26)
  }
  // Who does not tell has as much as the least; five standard deviations of 250 draws.
  for (const [ms, share] of [[20, 1 / 6], [22, 4 / 6], [25, 1 / 6]]) assert.ok(Math.abs(times[ms] / 250 - share) < 0.15, JSON.stringify(times))
})

test('where nobody tells the nearest wins', async () => {
  internet = new Internet()
  crowd(2, [{}, {}, {}, {}])
  const { rtt, drawn } = await select({ url })
  assert.deepEqual([Math.round(rtt), drawn], [20, null])
})

test('what is kept stays the best while it is as near, whatever is drawn', async () => {
  internet = new Internet()
  for (const spare of [{ load: 0.5, weight: 1 }, {}]) {
    crowd(1, [spare, spare, spare, spare])
    for (const ms of [20, 22, 25]) {
      for (const keep of [`203.0.1.${ms}:3001`, `turn:203.0.1.${ms}:3478?transport=tcp`]) assert.equal(Math.round((await select({ url, keep })).rtt), ms)
    }
    assert.notEqual(Math.round((await select({ url, keep: '203.0.1.26:3001' })).rtt), 26)
  }
})

test('what only its superior knows comes behind what was measured and is as near, and is not drawn', async () => {
  const guessed = turn('203.0.113.9', { rtt_ms: 3, load: 0, weight: 1000 })
  const measured = (ms) => (internet = new Internet({ lists: { '': [guessed, { ...near, load: 0.5 }] }, ms: { [near.addr]: ms } }))
  measured(6)
  const { server, drawn, candidates } = await select({ url })
  assert.deepEqual([server.addr, drawn, candidates[1].by], [near.addr, null, 'list'])
  measured(60)
  assert.equal((await select({ url })).server.addr, guessed.addr)
})

test('a broker that cannot be asked is told with its URL', async () => {
  internet = new Internet()
  globalThis.fetch = async () => { throw new TypeError('Failed to fetch') }
  const said = { name: 'BalanceError', message: 'https://broker.example/ cannot be asked: Failed to fetch' }
  await assert.rejects(select({ url }), said)
})

test('what is full, or has no sense, draws nobody away', async () => {
  const times = new Set()
  internet = new Internet()
  for (let region = 4; region < 34; region++) {
    crowd(region, [{ load: 0.1, weight: 1e6 }, { load: 1, weight: 1 }, { load: 9, weight: 1 }, { load: 0, weight: 1e9 }])
    times.add(Math.round((await select({ url })).rtt))
  }
  assert.deepEqual([...times], [20])
})

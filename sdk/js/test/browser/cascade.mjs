// A cascade that nobody runs, told as the admin interface tells one: so many nodes, and an hour that is the same each time.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const page = join(dirname(fileURLToPath(import.meta.url)), '../../../../src/net/http/admin/page')
const KINDS = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' }

/** What src/net/http/admin/page/mod.rs sends. */
export const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const CITIES = { fra: 11.8, ams: 14.2, lon: 9.6, par: 13.1, waw: 27.4, mad: 31.9, sto: 29.3, mil: 19.5, nyc: 76.2, iad: 82.4, chi: 96.1, dfw: 112, sea: 141, sjc: 148, tor: 90.7, gru: 203, scl: 221, jnb: 164, dxb: 118, bom: 127, sin: 171, hkg: 192, nrt: 228, syd: 262 }
const TROUBLES = { bom: { from: 18, to: 24, ms: 171 }, 'ams-1': { from: 33, to: 41, ms: 19 }, 'ams-2': { from: 51, to: 60 } }
const NOW = 86400 * 12 + 3600 * 5

/** Numbers that look like chance. */
function chance(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const round = (ms) => (ms < 100 ? Math.round(ms * 10) / 10 : Math.round(ms))

function hour(next, rtt, trouble) {
  return Array.from({ length: 60 }, (_, minute) => {
    if (trouble && minute >= trouble.from && minute < trouble.to) return trouble.ms ? round(trouble.ms * (1 + next() / 5)) : null
    return round(rtt * (1 + 0.035 * next() + 0.02 * Math.sin(minute / 7)))
  })
}

/** So many nodes, the first of them regions. */
export function cascade(size) {
  const next = chance(7)
  const names = Object.keys(CITIES)
  const nodes = Array.from({ length: size }, (_, at) => {
    const city = names[at % names.length]
    const nth = Math.floor(at / names.length)
    const kind = nth === 0 ? 'balance' : at % 7 === 3 ? 'turn' : 'leaf'
    const ip = `203.0.113.${(at % 250) + 1}`
    const port = 3001 + Math.floor(at / 250)
    const addr = `${ip}:${kind === 'turn' ? port + 1000 : port}`
    const past = hour(next, CITIES[city], TROUBLES[nth ? `${city}-${nth}` : city])
    const entry = (letter, index) => ({ addr: `198.51.100.${(at * 5 + index) % 250}:3001`, kind: 'leaf', name: `${city}-${letter}`, turn: `198.51.100.${(at * 5 + index) % 250}:3478` })
    return {
      id: kind === 'turn' ? `turn:${addr}` : addr, addr, public: addr, kind, name: nth === 0 ? city : `${city}-${nth}`, joined: kind === 'leaf' && at % 3 === 0,
      state: 'online', at_s: 40 + Math.floor(next() * 9000), fault: null, why: null, rtt_ms: past.at(-1), turn: kind === 'leaf' ? `${ip}:3478` : null,
      load: kind === 'turn' ? null : Math.round(20 + 60 * next()) / 100, lists: kind === 'balance' ? ['a', 'b', 'c', 'd'].slice(0, 2 + (at % 3)).map(entry) : [], past,
    }
  })
  const named = (name) => nodes.find((node) => node.name === name) ?? {}
  const changes = []
  const change = (name, minutes, state, why = null, was = 'online') => {
    const node = named(name)
    const at_s = NOW - 60 * minutes
    Object.assign(node, { state, why, fault: why && 'fault', at_s })
    changes.push({ seq: changes.length, at_s, id: node.id, addr: node.addr, name, what: 'state', state, was, why })
  }
  change('tor', 52, 'offline', 'does not answer')
  change('tor', 49, 'online', null, 'offline')
  change('ams-2', 9, 'offline', 'does not answer')
  change('chi-1', 6, 'turn-down', 'does not answer')
  changes.push({ seq: changes.length, at_s: NOW - 200, id: named('iad').id, addr: named('iad').addr, name: 'iad', what: 'lists', more: 1, less: 0, names: ['iad-c'] })
  change('bom-1', 2.4, 'draining')
  const troubles = [{ trouble: 'unwelcome', what: '192.0.2.14:3001 has the key and may not join: its address is in none of the `join-prefixes`', at_s: NOW - 540 }]
  const server = { name: 'root-1', version: '0.1.0', state: 'offering', fault: null, turn: [], superiors: [], troubles, left_out: 0 }
  return { schema: 'tb.events/1', now_s: NOW, server, nodes, changes, minute: false }
}

/** Serves the page and tells of a cascade. Returns where, and how to tell what changes. */
export async function serve(all, token) {
  const streams = new Set()
  const event = (name, told) => `event: ${name}\ndata: ${JSON.stringify(told)}\n\n`
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://page')
    if (pathname === '/api/v1/events') {
      if (token && request.headers.authorization !== `Bearer ${token}`) return response.writeHead(401).end()
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }).write(event('all', all))
      streams.add(response)
      return response.on('close', () => streams.delete(response))
    }
    if (pathname === '/api/v1/servers') {
      const above = all.nodes.find(({ addr }) => addr === searchParams.get('below'))
      const servers = above?.lists.map((entry, at) => ({ ...entry, urls: [], rtt_ms: 8 + 16 * (at % 2), load: null, labels: {} }))
      return response.writeHead(servers ? 200 : 503, { 'Content-Type': 'application/json' }).end(JSON.stringify({ schema: 'tb.servers/1', servers, down: [] }))
    }
    const file = pathname === '/' ? 'page.html' : pathname.slice('/page/'.length)
    const text = readFileSync(join(page, file), 'utf8')
    response.writeHead(200, { 'Content-Type': KINDS[extname(file)], 'Content-Security-Policy': POLICY }).end(token ? text.replace('data-token="none"', 'data-token="asked"') : text)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const beat = setInterval(() => streams.forEach((stream) => stream.write(':\n\n')), 5000)
  beat.unref()
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    tell: (told) => streams.forEach((stream) => stream.write(event('some', { nodes: [], changes: [], minute: false, ...told }))),
    close: () => (server.closeAllConnections(), server.close()),
  }
}

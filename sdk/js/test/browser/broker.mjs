// Serves a page, the SDK, and, in place of a broker, lists that a test sets. It runs on the servers' host.
// Its input is one JSON document a line: what `/v1/servers` answers, by `below` (`""` is the list itself).

import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const sdk = join(dirname(fileURLToPath(import.meta.url)), '../..')
const [pages, api] = process.argv.slice(2)
const files = { '/turn-balance.js': ['turn-balance.js', 'text/javascript'], '/call.js': ['test/browser/call.js', 'text/javascript'], '/demo/': ['demo/index.html', 'text/html'], '/demo/turn-balance.js': ['turn-balance.js', 'text/javascript'], '/example/': ['example/index.html', 'text/html'] }
let lists = {}

createInterface({ input: process.stdin }).on('line', (line) => {
  lists = JSON.parse(line)
  console.log('ready')
})
process.stdin.on('end', () => process.exit())

const listen = (port, handle) => {
  if (port) createServer(handle).listen(Number(port), '203.0.113.1')
}
listen(pages, (request, response) => {
  const { pathname } = new URL(request.url, 'http://page')
  if (pathname === '/') return response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>page</title><link rel=icon href=data:,>')
  const [file, type] = files[pathname] ?? []
  if (!file) return response.writeHead(404).end()
  response.writeHead(200, { 'Content-Type': type }).end(readFileSync(join(sdk, file)))
})
listen(api, (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://broker')
  const headers = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'authorization, content-type' }
  const json = (status, body) => response.writeHead(status, { ...headers, 'Content-Type': 'application/json', 'Cache-Control': 'public, max-age=2' }).end(JSON.stringify(body))
  if (request.method === 'OPTIONS') return response.writeHead(204, headers).end()
  const servers = lists[searchParams.get('below') ?? '']
  if (pathname === '/v1/servers' && servers) {
    return json(200, { schema: 'tb.servers/1', name: 'root', ice: { pwd: 'turnBalanceBindingCheck1' }, servers })
  }
  if (pathname !== '/v1/ice') return json(404, { title: 'no such server' })
  let body = ''
  request.on('data', (chunk) => (body += chunk)).on('end', () => {
    const { order, count } = JSON.parse(body)
    const username = `${Math.floor(Date.now() / 1000) + 3600}:page`
    const credential = createHmac('sha1', lists.secret ?? 'secret').update(username).digest('base64')
    json(200, { iceServers: order.slice(0, count).map((turn) => ({ urls: [`turn:${turn}?transport=udp`], username, credential })) })
  })
})

// A page on a network that drops all UDP: the leaf with the nearest web server, and without these the broker's order.

import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { BROWSERS, Lab, PAGE, ROOT, browse, enter, missing, run } from './lab.mjs'

const script = fileURLToPath(import.meta.url)
const lack = missing(process.execPath, 'nft', 'openssl')
if (lack) {
  console.error(`no page without UDP is tested: ${lack} missing`)
  process.exit(process.env.TB_REQUIRE_BROWSERS === '1' ? 1 : 0)
}
enter(script)

const lab = new Lab()
await lab.open()
run('nft', ['add table inet t; add chain inet t out { type filter hook output priority 0; }; add rule inet t out meta l4proto udp drop'])
run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=turn.example', '-keyout', `${lab.folder}/key.pem`, '-out', `${lab.folder}/cert.pem`])
const ips = ['203.0.113.11', '203.0.113.12', '203.0.113.13']
const here = dirname(script)
lab.start(process.execPath, [join(here, 'https.mjs'), lab.folder, `${ips[0]}=120`, `${ips[1]}=20`, `${ips[2]}=220`])
const broker = lab.start(process.execPath, [join(here, 'broker.mjs'), '8080', '8443'], { stdio: ['pipe', 'pipe', 'inherit'] })
const told = createInterface({ input: broker.stdout })[Symbol.asyncIterator]()
const leaf = (ip, index) => ({ addr: `${ip}:3001`, kind: 'leaf', name: null, turn: `${ip}:3478`, urls: [`https://${ip}/`], rtt_ms: index, load: null, labels: {} })
const lists = { https: ips.map(leaf), none: ips.map((ip, index) => ({ ...leaf(ip, 5 - index), urls: [] })) }
const nearest = { https: ips[1], none: ips[2] }

for (const kind of Object.keys(BROWSERS)) {
  const browser = await browse(kind)
  const page = await browser.newPage()
  await page.goto(`${PAGE}/`)
  for (const method of ['https', 'none']) {
    broker.stdin.write(JSON.stringify({ '': lists[method] }) + '\n')
    await told.next()
    const found = await page.evaluate(async (url) => {
      const { select } = await import('/turn-balance.js')
      const start = performance.now()
      const { server, rtt, method } = await select({ url, fresh: true, timeout: 8000 })
      return { turn: server.turn, rtt, method, ms: performance.now() - start }
    }, `http://${ROOT}:8443`)
    console.log(kind, found)
    assert.deepEqual([found.turn, found.method], [`${nearest[method]}:3478`, method])
  }
  await browser.close()
}
process.exit(0)

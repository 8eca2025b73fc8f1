// A call from a network that drops all UDP: through TLS, with the configuration that `tb probe` printed there.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readFileSync, writeFileSync } from 'node:fs'

import { Lab, PAGE, ROOT, browse, enter, missing, run, until } from './lab.mjs'

const script = fileURLToPath(import.meta.url)
const tb = process.env.TB_BINARY
const lack = missing(tb, 'turnserver', 'nft', 'openssl')
if (lack) {
  console.error(`no call by TLS is tested: ${lack} missing`)
  process.exit(process.env.TB_REQUIRE_BROWSERS === '1' ? 1 : 0)
}
enter(script)

const lab = new Lab(tb)
await lab.open()
run('nft', ['add table inet t; add chain inet t out { type filter hook output priority 0; }; add rule inet t out meta l4proto udp counter drop'])
const file = (name) => join(lab.folder, name)
const leaf = '203.0.113.11'
const certify = (name, ...more) => {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${name}.key`)]
  run('openssl', ['req', '-x509', '-days', '2', '-subj', `/CN=${name}`, ...key, '-out', file(`${name}.pem`), ...more])
}
certify('ca')
const names = [ROOT, leaf].map((ip) => `IP:${ip}`).join(',')
certify('turn', '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', `subjectAltName=${names}`)
writeFileSync(file('turn.secret'), 'north-wind\n', { mode: 0o600 })

lab.start(process.execPath, [join(dirname(script), 'broker.mjs'), '8080'], { stdio: ['pipe', 'ignore', 'inherit'] })
const coturn = lab.coturn([leaf], 3478, 'north-wind', ['--tls-listening-port=443', `--cert=${file('turn.pem')}`, `--pkey=${file('turn.key')}`])
await until('coturn', () => coturn.log.includes(`TCP listener opened on : ${leaf}:443`))
lab.serve('leaf', `[net]\nbind = "${leaf}:3001"\nname = "leaf"\n[turn]\nbind = "${leaf}:3478"\nurls = ["turns:${leaf}:443?transport=tcp"]\nca-file = "ca.pem"\n`)
// A broker keeps URLs for a minute, also where there were none yet.
await until('a URL by TLS', () => lab.inside(tb, ['probe', '--format', 'ice', `${leaf}:3001`]).stdout.includes('turns:'))
lab.above('root', `${ROOT}:3001`, [leaf], `[http]\nbind = "${ROOT}:8443"\ncert = "turn.pem"\nkey = "turn.key"\n`)

const root = `https://${ROOT}:8443`
const probe = (...args) => spawnSync(tb, ['probe', '--transport', 'auto', '--ca-file', file('ca.pem'), '--timeout', '8', ...args, ROOT, root])
const secret = ['--format', 'ice', '--count', '0', '--turn-user', 'alice', '--turn-secret-file', file('turn.secret')]
const configuration = await until('the leaf behind its root', () => {
  const done = probe(...secret)
  const printed = JSON.parse(done.stdout.toString() || 'null')
  return printed?.iceServers[0].urls[0].startsWith('turns:') && printed
})
console.log(JSON.stringify(configuration))
assert.equal(JSON.parse(probe('--json').stdout).transport, 'https')

// A browser judges a TURN server by TLS as any web server; this key is one that Chromium takes from anybody.
const key = new X509Certificate(readFileSync(file('turn.pem'))).publicKey.export({ type: 'spki', format: 'der' })
const browser = await browse('chrome', [`--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`])
const page = await browser.newPage()
await page.goto(`${PAGE}/`)
await page.bringToFront()
const found = await page.evaluate(async (configuration) => {
  const { negotiate } = await import('/call.js')
  const pcs = [0, 1].map(() => new RTCPeerConnection({ ...configuration, iceTransportPolicy: 'relay' }))
  negotiate(pcs)
  const heard = new Promise((resolve) => (pcs[1].ondatachannel = ({ channel }) => (channel.onmessage = ({ data }) => resolve(data))))
  const channel = pcs[0].createDataChannel('talk')
  channel.onopen = () => channel.send('hello')
  const said = await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 30000, 'nothing'))])
  const candidates = [...(await pcs[0].getStats()).values()].filter(({ type }) => type === 'local-candidate')
  return { said, by: candidates.map(({ candidateType, relayProtocol, url }) => [candidateType, relayProtocol, url]) }
}, configuration)
console.log(JSON.stringify(found))
assert.deepEqual(found, { said: 'hello', by: [['relay', 'tls', `turns:${leaf}:443?transport=tcp`]] })
await browser.close()
const [{ username }] = configuration.iceServers
assert.ok(username.endsWith(':alice'), username)
await until(`the user ${username} in coturn's log`, () => coturn.log.includes(`user <${username}>`))
process.exit(0)

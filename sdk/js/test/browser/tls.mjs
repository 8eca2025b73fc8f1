// A call from a network that drops all UDP: through TLS, with the configuration that `tb probe` printed there.
// `tls.mjs firefox`: in Firefox.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

import { Lab, PAGE, ROOT, browse, enter, missing, run, until } from './lab.mjs'

const script = fileURLToPath(import.meta.url)
const tb = process.env.TB_BINARY
const lack = missing(tb, 'turnserver', 'nft', 'openssl', 'certutil')
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
// Firefox passes over a `turns:` URL that has an IP address.
const name = 'turn.example'
writeFileSync(file('hosts'), `127.0.0.1 localhost\n${leaf} ${name}\n`)
run('mount', ['--bind', file('hosts'), '/etc/hosts'])
const certify = (name, ...more) => {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${name}.key`)]
  run('openssl', ['req', '-x509', '-days', '2', '-subj', `/CN=${name}`, ...key, '-out', file(`${name}.pem`), ...more])
}
certify('ca')
certify('turn', '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', `subjectAltName=IP:${ROOT},DNS:${name}`)
writeFileSync(file('turn.secret'), 'north-wind\n', { mode: 0o600 })

lab.start(process.execPath, [join(dirname(script), 'broker.mjs'), '8080'], { stdio: ['pipe', 'ignore', 'inherit'] })
const coturn = lab.coturn([leaf], 3478, 'north-wind', ['--tls-listening-port=443', `--cert=${file('turn.pem')}`, `--pkey=${file('turn.key')}`])
await until('coturn', () => coturn.log.includes(`TCP listener opened on : ${leaf}:443`))
lab.serve('leaf', `[net]\nbind = "${leaf}:3001"\nname = "leaf"\n[turn]\nbind = "${leaf}:3478"\nurls = ["turns:${name}:443?transport=tcp"]\nca-file = "ca.pem"\n`)
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

// A browser judges a TURN server by TLS as any web server. To Chromium the key is one that it takes from anybody; Firefox, to
// which that is no matter of its command line, has a profile that trusts the authority.
const launch = {
  chrome: () => {
    const key = new X509Certificate(readFileSync(file('turn.pem'))).publicKey.export({ type: 'spki', format: 'der' })
    return browse('chrome', [`--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`])
  },
  firefox: () => {
    mkdirSync(file('profile'))
    run('certutil', ['-N', '-d', `sql:${file('profile')}`, '--empty-password'])
    run('certutil', ['-A', '-d', `sql:${file('profile')}`, '-n', 'ca', '-t', 'C,,', '-i', file('ca.pem')])
    return browse('firefox', [], { userDataDir: file('profile') })
  },
}
const kind = process.argv[2] ?? 'chrome'
const browser = await launch[kind]()
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
  const by = candidates.map(({ candidateType, relayProtocol, url }) => `${candidateType} ${relayProtocol} ${url ?? ''}`)
  return { said, by: [...new Set(by)] }
}, configuration)
console.log(JSON.stringify(found))
// Firefox does not say by which URL.
assert.deepEqual(found, { said: 'hello', by: [`relay tls ${kind === 'firefox' ? '' : `turns:${name}:443?transport=tcp`}`] })
await browser.close()
const [{ username }] = configuration.iceServers
assert.ok(username.endsWith(':alice'), username)
await until(`the user ${username} in coturn's log`, () => coturn.log.includes(`user <${username}>`))
process.exit(0)

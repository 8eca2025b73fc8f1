// Calls through real TURN servers with exactly what a real broker gave, and what becomes of them when one is killed.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadavg } from 'node:os'
import { writeFileSync } from 'node:fs'

import { BROKER, Lab, PAGE, ROOT, browse, enter, hurry, missing, until } from './lab.mjs'

const script = fileURLToPath(import.meta.url)
const tb = process.env.TB_BINARY
const lack = missing(tb, 'turnserver')
if (lack) {
  console.error(`no calls are tested: ${lack} missing`)
  process.exit(process.env.TB_REQUIRE_BROWSERS === '1' ? 1 : 0)
}
enter(script)
hurry()

const lab = new Lab(tb)
await lab.open()
lab.start(process.execPath, [join(dirname(script), 'broker.mjs'), '8080'], { stdio: ['pipe', 'ignore', 'inherit'] })

const near = ['203.0.113.11', '203.0.113.12', '203.0.113.13']
const coturns = Object.fromEntries(near.map((ip) => [ip, lab.coturn([ip], 3478)]))
await lab.distances(Object.fromEntries(near.map((ip, index) => [ip, 10 + 50 * index])))
near.forEach((ip, index) => lab.leaf(`leaf-${index + 1}`, ip, ''))

const file = (name, text) => (writeFileSync(join(lab.folder, name), `${text}\n`, { mode: 0o600 }), name)
lab.above('root', `${ROOT}:3001`, near, `[http]
bind = "${ROOT}:8443"
plain = true
api-keys = "${file('api-keys', `back-end ${'k'.repeat(40)}`)}"
token-secret = "${file('token.secret', 't'.repeat(40))}"
turn-secret = "${file('turn.secret', 'north-wind')}"
origins = ["${PAGE}"]
demo = true
`)
await until('all leaves', () => lab.named(3001)?.candidates > near.length)

// What the application's back end makes for a user.
function token(user) {
  const said = `${Math.floor(Date.now() / 1000) + 600}.${user}`
  return `${said}.${createHmac('sha256', 't'.repeat(40)).update(said).digest('base64url')}`
}

const kind = process.argv[2] ?? 'chrome'
const browser = await browse(kind)
const said = []
process.on('exit', (code) => code && console.error(said))
const open = async (url) => {
  const page = await browser.newPage()
  page.on('pageerror', (error) => said.push(error))
  page.on('console', (message) => said.push(message.text()))
  await page.goto(url)
  // Timers of a page that nobody sees are slow.
  await page.bringToFront()
  return page
}

// A message passes, by the nearest, and its log names the user that the credentials were made for.
let page = await open(`${PAGE}/`)
await page.evaluate(async (broker) => {
  const { call } = await import('/call.js')
  globalThis.note = await call(broker)
  // Of two servers Chromium's ICE would take the other itself. Firefox hears later on one side than on the other that the server
  // is dead, and is lost where the first restart finds no other there.
}, { url: BROKER, token: token('alice'), count: kind === 'firefox' ? 2 : 1 })
await until('a message', () => page.evaluate(() => note.heard > 0))
const first = await page.evaluate(() => note)
assert.equal(first.server.turn, `${near[0]}:3478`)
assert.equal(first.method, 'ice')
const [{ username }] = first.iceServers
await until(`the user ${username} in coturn's log`, () => coturns[near[0]].log.includes(`user <${username}>`) && username.includes('alice'))
console.log(`a message through ${first.server.turn} as ${username}`)

// The TURN server is killed under the call. Firefox waits longer and longer with what it could not deliver, up to half a minute
// when it has lost a message a second for ten, so there nothing is said until `watch` has changed something.
await page.evaluate((quiet) => (note.quiet = quiet), kind === 'firefox')
await new Promise((resolve) => setTimeout(resolve, 500))
const killed = await page.evaluate(() => performance.now())
coturns[near[0]].kill('SIGKILL')
await until('a change', () => page.evaluate(() => note.changes.length > 0))
await until('a message after it', () => page.evaluate(() => note.back))
const { states, changes, back, errors } = await page.evaluate(() => note)
const [lost, state] = states.find(([at, state]) => at > killed && ['disconnected', 'failed'].includes(state))
const seconds = (from, to) => `${((to - from) / 1000).toFixed(2)} s`
console.log(`coturn killed: ICE says ${state} after ${seconds(killed, lost)}; ${seconds(lost, changes[0][0])} later watch offers ${changes[0][2]}, and a message passes after ${seconds(lost, back)} (load ${loadavg()[0].toFixed(1)})`)
assert.deepEqual(errors, [])
assert.equal(changes[0][1], 'failed')
assert.notEqual(changes[0][2], `${near[0]}:3478`)
assert.ok(changes[0][3])
// On a machine that does other things, too, what counts is that it comes back.
if (process.env.TB_REQUIRE_TIMES) assert.ok(back - lost < 3000)
await page.close()

// The example page does the same.
page = await open(`${PAGE}/example/?url=${BROKER}&token=${token('bob')}`)
await page.click('button')
await until('hello', () => page.$eval('pre', (log) => log.textContent.includes('you said hello')))
console.log(await page.$eval('pre', (log) => log.textContent.trim().split('\n')[0]))
await page.close()

// The broker's own page shows every server, the dead one's too where it is still listed.
page = await open(`${BROKER}/demo`)
await page.waitForFunction(() => !document.querySelector('button').disabled)
const rows = await page.$$eval('tbody tr', (rows) => rows.map((row) => [row.className, ...[...row.cells].map((cell) => cell.innerText.replace(/\s+/g, ' '))]))
console.log(rows.map((row) => row.slice(1, 5).join(' | ')).join('\n'))
assert.ok(rows.length >= near.length - 1)
assert.deepEqual(rows.map(([best]) => best), ['best', ...rows.slice(1).map(() => '')])
// Nothing of it makes noise.
assert.deepEqual(said, [])
await browser.close()
process.exit(0)

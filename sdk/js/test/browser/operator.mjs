// The operator's page, at the admin interface of a real server and before a cascade that is made up: what it shows and how soon, by
// keyboard alone, on phones, in the dark, and with axe-core. With TB_SCREENSHOTS=FOLDER it leaves pictures there.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { cascade, serve } from './cascade.mjs'
import { browse, enter, missing, run, until } from './lab.mjs'

const script = fileURLToPath(import.meta.url)
const tb = process.env.TB_BINARY
const lack = missing(tb)
if (lack) {
  console.error(`the operator's page is not tested: ${lack} missing`)
  process.exit(process.env.TB_REQUIRE_BROWSERS === '1' ? 1 : 0)
}
enter(script)
run('ip', ['link', 'set', 'lo', 'up'])

const folder = mkdtempSync(join(tmpdir(), 'tb-operator-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const axe = readFileSync(join(dirname(script), '../../node_modules/axe-core/axe.min.js'), 'utf8')
const kind = process.argv[2] ?? 'chrome'
const browser = await browse(kind)

/** What pages have said, and asked for elsewhere; nothing of either may be. */
const noise = []
process.on('exit', (code) => code && console.error(noise))

async function open(url, { width = 1280, height = 800, dark = false } = {}) {
  const page = await browser.newPage()
  page.on('pageerror', (error) => noise.push(`${error}`))
  page.on('console', (message) => noise.push(message.text()))
  page.on('request', (request) => request.url().startsWith(url) || noise.push(request.url()))
  page.loads = 0
  page.on('load', () => page.loads++)
  await page.setViewport({ width, height })
  const features = [['prefers-color-scheme', dark ? 'dark' : 'light'], ['prefers-reduced-motion', 'reduce']]
  // Firefox can be told by its settings alone.
  if (kind === 'chrome') await page.emulateMediaFeatures(features.map(([name, value]) => ({ name, value })))
  await page.goto(url)
  await page.bringToFront()
  return page
}

/** What a row shows, by the id of its node. */
const row = (page, id) => page.evaluate((id) => document.querySelector(`#rows [data-id="${id}"]`)?.textContent, id)

/** What axe-core finds. Scripts of a test may run past the policy of the page. */
async function accessible(page, what) {
  await page.evaluate(axe)
  const { violations, passes } = await page.evaluate(() => axe.run({ resultTypes: ['violations'] }))
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, any }) => `${html} ${any.map(({ message }) => message)}`).join('; ')}`)
  assert.deepEqual(found, [], what)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(wide <= 0, `${what}: ${wide} px too wide`)
  console.log(`${what}: axe-core finds nothing, ${passes.length} rules pass`)
}

async function picture(page, name) {
  await page.evaluate(() => scrollTo(0, 0))
  if (process.env.TB_SCREENSHOTS) await page.screenshot({ path: join(process.env.TB_SCREENSHOTS, `${name}.png`) })
}

function start(name, config) {
  const file = join(folder, `${name}.toml`)
  writeFileSync(file, config)
  const server = spawn(tb, ['serve', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NO_COLOR: '1' } })
  server.lines = []
  server.stderr.on('data', (text) => server.lines.push(...`${text}`.trim().split('\n').map((line) => [Date.now(), line])))
  process.on('exit', () => server.kill('SIGKILL'))
  return server
}

/** Kills one, and waits until its ports are free. */
const kill = (server) => new Promise((resolve) => server.once('exit', resolve).kill('SIGKILL'))

process.setMaxListeners(50)
const leaf = () => start('leaf', '[net]\nbind = "127.0.0.2:3001"\nname = "leaf"\n[turn]\nbind = "127.0.0.2:3478"\nhealth = "none"\n')
const root = (more = '') => start('root', `[net]\nbind = "127.0.0.1:3001"\nname = "root"\n[cluster]\nnodes = ["127.0.0.2:3001", "127.0.0.3:3001"]\n[admin]\nbind = "127.0.0.1:9301"\n${more}`)
const URL = 'http://127.0.0.1:9301/'
const ID = '127.0.0.2:3001'
const answers = () => fetch(`${URL}healthz`).then(() => true, () => false)

// A node dies, and comes back: the page shows both, and nobody has loaded it again.
{
  let node = leaf()
  const server = root()
  await until('the admin interface', answers)
  const page = await open(URL)
  await until('the leaf is online', async () => (await row(page, ID))?.includes('online'))
  assert.ok((await row(page, '127.0.0.3:3001')).includes('does not answer'))
  await page.evaluate((id) => {
    const look = () => document.querySelector(`#rows [data-id="${id}"]`).textContent.includes('offline') && (globalThis.shown ??= Date.now())
    new MutationObserver(look).observe(document.querySelector('#rows'), { subtree: true, childList: true, characterData: true })
  }, ID)
  await kill(node)
  const logged = await until('the superior says it', () => server.lines.find(([, line]) => line.includes('node offline') && line.includes(ID)))
  const shown = await until('the page shows it', () => page.evaluate(() => globalThis.shown))
  console.log(`shown ${shown - logged[0]} ms after: ${logged[1].slice(25)}`)
  assert.ok(shown - logged[0] < 3000)
  await until('the hour has it', () => page.$eval('#changes ol', (list) => /leaf offline/.test(list.textContent)))
  await until('it is said', () => page.$eval('#said', (said) => /leaf offline/.test(said.textContent)))
  node = leaf()
  await until('the leaf is back', async () => (await row(page, ID)).includes('online'))
  assert.equal(page.loads, 1)
  assert.deepEqual(noise, [])
  await accessible(page, 'a real cascade')

  // The server goes, and the page says since when; it comes back, and all is well. Browsers say themselves that nobody answers.
  await kill(server)
  await until('the page says so', () => page.$eval('#broken', (banner) => !banner.hidden && /What is shown is of \d\d:\d\d:\d\d/.test(banner.textContent)))
  await accessible(page, 'a server that is gone')
  const again = root()
  await until('it is live again', () => page.$eval('#live', (live) => live.dataset.live === 'yes'))
  assert.ok(noise.every((said) => said.includes('Failed to load resource')), `${noise}`)
  noise.length = 0
  await page.close()
  await Promise.all([again, node].map(kill))
}

// Four levels: each server is asked for what it lists when it is opened, also where nobody here knows it.
{
  const at = (n) => `127.0.0.${n}:3001`
  const above = (n, name, below) => start(name, `[net]\nbind = "${at(n)}"\nname = "${name}"\n[cluster]\nnodes = ["${at(below)}"]\n`)
  const servers = [leaf(), above(4, 'city', 2), above(5, 'region', 4), start('root', `[net]\nbind = "${at(1)}"\n[cluster]\nnodes = ["${at(5)}"]\n[admin]\nbind = "127.0.0.1:9301"\n`)]
  await until('the admin interface', answers)
  const page = await open(URL)
  await until('the region lists one', async () => (await row(page, at(5)))?.includes('lists 1'))
  for (const name of ['region', 'city', 'leaf']) {
    await until(`${name} is there`, () => page.$$eval('#rows .name', (names, name) => names.some((found) => found.textContent === name), name))
    await page.evaluate((name) => [...document.querySelectorAll('#rows .name')].find((found) => found.textContent === name).click(), name)
  }
  const leafs = `${at(5)}>balance:${at(4)}>leaf:${at(2)}`
  await until('how far the leaf is from the city', async () => (await row(page, leafs)).includes('< 16 ms'))
  assert.equal(await page.$eval(`#rows [data-id="${leafs}"]`, (row) => row.ariaLevel), '3')
  // Who dies below is shown as it is, though nobody lists it, or the city that lists nobody else, any more.
  await kill(servers[0])
  await until('the leaf is offline', async () => /offline\s+does not answer/.test(await row(page, leafs)))
  // And told of above the rows, with a way there.
  const wrong = () => page.$eval('#wrong', (section) => section.hidden ? '' : section.textContent)
  await until('it is told above', async () => /1 node of city is offline: leaf \(does not answer\)/.test(await wrong()))
  await until('the city offers nothing', async () => (await row(page, `${at(5)}>balance:${at(4)}`)).includes('offers nothing'))
  assert.deepEqual(noise, [])
  await accessible(page, 'three levels below a server')
  await page.evaluate(() => [...document.querySelectorAll('#rows [aria-level="1"] .name')].find((found) => found.textContent === 'region').click())
  assert.equal(await row(page, leafs), undefined)
  await page.evaluate(() => [...document.querySelectorAll('#wrong button')].find((button) => button.textContent === 'leaf').click())
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), leafs)
  await page.close()
  // A page on which nothing is open is told too, of who is further below than this server knows.
  const later = await open(URL)
  await until('it is told there', () => later.$eval('#wrong', (section) => /1 node offers nothing: region.*1 node of region offers nothing: city/s.test(section.textContent)))
  assert.equal(await later.$eval('#wrong button', (button) => button.textContent), 'region')
  await later.close()
  await Promise.all(servers.slice(1).map(kill))
}

// Where there is a token, the page asks for it.
{
  writeFileSync(join(folder, 'token'), `${'t'.repeat(20)}\n`, { mode: 0o600 })
  const servers = [leaf(), root('token-file = "token"\n')]
  await until('the admin interface', answers)
  const page = await open(URL)
  await until('the token is asked for', () => page.evaluate(() => document.activeElement.id === 'token'))
  assert.deepEqual(noise, [])
  await accessible(page, 'the token is asked for')
  await page.keyboard.type('not the token')
  await page.keyboard.press('Enter')
  await until('it is refused', () => page.$eval('#door-why', (why) => why.textContent.startsWith('That is not the token')))
  noise.length = 0
  await page.keyboard.type('t'.repeat(20))
  await page.keyboard.press('Enter')
  await until('the leaf is online', async () => (await row(page, ID))?.includes('online'))
  assert.ok(!page.url().includes('t'.repeat(20)))
  await page.reload()
  await until('the token is kept', async () => (await row(page, ID))?.includes('online'))
  assert.deepEqual(noise, [])
  await page.close()
  await Promise.all(servers.map(kill))
}

// Two thousand nodes.
{
  const all = cascade(2000)
  const served = await serve(all)
  const began = Date.now()
  const page = await open(served.url)
  await page.waitForSelector('#rows [role=row]')
  const first = Date.now() - began
  await until('who is offline is told above', () => page.$eval('#wrong', (section) => /1 node is offline: ams-2 \(does not answer\) for 9 min/.test(section.textContent)))
  await until('all rows', () => page.evaluate(() => document.querySelectorAll('#rows > *').length === 2000))
  console.log(`2,000 nodes: the first rows after ${first} ms, all after ${Date.now() - began} ms`)

  // One that changes is one row that is touched.
  const change = { ...all.nodes[700], state: 'offline', why: 'does not answer', at_s: all.now_s, past: undefined }
  await page.evaluate(() => {
    globalThis.touched = new Set()
    new MutationObserver((records) => records.forEach(({ target, type }) => type === 'attributes' && target.id === 'rows' ? 0 : touched.add((target.closest ? target : target.parentElement).closest('[data-id]')?.dataset.id))).observe(document.querySelector('#rows'), { subtree: true, childList: true, characterData: true, attributes: true })
  })
  served.tell({ now_s: all.now_s, nodes: [change] })
  await until('it is shown', async () => (await row(page, change.id)).includes('does not answer'))
  assert.deepEqual(await page.evaluate(() => [...touched]), [change.id])

  // A few hundred that change each second leave room for who looks: how long frames take is told, not judged.
  await page.evaluate(() => {
    globalThis.longest = 0
    let last = performance.now()
    const frame = (now) => ((longest = Math.max(longest, now - last)), (last = now), requestAnimationFrame(frame))
    requestAnimationFrame(frame)
  })
  for (let second = 0; second < 5; second++) {
    const nodes = all.nodes.slice(0, 700).map((node) => ({ ...node, rtt_ms: node.rtt_ms + second, past: undefined }))
    served.tell({ now_s: all.now_s + second, nodes, minute: second === 2 })
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  await until('the last is shown', async () => (await row(page, all.nodes[1].id)).includes(`${all.nodes[1].rtt_ms + 4} ms`))
  console.log(`700 changes at a time: the longest frame took ${Math.round(await page.evaluate(() => longest))} ms`)
  await page.focus('#search')
  await page.keyboard.type('jnb-7')
  await until('one is found', () => page.evaluate(() => document.querySelectorAll('#rows > *').length < 15))
  assert.ok((await page.$$eval('#rows .name', (names) => names.map((name) => name.textContent))).every((name) => name.startsWith('jnb-7')))
  await accessible(page, 'a search in 2,000')
  await page.close()
  served.close()
}

// By keyboard alone; on a phone, in the dark.
{
  const all = cascade(60)
  const served = await serve(all)
  const page = await open(served.url, { width: 1280, height: 760 })
  await page.waitForSelector('#rows [role=row]')
  const focused = () => page.evaluate(() => document.activeElement.querySelector?.('.name')?.textContent)
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key)
    return focused()
  }
  for (let tabs = 0; tabs < 30 && !(await page.evaluate(() => document.activeElement.matches('#rows > *'))); tabs++) await press('Tab')
  assert.equal(await focused(), 'ams')
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none')
  assert.equal(await press('ArrowDown'), 'ams-1')
  assert.equal(await press('End'), 'waw-2')
  assert.equal(await press('Home'), 'ams')
  assert.equal(await press('ArrowRight', 'ArrowRight'), 'ams-a')
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-level')), '2')
  assert.equal(await press('ArrowLeft'), 'ams')
  await picture(page, 'page')
  await press('ArrowLeft')
  assert.equal(await page.$eval('#rows [aria-expanded]', (row) => row.getAttribute('aria-expanded')), 'false')
  await press('/')
  await page.keyboard.type('gru')
  assert.equal(await press('ArrowDown'), 'gru')
  assert.equal(await press('Escape'), 'gru')
  assert.equal(await page.$$eval('#rows > *', (rows) => rows.length), 60)
  await page.evaluate(() => [...document.querySelectorAll('#filters button')].find((button) => button.textContent.includes('offline')).focus())
  await press('Enter')
  assert.deepEqual(await page.$$eval('#rows .name', (names) => names.map((name) => name.textContent)), ['ams-2'])
  await press('Escape')
  // The last hour has the newest first, in whichever order it was told.
  const newest = { seq: 90, at_s: all.now_s - 20, id: all.nodes[5].id, addr: all.nodes[5].addr, name: 'mad', what: 'state', state: 'full', was: 'online' }
  served.tell({ now_s: all.now_s, changes: [newest, { ...newest, seq: 91, at_s: all.now_s - 400, name: 'par' }] })
  await until('it is told', () => page.$eval('#changes ol', (list) => list.textContent.includes('par')))
  const hour = await page.$$eval('#changes .words', (lines) => lines.map((line) => line.textContent))
  assert.deepEqual(hour.slice(0, 5).map((line) => line.split(' ')[0]), ['mad', 'bom-1', 'iad', 'chi-1', 'par'])
  // What is told of the hour leads to its node.
  await page.evaluate(() => document.querySelector('#changes button').focus())
  assert.equal(await press('Enter'), 'mad')
  await accessible(page, 'a wide window')
  await page.close()
  for (const [name, width, height, dark] of [['dark', 1280, 760, true], ['phone', 390, 780, false], ['phone-dark', 320, 640, true]]) {
    if (dark && kind !== 'chrome') continue
    const page = await open(served.url, { width, height, dark })
    await page.waitForSelector('#rows [role=row]')
    await picture(page, `page-${name}`)
    await page.click('#rows [aria-expanded] .who')
    await until('it is open', () => page.$('[aria-level="2"]'))
    await accessible(page, `${name}, ${width} px`)
    await page.close()
  }
  served.close()
}
assert.deepEqual(noise, [])
await browser.close()
process.exit(0)

// How well pages choose, in the browsers that there are. `node table.mjs [ROUNDS] [CASE...]`

import { createInterface } from 'node:readline'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadavg, setPriority } from 'node:os'

import { BROWSERS, Lab, PAGE, ROOT, browse, enter, missing, until } from './lab.mjs'

const script = fileURLToPath(import.meta.url)
const tb = process.env.TB_BINARY
const lack = missing(tb)
if (lack) {
  console.error(`no browsers are tested: ${lack} missing`)
  process.exit(process.env.TB_REQUIRE_BROWSERS === '1' ? 1 : 0)
}
enter(script)
// Whatever else this machine does is an error of all times.
setPriority(-5)

const rounds = Number(process.argv[2] ?? 10)
const chosen = process.argv.slice(3)
const ip = (number) => `203.0.113.${number}`
const leaf = (at, rtt) => ({ addr: `${ip(at)}:3001`, kind: 'leaf', name: `leaf-${at}`, turn: `${ip(at)}:3478`, urls: [], rtt_ms: rtt, load: null, labels: {} })
const balance = (at, rtt) => ({ ...leaf(at, rtt), kind: 'balance', turn: null })
const span = (first, count) => Array.from({ length: count }, (_, index) => first + index)
const eight = span(11, 8)
const many = span(11, 32)
const regions = span(61, 4)

// Times that differ by six milliseconds, from 30 on; of two levels, those below the nearest region are the nearest.
const apart = (servers) => Object.fromEntries(shuffle(servers).map((at, index) => [ip(at), 30 + 6 * index]))
const CASES = {
  eight: { servers: eight, least: 0.99 },
  loss: { servers: eight, loss: 0.05, least: 0.97 },
  blocked: { servers: eight, blocked: true, least: 0.97 },
  many: { servers: many, least: 0.97 },
  // A root would list these flat, so the lists of this one are made up.
  levels: {
    servers: many,
    least: 0.97,
    distances() {
      const order = shuffle(span(0, 4))
      const ms = {}
      order.forEach((region, rank) => {
        ms[ip(61 + region)] = 34 + 30 * rank
        shuffle(many.slice(8 * region, 8 * region + 8)).forEach((at, index) => (ms[ip(at)] = 30 + 30 * rank + 6 * index))
      })
      return ms
    },
    lists(ms) {
      const below = regions.map((at, index) => [`${ip(at)}:3001`, many.slice(8 * index, 8 * index + 8).map((at) => leaf(at, 8))])
      return Object.fromEntries([['', regions.map((at) => balance(at, ms[ip(at)]))], ...below])
    },
  },
}

function shuffle(list) {
  const all = [...list]
  for (let at = all.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1))
    ;[all[at], all[other]] = [all[other], all[at]]
  }
  return all
}

const lab = new Lab(tb)
await lab.open()
const made = lab.start(process.execPath, [join(dirname(script), 'broker.mjs'), '8080', '8442'], { stdio: ['pipe', 'pipe', 'inherit'] })
const told = createInterface({ input: made.stdout })[Symbol.asyncIterator]()
for (const at of many) lab.leaf(`leaf-${at}`, ip(at))
await lab.distances(Object.fromEntries([...many, ...regions].map((at) => [ip(at), 1])))
regions.forEach((at, index) => lab.above(`region-${at}`, `${ip(at)}:3002`, many.slice(8 * index, 8 * index + 8).map(ip)))
// One root for eight and one for all, at two ports.
const http = (port) => `[http]\nbind = "${ROOT}:${port}"\nplain = true\n`
lab.above('root', `${ROOT}:3001`, regions.map(ip), http(8443))
lab.above('root-8', `${ROOT}:3003`, eight.map(ip), http(8444))
await until('all leaves', () => {
  const [all, some] = [lab.named(3001), lab.named(3003)]
  return all?.candidates > 32 && some?.candidates > 8
})

let failed = false
console.log('browser  case      right  as tb probe  error p50 / p95 / max ms   time p50 / p95 / max s   load')
for (const kind of Object.keys(BROWSERS)) {
  const browser = await browse(kind)
  for (const [name, test] of Object.entries(CASES)) {
    if (chosen.length && !chosen.includes(name)) continue
    const page = await browser.newPage()
    await page.goto(`${PAGE}/`)
    const [errors, times] = [[], []]
    let [right, same] = [0, 0]
    for (let round = 0; round < rounds; round++) {
      const ms = test.distances?.() ?? apart(test.servers)
      await lab.distances(ms, test.loss)
      if (test.lists) {
        made.stdin.write(JSON.stringify(test.lists(ms)) + '\n')
        await told.next()
      }
      const best = test.servers.map(ip).sort((a, b) => ms[a] - ms[b])[0]
      const [udp, broker] = test.servers === eight ? [3003, 8444] : [3001, test.lists ? 8442 : 8443]
      const probe = lab.named(udp)
      const found = await page.evaluate(choose, { broker: `http://${ROOT}:${broker}`, blocked: test.blocked })
      const at = found.turn?.split(':')[0]
      right += at === best
      same += found.turn !== undefined && found.turn === probe.turn
      if (at !== best || process.env.TB_VERBOSE) console.error(kind, name, { best: [best, ms[best]], found: JSON.stringify(found), probe: probe?.turn })
      if (found.rtt != null) errors.push(Math.abs(found.rtt - ms[at]))
      times.push(found.ms / 1000)
    }
    await page.close()
    const of = (list, digits) => [0.5, 0.95, 1].map((part) => quantile(list, part).toFixed(digits)).join(' / ')
    console.log(`${kind.padEnd(8)} ${name.padEnd(8)} ${`${right}/${rounds}`.padStart(7)}  ${`${same}/${rounds}`.padStart(11)}  ${of(errors, 2).padEnd(25)}  ${of(times, 2).padEnd(23)}  ${loadavg()[0].toFixed(1)}`)
    // Of ten, two that a busy machine spoilt say nothing.
    if (right < (rounds < 100 ? 0.8 : test.least) * rounds) failed = true
  }
  await browser.close()
}
process.exit(failed ? 1 : 0)

function quantile(list, part) {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? NaN
}

// Runs in the page.
async function choose({ broker, blocked }) {
  const { select } = await import('/turn-balance.js')
  const busy = blocked && setInterval(() => { for (const end = performance.now() + 40; performance.now() < end; ); }, 60)
  const start = performance.now()
  try {
    const { server, rtt, method, servers } = await select({ url: broker, fresh: true })
    return { turn: server.turn, rtt, method, ms: performance.now() - start, all: servers.map(({ name, rtt, samples }) => [name, rtt, samples]) }
  } catch (error) {
    return { error: String(error), ms: performance.now() - start }
  } finally {
    clearInterval(busy)
  }
}

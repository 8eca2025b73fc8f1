// How well pages choose, in the browsers that there are. `node table.mjs [ROUNDS] [CASE or BROWSER...]`

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadavg } from 'node:os'

import { BROWSERS, Lab, PAGE, ROOT, browse, enter, hurry, missing, until } from './lab.mjs'

const script = fileURLToPath(import.meta.url)
const tb = process.env.TB_BINARY
const lack = missing(tb, 'turnserver')
if (lack) {
  console.error(`no browsers are tested: ${lack} missing`)
  process.exit(process.env.TB_REQUIRE_BROWSERS === '1' ? 1 : 0)
}
enter(script)
hurry()

const rounds = Number(process.argv[2] ?? 10)
const chosen = process.argv.slice(3)
const span = (first, count) => Array.from({ length: count }, (_, index) => `203.0.113.${first + index}`)
const eight = span(11, 8)
const many = span(11, 32)
const turns = span(81, 8).map((ip) => `${ip}:3478`)
const regions = span(61, 4)
const mixed = span(71, 4)
// A root lists all leaves below it, as long as an answer has room for them; with those of this region it has not.
const remote = '203.0.113.65'
const below = {
  regions: regions.map((_, index) => many.slice(8 * index, 8 * index + 8)),
  mixed: mixed.map((_, index) => [...turns.slice(2 * index, 2 * index + 2), ...many.slice(8 * index, 8 * index + 4)]),
}

// Times that differ by six milliseconds, from 30 on.
const apart = (servers, from = 30) => Object.fromEntries(servers.map((server, index) => [server, from + 6 * index]))
// Of two levels, those below the nearest region are the nearest.
const levels = (above, lists, order = shuffle) => () => {
  const ranks = shuffle(above.map((_, index) => index))
  const times = ranks.map((region, rank) => ({ [above[region]]: 34 + 30 * rank, ...apart(order(lists[region]), 30 + 30 * rank) }))
  return Object.assign({ [remote]: 600 }, ...times)
}
// One of the TURN servers, which stand alone, is the nearest.
const turnFirst = (list) => {
  const [first, ...rest] = shuffle(list.filter((server) => turns.includes(server)))
  return [first, ...shuffle([...rest, ...list.filter((server) => !turns.includes(server))])]
}
const CASES = {
  eight: { root: 1, least: 0.99 },
  loss: { root: 1, loss: 0.05, least: 0.97 },
  blocked: { root: 1, blocked: true, least: 0.97 },
  many: { root: 3, least: 0.97 },
  levels: { root: 5, least: 0.97, distances: levels(regions, below.regions) },
  turn: { root: 7, least: 0.97 },
  mixed: { root: 9, least: 0.97, distances: levels(mixed, below.mixed, turnFirst) },
}
const listed = { 1: eight, 3: many, 5: [...regions, remote], 7: turns, 9: [...mixed, remote] }

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
lab.start(process.execPath, [join(dirname(script), 'broker.mjs'), '8080'], { stdio: ['pipe', 'ignore', 'inherit'] })
for (const ip of many) lab.leaf(`leaf-${ip.split('.')[3]}`, ip)
lab.coturn(turns.map((turn) => turn.split(':')[0]), 3479)
await lab.distances(Object.fromEntries([...many, ...turns, ...regions, ...mixed, remote].map((server) => [server, 1])))
const region = (list) => (ip, index) => lab.above(`region-${ip.split('.')[3]}`, `${ip}:3002`, list[index])
regions.forEach(region(below.regions))
mixed.forEach(region(below.mixed))
region([span(101, 75).map((ip) => `${ip}:3478`)])(remote, 0)
for (const [root, nodes] of Object.entries(listed)) {
  lab.above(`root-${root}`, `${ROOT}:300${root}`, nodes, `[http]\nbind = "${ROOT}:844${root}"\nplain = true\n`)
}
// Of two levels a root lists the first.
const all = { ...listed, 5: many, 9: below.mixed.flat() }
for (const root in all) await until(`all below ${root}`, () => lab.named(`300${root}`)?.candidates > all[root].length)

let failed = false
console.log('browser  case      right  as tb probe  tb probe right  error p50 / p95 / max ms   time p50 / p95 / max s   load')
const is = (among) => chosen.filter((name) => name in among)
const wanted = (among) => (is(among).length ? is(among) : Object.keys(among))
for (const kind of wanted(BROWSERS)) {
  const browser = await browse(kind)
  for (const name of wanted(CASES)) {
    const test = CASES[name]
    const [errors, times] = [[], []]
    let [right, same, probed] = [0, 0, 0]
    for (let round = 0; round < rounds; round++) {
      const ms = test.distances?.() ?? apart(shuffle(listed[test.root]))
      await lab.distances(ms, test.loss)
      const best = all[test.root].reduce((best, server) => (ms[server] < ms[best] ? server : best))
      const probe = lab.named(`300${test.root}`)
      const whenProbed = await lab.distances(ms, test.loss)
      // Each time it is a new page: what an old one has closed counts against Chromium's limit of connections.
      const page = await browser.newPage()
      await page.goto(`${PAGE}/`)
      const found = await page.evaluate(choose, { broker: `http://${ROOT}:844${test.root}`, blocked: test.blocked })
      await page.close()
      const was = await lab.distances(ms, test.loss)
      const at = all[test.root].find((server) => server.split(':')[0] === found.turn?.split(':')[0])
      right += at === best
      same += found.turn !== undefined && found.turn === probe.turn
      const named = all[test.root].find((server) => server.split(':')[0] === probe.turn?.split(':')[0])
      probed += named === best
      // What each was when it was asked tells whose fault it is.
      const took = (server, since) => [server, ms[server], since[server] ?? since[`${server}:3001`]]
      if (at !== best || process.env.TB_VERBOSE) console.error(kind, name, { best: took(best, was), found: took(at, was), all: JSON.stringify(found) })
      if (named !== best) console.error('tb probe', name, { best: took(best, whenProbed), named: took(named, whenProbed), all: JSON.stringify(probe) })
      if (found.rtt != null) errors.push(Math.abs(found.rtt - ms[at]))
      times.push(found.ms / 1000)
    }
    const of = (list, digits) => [0.5, 0.95, 1].map((part) => quantile(list, part).toFixed(digits)).join(' / ')
    console.log(`${kind.padEnd(8)} ${name.padEnd(8)} ${`${right}/${rounds}`.padStart(7)}  ${`${same}/${rounds}`.padStart(11)}  ${`${probed}/${rounds}`.padStart(14)}  ${of(errors, 2).padEnd(25)}  ${of(times, 2).padEnd(23)}  ${loadavg()[0].toFixed(1)}`)
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

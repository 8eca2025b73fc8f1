// Pages share the TURN servers that are as near as the nearest, as a real cascade tells how full they are. `node drawn.mjs [PAGES]`

import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { BROWSERS, Lab, PAGE, ROOT, browse, enter, hurry, missing, until } from './lab.mjs'

const script = fileURLToPath(import.meta.url)
const tb = process.env.TB_BINARY
const lack = missing(tb)
if (lack) {
  console.error(`no browsers are tested: ${lack} missing`)
  process.exit(process.env.TB_REQUIRE_BROWSERS === '1' ? 1 : 0)
}
enter(script)
hurry()

const pages = Number(process.argv[2] ?? 16)
// The third has most that is free, and is too far.
const ms = { '203.0.113.11': 30, '203.0.113.12': 32, '203.0.113.13': 60 }
const used = [200, 200, 0]

const lab = new Lab(tb)
await lab.open()
lab.start(process.execPath, [join(dirname(script), 'broker.mjs'), '8080'], { stdio: ['pipe', 'ignore', 'inherit'] })
Object.keys(ms).forEach((ip, index) => {
  const file = join(lab.folder, `load-${index}`)
  writeFileSync(file, `${used[index]}\n`)
  lab.leaf(`leaf-${index}`, ip, `health = "none"\ncapacity = 400\nload = { file = "${file}" }`)
})
await lab.distances(ms)
lab.above('root', `${ROOT}:3001`, Object.keys(ms), `[http]\nbind = "${ROOT}:8441"\nplain = true\n`)
const list = () => fetch(`http://${ROOT}:8441/v1/servers`).then((answer) => answer.json(), () => ({}))
await until('three loads', async () => (await list()).servers?.filter(({ load }) => load !== null).length === 3)

let failed = false
for (const kind of Object.keys(BROWSERS)) {
  const browser = await browse(kind)
  const times = {}
  for (let round = 0; round < pages; round++) {
    const page = await browser.newPage()
    await page.goto(`${PAGE}/`)
    const { turn, drawn } = await page.evaluate(async (url) => {
      const { select } = await import('/turn-balance.js')
      const { server, drawn } = await select({ url })
      return { turn: server.turn, drawn }
    }, `http://${ROOT}:8441`)
    await page.close()
    times[turn] = (times[turn] ?? 0) + 1
    if (drawn !== 2) console.error(kind, turn, { drawn })
    failed ||= drawn !== 2
  }
  await browser.close()
  console.log(kind, times)
  const chosen = Object.keys(times).sort().join()
  failed ||= chosen !== '203.0.113.11:3478,203.0.113.12:3478'
}
process.exit(failed ? 1 : 0)

// Two hosts on one machine: servers in one network namespace, browsers in another, joined by a cable.
// Nothing of it has a name, and all of it ends with this process.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { getPriority, setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
export const BROWSERS = { chrome: '/usr/bin/chromium', firefox: '/usr/bin/firefox-esr' }
export const ROOT = '203.0.113.1'
export const BROKER = `http://${ROOT}:8443`
export const PAGE = `http://${ROOT}:8080`

/** Starts a script anew in namespaces of its own, where it becomes the browsers' host. */
export function enter(script) {
  if (process.env.TB_LAB === '1') return
  const args = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, script, ...process.argv.slice(2)]
  const done = spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, TB_LAB: '1' } })
  process.exit(done.status ?? 1)
}

/** Comes before whatever else this machine does, which would be an error of all times. */
export function hurry(pid) {
  setPriority(Math.min(getPriority(), -5))
  try {
    // Where sessions are scheduled against each other, which a browser is one of, the priority is that of all of it.
    for (const session of ['self', ...(pid ? [pid] : [])]) writeFileSync(`/proc/${session}/autogroup`, '-15')
  } catch {
    // This kernel has no such groups.
  }
}

/** What is missing here, or nothing. */
export function missing(tb, ...more) {
  const wanted = { ...BROWSERS, tb, puppeteer: join(here, '../../node_modules/puppeteer-core') }
  const absent = Object.entries(wanted).filter(([, path]) => !path || !existsSync(path))
  const tools = ['unshare', 'nsenter', 'ip', 'python3', ...more].filter((tool) => spawnSync('which', [tool]).status !== 0)
  if (process.getuid() !== 0) tools.push('root')
  return [...absent.map(([name]) => name), ...tools].join(', ')
}

export class Lab {
  constructor(tb) {
    this.tb = tb
    this.folder = mkdtempSync(join(tmpdir(), 'tb-browser-'))
    process.on('exit', () => rmSync(this.folder, { recursive: true, force: true }))
    this.holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' })
  }

  async open() {
    await until('a namespace', () => this.inside('ip', ['link', 'show', 'lo']).status === 0 && !this.#shared())
    run('ip', ['link', 'set', 'lo', 'up'])
    run('ip', ['link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', `${this.holder.pid}`])
    run('ip', ['addr', 'add', '198.51.100.2/24', 'dev', 'cable'])
    run('ip', ['link', 'set', 'cable', 'up'])
    run('ip', ['route', 'add', 'default', 'via', '198.51.100.1'])
    const lines = ['link set lo up', 'addr add 198.51.100.1/24 dev cable', 'link set cable up', 'route add local 203.0.113.0/24 dev lo']
    for (const line of lines) check(this.inside('ip', line.split(' ')), line)
    this.delay = this.start('python3', [join(here, 'delay.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.ready = createInterface({ input: this.delay.stdout })[Symbol.asyncIterator]()
  }

  #shared() {
    const link = (pid) => spawnSync('readlink', [`/proc/${pid}/ns/net`]).stdout.toString()
    return link(this.holder.pid) === link('self')
  }

  /** Runs a command on the servers' host to its end. */
  inside(program, args, options) {
    return spawnSync('nsenter', [`--net=/proc/${this.holder.pid}/ns/net`, program, ...args], options)
  }

  /** Starts a command on the servers' host. */
  start(program, args, options = { stdio: ['ignore', 'ignore', 'inherit'] }) {
    return spawn('nsenter', [`--net=/proc/${this.holder.pid}/ns/net`, program, ...args], options)
  }

  /**
   * Sets how far servers are: milliseconds by their addresses, of balance servers without the port. Each listens one port above.
   * Tells how far they were since the last time, at best: a machine that is busy adds to it.
   */
  async distances(ms, loss = 0) {
    const ways = Object.entries(ms).map(([to, time]) => {
      const [ip, port = 3001] = to.split(':')
      return { front: `${ip}:${port}`, back: `${ip}:${Number(port) + 1}`, ms: time }
    })
    this.delay.stdin.write(JSON.stringify({ loss, ways }) + '\n')
    return JSON.parse((await this.ready.next()).value)
  }

  /** Starts a balance server. */
  serve(name, config) {
    const file = join(this.folder, `${name}.toml`)
    writeFileSync(file, config)
    return this.start(this.tb, ['serve', '-c', file, '--log-level', 'error'])
  }

  /** Starts a leaf, which is reached through its delay. */
  leaf(name, ip, turn = 'health = "none"') {
    return this.serve(
      name,
      `[net]\nbind = "${ip}:3002"\nname = "${name}"\n[turn]\nbind = "${ip}:3478"\n${turn}\n[limits]\nexempt = ["203.0.113.0/24"]\n`,
    )
  }

  /** Starts a server above others, and above TURN servers that stand alone: addresses with the port. */
  above(name, bind, nodes, more = '') {
    const list = nodes.map((node) => (node.includes(':') ? `{ turn = "${node}", health = "none" }` : `"${node}:3001"`)).join(', ')
    return this.serve(name, `[net]\nbind = "${bind}"\nname = "${name}"\n[cluster]\nnodes = [${list}]\n[limits]\nexempt = ["0.0.0.0/0"]\n${more}`)
  }

  /** Starts a TURN server at several addresses, and collects what it logs. */
  coturn(ips, port, secret = 'north-wind', more = ['--no-tls']) {
    const at = ips.flatMap((ip) => [`--listening-ip=${ip}`, `--relay-ip=${ip}`])
    const options = ['-n', '--no-cli', '--no-dtls', '--log-file=stdout', '--simple-log', '--pidfile=/dev/null', '--userdb=:memory:', '--realm=turn.example', '--relay-threads=1', '--verbose']
    const server = this.start('turnserver', [...options, '--use-auth-secret', `--static-auth-secret=${secret}`, `--listening-port=${port}`, ...at, ...more], { stdio: ['ignore', 'pipe', 'ignore'] })
    server.log = ''
    server.stdout.on('data', (chunk) => (server.log += chunk))
    return server
  }

  /** What `tb probe` names, on the browsers' host, by the root at a port. */
  named(port) {
    const done = spawnSync(this.tb, ['probe', '--verify', 'off', '--json', '--timeout', '5', `${ROOT}:${port}`])
    return JSON.parse(done.stdout.toString() || 'null')
  }
}

export function run(program, args) {
  check(spawnSync(program, args), `${program} ${args.join(' ')}`)
}

function check(done, what) {
  if (done.status !== 0) throw new Error(`${what}: ${done.stderr ?? done.error}`)
}

/** Looks until something is there, with patience for machines that are busy. */
export async function until(what, look) {
  for (const start = Date.now(); ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const seen = await look()
    if (seen) return seen
    if (Date.now() - start > 60000) throw new Error(`never: ${what}`)
  }
}

/** Starts a browser; `options` are puppeteer's. */
export async function browse(kind, more = [], options = {}) {
  const { default: puppeteer } = await import('puppeteer-core')
  const args = [...(kind === 'chrome' ? ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] : []), ...more]
  const browser = await puppeteer.launch({ browser: kind, executablePath: BROWSERS[kind], headless: true, args, acceptInsecureCerts: true, timeout: 90000, protocolTimeout: 180000, ...options })
  hurry(browser.process()?.pid)
  return browser
}

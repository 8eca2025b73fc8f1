// What the server tells, as it tells it: server-sent events, read by `fetch`, which can show a token where an EventSource cannot.

/** How long there may be silence, in ms: a heartbeat comes every 5 s. */
const SILENCE = 16000

/** Between two attempts, in ms: at once after an end that was to come, then longer and longer. */
const SOON = 250
const LATEST = 10000

export class Stream {
  #on
  #token
  #failed = 0
  #timer
  #abort

  /** `on` has `event(name, data)`, `lost(why, again)`, `heard()` and `door(wrong)`. */
  constructor(on) {
    this.#on = on
  }

  /** Asks for something else by the same token; `undefined`: there is none, for a reason that is told where it matters. */
  async ask(path) {
    const response = await fetch(path, { headers: this.#headers, cache: 'no-store' }).catch(() => undefined)
    return response?.ok ? response.json() : undefined
  }

  get #headers() {
    return this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }
  }

  start(token) {
    this.#token = token
    this.stop()
    this.#connect()
  }

  /** Nobody looks: nothing is asked for. */
  stop() {
    clearTimeout(this.#timer)
    this.#abort?.abort()
    this.#abort = undefined
  }

  async #connect() {
    const abort = (this.#abort = new AbortController())
    let why = ''
    try {
      why = await this.#read(abort)
    } catch (error) {
      why = abort.signal.reason === 'silent' ? 'the server has said nothing for a while' : 'the server does not answer'
    }
    if (this.#abort !== abort) return
    this.#abort = undefined
    if (why === 'door') return this.#on.door(this.#token !== undefined)
    const wait = why ? Math.min(LATEST, 1000 * 2 ** this.#failed++) * (0.75 + Math.random() / 2) : SOON
    if (why) this.#on.lost(why, wait)
    this.#timer = setTimeout(() => this.#connect(), wait)
  }

  /** Until it ends. Returns why, or nothing where it was to end. */
  async #read(abort) {
    let watch = setTimeout(() => abort.abort('silent'), SILENCE)
    try {
      const response = await fetch('api/v1/events', { headers: this.#headers, cache: 'no-store', signal: abort.signal })
      if (response.status === 401) return 'door'
      if (!response.ok) return (await response.json()).detail
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (let text = ''; ; ) {
        const { value, done } = await reader.read()
        if (done) return ''
        clearTimeout(watch)
        watch = setTimeout(() => abort.abort('silent'), SILENCE)
        this.#failed = 0
        this.#on.heard()
        const parts = (text + value).split('\n\n')
        text = parts.pop()
        for (const part of parts) this.#tell(part)
      }
    } finally {
      clearTimeout(watch)
    }
  }

  #tell(part) {
    const [, name, data] = part.match(/^event: (.*)\ndata: (.*)$/) ?? []
    if (name) this.#on.event(name, JSON.parse(data))
  }
}

// What is further below: each server that is open is asked for its list, and for whom it does not offer, through the one that shows this page.

/** How often, in ms, and of how many at most. */
const EVERY = 10000
const MOST = 32

/** How many others are asked each time, in turn: who cannot be used is told of above, wherever it is. */
const OTHERS = 8

export class Below {
  #stream
  #tree
  #draw
  #timer
  #asking = false
  #again = false
  #turn = 0

  constructor(stream, tree, draw) {
    this.#stream = stream
    this.#tree = tree
    this.#draw = draw
  }

  /** Asks all that are open, and some others, one after another: at once, and from then on. */
  async ask() {
    clearTimeout(this.#timer)
    this.#again = true
    if (this.#asking) return
    for (this.#asking = true; this.#again && !document.hidden; ) {
      this.#again = false
      for (const node of this.#tree.opened.slice(0, MOST)) await this.#ask(node)
      const { others } = this.#tree
      for (let asked = 0; asked < Math.min(OTHERS, others.length) && !this.#again; asked++) await this.#ask(others[this.#turn++ % others.length])
    }
    this.#asking = false
    this.#timer = setTimeout(() => this.ask(), EVERY)
  }

  async #ask({ id, addr }) {
    this.#tree.tell(id, await this.#stream.ask(`api/v1/servers?below=${encodeURIComponent(addr)}`))
    this.#draw()
  }
}

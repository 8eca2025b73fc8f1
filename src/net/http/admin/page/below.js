// What is further below: each server that is open is asked for its list, and for whom it does not offer, through the one that shows this page.

/** How often, in ms, and of how many at most. */
const EVERY = 10000
const MOST = 32

export class Below {
  #stream
  #tree
  #draw
  #timer
  #asking = false
  #again = false

  constructor(stream, tree, draw) {
    this.#stream = stream
    this.#tree = tree
    this.#draw = draw
  }

  /** Asks all that are open, one after another: at once, and from then on. */
  async ask() {
    clearTimeout(this.#timer)
    this.#again = true
    if (this.#asking) return
    for (this.#asking = true; this.#again && !document.hidden; ) {
      this.#again = false
      for (const { id, addr } of this.#tree.opened.slice(0, MOST)) {
        const list = await this.#stream.ask(`api/v1/servers?below=${encodeURIComponent(addr)}`)
        this.#tree.tell(id, list)
        this.#draw()
      }
    }
    this.#asking = false
    this.#timer = setTimeout(() => this.ask(), EVERY)
  }
}

// A row of the tree: a node, or what one lists.

import { called, KINDS, ms, span, stateOf, step } from './words.js'

const template = document.querySelector('#row').content.firstElementChild

export class Row {
  #cells = {}
  #shown = {}

  constructor(id) {
    this.element = template.cloneNode(true)
    this.element.dataset.id = id
    for (const cell of ['who', 'state', 'rtt', 'load', 'turn']) this.#cells[cell] = this.element.querySelector(`.${cell}`)
  }

  /** Shows a node as it is, and says since when by a clock of the server's. */
  show(node, now) {
    this.node = node
    const { word, tone } = stateOf(node.state)
    this.element.dataset.tone = tone
    this.#text('who', '.name', called(node))
    this.#text('who', '.under', this.#under(node))
    const use = this.#cells.state.querySelector('use')
    if (this.#shown.state !== node.state) {
      use.setAttribute('href', `#is-${node.state}`)
      if (this.#shown.state) this.#flash()
      this.#shown.state = node.state
    }
    this.#text('state', '.word', word)
    const told = node.rtt_ms !== null && node.rtt_ms !== undefined
    this.#text('rtt', '.number', told && node.state === 'listed' ? step(node.rtt_ms) : ms(node.rtt_ms))
    this.#mark('rtt', told || node.state !== 'listed')
    this.#spark(node.past ?? [])
    this.#load(node.load)
    this.#turn(node)
    this.tick(now)
  }

  /** Time has passed. */
  tick(now) {
    const { node } = this
    const since = node.at_s === undefined ? '' : `for ${span(now - node.at_s)}`
    this.#text('state', '.under', [since, node.why].filter(Boolean).join(' · '))
  }

  /** Whether it is open; `undefined`: there is nothing in it. */
  set open(open) {
    if (this.#shown.open === open) return
    this.#shown.open = open
    if (open === undefined) this.element.removeAttribute('aria-expanded')
    else this.element.setAttribute('aria-expanded', open)
  }

  /** What is not there takes no place on a phone. */
  #mark(cell, there) {
    if (there) delete this.element.dataset[cell]
    else this.element.dataset[cell] = 'none'
  }

  #flash() {
    this.element.classList.add('changed')
    this.element.addEventListener('animationend', () => this.element.classList.remove('changed'), { once: true })
  }

  /** Where in the tree it is. */
  place(level, of, place) {
    const key = `${level} ${of} ${place}`
    if (this.#shown.place === key) return
    this.#shown.place = key
    for (const [name, value] of [['aria-level', level], ['aria-setsize', of], ['aria-posinset', place]]) this.element.setAttribute(name, value)
    this.element.style.setProperty('--level', level - 1)
  }

  #text(cell, part, text) {
    const key = cell + part
    if (this.#shown[key] === text) return
    this.#shown[key] = text
    this.#cells[cell].querySelector(part).textContent = text
  }

  #under({ addr, name, kind, lists, joined }) {
    const more = [name && addr, lists?.length ? `lists ${lists.length}` : kind !== 'leaf' && KINDS[kind], joined && 'joined']
    return more.filter(Boolean).join(' · ')
  }

  #turn({ kind, turn, state, addr }) {
    const own = kind === 'turn' ? addr : turn
    const silent = kind === 'turn' ? 'down' : ''
    const known = { online: own && 'answers', draining: own && 'answers', full: 'no room left', 'turn-down': 'down', offline: silent }
    const word = known[state] ?? ''
    this.#text('turn', '.word', word || own || '–')
    this.#text('turn', '.under', (word && own) || '')
    this.#mark('turn', word || own)
  }

  #load(load) {
    const { load: cell } = this.#cells
    if (this.#shown.load === (load ?? null)) return
    this.#shown.load = load ?? null
    const part = load === null || load === undefined ? null : Math.round(100 * load)
    cell.querySelector('.number').textContent = part === null ? '–' : `${part} %`
    cell.querySelector('.bar').hidden = part === null
    cell.querySelector('i').style.width = `${Math.min(100, part ?? 0)}%`
    this.#mark('load', part !== null)
  }

  #spark(past) {
    const known = past.filter((ms) => ms !== null)
    const key = `${past.length} ${past.at(-1)} ${past[0]} ${known.length}`
    if (this.#shown.spark === key) return
    this.#shown.spark = key
    const [low, high] = [Math.min(...known), Math.max(...known)]
    this.#cells.rtt.querySelector('.away').textContent = known.length ? `${low} to ${high} ms within the hour` : ''
    const { line, area } = known.length > 1 ? paths(past, low, high) : { line: '', area: '' }
    this.#cells.rtt.querySelector('.line').setAttribute('d', line)
    this.#cells.rtt.querySelector('.area').setAttribute('d', area)
  }
}

/** An hour as lines, of 59 by 20: a gap where nothing is known, and small differences stay small. */
function paths(past, low, high) {
  const range = Math.max(high - low, 0.4 * high)
  const base = Math.max(0, (low + high - range) / 2)
  const x = (index) => 60 - past.length + index
  const y = (ms) => (18.5 - (17 * (ms - base)) / range).toFixed(1)
  const pieces = []
  past.forEach((ms, index) => {
    if (ms === null) return
    if (index === 0 || past[index - 1] === null) pieces.push([])
    pieces.at(-1).push([x(index), y(ms)])
  })
  const drawn = (piece) => piece.map((point) => point.join(' ')).join('L')
  const line = pieces.map((piece) => `M${drawn(piece)}${piece.length === 1 ? 'h.5' : ''}`).join('')
  const area = pieces.map((piece) => `M${piece[0][0]} 20L${drawn(piece)}V20z`).join('')
  return { line, area }
}

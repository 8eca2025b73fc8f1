// The nodes as rows: those that are to be shown, in order, each made once and then changed where it changes.

import { Row } from './row.js'
import { called, inOrder } from './words.js'

/** How many rows are made at once: a page that opens with thousands is there with the first of them. */
const AT_ONCE = 200

/** How many rows there are at most: who has more looks for what he wants. */
const MOST = 5000

export class Tree {
  nodes = new Map()
  #rows = new Map()
  #open = new Set()
  /** What servers have told when they were asked; `null`: nothing. */
  #told = new Map()
  #items = new Map()
  #body = document.querySelector('#rows')
  #order = []
  #sorted = []
  #dirty = false
  #only = null
  #query = ''
  #making = 0
  /** Whether one that is open lists others than it has told. */
  stale = false
  /** In seconds since the server's start. */
  now = () => 0

  /** Whether any node tells its load. */
  get hasLoads() {
    return [...this.nodes.values()].some(({ load }) => load !== null && load !== undefined)
  }

  /** How many nodes there are in each state. */
  get counts() {
    const counts = new Map()
    for (const { state } of this.nodes.values()) counts.set(state, (counts.get(state) ?? 0) + 1)
    return counts
  }

  get only() {
    return this.#only
  }

  get query() {
    return this.#query
  }

  /** The ids of what is shown. */
  get order() {
    return this.#order
  }

  element(id) {
    return this.#rows.get(id)?.element
  }

  clear() {
    this.nodes.clear()
    this.#sorted = []
    this.#dirty = true
  }

  /** Takes in a node; what is not told again, its hour, stays. */
  set(node) {
    const was = this.nodes.get(node.id)
    node.past ??= was?.past ?? []
    this.nodes.set(node.id, node)
    if (!was || called(was) !== called(node)) this.#sorted = []
    // What it told then may be otherwise by now.
    if (was?.state !== node.state) this.#told.delete(node.id)
    const other = !was || !alike(was.lists, node.lists)
    if (other || called(was) !== called(node) || was.state !== node.state) this.#dirty = true
    if (other && this.#open.has(node.id)) this.stale = true
    this.#rows.get(node.id)?.show(node, this.now())
  }

  delete(id) {
    this.nodes.delete(id)
    this.#told.delete(id)
    this.#sorted = []
    this.#dirty = true
  }

  /** A minute has ended. */
  minute() {
    for (const node of this.nodes.values()) {
      node.past.push(node.rtt_ms)
      if (node.past.length > 60) node.past.shift()
      this.#rows.get(node.id)?.show(node, this.now())
    }
  }

  tick() {
    const now = this.now()
    for (const id of this.#order) this.#rows.get(id)?.tick(now)
  }

  /** Shows only nodes in a state, or all; and only those that have this in their name or address. */
  filter(only, query) {
    this.#only = only
    this.#query = query.trim().toLowerCase()
    this.#dirty = true
  }

  isOpen(id) {
    return this.#open.has(id)
  }

  /** The servers that are open and may be asked what they list. */
  get opened() {
    return [...this.#items.values()].filter((node) => this.#open.has(node.id) && mayTell(node))
  }

  /** The other servers that may be asked, of this server's own nodes. */
  get others() {
    return this.#sorted.map((id) => this.nodes.get(id)).filter((node) => !this.#open.has(node.id) && mayTell(node))
  }

  /** This server's nodes, and those of each below of which these are known: whose they are, and all of them. */
  get families() {
    const own = this.#sorted.map((id) => this.nodes.get(id))
    return [{ nodes: own }, ...own.flatMap((node) => this.#familiesOf(node))]
  }

  #familiesOf(above) {
    const told = mayTell(above) && this.#told.get(above.id)
    if (!told) return []
    const nodes = told.map((entry) => this.#below(above, entry))
    return [{ above, nodes }, ...nodes.flatMap((node) => this.#familiesOf(node))]
  }

  /** Takes in what a server lists, and whom it does not offer, as itself has told; `undefined`: it has told nothing. */
  tell(id, list) {
    const was = this.#told.get(id)
    const told = list ? [...list.servers, ...list.down] : null
    this.#told.set(id, told)
    if (JSON.stringify(was) !== JSON.stringify(told)) this.#dirty = true
  }

  /** Opens or closes what lists others. Returns whether that is another thing than it was. */
  open(id, open) {
    const node = this.#items.get(id)
    if (!node || !this.#mayOpen(node) || this.#open.has(id) === open) return false
    if (open) this.#open.add(id)
    else this.#open.delete(id)
    this.#dirty = true
    return true
  }

  /** Opens all that a node stands below. */
  reveal(id) {
    const ids = id.split('>')
    for (let at = 1; at < ids.length; at++) this.#open.add(ids.slice(0, at).join('>'))
    this.#dirty = true
  }

  /** Brings the rows in order, where anything about that has changed. Returns how many are shown and how many are not. */
  layout() {
    if (!this.#dirty) return
    this.#dirty = false
    if (!this.#sorted.length) this.#sorted = [...this.nodes.values()].sort((a, b) => inOrder(called(a), called(b))).map(({ id }) => id)
    const items = this.#wanted()
    this.#items = new Map(items.map(({ node }) => [node.id, node]))
    const shown = items.slice(0, MOST)
    this.#order = shown.map(({ node }) => node.id)
    const kept = new Set(this.#order)
    for (const [id, row] of this.#rows) {
      if (kept.has(id)) continue
      row.element.remove()
      this.#rows.delete(id)
    }
    this.#place(shown, 0, ++this.#making)
    return { shown: shown.length, left: items.length - shown.length }
  }

  /** Rows in their places, from one on; the rest when the browser has drawn these. */
  #place(items, from, making) {
    if (making !== this.#making) return
    const now = this.now()
    let made = 0
    let at = from
    let next = from ? this.#rows.get(items[from - 1].node.id).element.nextElementSibling : this.#body.firstElementChild
    for (; at < items.length && made < AT_ONCE; at++) {
      const { node, level, of, place } = items[at]
      let row = this.#rows.get(node.id)
      if (!row) {
        made++
        row = new Row(node.id)
        this.#rows.set(node.id, row)
        row.show(node, now)
      } else if (row.node !== node) row.show(node, now)
      row.open = this.#mayOpen(node) ? this.#open.has(node.id) || this.#opens(node) : undefined
      const { element } = row
      row.place(level, of, place)
      if (element === next) next = next.nextElementSibling
      else this.#body.insertBefore(element, next)
    }
    if (at < items.length) requestAnimationFrame(() => this.#place(items, at, making))
  }

  /** What a node lists: its own nodes, where it was asked, and else what this server knows, which is its flat list; a search looks into both. */
  #entries(node) {
    if (node.state === 'offline') return []
    const [told, flat] = [this.#told.get(node.id) ?? [], node.lists ?? []]
    if (!told.length || !flat.length || !this.#query) return told.length ? told : flat
    const known = new Set(told.map(({ addr }) => addr))
    return [...told, ...flat.filter(({ addr }) => !known.has(addr))]
  }

  /** Whether there is something in it, or nobody knows yet. */
  #mayOpen(node) {
    return this.#entries(node).length > 0 || (mayTell(node) && node.state !== 'online' && !this.#told.has(node.id))
  }

  /** Whether a search looks into it. */
  #opens(node) {
    return this.#query !== '' && !has(node, this.#query) && this.#entries(node).some((entry) => has(entry, this.#query))
  }

  #wanted() {
    const top = this.#sorted.map((id) => this.nodes.get(id)).filter((node) => this.#isWanted(node))
    return top.flatMap((node, index) => this.#with({ node, level: 1, of: top.length, place: index + 1 }))
  }

  /** An item, and what is in it. */
  #with(item) {
    const { node, level } = item
    const found = this.#opens(node)
    if (!this.#mayOpen(node) || (!this.#open.has(node.id) && !found)) return [item]
    const entries = this.#entries(node).filter((entry) => !found || has(entry, this.#query))
    const sorted = entries.sort((a, b) => inOrder(called(a), called(b)))
    return [item, ...sorted.flatMap((entry, at) => this.#with({ node: this.#below(node, entry), level: level + 1, of: sorted.length, place: at + 1 }))]
  }

  /** What a node lists, as a node of its own. */
  #below({ id: above }, entry) {
    const id = `${above}>${entry.kind}:${entry.addr}`
    const why = this.#told.get(id) === null ? 'does not answer this server' : null
    return { state: 'listed', ...entry, id, why: entry.why ?? why }
  }

  #isWanted(node) {
    if (this.#only && node.state !== this.#only) return false
    return !this.#query || has(node, this.#query) || this.#opens(node)
  }
}

/** Whether it lists others, and can be asked. */
const mayTell = ({ kind, state }) => kind === 'balance' && state !== 'offline'

const alike = (a, b) => a.length === b.length && a.every(({ addr, name }, at) => addr === b[at].addr && name === b[at].name)

const has = ({ name, addr, turn }, query) => [name, addr, turn].some((text) => text?.toLowerCase().includes(query))

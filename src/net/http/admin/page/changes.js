// What changed within the last hour, the latest first; what came at once stands in one line.

import { ago, called, count, stateOf } from './words.js'

const HOUR = 3600

/** Changes of one kind within so many seconds are one line. */
const TOGETHER = 5

/** How many lines, and names in one, are shown. */
const LINES = 100
const NAMES = 3

export class Changes {
  #list = document.querySelector('#changes ol')
  #count = document.querySelector('#changes-count')
  #changes = []
  #lines = []

  constructor(go) {
    this.#list.addEventListener('click', ({ target }) => target.dataset.id && go(target.dataset.id))
  }

  clear() {
    this.#changes = []
  }

  add(changes, now) {
    // What is seen at once may have been at different times.
    this.#changes = [...this.#changes, ...changes].sort((one, other) => one.at_s - other.at_s)
    if (changes.length) this.#draw(now)
  }

  tick(now) {
    const past = this.#changes.findIndex(({ at_s }) => now - at_s < HOUR)
    const old = past < 0 ? this.#changes.length : past
    if (old) {
      this.#changes.splice(0, old)
      this.#draw(now)
    }
    for (const { time, at } of this.#lines) time.textContent = ago(now - at)
    if (!this.#changes.length) this.#count.textContent = 'nothing has changed'
  }

  #draw(now) {
    const groups = []
    for (const change of [...this.#changes].reverse()) {
      const last = groups.at(-1)
      if (last && last.verb === verb(change) && last.at - change.at_s < TOGETHER && change.id) last.changes.push(change)
      else groups.push({ verb: verb(change), at: change.at_s, changes: [change] })
    }
    this.#count.textContent = count(this.#changes.length, 'change')
    this.#lines = groups.slice(0, LINES).map((group) => line(group, now))
    this.#list.replaceChildren(...this.#lines.map(({ item }) => item))
  }
}

/** What became of a node, behind its name. */
export function verb({ what, state, was, more, less, names }) {
  if (what === 'new') return `is a node now, ${stateOf(state).word}`
  if (what === 'gone') return 'is no node any more'
  if (what === 'state') return state === was ? `${stateOf(state).word} again` : stateOf(state).word
  const parts = [less && `${less} less`, more && `${more} more`].filter(Boolean).join(', ')
  const rest = less + more - names.length
  return `lists ${parts}: ${names.join(', ')}${rest ? ` and ${rest} more` : ''}`
}

/** Changes in one sentence: whom, and what became of them. */
export function sentence(changes) {
  const names = changes.slice(0, NAMES).map((change) => (change.id ? called(change) : 'this server'))
  const rest = changes.length - names.length
  return `${names.join(', ')}${rest ? ` and ${count(rest, 'other')}` : ''} ${verb(changes[0])}`
}

function line({ at, changes }, now) {
  const item = document.createElement('li')
  const [first] = changes
  const { tone } = first.what === 'state' || first.what === 'new' ? stateOf(first.state) : { tone: 'quiet' }
  item.dataset.tone = tone
  const icon = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  const use = icon.appendChild(document.createElementNS(icon.namespaceURI, 'use'))
  use.setAttribute('href', `#is-${first.what === 'state' || first.what === 'new' ? first.state : 'listed'}`)
  icon.setAttribute('class', 'icon')
  icon.setAttribute('aria-hidden', 'true')
  const words = document.createElement('span')
  words.className = 'words'
  for (const [index, change] of changes.slice(0, NAMES).entries()) {
    if (index) words.append(', ')
    words.append(name(change))
  }
  const rest = changes.length - NAMES
  words.append(`${rest > 0 ? ` and ${count(rest, 'other')}` : ''} ${verb(first)}`)
  const time = document.createElement('time')
  time.textContent = ago(now - at)
  item.append(icon, words, time)
  return { item, time, at }
}

/** A name leads to its row. */
function name(change) {
  if (!change.id) return 'this server'
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = called(change)
  button.dataset.id = change.id
  return button
}

// What is wrong: what the server says of itself, and who below it cannot be used, as far as that is known here.

import { called, count, span } from './words.js'

/** How many of them are named, and how many lines are shown. */
const NAMES = 3
const LINES = 20

/** States that nobody wants, of one node and of several. */
const BAD = {
  offline: ['is offline', 'are offline'],
  'turn-down': ['has a TURN server that is down', 'have TURN servers that are down'],
  nothing: ['offers nothing', 'offer nothing'],
}

export class Wrong {
  #section = document.querySelector('#wrong')
  #list = document.querySelector('#wrong ul')
  #shown

  constructor(go) {
    this.#list.addEventListener('click', ({ target }) => target.dataset.id && go(target.dataset.id))
  }

  /** `troubles`: what the server says; `families`: servers whose nodes are known, and these nodes; of its own no server. */
  show(troubles, families, now) {
    const groups = families.flatMap(({ above, nodes }) => Object.keys(BAD).map((state) => ({ above, state, nodes: nodes.filter((node) => node.state === state) })))
    const lines = [...troubles.map(trouble), ...groups.filter(({ nodes }) => nodes.length).map(group)]
    const shown = JSON.stringify(lines)
    if (this.#shown === shown) return
    this.#shown = shown
    this.#section.hidden = !lines.length
    const focused = this.#list.contains(document.activeElement) && document.activeElement.dataset.id
    const items = lines.slice(0, LINES).map((line) => item(line, now))
    if (lines.length > LINES) items.push(item({ text: `and ${count(lines.length - LINES, 'line')} more like these`, nodes: [] }, now))
    this.#list.replaceChildren(...items)
    if (focused) this.#list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus()
  }
}

const trouble = ({ what, at_s }) => ({ text: what, nodes: [], at_s })

/** Nodes of one server that are in one state. */
function group({ above, state, nodes }) {
  const whose = above ? ` of ${called(above)}` : ''
  const named = nodes.slice(0, NAMES).map(({ id, name, addr }) => ({ id, name: name ?? addr }))
  const [why] = nodes.every(({ why }) => why && why === nodes[0].why) ? [nodes[0].why] : []
  const begins = nodes.map(({ at_s }) => at_s).filter((at_s) => at_s !== undefined)
  return {
    text: `${count(nodes.length, 'node')}${whose} ${BAD[state][nodes.length === 1 ? 0 : 1]}: `,
    nodes: named,
    rest: `${nodes.length > NAMES ? ` and ${count(nodes.length - NAMES, 'other')}` : ''}${why ? ` (${why})` : ''}`,
    at_s: begins.length ? Math.min(...begins) : undefined,
    several: nodes.length > 1,
  }
}

function item({ text, nodes, rest, at_s, several }, now) {
  const element = document.createElement('li')
  const words = Object.assign(document.createElement('span'), { className: 'words', textContent: text })
  for (const [index, { id, name }] of nodes.entries()) {
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: name })
    button.dataset.id = id
    words.append(index ? ', ' : '', button)
  }
  words.append(rest ?? '')
  element.append(words)
  if (at_s === undefined) return element
  const since = Object.assign(document.createElement('span'), { className: 'since' })
  since.since = () => `${several ? 'the first ' : ''}for ${span(now() - at_s)}`
  since.textContent = since.since()
  element.append(' ', since)
  return element
}

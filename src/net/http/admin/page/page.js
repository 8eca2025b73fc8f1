// The page: what the server tells goes to the tree, the changes and the head of the page.

import { Below } from './below.js'
import { Changes, sentence, verb } from './changes.js'
import { keys } from './keys.js'
import { Stream } from './stream.js'
import { Tree } from './tree.js'
import { ago, called, count, span, stateOf, STATES } from './words.js'
import { Wrong } from './wrong.js'

/** Between what is read aloud, in ms, and of how many kinds of changes that tells. */
const SAID = 5000
const SENTENCES = 3

const $ = (id) => document.getElementById(id)
const tree = new Tree()
const search = $('search')
let server = null
let offset = 0
let heard = null
let lost = null
let unsaid = []

/** Seconds since the server's start, by this clock. */
const now = () => performance.now() / 1000 - offset
tree.now = now

const { anchor, focus } = keys(tree, search, opened, showAll)
const changes = new Changes(go)
const wrong = new Wrong(go)

const stream = new Stream({
  event(name, told) {
    offset = performance.now() / 1000 - told.now_s
    if (name === 'all') {
      tree.clear()
      changes.clear()
    }
    for (const id of told.gone ?? []) tree.delete(id)
    told.nodes.forEach((node) => tree.set(node))
    if (told.minute) tree.minute()
    if (told.server) head((server = told.server))
    changes.add(told.changes, now())
    if (name === 'some') unsaid.push(...told.changes)
    draw()
    tick()
    if (tree.stale || name === 'all') below.ask()
    tree.stale = false
  },
  heard() {
    heard = Date.now()
    if (lost) say('The server is heard again.')
    lost = null
    broken()
  },
  lost(why, wait) {
    lost ??= { since: heard ?? Date.now() }
    Object.assign(lost, { why, again: Date.now() + wait })
    broken()
  },
  door(wrong) {
    sessionStorage.removeItem('token')
    ask(wrong)
  },
})

const below = new Below(stream, tree, draw)

/** To a node, wherever it is. */
function go(id) {
  tree.reveal(id)
  draw()
  if (!tree.order.includes(id)) showAll()
  focus(id)
  below.ask()
}

/** Something is open, or is not any more. */
function opened() {
  draw()
  below.ask()
}

/** Brings what is shown up to what is known. */
function draw() {
  drawRows()
  wrong.show(server?.troubles ?? [], tree.families, now)
}

function drawRows() {
  const focused = $('rows').contains(document.activeElement) && document.activeElement.dataset.id
  const place = tree.order.indexOf(focused)
  const laid = tree.layout()
  if (laid) {
    const none = $('none')
    none.hidden = laid.shown > 0
    none.textContent = tree.nodes.size ? 'Nothing here is like that.' : 'This server has no nodes.'
    const left = laid.left + (server?.left_out ?? 0)
    $('more').hidden = !left
    $('more').textContent = `${count(left, 'more')} ${left === 1 ? 'is' : 'are'} not shown: a search finds nodes that are here.`
    document.documentElement.classList.toggle('loads', tree.hasLoads)
    filters()
    anchor()
    // What had the focus may be shown no more.
    if (focused && !tree.element(focused)) focus(tree.order[Math.min(place, tree.order.length - 1)])
  }
}

function showAll() {
  search.value = ''
  tree.filter(null, '')
  draw()
}

function filters() {
  const counts = tree.counts
  const states = Object.keys(STATES).filter((state) => counts.has(state) || state === tree.only)
  const wanted = [null, ...states, ...[...counts.keys()].filter((state) => !STATES[state])]
  const group = $('filters')
  const known = new Map([...group.children].map((button) => [button.dataset.state, button]))
  const buttons = wanted.map((state) => {
    const button = known.get(state ?? '') ?? filter(state)
    const text = state ? `${(counts.get(state) ?? 0).toLocaleString('en')} ${stateOf(state).word}` : `All ${tree.nodes.size.toLocaleString('en')}`
    if (button.lastChild.textContent !== text) button.lastChild.textContent = text
    button.setAttribute('aria-pressed', tree.only === state)
    return button
  })
  if (buttons.length !== group.children.length || buttons.some((button, index) => group.children[index] !== button)) group.replaceChildren(...buttons)
}

function filter(state) {
  const button = document.createElement('button')
  button.type = 'button'
  button.dataset.state = state ?? ''
  if (state) {
    button.dataset.tone = stateOf(state).tone
    const icon = document.querySelector('#row').content.querySelector('.icon').cloneNode(true)
    icon.firstElementChild.setAttribute('href', `#is-${state}`)
    button.append(icon)
  }
  button.append(document.createElement('span'))
  button.addEventListener('click', () => {
    tree.filter(tree.only === state ? null : state, search.value)
    draw()
  })
  return button
}

search.addEventListener('input', () => {
  tree.filter(tree.only, search.value)
  draw()
})

/** What is said of the server itself. */
function head({ name, version, state, fault, superiors, turn }) {
  $('name').textContent = name ?? 'a server without a name'
  document.title = `${name ?? location.host} · turn-balance`
  const is = state === 'offering' ? 'offers its nodes' : `${stateOf(state).word}${fault ? ` (${fault})` : ''}`
  $('about').dataset.is = `${is} · turn-balance ${version}`
  const facts = [
    ...turn.map((node) => [`TURN server ${node.addr}`, () => `${node.state === 'online' ? 'answers' : `down: ${node.why ?? node.fault}`}, for ${span(now() - node.at_s)}`]),
    ...superiors.map((above) => [`Superior ${above.addr}`, () => (above.checked_at_s === null ? 'was not seen to check this server' : `checked this server ${ago(now() - above.checked_at_s)}`)]),
  ]
  $('facts').hidden = !facts.length
  list($('facts'), facts)
}

/** Pairs of what stands and what time changes. */
function list(element, pairs) {
  const parts = pairs.map(([key, value]) => {
    const part = document.createElement('div')
    part.append(Object.assign(document.createElement('dt'), { textContent: key }), ' ', Object.assign(document.createElement('dd'), { textContent: value(), className: 'since' }))
    part.lastChild.since = value
    return part
  })
  element.replaceChildren(...parts)
}

function tick() {
  if (!server) return
  const time = now()
  tree.tick()
  changes.tick(time)
  $('about').textContent = `${$('about').dataset.is} · up ${span(time)}`
  for (const part of document.querySelectorAll('.since')) {
    const text = part.since?.()
    if (text && part.textContent !== text) part.textContent = text
  }
}

/** Whether what is shown is of now. */
function broken() {
  const banner = $('broken')
  const live = $('live')
  const text = lost ? 'not live' : 'live'
  if ($('live-text').textContent !== text) $('live-text').textContent = text
  live.dataset.live = lost ? 'no' : 'yes'
  banner.hidden = !lost
  if (!lost) return
  const at = new Date(lost.since).toLocaleTimeString('en-GB')
  const said = server ? `What is shown is of ${at}` : 'Nothing can be shown yet'
  const sentence = `${said}: ${lost.why}. It is asked again every few seconds.`
  if (banner.textContent !== sentence) banner.textContent = sentence
}

/** Reads aloud what has changed, and not too often. */
function say(text) {
  $('said').textContent = text
}
setInterval(() => {
  if (!unsaid.length) return
  const kinds = Map.groupBy(unsaid, verb)
  const said = [...kinds.values()].slice(0, SENTENCES).map(sentence)
  const rest = kinds.size - said.length
  say(`${said.join('; ')}${rest ? `; and ${count(rest, 'other thing')}` : ''}.`)
  unsaid = []
}, SAID)
setInterval(tick, 1000)

/** Asks for the token, and goes on with it. */
function ask(wrong) {
  if (wrong) $('door-why').textContent = 'That is not the token: the one line of the file that admin.token-file names.'
  $('live-text').textContent = 'not live'
  door(false)
  $('token').focus()
}

/** Whether the nodes are shown, or the token is asked for. */
function door(open) {
  $('door').hidden = open
  document.querySelector('.sides').hidden = !open
}
$('door').addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem('token', $('token').value.trim())
  $('token').value = ''
  door(true)
  begin()
})

function begin() {
  const token = sessionStorage.getItem('token') ?? undefined
  if (document.documentElement.dataset.token === 'asked' && token === undefined) ask(false)
  else stream.start(token)
}

// A page that nobody sees asks for nothing.
document.addEventListener('visibilitychange', () => (document.hidden ? stream.stop() : begin()))
if (matchMedia('(max-width: 72rem)').matches) $('changes').open = false
if (!document.hidden) begin()

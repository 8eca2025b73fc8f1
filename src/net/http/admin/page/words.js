// How things are said.

/** States: the word for each, how grave it is, and in which order they are counted. */
export const STATES = {
  online: { word: 'online', tone: 'good' },
  offline: { word: 'offline', tone: 'bad' },
  'turn-down': { word: 'TURN down', tone: 'bad' },
  nothing: { word: 'offers nothing', tone: 'warn' },
  full: { word: 'full', tone: 'warn' },
  draining: { word: 'draining', tone: 'warn' },
  listed: { word: 'listed', tone: 'quiet' },
}

export const KINDS = { balance: 'balance server', leaf: 'leaf', turn: 'TURN server' }

/** What is not known here: a later server may say more than this page. */
export const stateOf = (state) => STATES[state] ?? { word: state, tone: 'quiet' }

const UNITS = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']]

/** A length of time, in its largest unit: `3 min`. */
export function span(seconds) {
  const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, 's']
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`
}

/** How long ago something was. */
export const ago = (seconds) => (seconds < 2 ? 'just now' : `${span(seconds)} ago`)

export const ms = (time) => (time === null || time === undefined ? '–' : `${time} ms`)

/** A time as lists tell it: the middle of a step of 16 ms, and no more is known. */
export const step = (middle) => (middle <= 8 ? '< 16 ms' : `${middle - 8}–${middle + 8} ms`)

export const count = (number, one, many = `${one}s`) => `${number.toLocaleString('en')} ${number === 1 ? one : many}`

const collator = new Intl.Collator('en', { numeric: true })
export const inOrder = (a, b) => collator.compare(a, b)

export const called = ({ name, addr }) => name ?? addr

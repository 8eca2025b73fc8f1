// The tree by keyboard, as treegrids are used: one row has the focus, and keys move it.

const PAGE = 10

export function keys(tree, search, opened, showAll) {
  const body = document.querySelector('#rows')
  let at

  /** One row can be reached by Tab: the last that had the focus, or the first. */
  const anchor = () => {
    at = tree.element(at) ? at : tree.order[0]
    const [was, is] = [body.querySelector('[tabindex="0"]'), tree.element(at)]
    if (was === is) return
    was?.setAttribute('tabindex', '-1')
    is?.setAttribute('tabindex', '0')
  }

  const focus = (id) => {
    const element = tree.element(id)
    if (!element) return
    at = id
    anchor()
    element.focus()
    element.scrollIntoView({ block: 'nearest' })
  }

  const toggle = (id, open) => {
    if (!tree.open(id, open)) return false
    opened()
    return true
  }

  const move = (by) => {
    const index = tree.order.indexOf(at)
    focus(tree.order[Math.max(0, Math.min(tree.order.length - 1, index + by))])
  }

  const parent = (id) => (id.includes('>') ? id.slice(0, id.lastIndexOf('>')) : id)

  const handlers = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    PageDown: () => move(PAGE),
    PageUp: () => move(-PAGE),
    Home: () => focus(tree.order[0]),
    End: () => focus(tree.order.at(-1)),
    ArrowRight: () => toggle(at, true) || (tree.isOpen(at) && move(1)),
    ArrowLeft: () => toggle(at, false) || focus(parent(at)),
    Enter: () => toggle(at, !tree.isOpen(at)),
    ' ': () => toggle(at, !tree.isOpen(at)),
  }

  body.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !handlers[event.key]) return
    event.preventDefault()
    handlers[event.key]()
  })
  body.addEventListener('click', ({ target }) => {
    const { id } = target.closest('[role=row]')?.dataset ?? {}
    if (!id || getSelection().toString()) return
    focus(id)
    if (target.closest('.who')) toggle(id, !tree.isOpen(id))
  })
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return
    if (event.key === '/' && event.target.tagName !== 'INPUT') {
      event.preventDefault()
      search.focus()
      search.select()
    } else if (event.key === 'Escape') {
      showAll()
      focus(tree.element(at) ? at : tree.order[0])
    } else if (event.key === 'ArrowDown' && event.target === search) {
      event.preventDefault()
      focus(tree.order[0])
    }
  })
  return { anchor, focus }
}

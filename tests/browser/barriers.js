/**
 * What keeps somebody from reading or using the page as it is now, looked for in the page itself (barriers.py asks).
 *
 * Invariant: nothing is changed but where the page is scrolled to and what has the focus.
 */
window.barriers = (() => {
  const CONTROLS = 'a[href], area[href], button, input, select, textarea, summary, audio[controls], video[controls], iframe, [role=button], [tabindex="0"]'
  // Said to screen readers alone.
  const UNSEEN = '.unseen, .away, .unseen *, .away *'
  const told = (element) => element.outerHTML.replace(/\s+/g, ' ').slice(0, 160)
  const top = () => document.querySelector('dialog[open]') ?? document.body
  const styled = (element) => getComputedStyle(element)
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.matches(UNSEEN)
  const within = (element) => {
    const found = []
    for (let outer = element.parentElement; outer; outer = outer.parentElement) found.push(outer)
    return found
  }
  const scrollsAside = (element) => ['auto', 'scroll'].includes(styled(element).overflowX)
  // A table may be wider than the screen, in a box of its own that scrolls; a map is a window on something larger.
  const isFree = (element) => element.closest('.leaflet-container') !== null
    || within(element).some((outer) => scrollsAside(outer) && outer.querySelector('table'))
  // What is ticked or chosen is its whole label.
  const areaOf = (control) => (['checkbox', 'radio', 'file'].includes(control.type) ? control.closest('label') ?? control : control)
  const controls = () => [...top().querySelectorAll(CONTROLS)].filter((one) => isShown(one) && !one.disabled && one.type !== 'hidden')

  // What is far away on a long form is drawn only when it comes near: here all is looked at.
  const drawAll = new CSSStyleSheet()
  drawAll.replaceSync('* { content-visibility: visible !important }')
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, drawAll]

  async function findViolations() {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
  }

  /** What sticks out of the screen, or is cut off by the box it is in. */
  function findMisfits() {
    const width = document.documentElement.clientWidth
    const found = []
    if (document.documentElement.scrollWidth > width) found.push(`the page scrolls aside: ${document.documentElement.scrollWidth} px`)
    for (const element of document.querySelectorAll('body *')) {
      if (!isShown(element) || isFree(element)) continue
      const box = element.getBoundingClientRect()
      if (box.width && (box.left < -1 || box.right > width + 1) && box.bottom > 0) found.push(`sticks out: ${told(element)}`)
      if (element.namespaceURI.endsWith('svg') || ['IMG', 'INPUT', 'SELECT', 'TEXTAREA', 'IFRAME'].includes(element.tagName)) continue
      const { overflowX, overflowY } = styled(element)
      const isCut = (['hidden', 'clip'].includes(overflowX) && element.scrollWidth > element.clientWidth + 1)
        || (['hidden', 'clip'].includes(overflowY) && element.scrollHeight > element.clientHeight + 1)
      if (isCut && !element.matches('.leaflet-container, .viewer-stage')) found.push(`cut off: ${told(element)}`)
    }
    return found
  }

  /** Words that lie on other words. */
  function findOverlaps() {
    const walker = document.createTreeWalker(top(), NodeFilter.SHOW_TEXT)
    const pieces = []
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement
      if (!node.data.trim() || !isShown(element) || isFree(element)) continue
      // What floats over the page does so on purpose; what scrolls away in a box of its own is not seen there.
      const outers = [element, ...within(element)]
      if (outers.some((one) => ['fixed', 'sticky'].includes(styled(one).position))) continue
      const windows = outers.filter((one) => styled(one).overflowY !== 'visible').map((one) => one.getBoundingClientRect())
      const range = document.createRange()
      range.selectNodeContents(node)
      for (const { left, right, top: above, bottom } of range.getClientRects()) {
        const height = bottom - above
        // Lines of text stand closer than their letters are tall.
        const piece = { left: left + 2, right: right - 2, top: above + height / 4, bottom: bottom - height / 4, element }
        if (windows.every((box) => piece.top > box.top && piece.bottom < box.bottom)) pieces.push(piece)
      }
    }
    pieces.sort((one, other) => one.top - other.top)
    const found = []
    pieces.forEach((one, at) => {
      for (const other of pieces.slice(at + 1)) {
        if (other.top >= one.bottom) break
        if (other.left < one.right && one.left < other.right) found.push(`on each other: ${told(one.element)} and ${told(other.element)}`)
      }
    })
    return found
  }

  /** Controls that a finger or a pointer would not hit, though it misses the middle by `missed` px. */
  function findUnreachable(missed) {
    const found = []
    // The link over the menu comes into sight by the Tab key alone.
    for (const control of controls().filter((one) => !one.matches('.skip'))) {
      control.scrollIntoView({ block: 'center', behavior: 'instant' })
      const area = areaOf(control)
      const box = area.getBoundingClientRect()
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2]
      const isHit = (dx, dy) => area.contains(document.elementFromPoint(x + dx, y + dy))
      // A link that goes on in the next line has its words, not its middle.
      const isLine = !missed && [...area.getClientRects()].some((line) => area.contains(
        document.elementFromPoint(line.left + line.width / 2, line.top + line.height / 2)))
      if (isLine || [[0, -missed], [0, missed], [-missed, 0], [missed, 0]].every(([dx, dy]) => isHit(dx, dy))) continue
      found.push(`${Math.round(box.width)}×${Math.round(box.height)} ${told(control)}`)
    }
    return found
  }

  /** The next Tab leads to what follows the element, or to the first of the page. */
  function startAfter(element) {
    const start = document.createElement('button')
    if (element) element.after(start)
    else document.body.prepend(start)
    start.focus()
    start.addEventListener('blur', () => setTimeout(() => start.remove()))
  }

  /** Begin to note what the Tab key comes to past the menu, or in the dialog that is open; gives how often at most it may be pressed. */
  function beginTabbing() {
    const menu = document.querySelector('header.side')
    const all = controls().filter((one) => !one.matches('.skip') && !menu?.contains(one))
    if (menu && top() === document.body) startAfter(menu)
    const parts = { date: 4, time: 3, 'datetime-local': 7, month: 3, week: 3 }
    const pressed = all.reduce((sum, one) => sum + (parts[one.type] ?? (one.matches('audio, video') ? 9 : one.matches('iframe') ? 60 : 1)), 0)
    window.tabbed = { all, menu, come: new Set(), wrong: [], first: null }
    return pressed + 3
  }

  /** Note where the focus is now; gives whether it has come round. */
  function noteFocus() {
    const { come, menu, wrong } = window.tabbed
    const here = document.activeElement
    if (!here || here === document.body) return false
    if (here.matches('.skip') || menu?.contains(here)) return come.size > 0
    if (here.tagName === 'IFRAME') return come.add(here) && false
    if (come.has(here)) return here === window.tabbed.first && come.size > 1
    window.tabbed.first ??= here
    come.add(here)
    const signs = [here, here.nextElementSibling, here.closest('label')].filter(Boolean).map(styled)
    if (!signs.some(({ outlineStyle, outlineWidth }) => outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2)) {
      wrong.push(`no ring around it: ${told(here)}`)
    }
    const lines = [...areaOf(here).getClientRects()].filter(({ width, height }) => width && height)
    const isSeen = lines.some(({ left, right, top: above, bottom }) => [[.5, .5], [.1, .5], [.5, .1], [.9, .5], [.5, .9]].some(([x, y]) => {
      const hit = document.elementFromPoint(left + (right - left) * x, above + (bottom - above) * y)
      return hit !== null && (areaOf(here).contains(hit) || hit.contains(here))
    }))
    if (!isSeen) wrong.push(`the focus is out of sight: ${told(here)}`)
    return false
  }

  /** What the Tab key did not come to, or came to without showing it. */
  function endTabbing() {
    const { all, come, wrong } = window.tabbed
    const isGrouped = (one) => one.type === 'radio' && [...come].some((other) => other.type === 'radio' && other.name === one.name)
    return [...wrong, ...all.filter((one) => one.isConnected && isShown(one) && !come.has(one) && !isGrouped(one))
      .map((one) => `not reached by Tab: ${told(one)}`)]
  }

  return { findViolations, findMisfits, findOverlaps, findUnreachable, startAfter, beginTabbing, noteFocus, endTabbing }
})()

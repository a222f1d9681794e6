/**
 * A form's items cut at its headings, and into pages where the checklist asks for pages.
 *
 * Invariant: every question is in exactly one section, in the order of the checklist.
 *
 * @typedef {import('../engine.js').Item} Item
 * @typedef {{key: string, head: Item | null, depth: number, items: Item[], ends: Item[]}} Section
 *   depth: headings around its own; ends: repeats that end with it, innermost first
 */

/** @param {Item} item @param {Item} outer a group, a repeat or one of a repeat */
const isInside = (item, outer) => item.path.startsWith(outer.kind === 'repeat' ? `${outer.path}[` : `${outer.path}/`)

/** Whether it stands under a heading of its own. @param {Item} item */
const isTitled = (item) => item.kind === 'instance' || item.kind === 'repeat' || item.label !== ''

/**
 * The repeats that end with an item, by that item's path.
 * @param {Item[]} items all that are shown @returns {Map<string, Item[]>}
 */
function endsOf(items) {
  /** @type {Map<string, Item[]>} */
  const ends = new Map()
  /** @type {Item[]} */
  const around = []
  items.forEach((item, n) => {
    if (item.kind !== 'question') around.push(item)
    const next = items[n + 1]
    while (around.length && !(next && isInside(next, around[around.length - 1]))) {
      const ended = /** @type {Item} */ (around.pop())
      if (ended.kind === 'repeat') ends.set(item.path, [...(ends.get(item.path) ?? []), ended])
    }
  })
  return ends
}

/**
 * Cut at every heading, and where what stood under a heading ends.
 * @param {Item[]} items those shown @param {Map<string, Item[]>} [ends] of the whole form, when `items` are a part of it
 * @returns {Section[]}
 */
export function cutSections(items, ends = endsOf(items)) {
  /** @type {Section[]} */
  const sections = []
  /** @type {Item[]} */
  let around = []
  for (const item of items) {
    around = around.filter((outer) => isInside(item, outer))
    const section = sections[sections.length - 1]
    if (item.kind !== 'question' && isTitled(item)) {
      sections.push({ key: item.path, head: item, depth: around.filter(isTitled).length, items: [], ends: [] })
    } else if (!section || section.ends.length || (section.head && !isInside(item, section.head))) {
      sections.push({ key: `${item.path} on`, head: null, depth: 0, items: [], ends: [] })
    }
    const last = sections[sections.length - 1]
    if (item.kind === 'question') last.items.push(item)
    else around.push(item)
    last.ends.push(...(ends.get(item.path) ?? []))
  }
  return sections
}

/** @param {Item} item */
const isPage = (item) => {
  if (item.kind === 'question') return true
  if (item.kind === 'repeat') return item.instances === 0
  return /\bfield-list\b/.test(item.node.appearance ?? '')
}

/**
 * A page for each question, and one for each group (or one of a repeat) shown as a field list; a heading stands on the
 * first page of what it heads.
 * @param {Item[]} items those shown @returns {Section[][]}
 */
export function cutPages(items) {
  /** @type {Item[][]} */
  const pages = []
  /** @type {Item[]} headings not yet on a page */
  let heads = []
  /** @type {Item | null} the field list the items stand in */
  let list = null
  for (const item of items) {
    if (list && isInside(item, list)) {
      pages[pages.length - 1].push(item)
      continue
    }
    heads = heads.filter((head) => isInside(item, head))
    list = null
    if (!isPage(item)) {
      heads.push(item)
      continue
    }
    pages.push([...heads, item])
    heads = []
    if (item.kind !== 'question') list = item
  }
  const ends = endsOf(items)
  return pages.map((page) => cutSections(page, ends))
}

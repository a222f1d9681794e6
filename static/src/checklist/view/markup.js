/**
 * The texts of a checklist as templates: emphasis, headings, links and line breaks, written as markdown or as HTML tags.
 *
 * Invariant: nothing of a text becomes markup unless it is one of the forms named here; everything else is shown as it
 * was written. Time grows with the length of the text, whatever it holds.
 */
import { html } from 'lit-html'

/**
 * @typedef {{tag: string, href?: string, children: Node[]}} Branch
 * @typedef {string | Branch} Node
 */

const MARKED = /[*_#[<\\\n]/
const DEEPEST = 20
const HEADING = /^(#{1,6})[ \t]+(\S.*)$/
/** A backslash before a sign, an HTML tag, a link, signs of emphasis. Each part ends at what could begin the next. */
const TOKEN = /\\([\\*_#[\]<])|<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s[^<>]*)?)\/?>|\[([^[\]\n]*)\]\((https?:\/\/[^\s()<>[\]]+)\)|\*+|_+|\n/g
const HREF = /\shref\s*=\s*(?:"(https?:\/\/[^"\s]*)"|'(https?:\/\/[^'\s]*)'|(https?:\/\/[^\s"']+))/i
/** @type {Record<string, string>} what an HTML tag is shown as */
const TAGS = {
  b: 'strong', strong: 'strong', i: 'em', em: 'em', u: 'u', span: 'span', p: 'block', a: 'a', br: 'br',
  h1: 'heading', h2: 'heading', h3: 'heading', h4: 'heading', h5: 'heading', h6: 'heading',
}
const LETTER = /[\p{L}\p{N}]/u

/**
 * A text as a tree.
 * @param {string} text @returns {Node[]}
 */
export function parse(text) {
  /** @type {Node[]} */
  const lines = []
  text.split('\n').forEach((line, n) => {
    const heading = HEADING.exec(line)
    const isAfterBlock = typeof lines[lines.length - 1] === 'object' && /** @type {Branch} */ (lines[lines.length - 1]).tag === 'heading'
    if (n && !heading && !isAfterBlock) lines.push({ tag: 'br', children: [] })
    if (heading) lines.push({ tag: 'heading', children: parseLine(heading[2]) })
    else lines.push(...parseLine(line))
  })
  return lines
}

/** @param {string} line @returns {Node[]} */
function parseLine(line) {
  /** What is open, outermost first; `written` is what opened it. @type {(Branch & {written: string})[]} */
  const open = [{ tag: '', written: '', children: [] }]
  const put = (/** @type {Node} */ node) => open[open.length - 1].children.push(node)
  /** Close the nearest `written`; what was opened inside and never closed is text. @param {(one: Branch & {written: string}) => boolean} is */
  const close = (is) => {
    let at = open.length - 1
    while (at > 0 && !is(open[at])) at -= 1
    if (at < 1 || !open[at].children.length) return false
    while (open.length - 1 > at) spill()
    const { tag, href, children } = /** @type {Branch} */ (open.pop())
    put(href ? { tag, href, children } : { tag, children })
    return true
  }
  const spill = () => {
    const { written, children } = /** @type {Branch & {written: string}} */ (open.pop())
    open[open.length - 1].children.push(written, ...children)
  }
  let end = 0
  for (const token of line.matchAll(TOKEN)) {
    const [whole, escaped, slash, name, attributes, words, href] = token
    const at = /** @type {number} */ (token.index)
    if (at > end) put(line.slice(end, at))
    end = at + whole.length
    if (escaped) put(escaped)
    else if (href) put({ tag: 'a', href, children: [words || href] })
    else if (name) tag(whole, name.toLowerCase(), slash, attributes)
    else emphasis(whole, at)
  }
  if (end < line.length) put(line.slice(end))
  while (open.length > 1) {
    // An HTML tag left open ends with its line; a sign of emphasis left open is a sign.
    if (open[open.length - 1].written.startsWith('<')) close(() => true) || spill()
    else spill()
  }
  return open[0].children

  /** @param {string} whole @param {string} name @param {string} slash @param {string} attributes */
  function tag(whole, name, slash, attributes) {
    const shown = Object.hasOwn(TAGS, name) ? TAGS[name] : ''
    if (shown === 'br') put({ tag: 'br', children: [] })
    else if (!shown || (!slash && open.length > DEEPEST)) put(whole)
    else if (slash) close((one) => one.written.startsWith('<') && one.tag === shown) || put(whole)
    else {
      const found = HREF.exec(attributes)
      open.push({ tag: shown, href: found?.[1] ?? found?.[2] ?? found?.[3], written: whole, children: [] })
    }
  }

  /** @param {string} signs a run of * or _ @param {number} at */
  function emphasis(signs, at) {
    if (signs.length > 3) return put(signs)
    const before = line[at - 1] ?? ' '
    const after = line[at + signs.length] ?? ' '
    // An underscore inside a word is part of it: food_days.
    const isInside = signs[0] === '_' && LETTER.test(before) && LETTER.test(after)
    const parts = signs.length === 3 ? [signs.slice(0, 2), signs[0]] : [signs]
    if (open[open.length - 1].written === signs[0]) parts.reverse()
    for (const part of parts) {
      if (!isInside && before.trim() && close((one) => one.written === part)) continue
      if (isInside || !after.trim() || open.length > DEEPEST) put(part)
      else open.push({ tag: part.length === 2 ? 'strong' : 'em', written: part, children: [] })
    }
  }
}

/** @param {Node} node @returns {any} */
function template(node) {
  if (typeof node === 'string') return node
  const inside = node.children.map(template)
  switch (node.tag) {
    case 'strong': return html`<strong>${inside}</strong>`
    case 'em': return html`<em>${inside}</em>`
    case 'u': return html`<u>${inside}</u>`
    case 'br': return html`<br>`
    case 'heading': return html`<strong class="md-heading">${inside}</strong>`
    case 'block': return html`<span class="md-block">${inside}</span>`
    case 'a': return node.href ? html`<a class="md-link" href=${node.href} target="_blank" rel="noopener noreferrer">${inside}</a>` : inside
    default: return inside
  }
}

/** A text of a checklist as it is shown. @param {string} text @returns {any} something to put into a lit template */
export const markup = (text) => (MARKED.test(text) ? parse(text).map(template) : text)

/** @param {Node} node @returns {string} */
const wordsOf = (node) => {
  if (typeof node === 'string') return node
  return node.tag === 'br' ? ' ' : node.children.map(wordsOf).join('') + (['heading', 'block'].includes(node.tag) ? ' ' : '')
}

/** The words of a text alone, on one line. @param {string} text */
export const plain = (text) => (MARKED.test(text) ? parse(text).map(wordsOf).join('').trim() : text)

/**
 * A checklist on the screen: its headings, questions, repeats and pages, for whoever holds the form (a visit, a preview).
 *
 * Invariant: a card is drawn anew only when its item, its problem or its own control has changed; no change moves what
 * is under the finger or takes the focus.
 */
import { html, nothing } from 'lit-html'
import { guard } from 'lit-html/directives/guard.js'
import { repeat } from 'lit-html/directives/repeat.js'
import { icon } from './icon.js'
import { markup, plain } from './markup.js'
import { cardId, questionCard, slotOf } from './questions.js'
import { cutPages, cutSections } from './sections.js'

/**
 * @typedef {import('../engine.js').Item} Item
 * @typedef {import('./sections.js').Section} Section
 *
 * @typedef {object} Host what the form stands in
 * @property {ReturnType<typeof import('../engine.js').createForm>} form the engine's
 * @property {any} document the compiled checklist
 * @property {string} language of the app around it
 * @property {(key: string, params?: Record<string, any>) => string} t its words
 * @property {() => void} draw draws `template()` anew, soon
 * @property {(path: string) => void} answered an answer was given or taken back, a repeat became longer or shorter; draws
 * @property {import('./questions.js').Controls} controls
 * @property {() => boolean} [isTried] finishing was tried: what is missing is said beside every question
 * @property {(item: Item) => boolean} [isShown] leaves out what has no place here
 * @property {(item: Item) => boolean} [isExcused] whether an answer may be missing here after all
 * @property {(item: Item) => any} [before] shown between a question's words and its control
 * @property {(section: Section, items: Item[]) => any} [aside] shown below a heading (or at the top)
 * @property {() => any} [urgent] what a red answer offers at once
 */

/** Drawn at one go; those off the screen are not laid out, so that one go is cheaper than several. */
const CARDS_AT_ONCE = 200

/** Kept or left alone together: more would be laid out for nothing, and many small boxes cost more than they save. */
const CARDS_IN_BOX = 12

/** Text typed may be out of range at every key but the last. */
const PROBLEMS = ['required', 'constraint', 'choice', 'type']

/** @param {Host} host */
export function makeFormView(host) {
  const { form, document: checklist, t, draw, controls, isTried = () => false, isExcused = () => false } = host
  const isPaged = checklist.style === 'pages'
  /** What is being typed, and where. @type {{path: string, words: string} | null} */
  let typing = null
  /** What controls remember, by path; `revision` says that it changed. @type {Map<string, Record<string, any>>} */
  const locals = new Map()
  /** Instances whose removal was asked for. */
  let removing = ''
  let page = 0
  /** Pages that were left unfinished once, by their first path: the second time they are not held back. @type {Set<string>} */
  const warned = new Set()
  let cardLimit = CARDS_AT_ONCE
  /** Whether the heights of all cards are known; while they are found out, all are laid out. @type {'unknown' | 'measuring' | 'known'} */
  let heights = 'unknown'
  /** Where one wanted to be before the heights were known. @type {[string, ScrollLogicalPosition] | null} */
  let goal = null
  let epoch = 0
  let language = checklist.languages.includes(host.language) ? host.language : checklist.default_language

  // Answers

  /** @param {string} path @param {string} value */
  function set(path, value) {
    tell(path, form.set(path, value))
  }

  /** @param {string} path @param {Set<string>} changed what looks different now */
  function tell(path, changed) {
    const items = form.items()
    const above = items.slice(0, items.findIndex((item) => item.path === path))
    // Measuring makes the browser lay out the form, so only where something above the card has changed.
    const hold = above.some((item) => changed.has(item.path)) ? holdPlace(path) : null
    host.answered(path)
    hold?.()
  }

  /** @param {Item} item @param {string} name */
  function choose(item, name) {
    set(item.path, name)
    if (isPaged && name && /\bquick\b/.test(item.node.appearance ?? '')) turn(1)
  }

  /**
   * Tick or untick one of several. When the checklist does not allow the choice beside the others ("none" beside
   * "illness"), what was tapped last is meant. @param {Item} item @param {string} name
   */
  function toggle(item, name) {
    const before = item.value.split(' ').filter(Boolean)
    const fails = () => itemAt(item.path)?.problem?.code === 'constraint'
    const wanted = item.choices.map((choice) => choice.name)
      .filter((one) => (one === name ? !before.includes(name) : before.includes(one))).join(' ')
    let changed = form.set(item.path, wanted)
    if (!before.includes(name) && before.length && fails()) {
      changed = form.set(item.path, name)
      if (fails()) changed = form.set(item.path, wanted)
    }
    tell(item.path, changed)
  }

  const itemAt = (/** @type {string} */ path) => form.items().find((item) => item.path === path)

  /** @param {string} path @param {Record<string, any>} changes @param {string} [focus] the id of the element to go on at */
  function touch(path, changes, focus) {
    const before = locals.get(path)
    locals.set(path, { ...before, ...changes, revision: (before?.revision ?? 0) + 1 })
    draw()
    if (focus) requestAnimationFrame(() => document.getElementById(focus)?.focus({ preventScroll: true }))
  }

  /**
   * What appears or goes away above a card is not to move it under the finger.
   * @param {string} path of the card that was answered
   */
  function holdPlace(path) {
    const topOf = () => document.getElementById(cardId(path))?.getBoundingClientRect().top
    const before = topOf()
    return () => requestAnimationFrame(() => {
      const now = topOf()
      if (before !== undefined && now !== undefined && Math.abs(now - before) > 1) scrollBy(0, now - before)
    })
  }

  // What is shown

  /** @param {Item} item */
  const isShown = (item) => item.relevant && !['hidden', 'calculate'].includes(item.node.type) && (host.isShown?.(item) ?? true)

  const shown = () => form.items().filter(isShown)

  /** @param {Item} item @returns {string | null} what is wrong, in words */
  const problemOf = (item) => (item.problem && !(item.problem.code === 'required' && isExcused(item))
    ? item.problem.message || t(`form.problem_${PROBLEMS.includes(item.problem.code) ? item.problem.code : 'constraint'}`) : null)

  /** @param {Item} item */
  function card(item) {
    const { path } = item
    const isTyping = typing?.path === path
    const isOpen = isTried() || item.value !== '' || warned.has(path)
    const build = () => questionCard(item, {
      ...asking, id: cardId(path), before: host.before?.(item) ?? nothing, urgent: item.flag?.severity === 'red' ? host.urgent?.() : nothing,
      typing: () => (typing?.path === path ? typing.words : null),
      problem: isOpen && !isTyping ? problemOf(item) : null,
    })
    // A control of the phone (camera, place) changes while it works: it is drawn each time.
    return slotOf(item) || item.node.type === 'barcode' ? build() : guard([item, isOpen, isTyping && typing?.words, locals.get(path)?.revision, epoch], build)
  }

  const asking = {
    t, set, choose, toggle, touch, controls,
    local: (/** @type {string} */ path) => locals.get(path) ?? {},
    typed: (/** @type {Item} */ item, /** @type {string} */ value, /** @type {string} */ words) => {
      typing = { path: item.path, words }
      set(item.path, value)
    },
    left: (/** @type {Item} */ item) => {
      if (typing?.path !== item.path) return
      typing = null
      draw()
    },
  }

  /** A heading, with what belongs to it. @param {Section} section @param {Item[]} items */
  function heading(section, items) {
    const { head, depth } = section
    const aside = host.aside?.(section, items) ?? nothing
    if (!head) return aside
    const title = titleOf(head)
    const hint = head.hint ? html`<p class="quiet hint">${markup(head.hint)}</p>` : nothing
    return html`
      ${title ? html`<div class="head" id=${cardId(head.path)} tabindex="-1"><h2 aria-level=${Math.min(depth + 2, 6)}>${markup(title)}</h2>${isOwn(head) && head.kind === 'instance' ? removeButton(head) : nothing}</div>` : nothing}
      ${removing === head.path ? askToRemove(head) : nothing}${hint}${aside}`
  }

  /** Whether it may be made longer or shorter: not the people of the visit, nor what is counted. @param {Item} item */
  const isOwn = ({ node, path }) => !('count' in node) && !/^people(\[\d+\])?$/.test(path)

  /** @param {Item} head */
  function titleOf(head) {
    if (head.kind === 'instance') {
      const position = /\[(\d+)\]$/.exec(head.path)?.[1]
      return isPerson(head) && head.label ? head.label : `${head.label} ${t('form.part', { n: position })}`.trim()
    }
    return head.path === 'people' && head.instances < 2 ? '' : head.label
  }

  const isPerson = (/** @type {Item} */ item) => /^people\[\d+\]$/.test(item.path)

  // Repeats

  /** @param {Item} item */
  const removeButton = (item) => html`<button class="link danger" type="button" aria-label=${t('form.repeat_remove_label', { title: plain(titleOf(item)) })}
    @click=${() => { if (isFilled(item)) { removing = item.path; draw() } else remove(item) }}>${icon('trash')}${t('form.repeat_remove')}</button>`

  /** @param {Item} item */
  const isFilled = (item) => form.items().some((one) => one.kind === 'question' && one.value !== '' && !one.readOnly && one.path.startsWith(`${item.path}/`))

  /** @param {Item} item */
  const askToRemove = (item) => html`<div class="help red" role="alert"><b>${t('form.repeat_remove_ask')}</b>
    <div class="row"><button class="btn danger" type="button" @click=${() => remove(item)}>${t('form.repeat_remove_go')}</button>
    <button class="btn" type="button" @click=${() => { removing = ''; draw() }}>${t('form.repeat_keep')}</button></div></div>`

  /** @param {Item} item */
  function remove(item) {
    const [, path, position] = /** @type {RegExpExecArray} */ (/^(.*)\[(\d+)\]$/.exec(item.path))
    removing = ''
    // What controls remember goes by position, and positions change.
    for (const key of locals.keys()) if (key.startsWith(`${path}[`)) locals.delete(key)
    epoch += 1
    form.removeRepeat(path, Number(position))
    host.answered(path)
    focusOn(addId(path))
  }

  const addId = (/** @type {string} */ path) => `${cardId(path)}-add`

  /** @param {Item} item a repeat */
  const addButton = (item) => (isOwn(item) ? html`<button class="btn wide add" type="button" id=${addId(item.path)} @click=${() => add(item)}>${icon('plus')}<span>${item.label ? t('form.repeat_add_to', { label: plain(item.label) }) : t('form.repeat_add')}</span></button>` : nothing)

  /** @param {Item} item */
  function add(item) {
    form.addRepeat(item.path)
    host.answered(item.path)
    jump(`${item.path}[${item.instances + 1}]`)
  }

  const focusOn = (/** @type {string} */ id) => requestAnimationFrame(() => document.getElementById(id)?.focus())

  // Pages

  /** @param {Section[][]} pages */
  function pager(pages) {
    const total = pages.length
    return html`<nav class="pager" aria-label=${t('form.pages', { n: page + 1, total })}>
      <button class="btn" type="button" ?disabled=${page === 0} @click=${() => turn(-1)}>${icon('back')}${t('form.page_back')}</button>
      <span class="quiet" role="status">${t('form.pages', { n: page + 1, total })}</span>
      <button class="btn go" type="button" ?disabled=${page === total - 1} @click=${() => turn(1)}>${t('form.page_next')}${icon('next')}</button></nav>`
  }

  /** @param {number} way 1 or -1 */
  function turn(way) {
    const pages = cutPages(shown())
    const open = way > 0 ? pages[page].flatMap((section) => section.items).filter((item) => problemOf(item) && !warned.has(item.path)) : []
    if (open.length) {
      for (const item of open) warned.add(item.path)
      draw()
      bringUp(open[0].path)
      return
    }
    page = Math.min(Math.max(page + way, 0), pages.length - 1)
    draw()
    const first = pages[page][0]
    bringUp(first.head && first.head.label ? first.head.path : first.items[0]?.path ?? first.key, 'start')
  }

  // Going somewhere

  /** Show a question (or a heading) and put the focus there. @param {string} path */
  function jump(path) {
    cardLimit = Infinity
    if (isPaged) {
      const pages = cutPages(shown())
      const at = pages.findIndex((sections) => sections.some(({ head, items }) => head?.path === path || items.some((item) => item.path === path)))
      if (at >= 0) page = at
    }
    draw()
    bringUp(path)
  }

  /** @param {string} path @param {ScrollLogicalPosition} [block] */
  function bringUp(path, block = 'center') {
    goal = heights === 'known' ? null : [path, block]
    requestAnimationFrame(() => {
      const card = document.getElementById(cardId(path))
      card?.scrollIntoView({ block })
      card?.focus({ preventScroll: true })
    })
  }

  /** A choice of language, where the checklist has not the app's. */
  const languageChoice = () => (checklist.languages.includes(host.language) || checklist.languages.length < 2 ? nothing : html`
    <label class="field languages"><span>${t('form.language')}</span><select class="input" @change=${(/** @type {Event} */ event) => setLanguage(/** @type {HTMLSelectElement} */ (event.target).value)}>
      ${checklist.languages.map((/** @type {string} */ code) => html`<option value=${code} lang=${code} ?selected=${code === language}>${languageName(code)}</option>`)}</select></label>`)

  /** @param {string} wanted one of the checklist's */
  function setLanguage(wanted) {
    language = wanted
    form.setLanguage(wanted)
    draw()
  }

  /** The sections of the page. */
  function sectionsOf() {
    if (!isPaged) return { sections: cutSections(form.items()), pages: [] }
    const pages = cutPages(shown())
    page = Math.max(Math.min(page, pages.length - 1), 0)
    return { sections: pages[page] ?? [], pages }
  }

  /**
   * The sections in boxes that the browser can leave alone (form.css). They are cut by what the form has, shown or not, so
   * that none comes apart, and no field in it loses the focus, when an answer shows or hides others.
   * @param {Section[]} sections @param {Item[]} items all that are shown in the form
   */
  function boxes(sections, items) {
    let left = cardLimit
    /** @type {{key: string, box: any}[]} */
    const found = []
    for (const whole of sections) {
      const section = { ...whole, items: whole.items.filter(isShown), ends: whole.ends.filter(isShown) }
      if (section.head ? !isShown(section.head) : !section.items.length && !section.ends.length) continue
      for (let at = 0; at === 0 || at < whole.items.length; at += CARDS_IN_BOX) {
        const cards = whole.items.slice(at, at + CARDS_IN_BOX).filter(isShown)
        left -= cards.length
        if (left < 0) {
          goOn()
          return found
        }
        const isLast = at + CARDS_IN_BOX >= whole.items.length
        found.push({
          key: `${section.key} ${at}`,
          box: html`<div class="section">${at ? nothing : heading(section, items)}${repeat(cards, ({ path }) => path, card)}${isLast ? section.ends.map(addButton) : nothing}</div>`,
        })
      }
    }
    return found
  }

  /** The others of a very long form follow while the phone has nothing else to do. */
  function goOn() {
    cardLimit += CARDS_AT_ONCE
    setTimeout(draw)
  }

  /**
   * Lay out all sections once, after the first frame, so that the browser remembers their heights: those off the screen are
   * then left alone (form.css), and still nothing moves while the form is scrolled or tapped.
   */
  function findHeights() {
    if (heights !== 'unknown') return
    heights = 'measuring'
    afterFrame(() => {
      draw()
      afterFrame(() => {
        heights = 'known'
        draw()
        if (goal) bringUp(...goal) // what lies above it has its own height only now
      })
    })
  }

  return {
    /** The whole form, or the page one is on. */
    template() {
      const items = shown()
      const { sections, pages } = sectionsOf()
      const isMeasuring = heights === 'measuring'
      if (items.filter((item) => item.kind === 'question').length <= cardLimit) findHeights()
      return html`${languageChoice()}<div class=${isMeasuring ? 'measuring' : nothing}>${repeat(boxes(sections, items), ({ key }) => key, ({ box }) => box)}</div>${pages.length > 1 ? pager(pages) : nothing}`
    },
    set,
    jump,
    setLanguage,
    /** What keeps the form from being finished, in words. @returns {{path: string, label: string, message: string}[]} */
    problems: () => form.items().filter((item) => item.relevant && problemOf(item))
      .map((item) => ({ path: item.path, label: plain(item.label) || item.path, message: /** @type {string} */ (problemOf(item)) })),
    /** Paths of the questions shown. @returns {Set<string>} */
    shownPaths: () => new Set(shown().map((item) => item.path)),
  }
}

/** @param {() => void} then called once a frame has been shown */
const afterFrame = (then) => requestAnimationFrame(() => setTimeout(then))

/** @param {string} code */
function languageName(code) {
  try {
    return new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code
  } catch {
    return code
  }
}

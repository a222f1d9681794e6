/**
 * Questions with choices: as big buttons, as a drop-down, as a search in a long list, or to be put in order.
 *
 * Invariant: a list of thousands never has more than a screenful of choices on the page.
 */
import { html, nothing } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { repeat } from 'lit-html/directives/repeat.js'
import { icon } from './icon.js'
import { markup, plain } from './markup.js'

/** @typedef {import('../engine.js').Item} Item */
/** @typedef {import('./questions.js').Asking} Asking */
/** @typedef {Item['choices'][number]} Choice */

/** How many of a long list stand below the field: before anything is typed, and after. */
const SHOWN_FIRST = 4
const FOUND_SHOWN = 12

/** @param {string} value */
const split = (value) => value.split(' ').filter(Boolean)

/** What is chosen. A name of one choice alone may hold spaces. @param {Item} item */
const chosenOf = (item) => new Set(item.node.type === 'select_one' ? [item.value] : split(item.value))

/** @param {Choice} choice */
const sign = (choice) => (choice.flag === 'red' ? 'bad' : choice.flag ? 'wait' : '')

/**
 * Choices side by side or one below the other. One listener for all of them: a form has hundreds.
 * @param {Item} item @param {Asking} asking @param {Choice[]} offered @param {Set<string>} chosen @param {string} width
 */
function buttons(item, asking, offered, chosen, width) {
  const isOne = item.node.type === 'select_one'
  const pick = (/** @type {Event} */ event) => asking[isOne ? 'choose' : 'toggle'](item, /** @type {HTMLInputElement} */ (event.target).value)
  return html`<div class="seg ${width}" @change=${pick}>${offered.map((choice) => html`
    <label class="choice"><input type=${isOne ? 'radio' : 'checkbox'} name=${item.path} value=${choice.name} .checked=${live(chosen.has(choice.name))}>
      <span class="opt ${sign(choice)}"><span>${markup(choice.label)}</span></span></label>`)}</div>`
}

/** @param {Item} item @param {Asking} asking */
const clear = (item, asking) => (item.value && !item.required
  ? html`<button class="link" type="button" @click=${() => asking.set(item.path, '')}>${asking.t('form.clear')}</button>` : nothing)

/** All choices as buttons. @param {Item} item @param {Asking} asking */
export function choiceButtons(item, asking) {
  const longest = Math.max(...item.choices.map((choice) => widthOf(plain(choice.label))))
  const width = longest <= 4.6 ? 'short' : longest <= 9 ? 'medium' : 'wide'
  return html`${buttons(item, asking, item.choices, chosenOf(item), width)}${item.node.type === 'select_one' ? clear(item, asking) : nothing}`
}

/** About how many Chinese characters wide a label is; Latin letters count half. @param {string} label */
function widthOf(label) {
  let width = 0
  for (const char of label) width += /[\u2e80-\uffff]/.test(char) ? 1 : 0.55
  return width
}

/** One of a list by the phone's own picker. @param {Item} item @param {Asking} asking @param {Record<string, any>} aria */
export const dropDown = (item, asking, { id, describedBy }) => html`
  <select class="input" id=${id} aria-describedby=${describedBy} @change=${(/** @type {Event} */ event) => asking.choose(item, /** @type {HTMLSelectElement} */ (event.target).value)}>
    <option value="" .selected=${live(!item.value)}>${asking.t('form.choose')}</option>
    ${repeat(item.choices, (choice) => choice.name, (choice) => html`<option value=${choice.name} .selected=${live(choice.name === item.value)}>${plain(choice.label)}</option>`)}
  </select>`

/** One or several of a long list: what is chosen, a field to type into, the first that fit. @param {Item} item @param {Asking} asking */
export function choiceSearch(item, asking) {
  const { t } = asking
  const local = asking.local(item.path)
  const chosen = chosenOf(item)
  const isOne = item.node.type === 'select_one'
  const searchId = `${asking.id}-search`
  const taken = item.choices.filter((choice) => chosen.has(choice.name))
  if (isOne && taken.length && !local.open) {
    return html`<div class="row taken"><p class="opt">${markup(taken[0].label)}</p>
      <button class="btn" type="button" id="${asking.id}-change" @click=${() => asking.touch(item.path, { open: true }, searchId)}>${t('form.change')}</button></div>${clear(item, asking)}`
  }
  const wanted = String(local.query ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const found = item.choices.filter((choice) => {
    const label = plain(choice.label).toLowerCase()
    return wanted.every((word) => label.includes(word)) && (isOne || !chosen.has(choice.name))
  })
  const limit = wanted.length ? FOUND_SHOWN : SHOWN_FIRST
  return html`
    ${isOne ? nothing : html`<ul class="stack">${repeat(taken, (choice) => choice.name, (choice) => html`<li class="row taken"><p class="opt">${markup(choice.label)}</p>
      <button class="btn" type="button" aria-label=${t('form.take_out', { label: plain(choice.label) })} @click=${() => asking.toggle(item, choice.name)}>${icon('close')}</button></li>`)}</ul>`}
    <label class="search">${icon('search')}<input type="search" id=${searchId} autocomplete="off" placeholder=${t('form.search')} aria-label=${t('form.search')}
      .value=${live(local.query ?? '')} @input=${(/** @type {Event} */ event) => asking.touch(item.path, { query: /** @type {HTMLInputElement} */ (event.target).value })}></label>
    ${buttons(item, { ...asking, choose: (one, name) => {
      asking.touch(one.path, { open: false, query: '' }, `${asking.id}-change`)
      asking.choose(one, name)
    } }, found.slice(0, limit), chosen, 'wide')}
    <p class="quiet" role="status">${found.length > limit ? t('form.search_more', { n: found.length - limit }) : found.length ? nothing : t('form.search_none')}</p>`
}

/** All choices in an order. @param {Item} item @param {Asking} asking */
export function ranking(item, asking) {
  const { t } = asking
  const given = split(item.value)
  const rows = [...item.choices].sort((a, b) => given.indexOf(a.name) - given.indexOf(b.name))
  const names = rows.map((choice) => choice.name)
  const moved = asking.local(item.path).moved
  /** @param {number} from @param {number} to @param {string} way */
  const move = (from, to, way) => {
    const order = [...names]
    order.splice(to, 0, ...order.splice(from, 1))
    const isLast = to === 0 || to === order.length - 1
    asking.touch(item.path, { moved: order[to] }, `${asking.id}-${isLast ? (way === 'up' ? 'down' : 'up') : way}-${order[to]}`)
    asking.set(item.path, order.join(' '))
  }
  const arrow = (/** @type {Choice} */ choice, /** @type {number} */ n, /** @type {'up'|'down'} */ way) => {
    const to = way === 'up' ? n - 1 : n + 1
    return html`<button class="btn square" type="button" id="${asking.id}-${way}-${choice.name}" ?disabled=${to < 0 || to >= rows.length}
      aria-label=${t(`form.rank_${way}`, { label: plain(choice.label) })} @click=${() => move(n, to, way)}>${icon(way)}</button>`
  }
  const index = names.indexOf(moved)
  return html`
    <p class="quiet hint">${t('form.rank_hint')}</p>
    <ol class="rank">${repeat(rows, (choice) => choice.name, (choice, n) => html`
      <li><b>${n + 1}</b><span class="what">${markup(choice.label)}</span>${arrow(choice, n, 'up')}${arrow(choice, n, 'down')}</li>`)}</ol>
    <p class="away" role="status">${index >= 0 ? t('form.rank_now', { label: plain(rows[index].label), n: index + 1 }) : nothing}</p>
    ${item.value ? html`<p class="done">✓ ${t('form.rank_done')}</p>${clear(item, asking)}`
      : html`<button class="btn wide" type="button" @click=${() => asking.set(item.path, names.join(' '))}>${t('form.rank_confirm')}</button>`}`
}

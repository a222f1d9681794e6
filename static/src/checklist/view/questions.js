/**
 * One question as a card: its words, what stands beside it, and the control that fits its type.
 *
 * Invariant: every question that is shown has a control, or says why it has none; nothing is left out silently.
 */
import { html, nothing } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { choiceButtons, choiceSearch, dropDown, ranking } from './choices.js'
import { KINDS, area, field, rangeKind, rangePicker, rangeSlider, rangeValues } from './controls.js'
import { icon } from './icon.js'
import { markup, plain } from './markup.js'
import { maskPhones } from './mask.js'

/** @typedef {import('../engine.js').Item} Item */

/**
 * @typedef {object} Asking what a card needs beside the item
 * @property {string} id of the card
 * @property {(key: string, params?: Record<string, any>) => string} t
 * @property {(path: string, value: string) => void} set
 * @property {(item: Item, name: string) => void} choose one of several @property {(item: Item, name: string) => void} toggle one among several
 * @property {(item: Item, value: string, words: string) => void} typed at every key @property {(item: Item) => void} left the field was left
 * @property {() => string | null} typing the words being typed here now
 * @property {(path: string) => Record<string, any>} local what a control remembers until the form is closed
 * @property {(path: string, changes: Record<string, any>, focus?: string) => void} touch change that, and move on to the element `focus`
 * @property {string | null} problem in words
 * @property {any} before what the host shows between the words and the control
 * @property {any} urgent what a red answer offers at once
 * @property {Controls} controls
 *
 * @typedef {(path: string, item: Item) => any} Control gives a template
 * @typedef {Partial<Record<Slot, Control>>} Controls those that need the phone; where one is missing the card says so
 * @typedef {'photo' | 'draw' | 'audio' | 'video' | 'file' | 'barcode' | 'place'} Slot
 */

const MOST_BUTTONS = 9
const MOST_IN_A_LIST = 40
/** Controls that are one field with one label; all others are a group of controls under a legend. */
const FIELDS = [...KINDS, 'area', 'picker', 'list']
/** @type {Record<string, Slot>} */
const SLOTS = { image: 'photo', audio: 'audio', video: 'video', file: 'file', geopoint: 'place' }

/** The id of a question's card. @param {string} path */
export const cardId = (path) => `q-${path}`

/** The part of the phone a question needs, if any. @param {Item} item @returns {Slot | null} */
export function slotOf({ node }) {
  if (node.type === 'image' && /\b(signature|draw)\b/.test(node.appearance ?? '')) return 'draw'
  return SLOTS[node.type] ?? null
}

/** @param {Item} item @param {Controls} controls @returns {string} how it is asked */
function kindOf(item, controls) {
  const { type } = item.node
  const looks = (/** @type {string} */ name) => (item.node.appearance ?? '').split(/\s+/).includes(name)
  if (type === 'note' || (looks('label') && item.node.list)) return 'note'
  if (item.readOnly) return 'shown'
  if (item.node.list && !item.choices.length) return 'empty'
  switch (type) {
    case 'text': return looks('multiline') ? 'area' : looks('numbers') ? 'digits' : 'line'
    case 'date': return looks('year') ? 'year' : looks('month-year') ? 'month' : 'date'
    case 'range': return rangeKind(item)
    case 'rank': return 'rank'
    case 'barcode': return controls.barcode ? 'slot' : 'barcode'
    case 'select_one':
      if (looks('autocomplete') || item.choices.length > MOST_IN_A_LIST) return 'search'
      return looks('minimal') || item.choices.length > MOST_BUTTONS ? 'list' : 'buttons'
    case 'select_multiple':
      return looks('autocomplete') || item.choices.length > MOST_IN_A_LIST ? 'search' : 'buttons'
    default: return slotOf(item) ? 'slot' : type
  }
}

/** @param {Item} item @param {Asking} asking */
export function questionCard(item, asking) {
  const { id, problem, t } = asking
  const kind = kindOf(item, asking.controls)
  const hint = item.hint ? html`<p class="quiet hint" id="${id}-hint">${markup(maskPhones(item.hint))}</p>` : nothing
  if (kind === 'note') return html`<section class="q" id=${id} tabindex="-1"><p class="note-text">${markup(item.label)}</p>${hint}${flag(item, asking)}</section>`
  const describedBy = [item.hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ') || nothing
  const control = controlOf(kind, item, asking, { id: `${id}-input`, describedBy })
  const label = markup(item.label)
  const optional = item.required || item.readOnly ? nothing : html` <small class="optional">${t('form.optional')}</small>`
  const wrong = problem ? html`<p class="problem" id="${id}-problem" role="alert">${problem}</p>` : nothing
  const raised = flag(item, asking)
  if (kind === 'shown') return html`<section class="q" id=${id} tabindex="-1"><p class="ask">${label}</p>${hint}${asking.before}${control}${wrong}${raised}</section>`
  return FIELDS.includes(kind)
    ? html`<section class="q ${problem ? 'open' : ''}" id=${id} tabindex="-1">
        <label class="ask" for="${id}-input">${label}${optional}</label>${hint}${asking.before}${control}${wrong}${raised}</section>`
    : html`<section class="q ${problem ? 'open' : ''}" id=${id} tabindex="-1">
        <fieldset class="plain" aria-describedby=${describedBy}><legend class="ask" id="${id}-label">${label}${optional}</legend>
        ${hint}${asking.before}${control}</fieldset>${wrong}${raised}</section>`
}

/** @param {Item} item @param {Asking} asking */
function flag({ flag: raised }, { urgent, t }) {
  if (!raised) return nothing
  const isRed = raised.severity === 'red'
  return html`<div class="help ${raised.severity}" role=${isRed ? 'alert' : nothing}>
    <b>${isRed ? '! ' : ''}${t(`form.${raised.severity}`)}</b>${isRed ? urgent : nothing}</div>`
}

/** @param {string} kind @param {Item} item @param {Asking} asking @param {{id: string, describedBy: any}} aria */
function controlOf(kind, item, asking, aria) {
  switch (kind) {
    case 'shown': return html`<p class="shown">${shownValue(item) || asking.t('form.no_answer')}</p>`
    case 'empty': return html`<p class="quiet">${asking.t('form.no_choices')}</p>`
    case 'area': return area(item, asking, aria)
    case 'picker': return rangePicker(item, asking, aria)
    case 'values': return rangeValues(item, asking)
    case 'slider': return rangeSlider(item, asking)
    case 'list': return dropDown(item, asking, aria)
    case 'search': return choiceSearch(item, asking)
    case 'buttons': return choiceButtons(item, asking)
    case 'rank': return ranking(item, asking)
    case 'acknowledge': return html`
      <label class="choice"><input type="checkbox" .checked=${live(item.value === 'OK')}
        @change=${(/** @type {Event} */ event) => asking.set(item.path, /** @type {HTMLInputElement} */ (event.target).checked ? 'OK' : '')}>
        <span class="opt">${icon('check')}<span>${asking.t('form.acknowledge')}</span></span></label>`
    case 'slot': {
      const slot = item.node.type === 'barcode' ? 'barcode' : /** @type {Slot} */ (slotOf(item))
      return asking.controls[slot]?.(item.path, item) ?? html`<p class="quiet">${asking.t('form.phone_only')}</p>`
    }
    default: return KINDS.includes(kind) ? field(kind, item, asking, aria) : html`<p class="quiet">${asking.t('form.unsupported')}</p>`
  }
}

/** An answer in words: the labels of choices, else as it is. @param {Item} item */
const shownValue = (item) => (item.choices.length
  ? (item.node.type === 'select_one' ? [item.value] : item.value.split(' '))
      .map((name) => plain(item.choices.find((choice) => choice.name === name)?.label ?? name)).join('、')
  : item.value)

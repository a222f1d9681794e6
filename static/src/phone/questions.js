/**
 * One question as a card: its words, what was noted or answered before, and the control that fits its type.
 *
 * Invariant: a control shows the form's value and reports a change by path; it keeps nothing of its own.
 */
import { html, nothing } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { answerWords } from './answers.js'
import { icon } from './parts.js'
import { dayWords, maskPhone, t } from './words.js'

/**
 * @typedef {object} Asking what a card needs beside the item
 * @property {(path: string, value: string) => void} set
 * @property {(item: any, name: string) => void} toggle a choice of several
 * @property {(path: string) => any} photos the photo control @property {(item: any) => any} place the place control
 * @property {string|null} last last visit's answer @property {string|null} lastOn
 * @property {string|null} note what the reviewer noted @property {string} by
 * @property {any[]} flags raised by this question @property {() => any} urgent the calls offered by a red answer
 * @property {string|null} problem in words
 */

const CHOICES_IN_A_LIST = 9

/** The id of a question's card. @param {string} path */
export const cardId = (path) => `q-${path}`

/** @param {any} item one of the engine's @param {Asking} asking */
export function questionCard(item, asking) {
  const id = cardId(item.path)
  const { type } = item.node
  if (type === 'note') return html`<section class="q" id=${id} tabindex="-1"><p>${item.label}</p>${hint(item)}${flagsOf(asking)}</section>`
  const single = ['text', 'integer', 'decimal', 'date'].includes(type) || isLongList(item)
  const before = html`
    ${hint(item)}
    ${asking.note ? html`<p class="note red">↩ <b>${t('visit.note_by', { by: asking.by })}</b>${asking.note}</p>` : nothing}
    ${lastTime(item, asking)}`
  const after = html`
    ${asking.problem ? html`<p class="problem" id="${id}-problem" role="alert">${asking.problem}</p>` : nothing}
    ${flagsOf(asking)}`
  const label = html`${item.label}${item.required ? nothing : html` <small class="optional">${t('visit.optional')}</small>`}`
  return single
    ? html`<section class="q ${asking.problem ? 'open' : ''}" id=${id} tabindex="-1">
        <label class="ask" for="${id}-input">${label}</label>${before}${control(item, asking)}${after}</section>`
    : html`<section class="q ${asking.problem ? 'open' : ''}" id=${id} tabindex="-1">
        <fieldset class="plain" aria-describedby=${asking.problem ? `${id}-problem` : nothing}><legend class="ask">${label}</legend>
        ${before}${control(item, asking)}</fieldset>${after}</section>`
}

/** @param {any} item */
const hint = (item) => (item.hint ? html`<p class="quiet hint">${maskPhones(item.hint)}</p>` : nothing)

/** Numbers of the registry are shown masked, also where a checklist quotes them. @param {string} text */
const maskPhones = (text) => text.replace(/(^|\D)(1\d{10})(?!\d)/g, (_, before, phone) => before + maskPhone(phone))

/** @param {any} item @param {Asking} asking */
function lastTime(item, asking) {
  const words = asking.last === null ? null : answerWords(item, asking.last)
  if (words === null || !asking.lastOn) return nothing
  return html`<p class="quiet last">${t('visit.last_time', { answer: words, when: dayWords(asking.lastOn, new Date()) })}</p>`
}

/** @param {Asking} asking */
function flagsOf({ flags, urgent }) {
  if (!flags.length) return nothing
  const worst = ['red', 'orange', 'yellow'].find((severity) => flags.some((flag) => flag.severity === severity)) ?? 'yellow'
  return html`<div class="help ${worst}" role=${worst === 'red' ? 'alert' : nothing}>
    <b>${worst === 'red' ? '! ' : ''}${t(`visit.${worst}`)}</b>${worst === 'red' ? urgent() : nothing}</div>`
}

/** @param {any} item */
const isLongList = (item) => item.node.type === 'select_one' && (item.choices.length > CHOICES_IN_A_LIST || /\bminimal\b/.test(item.node.appearance ?? ''))

/** @param {any} item @param {Asking} asking */
function control(item, asking) {
  const { type, appearance = '' } = item.node
  const value = item.value ?? ''
  const inputId = `${cardId(item.path)}-input`
  const problemId = asking.problem ? `${cardId(item.path)}-problem` : nothing
  const typed = (/** @type {Event} */ event) => asking.set(item.path, /** @type {HTMLInputElement} */ (event.target).value)
  const field = (/** @type {string} */ kind, /** @type {string|symbol} */ mode = nothing) => html`
    <input class="input" id=${inputId} type=${kind} inputmode=${mode} autocomplete="off" ?disabled=${item.readOnly}
      aria-describedby=${problemId} aria-invalid=${asking.problem ? 'true' : nothing} .value=${live(value)} @input=${typed}>`
  switch (type) {
    case 'select_one':
      return isLongList(item) ? dropDown(item, inputId, typed) : choices(item, 'radio', asking)
    case 'select_multiple': return choices(item, 'checkbox', asking)
    case 'acknowledge':
      return html`<label class="choice"><input type="checkbox" .checked=${live(value === 'OK')}
        @change=${(/** @type {Event} */ event) => asking.set(item.path, /** @type {HTMLInputElement} */ (event.target).checked ? 'OK' : '')}>
        <span class="opt">${icon('check')}</span></label>`
    case 'integer': return field('text', 'numeric')
    case 'decimal': return field('text', 'decimal')
    case 'date': return field('date')
    case 'text':
      return /\bmultiline\b/.test(appearance)
        ? html`<textarea class="input" id=${inputId} rows="3" ?disabled=${item.readOnly} aria-describedby=${problemId} .value=${live(value)} @input=${typed}></textarea>`
        : field('text', /\bnumbers\b/.test(appearance) ? 'tel' : nothing)
    case 'image': return asking.photos(item.path)
    case 'geopoint': return asking.place(item)
    default: return html`<p class="quiet">${t('visit.unsupported')}</p>`
  }
}

/** @param {any} item @param {string} inputId @param {(event: Event) => void} typed */
const dropDown = (item, inputId, typed) => html`
  <select class="input" id=${inputId} ?disabled=${item.readOnly} @change=${typed}>
    <option value="" ?selected=${!item.value}>${t('visit.choose')}</option>
    ${item.choices.map((/** @type {any} */ choice) => html`<option value=${choice.name} ?selected=${choice.name === item.value}>${choice.label}</option>`)}
  </select>`

/** @param {any} item @param {'radio'|'checkbox'} type @param {Asking} asking */
function choices(item, type, asking) {
  const chosen = new Set((item.value ?? '').split(' '))
  const longest = Math.max(...item.choices.map((/** @type {any} */ choice) => widthOf(choice.label)))
  const width = longest <= 4.6 ? 'short' : longest <= 9 ? 'medium' : 'wide'
  const pick = (/** @type {any} */ choice) => (type === 'radio' ? asking.set(item.path, choice.name) : asking.toggle(item, choice.name))
  return html`
    <div class="seg ${width}">
      ${item.choices.map((/** @type {any} */ choice) => html`
        <label class="choice"><input type=${type} name=${item.path} value=${choice.name} .checked=${live(chosen.has(choice.name))}
          ?disabled=${item.readOnly} @change=${() => pick(choice)}>
          <span class="opt ${choice.flag === 'red' ? 'bad' : choice.flag ? 'wait' : ''}">${choice.label}</span></label>`)}
    </div>
    ${type === 'radio' && item.value && !item.required && !item.readOnly
      ? html`<button class="link" type="button" @click=${() => asking.set(item.path, '')}>${t('visit.clear')}</button>` : nothing}`
}

/** About how many Chinese characters wide a label is; Latin letters count half. @param {string} label */
function widthOf(label) {
  let width = 0
  for (const char of label) width += /[\u2e80-\uffff]/.test(char) ? 1 : 0.55
  return width
}

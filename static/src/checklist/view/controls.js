/**
 * Questions answered by typing or by the phone's own pickers: numbers, texts, dates, times, ranges.
 *
 * Invariant: a control shows the form's answer and reports a change by path; only the words being typed are its own.
 */
import { html, nothing } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { icon } from './icon.js'
import { dateTimeOf, digitsOf, numberOf, stepsOf, timeOf, yearOf } from './values.js'

/** @typedef {import('../engine.js').Item} Item */
/** @typedef {import('./questions.js').Asking} Asking */
/** @typedef {{id: string, describedBy: any}} Aria */

const MOST_BUTTONS = 11
const MOST_IN_A_LIST = 200

/**
 * How each kind of field is typed in: its type and keyboard, what is kept of the words, what is shown of the answer.
 * @type {Record<string, {type: string, keyboard?: string, keep?: (typed: string) => string, show?: (value: string) => string}>}
 */
const FIELDS = {
  line: { type: 'text' },
  digits: { type: 'text', keyboard: 'tel', keep: digitsOf },
  barcode: { type: 'text', keep: (typed) => typed.trim() },
  integer: { type: 'text', keyboard: 'numeric', keep: numberOf },
  decimal: { type: 'text', keyboard: 'decimal', keep: numberOf },
  date: { type: 'date' },
  year: { type: 'text', keyboard: 'numeric', keep: yearOf, show: (value) => value.replace(/-01-01$/, '') },
  month: { type: 'month', keep: (typed) => (typed ? `${typed}-01` : ''), show: (value) => value.slice(0, 7) },
  time: { type: 'time', keep: (typed) => timeOf(typed, new Date()), show: (value) => value.slice(0, 5) },
  dateTime: { type: 'datetime-local', keep: dateTimeOf, show: (value) => value.slice(0, 16) },
}
/** @type {(same: string) => string} */
const as = (same) => same

/** Kinds of fields. */
export const KINDS = Object.keys(FIELDS)

/** @param {string} kind @param {Item} item @param {Asking} asking @param {Aria} aria */
export function field(kind, item, asking, { id, describedBy }) {
  const { type, keyboard, keep = as, show = as } = FIELDS[kind]
  // What is being typed stays as it is ("1，"), until the field is left.
  const typed = asking.typing()
  const shown = typed !== null && keep(typed) === item.value ? typed : show(item.value)
  return html`<input class="input" id=${id} type=${type} inputmode=${keyboard ?? nothing} autocomplete="off" aria-describedby=${describedBy}
    aria-required=${item.required ? 'true' : nothing} aria-invalid=${asking.problem ? 'true' : nothing} placeholder=${kind === 'year' ? asking.t('form.year') : nothing}
    .value=${live(shown)} @input=${(/** @type {Event} */ event) => { const { value } = /** @type {HTMLInputElement} */ (event.target); asking.typed(item, keep(value), value) }}
    @blur=${() => asking.left(item)}>`
}

/** @param {Item} item @param {Asking} asking @param {Aria} aria */
export const area = (item, asking, { id, describedBy }) => html`
  <textarea class="input" id=${id} rows="3" aria-describedby=${describedBy} aria-required=${item.required ? 'true' : nothing} aria-invalid=${asking.problem ? 'true' : nothing}
    .value=${live(item.value)} @input=${(/** @type {Event} */ event) => { const { value } = /** @type {HTMLTextAreaElement} */ (event.target); asking.typed(item, value, value) }}
    @blur=${() => asking.left(item)}></textarea>`

/** How a range is shown: a picker, a button for each value, or a slider with buttons. @param {Item} item */
export function rangeKind(item) {
  const { count } = stepsOf(item.node.parameters ?? {})
  if (/\bpicker\b/.test(item.node.appearance ?? '') && count <= MOST_IN_A_LIST) return 'picker'
  return count <= MOST_BUTTONS ? 'values' : 'slider'
}

/** @param {Item} item */
const valuesOf = (item) => {
  const { count, valueAt } = stepsOf(item.node.parameters ?? {})
  return Array.from({ length: count }, (_, n) => valueAt(n))
}

/** A range by the phone's own picker. @param {Item} item @param {Asking} asking @param {Aria} aria */
export const rangePicker = (item, asking, { id, describedBy }) => html`
  <select class="input" id=${id} aria-describedby=${describedBy} @change=${(/** @type {Event} */ event) => asking.set(item.path, /** @type {HTMLSelectElement} */ (event.target).value)}>
    <option value="" .selected=${live(!item.value)}>${asking.t('form.choose')}</option>
    ${valuesOf(item).map((value) => html`<option value=${value} .selected=${live(value === item.value)}>${value}</option>`)}
  </select>`

/** A range of few values, a button each. @param {Item} item @param {Asking} asking */
export const rangeValues = (item, asking) => html`
  <div class="seg tiny">${valuesOf(item).map((value) => html`
    <label class="choice"><input type="radio" name=${item.path} value=${value} .checked=${live(value === item.value)} @change=${() => asking.choose(item, value)}>
      <span class="opt">${/\brating\b/.test(item.node.appearance ?? '') ? html`<span>★ ${value}</span>` : value}</span></label>`)}</div>
  ${item.value && !item.required ? html`<button class="link" type="button" @click=${() => asking.set(item.path, '')}>${asking.t('form.clear')}</button>` : nothing}`

/** A range of many values: less, more, and a slider. @param {Item} item @param {Asking} asking */
export function rangeSlider(item, asking) {
  const { t } = asking
  const { count, valueAt, indexOf } = stepsOf(item.node.parameters ?? {})
  const index = indexOf(item.value)
  const go = (/** @type {number} */ to) => asking.set(item.path, valueAt(Math.min(Math.max(to, 0), count - 1)))
  const label = `${asking.id}-label`
  return html`
    <div class="steps"><button class="btn square" type="button" aria-label=${t('form.less')} ?disabled=${index === 0} @click=${() => go(index < 0 ? 0 : index - 1)}>${icon('minus')}</button>
      <output class=${item.value ? '' : 'quiet'}>${item.value || t('form.no_answer')}</output>
      <button class="btn square" type="button" aria-label=${t('form.more')} ?disabled=${index === count - 1} @click=${() => go(index < 0 ? 0 : index + 1)}>${icon('plus')}</button></div>
    <input class="slider ${item.value ? '' : 'unset'}" type="range" min="0" max=${count - 1} step="1" .value=${live(String(Math.max(index, 0)))}
      aria-labelledby=${label} aria-valuetext=${item.value || t('form.no_answer')} @input=${(/** @type {Event} */ event) => go(Number(/** @type {HTMLInputElement} */ (event.target).value))}>
    <div class="row ends" aria-hidden="true"><span>${valueAt(0)}</span><span>${valueAt(count - 1)}</span></div>
    ${item.value && !item.required ? html`<button class="link" type="button" @click=${() => asking.set(item.path, '')}>${t('form.clear')}</button>` : nothing}`
}

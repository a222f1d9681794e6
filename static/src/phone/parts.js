/**
 * The pieces every screen is made of: icons, bars, tabs, empty states, sheets.
 *
 * Invariant: what is shown by colour is also said by a word or a sign; every target is at least 48 px high.
 */
import { html, nothing, svg } from 'lit-html'
import { SIGNS, drawn } from '../checklist/view/icon.js'
import { t } from './words.js'

/** @typedef {import('lit-html').TemplateResult} Template */

/** @type {Record<string, Template>} */
const PATHS = {
  ...SIGNS,
  today: svg`<path d="M4 11l8-7 8 7v9H4z"/><path d="M9 15l2 2 4-4"/>`,
  send: svg`<path d="M12 16V5M7 9l5-5 5 5M5 20h14"/>`,
  me: svg`<circle cx="12" cy="8" r="4"/><path d="M4 21c1-5 4-7 8-7s7 2 8 7"/>`,
  call: svg`<path d="M6 3h3l2 5-2.5 1.5a12 12 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z"/>`,
  camera: svg`<path d="M4 8h3l2-3h6l2 3h3v11H4z"/><circle cx="12" cy="13" r="3.5"/>`,
  gallery: svg`<path d="M4 5h16v14H4z"/><path d="M4 16l5-5 4 4 3-2 4 3"/><circle cx="15.5" cy="9" r="1.2"/>`,
  place: svg`<path d="M12 21s7-6 7-11a7 7 0 0 0-14 0c0 5 7 11 7 11z"/><circle cx="12" cy="10" r="2.5"/>`,
  pen: svg`<path d="M4 20l1-5L16 4l4 4L9 19z"/><path d="M13 7l4 4"/>`,
  microphone: svg`<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5 11a7 7 0 0 0 14 0M12 18v3M9 21h6"/>`,
  folder: svg`<path d="M3 6h6l2 3h10v10H3z"/>`,
  barcode: svg`<path d="M4 6v12M8 6v12M11 6v12M16 6v12M20 6v12"/>`,
  lock: svg`<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
  erase: svg`<path d="M9 6h11v12H9l-6-6zM12 9.5l5 5M17 9.5l-5 5"/>`,
  sun: svg`<circle cx="12" cy="12" r="4.2"/><path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M18.4 5.6L17 7M7 17l-1.4 1.4"/>`,
}

/** @param {string} name */
export const icon = (name) => drawn(PATHS[name])

/**
 * The bar of one of the three main screens.
 * @param {{title: string, subtitle?: any, chip?: any}} parts
 */
export const mainBar = ({ title, subtitle = nothing, chip = nothing }) => html`
  <header class="bar">
    <div><h1 tabindex="-1">${title}</h1><p class="quiet">${subtitle}</p></div>
    ${chip}
  </header>`

/**
 * The bar of a screen that was opened from another one.
 * @param {{title: any, subtitle?: any, back: string, chip?: any, foot?: any}} parts back is the hash it returns to
 */
export const innerBar = ({ title, subtitle = nothing, back, chip = nothing, foot = nothing }) => html`
  <header class="bar inner">
    <a class="back" href=${back} aria-label=${t('app.back')}>${icon('back')}</a>
    <div><h1 tabindex="-1">${title}</h1><p class="quiet">${subtitle}</p></div>
    ${chip}${foot}
  </header>`

/** The three tabs. @param {string} current @param {Record<string, number>} counts items not yet received, notices not yet read */
export const tabs = (current, counts) => html`
  <nav class="tabs" aria-label=${t('tab.label')}>
    ${[['today', '#/today', 'today'], ['to_send', '#/send', 'send'], ['me', '#/me', 'me']].map(([name, hash, sign]) => html`
      <a href=${hash} aria-current=${name === current ? 'page' : nothing}>
        ${icon(sign)}<span>${t(`tab.${name}`)}</span>
        ${counts[name] ? html`<span class="badge" aria-hidden="true">${counts[name]}</span>` : nothing}
      </a>`)}
  </nav>`

/**
 * Nothing to show, said as the good news it mostly is.
 * @param {{sign?: string, title: string, hint?: any, action?: any}} parts
 */
export const empty = ({ sign = 'sun', title, hint = nothing, action = nothing }) => html`
  <div class="empty">${icon(sign)}<p><b>${title}</b></p><p class="quiet">${hint}</p>${action}</div>`

/** The page's shape while its records are read. */
export const skeleton = () => html`
  <main class="skeleton" aria-busy="true" aria-label=${t('app.loading')}>
    ${[1, 2, 3, 4].map(() => html`<div class="ghost"><i></i><i></i></div>`)}
  </main>`

/**
 * A sheet over the page; Escape and the veil close it. Whoever draws it calls showModal.
 * @param {{label: string, close: () => void, content: any}} parts
 */
export const sheet = ({ label, close, content }) => html`
  <dialog class="sheet" aria-label=${label}
    @cancel=${(/** @type {Event} */ event) => { event.preventDefault(); close() }}
    @click=${(/** @type {MouseEvent} */ event) => { if (event.target === event.currentTarget) close() }}>
    <div class="sheet-body">${content}</div>
  </dialog>`

/**
 * One of a few answers, each a button.
 * @param {{name: string, label: string, options: [string, string][], chosen: string|null, choose: (value: string) => void, width?: string}} parts
 */
export const radios = ({ name, label, options, chosen, choose, width = '' }) => html`
  <fieldset class="plain"><legend>${label}</legend><div class="seg ${width}">
    ${options.map(([value, words]) => html`<label class="choice"><input type="radio" name=${name} autocomplete="off" .checked=${value === chosen}
      @change=${() => choose(value)}><span class="opt">${words}</span></label>`)}
  </div></fieldset>`

/** A short list of labelled facts; short ones side by side. @param {[string, any][]} rows @param {string} [width] */
export const facts = (rows, width = '') => html`
  <dl class="facts ${width}">${rows.filter(([, value]) => value).map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`

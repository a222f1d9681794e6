/**
 * A checklist filled in on a page of its own, kept in memory alone: the desk's preview, a visit typed at the desk, tests
 * and measurements.
 *
 * Invariant: nothing is stored and nothing is sent from here.
 */
import { html, nothing, render } from 'lit-html'
import { createForm } from '../engine.js'
import { makeFormView } from './form_view.js'
import en from './texts/en.js'
import zh from './texts/zh.js'

/** What stands in for a picture, a recording, a file. */
const SAMPLE_FILE = 'f1'.repeat(32)
const SAMPLE_PLACE = '45.7567 126.6424 0 12'

/**
 * @typedef {(form: {value: (path: string) => string|undefined, set: (path: string, value: string) => void, items: () => any[],
 *   draw: () => void}, language: string) => import('./questions.js').Controls} MakeControls controls in place of the stand-ins
 */

/**
 * Show `document` in `root`, to be filled in.
 * @param {HTMLElement} root
 * @param {any} document compiled checklist
 * @param {{language: string, context?: any, answers?: any, makeControls?: MakeControls,
 *   answered?: () => void} & Pick<import('./form_view.js').Host, 'isShown'|'isExcused'|'before'>} options language of the words around the checklist and, where
 *   it has it, of the checklist; context as for the engine, without it: now, a household without a record, one person
 */
export function mountForm(root, document, { language, context = {}, answers = null, makeControls = () => ({}), answered = () => {}, ...shown }) {
  const now = new Date()
  const day = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString()
  const form = createForm(document, {
    answers,
    context: { today: day.slice(0, 10), now: now.toISOString(), username: '', device_uuid: '', household: {}, people: [{}], ...context, language },
  })
  const ofForm = {
    value: (/** @type {string} */ path) => form.items().find((item) => item.path === path)?.value,
    set: (/** @type {string} */ path, /** @type {string} */ value) => view.set(path, value),
    items: () => form.items(),
    draw,
  }
  let isDrawing = false
  let isTried = false
  /** @type {ReturnType<typeof makeFormView>} */
  let view = open(language)

  /** @param {string} wanted */
  function open(wanted) {
    const words = wanted.startsWith('zh') ? zh : en
    /** @param {string} key @param {Record<string, any>} [params] */
    const t = (key, params = {}) => {
      const text = words[key]
      return typeof text === 'function' ? text(params) : text
    }
    /** A stand-in for what only a phone can do. @param {string} value */
    const sample = (value) => (/** @type {string} */ path, /** @type {import('../engine.js').Item} */ item) => html`
      <p class="quiet">${item.value ? `✓ ${t('form.sample_done')}` : t('form.phone_only')}</p>
      <button class="btn" type="button" @click=${() => view.set(path, item.value ? '' : value)}>${t(item.value ? 'form.clear' : 'form.sample')}</button>`
    const file = sample(SAMPLE_FILE)
    return makeFormView({
      form, document, t, draw, language: wanted, isTried: () => isTried,
      answered: () => { answered(); draw() }, ...shown, controls: { photo: file, draw: file, audio: file, video: file, file, place: sample(SAMPLE_PLACE), ...makeControls(ofForm, wanted) },
    })
  }

  function draw() {
    if (isDrawing) return
    isDrawing = true
    queueMicrotask(() => {
      isDrawing = false
      render(html`<div class="form">${view.template() ?? nothing}</div>`, root)
    })
  }

  render(html`<div class="form">${view.template()}</div>`, root)
  return {
    form,
    view,
    /** @param {string} wanted */
    language(wanted) {
      form.setLanguage(wanted)
      view = open(wanted)
      draw()
    },
    answers: () => form.answers(),
    problems: () => form.problems(),
    /** Try to finish, as on the phone: what is missing is said beside every question; returns the items it is about. */
    finish() {
      isTried = true
      draw()
      return view.problems()
    },
  }
}

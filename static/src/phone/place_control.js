/**
 * The place of a visit: measured when asked, accepted as it is, or declined with a reason.
 *
 * Invariant: nothing is measured before the worker taps, nor after the answer.
 */
import { html, nothing } from 'lit-html'
import { app } from './app.js'
import { distanceM, homeOf } from './distance.js'
import { geopointOf, watchPlace } from './location.js'
import { icon } from './parts.js'
import { distanceWords, t } from './words.js'

const REASONS = ['refused', 'signal', 'safety']

export class PlaceControl {
  /** @type {null|(() => void)} */
  #stop = null
  /** @type {import('./location.js').Place|null} */
  #best = null
  /** @type {''|'weak'|'denied'|'failed'} */
  #end = ''

  /**
   * @param {{draft: () => import('./drafts.js').Draft, set: (path: string, value: string) => void, touch: (path: string) => void}} form
   */
  constructor(form) {
    this.form = form
  }

  close() {
    this.#stop?.()
    this.#stop = null
  }

  /** @param {string} path @param {number} [goodM] */
  #start(path, goodM) {
    this.form.draft().location_declined = null
    this.form.touch(path)
    this.#best = null
    this.#end = ''
    this.#stop = watchPlace({
      goodM,
      report: (place) => { this.#best = place; app.draw() },
      end: (how) => {
        this.#stop = null
        if (how === 'good') this.#accept(path)
        else this.#end = how
        app.draw()
      },
    })
    app.draw()
  }

  /** @param {string} path */
  #accept(path) {
    this.close()
    const best = /** @type {import('./location.js').Place} */ (this.#best)
    this.form.draft().location = best
    this.#end = ''
    this.form.set(path, geopointOf(best))
  }

  /** @param {string} path */
  #decline(path) {
    this.close()
    let problem = ''
    const submit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault()
      const fields = new FormData(/** @type {HTMLFormElement} */ (event.target))
      const reason = [fields.get('reason'), String(fields.get('text') ?? '').trim()].filter(Boolean).join(t('list.comma'))
      if (!reason) {
        problem = t('place.why_needed')
        app.draw()
        return
      }
      const draft = this.form.draft()
      draft.location = null
      draft.location_declined = reason.slice(0, 300)
      this.#end = ''
      app.closeSheet()
      this.form.set(path, '')
    }
    app.openSheet(t('place.why'), () => html`
      <h2>${t('place.why')}</h2>
      <form class="stack" autocomplete="off" @submit=${submit}>
        <div class="seg wide">${REASONS.map((reason) => html`<label class="choice"><input type="radio" name="reason" value=${t(`place.why_${reason}`)}>
          <span class="opt">${t(`place.why_${reason}`)}</span></label>`)}</div>
        <label class="field"><span>${t('place.why_other')}</span><input name="text" class="input" maxlength="200" aria-label=${t('place.why_text')}></label>
        ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
        <button class="btn go">${t('place.why_go')}</button>
        <button class="btn plain" type="button" @click=${() => app.closeSheet()}>${t('app.cancel')}</button>
      </form>`)
  }

  /** @param {import('../checklist/engine.js').Item} item */
  view({ path, value, node }) {
    const metres = (/** @type {string} */ name) => Number(node.parameters?.[name]) || undefined
    const start = () => this.#start(path, metres('capture-accuracy'))
    const draft = this.form.draft()
    const decline = html`<button class="btn" type="button" @click=${() => this.#decline(path)}>${t('place.decline')}</button>`
    if (this.#stop) {
      return html`<p role="status">${icon('place')} ${this.#best ? t('place.now', { m: Math.round(this.#best.accuracy_m) }) : t('place.getting')}</p>
        <div class="row wrap">${this.#best ? html`<button class="btn go" type="button" @click=${() => this.#accept(path)}>${t('place.accept')}</button>` : nothing}${decline}</div>`
    }
    if (this.#end === 'weak' && this.#best) {
      return html`<p role="status">${t('place.weak', { m: Math.round(this.#best.accuracy_m) })}</p>
        <div class="row wrap"><button class="btn go" type="button" @click=${() => this.#accept(path)}>${t('place.accept')}</button>
        <button class="btn" type="button" @click=${start}>${t('place.again')}</button>${decline}</div>`
    }
    const problem = this.#end ? html`<p class="problem" role="alert">${t(`place.${this.#end}`)}</p>` : nothing
    if (value && draft.location) {
      const home = draft.household && homeOf(draft.household)
      const words = [t('place.accuracy', { m: Math.round(draft.location.accuracy_m) }),
        home && t('place.from_home', { d: distanceWords(distanceM(draft.location, home)) })].filter(Boolean)
      const limit = metres('warning-accuracy')
      return html`<p class="done" role="status">✓ ${t('place.done')} · ${words.join(' · ')}</p>
        ${limit && draft.location.accuracy_m > limit ? html`<p class="note orange">${t('place.wanted', { m: limit })}</p>` : nothing}
        <div class="row wrap"><button class="btn" type="button" @click=${start}>${t('place.again')}</button>${decline}</div>`
    }
    return html`
      ${draft.location_declined ? html`<p class="done" role="status">${t('place.declined', { reason: draft.location_declined })}</p>` : nothing}
      ${problem}
      <div class="row wrap"><button class="btn" type="button" @click=${start}>${icon('place')}${t(this.#end ? 'place.again' : 'place.get')}</button>${decline}</div>`
  }
}

/**
 * Where a form was opened, for checklists that ask for it (start-geopoint): measured quietly, said on the screen.
 *
 * Invariant: it holds up nothing; the form says that the place is noted, and one tap declines it: then nothing of it is
 * kept or sent.
 */
import { html, nothing } from 'lit-html'
import { app } from './app.js'
import { geopointOf, watchPlace } from './location.js'
import { icon } from './parts.js'
import { t } from './words.js'

export class StartPlace {
  /** @type {null|(() => void)} */
  #stop = null
  /** @type {string[]} */
  #paths = []
  /** @type {''|'denied'|'failed'} */
  #end = ''

  /**
   * @param {{draft: () => import('./drafts.js').Draft, set: (path: string, value: string) => void}} form
   *   set writes an answer that nobody was asked for
   */
  constructor(form) {
    this.form = form
  }

  /** Begin, where the checklist asks for it and nothing was decided yet. @param {any} document */
  open(document) {
    this.#paths = pathsOf(document.nodes, '')
    const { start_place: known, method, kind } = this.form.draft()
    // A correction is written elsewhere than the visit was.
    if (this.#paths.length && known === undefined && method !== 'phone' && kind !== 'revision') this.#measure()
  }

  close() {
    this.#stop?.()
    this.#stop = null
  }

  #measure() {
    this.#end = ''
    /** @type {import('./location.js').Place|null} */
    let best = null
    const keep = () => { if (best) this.#keep(best) }
    this.#stop = watchPlace({
      report: (place) => { best = place; keep() },
      end: (how) => {
        this.#stop = null
        if (how === 'denied' || how === 'failed') this.#end = how
        app.draw()
      },
    })
  }

  /** @param {import('./location.js').Place|null} place null: declined */
  #keep(place) {
    this.form.draft().start_place = place
    for (const path of this.#paths) this.form.set(path, place ? geopointOf(place) : '')
    app.draw()
  }

  #decline() {
    this.close()
    this.#keep(null)
  }

  /** The line in the form. */
  view() {
    const { start_place: place, method, kind } = this.form.draft()
    if (!this.#paths.length || method === 'phone' || kind === 'revision') return nothing
    const button = (/** @type {string} */ words, /** @type {() => void} */ act) => html`<button class="link" type="button" @click=${act}>${words}</button>`
    const again = () => { this.#measure(); app.draw() }
    const line = place === null ? html`<span>${t('start_place.declined')}</span>${button(t('start_place.give'), again)}`
      : place ? html`<span>${t('start_place.kept', { m: Math.round(place.accuracy_m) })}</span>${button(t('place.decline'), () => this.#decline())}`
        : this.#end ? html`<span>${t(`start_place.${this.#end}`)}</span>${button(t('place.again'), again)}`
          : html`<span>${t('start_place.getting')}</span>${button(t('place.decline'), () => this.#decline())}`
    return html`<p class="start-place" role="status">${icon('place')}${line}</p>`
  }
}

/** Paths of the start-geopoint questions, outside of repeats. @param {any[]} nodes @param {string} before @returns {string[]} */
function pathsOf(nodes, before) {
  return nodes.flatMap((node) => {
    if (node.kind === 'group') return pathsOf(node.children, `${before}${node.name}/`)
    return node.kind === 'question' && node.type === 'start-geopoint' ? [`${before}${node.name}`] : []
  })
}

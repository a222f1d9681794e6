/**
 * The photos of one question: taking, choosing, looking at, removing.
 *
 * Invariant: a photo is named in the answers only after the store has it.
 */
import { html, nothing } from 'lit-html'
import { app } from './app.js'
import { photosIn } from './drafts.js'
import { icon } from './parts.js'
import { LIMIT_BYTES, PhotoRefused, preparePhoto } from './photos.js'
import { sizeWords, t } from './words.js'

export class PhotoControl {
  /** Pictures on this phone, by hash. @type {Map<string, string>} */
  #urls = new Map()
  /** Paths being worked on. @type {Set<string>} */
  #working = new Set()
  /** What to say at a question. @type {Map<string, string>} */
  #words = new Map()

  /**
   * @param {{draft: () => import('./drafts.js').Draft, value: (path: string) => string|undefined,
   *   set: (path: string, value: string) => void, touch: (path: string) => void}} form
   *   touch notes where the worker is before the camera takes over (and may end this page)
   */
  constructor(form) {
    this.form = form
  }

  /** Make the pictures already taken visible. */
  async open() {
    for (const sha of Object.keys(this.form.draft().photos)) {
      const bytes = await app.store.photoBytes(sha)
      if (bytes) this.#urls.set(sha, URL.createObjectURL(new Blob([bytes])))
    }
  }

  close() {
    for (const url of this.#urls.values()) URL.revokeObjectURL(url)
    this.#urls.clear()
  }

  /** @param {string} path @param {boolean} several @param {Event} event */
  async #add(path, several, event) {
    const input = /** @type {HTMLInputElement} */ (event.target)
    const files = [...(input.files ?? [])]
    input.value = '' // the same file may be chosen again
    if (!files.length) return
    this.#working.add(path)
    this.#words.delete(path)
    app.draw()
    for (const file of several ? files : files.slice(-1)) {
      try {
        await this.#keep(path, several, file)
      } catch (error) {
        this.#words.set(path, wordsOf(error))
      }
    }
    this.#working.delete(path)
    app.draw()
  }

  /** @param {string} path @param {boolean} several @param {File} file */
  async #keep(path, several, file) {
    const draft = this.form.draft()
    const { photo, bytes, unchanged } = await preparePhoto(file)
    await app.store.addPhoto(photo, bytes, draft.draft_uuid)
    draft.photos[photo.sha256] = { taken_at: photo.taken_at, size: photo.size, here: true }
    this.#urls.set(photo.sha256, URL.createObjectURL(new Blob([bytes], { type: photo.type })))
    const before = photosIn(this.form.value(path))
    const now = several ? [...before.filter((sha) => sha !== photo.sha256), photo.sha256] : [photo.sha256]
    this.form.set(path, now.join(' '))
    for (const sha of before) if (!now.includes(sha)) await app.store.dropPhoto(sha, draft.draft_uuid)
    if (unchanged) this.#words.set(path, t('photo.unchanged'))
  }

  /** @param {string} path @param {string} sha */
  async #remove(path, sha) {
    app.closeSheet()
    this.form.set(path, photosIn(this.form.value(path)).filter((one) => one !== sha).join(' '))
    await app.store.dropPhoto(sha, this.form.draft().draft_uuid)
    app.draw()
  }

  /** @param {string} sha @param {'thumb'|'screen'} size */
  #picture(sha, size) {
    const here = this.#urls.get(sha)
    return html`<img src=${here ?? `/api/attachments/${sha}?size=${size}`} alt=${here ? '' : t('photo.elsewhere')}>`
  }

  /** @param {string} path @param {number} index @param {string} sha */
  #look(path, index, sha) {
    app.openSheet(t('photo.view', { n: index + 1 }), () => html`
      <div class="picture">${this.#picture(sha, 'screen')}</div>
      <div class="row"><button class="btn danger" @click=${() => this.#remove(path, sha)}>${icon('trash')}${t('photo.remove')}</button>
      <button class="btn" @click=${() => app.closeSheet()}>${t('app.close')}</button></div>`)
  }

  /** The control. @param {string} path @param {boolean} several */
  view(path, several) {
    const shas = photosIn(this.form.value(path))
    const pickers = html`
      <label class="btn pick">${icon('camera')}<span>${t('photo.camera')}</span>
        <input type="file" accept="image/*" capture="environment" @click=${() => this.form.touch(path)} @change=${(/** @type {Event} */ event) => this.#add(path, several, event)}></label>
      <label class="btn pick">${icon('gallery')}<span>${t('photo.gallery')}</span>
        <input type="file" accept="image/*" ?multiple=${several} @click=${() => this.form.touch(path)} @change=${(/** @type {Event} */ event) => this.#add(path, several, event)}></label>`
    return html`
      ${shas.length ? html`<ul class="pictures" aria-label=${t('photo.added', { n: shas.length })}>${shas.map((sha, index) => html`
        <li><button class="pic" aria-label=${t('photo.view', { n: index + 1 })} @click=${() => this.#look(path, index, sha)}>${this.#picture(sha, 'thumb')}</button></li>`)}</ul>` : nothing}
      <div class="row wrap">${pickers}</div>
      <p class="quiet" role="status">${this.#working.has(path) ? t('photo.working') : nothing}</p>
      ${this.#words.has(path) ? html`<p class="problem" role="alert">${this.#words.get(path)}</p>` : nothing}`
  }

  /** Whether a photo is still being made ready. */
  get isBusy() {
    return this.#working.size > 0
  }
}

/** @param {unknown} error */
function wordsOf(error) {
  if (error instanceof PhotoRefused) return t(`photo.${error.reason}`, { limit: sizeWords(LIMIT_BYTES) })
  if (error instanceof DOMException && error.name === 'QuotaExceededError') return t('photo.no_room')
  return t('photo.failed')
}

/**
 * The photos of one question: taking, choosing, looking at, removing.
 *
 * Invariant: what the question's appearance asks to be taken now is never chosen from the gallery.
 */
import { html, nothing } from 'lit-html'
import { icon } from './parts.js'
import { preparePhoto } from './photos.js'
import { t } from './words.js'

/** @param {import('../checklist/engine.js').Item} item @param {string} look */
const looks = ({ node }, look) => (node.appearance ?? '').split(/\s+/).includes(look)

export class PhotoControl {
  /** @param {import('./attachments.js').Attachments} attachments */
  constructor(attachments) {
    this.attachments = attachments
  }

  /** @param {import('../checklist/engine.js').Item} item @param {Event} event */
  #add(item, event) {
    const input = /** @type {HTMLInputElement} */ (event.target)
    const files = [...(input.files ?? [])]
    input.value = '' // the same file may be chosen again
    const several = looks(item, 'multiple')
    const longestPx = Number(item.node.parameters?.['max-pixels']) || undefined
    if (files.length) {
      this.attachments.add(item.path, several, (several ? files : files.slice(-1)).map((file) => (
        () => preparePhoto(file, { longestPx, limitBytes: this.attachments.limitOf('image') }))))
    }
  }

  /** @param {{sha: string, url: string|null}} photo @param {'thumb'|'screen'} size */
  #picture({ sha, url }, size) {
    return html`<img src=${url ?? `/api/attachments/${sha}?size=${size}`} alt=${url ? '' : t('photo.elsewhere')}>`
  }

  /** @param {string} path @param {number} index @param {{sha: string, url: string|null}} photo */
  #look(path, index, photo) {
    const { app } = this.attachments
    app.openSheet(t('photo.view', { n: index + 1 }), () => html`
      <div class="picture">${this.#picture(photo, 'screen')}</div>
      <div class="row"><button class="btn danger" @click=${() => { app.closeSheet(); this.attachments.remove(path, photo.sha) }}>${icon('trash')}${t('photo.remove')}</button>
      <button class="btn" @click=${() => app.closeSheet()}>${t('app.close')}</button></div>`)
  }

  /** The control. @param {import('../checklist/engine.js').Item} item */
  view(item) {
    const { path } = item
    const photos = this.attachments.of(path)
    const isFront = looks(item, 'new-front')
    const picker = (/** @type {string} */ sign, /** @type {string} */ words, /** @type {any} */ capture, /** @type {boolean} */ several) => html`
      <label class="btn pick">${icon(sign)}<span>${words}</span>
        <input type="file" accept="image/*" capture=${capture} ?multiple=${several} @click=${() => this.attachments.form.touch(path)}
          @change=${(/** @type {Event} */ event) => this.#add(item, event)}></label>`
    return html`
      ${photos.length ? html`<ul class="pictures" aria-label=${t('photo.added', { n: photos.length })}>${photos.map((photo, index) => html`
        <li><button class="pic" type="button" aria-label=${t('photo.view', { n: index + 1 })} @click=${() => this.#look(path, index, photo)}>${this.#picture(photo, 'thumb')}</button></li>`)}</ul>` : nothing}
      <div class="row wrap">${picker('camera', t(isFront ? 'photo.front' : 'photo.camera'), isFront ? 'user' : 'environment', false)}
        ${isFront || looks(item, 'new') ? nothing : picker('gallery', t('photo.gallery'), nothing, looks(item, 'multiple'))}</div>
      ${stateOf(this.attachments, path, t('photo.working'))}`
  }
}

/** What is going on at a question, or went wrong. @param {import('./attachments.js').Attachments} attachments @param {string} path @param {string} working */
export const stateOf = (attachments, path, working) => html`
  <p class="quiet" role="status">${attachments.isWorking(path) ? working : nothing}</p>
  ${attachments.words(path) ? html`<p class="problem" role="alert">${attachments.words(path)}</p>` : nothing}`

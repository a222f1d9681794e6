/**
 * A sound recording, a video or a file: made with the phone's own recorder or chosen, played, taken out.
 *
 * Invariant: what is too large or of another kind is said before anything is kept, with what to do; the file itself
 * stays where it was on the phone.
 */
import { html, nothing } from 'lit-html'
import { FileRefused } from './attachments.js'
import { stateOf } from './photo_control.js'
import { icon } from './parts.js'
import { kindOf, preparePhoto } from './photos.js'
import { hasRoom } from './room.js'
import { sha256 } from './uuid.js'
import { sizeWords, t } from './words.js'

/** @typedef {'audio'|'video'|'file'} Kind */

const NAME_LENGTH = 200

export class FileControl {
  /** @param {import('./attachments.js').Attachments} attachments */
  constructor(attachments) {
    this.attachments = attachments
  }

  /** @param {string} path @param {Kind} kind @param {Event} event */
  #add(path, kind, event) {
    const input = /** @type {HTMLInputElement} */ (event.target)
    const file = input.files?.[0]
    input.value = '' // the same file may be chosen again
    if (file) this.attachments.add(path, false, [() => prepareFile(file, kind, this.attachments)])
  }

  /** The control. @param {import('../checklist/engine.js').Item} item */
  view(item) {
    const { path, node } = item
    const kind = /** @type {Kind} */ (node.type)
    const looks = (node.appearance ?? '').split(/\s+/)
    const [kept] = this.attachments.of(path)
    const isNew = looks.includes('new') || looks.includes('new-front')
    const picker = (/** @type {string} */ sign, /** @type {string} */ words, /** @type {any} */ capture) => html`
      <label class="btn pick">${icon(sign)}<span>${words}</span>
        <input type="file" accept=${kind === 'file' ? nothing : `${kind}/*`} capture=${capture} @click=${() => this.attachments.form.touch(path)}
          @change=${(/** @type {Event} */ event) => this.#add(path, kind, event)}></label>`
    return html`
      ${kept ? this.#kept(path, kind, kept) : html`<p class="quiet">${t('file.limit', { limit: sizeWords(this.attachments.limitOf(kind)) })}</p>`}
      <div class="row wrap">
        ${kind === 'file' ? nothing : picker(kind === 'audio' ? 'microphone' : 'camera', t(`${kind}.record`), looks.includes('new-front') ? 'user' : 'environment')}
        ${isNew && kind !== 'file' ? nothing : picker('folder', t(`${kind}.choose`), nothing)}</div>
      ${stateOf(this.attachments, path, t('file.working'))}`
  }

  /** @param {string} path @param {Kind} kind @param {ReturnType<import('./attachments.js').Attachments['of']>[0]} kept */
  #kept(path, kind, { sha, url, name, size, type: known }) {
    const type = known ?? ''
    const address = url ?? `/api/attachments/${sha}`
    const label = name || t(`${kind}.one`)
    const player = type.startsWith('audio/') ? html`<audio controls preload="metadata" src=${address} aria-label=${label}></audio>`
      : type.startsWith('video/') ? html`<video controls playsinline preload="metadata" src=${address} aria-label=${label}></video>` : nothing
    return html`<div class="file"><p><b>${label}</b>${size ? html` <span class="quiet">${sizeWords(size)}</span>` : nothing}</p>${player}
      <button class="btn danger" type="button" aria-label=${t('file.remove_label', { name: label })} @click=${() => this.attachments.remove(path, sha)}>${icon('trash')}${t('file.remove')}</button></div>`
  }
}

/**
 * A file as it is kept and sent. A picture among the files is treated as a photo: its place goes, it is shrunk.
 * @param {File} file @param {Kind} kind @param {import('./attachments.js').Attachments} attachments @returns {Promise<import('./attachments.js').Ready>}
 */
async function prepareFile(file, kind, attachments) {
  const limit = attachments.limitOf(kind)
  if (file.size > limit) throw new FileRefused(t(`${kind}.too_large`, { size: sizeWords(file.size), limit: sizeWords(limit) }))
  if (file.size === 0) throw new FileRefused(t('file.empty'))
  if (!(await hasRoom(file.size))) throw new FileRefused(t('file.no_room'))
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer())
  const isPicture = kindOf(head) !== null
  // Phones call sound in a video's container either; a type they do not know at all may still be a recording.
  const isOther = isPicture || (file.type !== '' && !/^(audio|video|application\/(ogg|octet-stream|mp4))/.test(file.type))
  if (kind !== 'file' && isOther) throw new FileRefused(t(`${kind}.other`))
  const name = file.name.slice(-NAME_LENGTH)
  if (isPicture) {
    const ready = await preparePhoto(file, { limitBytes: attachments.limitOf('image') })
    return { ...ready, photo: { ...ready.photo, name } }
  }
  const bytes = await file.arrayBuffer()
  const taken_at = kind !== 'file' && file.lastModified ? new Date(file.lastModified).toISOString() : null
  return { photo: { sha256: await sha256(bytes), type: file.type || 'application/octet-stream', size: bytes.byteLength, taken_at, name }, bytes }
}

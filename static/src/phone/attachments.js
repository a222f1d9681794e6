/**
 * The photos, drawings, recordings and files of one form: kept, shown, taken out.
 *
 * Invariant: an attachment is named in the answers only after the store has it, and leaves the store only when no
 * answer of the form names it any more.
 */
import { LIMIT_BYTES, PhotoRefused } from './photos.js'
import { isFull } from './room.js'
import { sizeWords, t } from './words.js'

/** @typedef {'image'|'audio'|'video'|'file'} Kind */
/**
 * @typedef {object} Ready an attachment as it is kept and sent
 * @property {{sha256: string, type: string, size: number, taken_at: string|null, name?: string}} photo
 * @property {ArrayBuffer} bytes @property {boolean} [unchanged] a photo that could not be shrunk
 */
/**
 * @typedef {object} Around what the controls need of the app they stand in: the phone's, or a page's in memory
 * @property {() => void} draw @property {(label: string, content: () => any) => void} openSheet @property {() => void} closeSheet
 * @property {Pick<import('./store.js').Store, 'addPhoto'|'dropPhoto'|'photoBytes'>} store
 * @property {{site: {limits?: Record<string, number>}|null}} device
 */
/**
 * @typedef {object} FormHost what the controls need of the form they stand in
 * @property {() => import('./drafts.js').Draft} draft @property {(path: string) => string|undefined} value
 * @property {(path: string, value: string) => void} set @property {(sha: string) => boolean} isNamed by any answer
 * @property {(path: string) => void} touch notes where the worker is before the camera takes over (and may end this page)
 */

/** What the server accepts unless it has said otherwise, bytes. @type {Record<Kind, number>} */
const LIMITS = { image: LIMIT_BYTES, audio: 20_000_000, video: 50_000_000, file: 20_000_000 }

/** Types whose answers are attachments. */
export const FILE_TYPES = new Set(['image', 'audio', 'video', 'file'])

/** The hashes of such a question's value. @param {string|undefined} value */
export const photosIn = (value) => (value ? value.split(' ') : [])

export class Attachments {
  /** Bytes on this phone as addresses, by hash. @type {Map<string, string>} */
  #urls = new Map()
  /** Paths being worked on. @type {Set<string>} */
  #working = new Set()
  /** What to say at a question. @type {Map<string, string>} */
  #words = new Map()

  /** @param {FormHost} form @param {Around} app */
  constructor(form, app) {
    this.form = form
    this.app = app
  }

  /** The largest attachment of a kind, bytes. @param {Kind} kind */
  limitOf(kind) {
    return this.app.device.site?.limits?.[kind] ?? LIMITS[kind]
  }

  /** Make visible what was taken before. */
  async open() {
    for (const [sha, { type }] of Object.entries(this.form.draft().photos)) {
      const bytes = await this.app.store.photoBytes(sha)
      if (bytes) this.#show(sha, bytes, type ?? 'image/jpeg')
    }
  }

  close() {
    for (const url of this.#urls.values()) URL.revokeObjectURL(url)
    this.#urls.clear()
  }

  /**
   * Only pictures, sound and video get an address: a page opened from one would run as this site's own.
   * @param {string} sha @param {BlobPart} bytes @param {string} type
   */
  #show(sha, bytes, type) {
    if (/^(image\/(jpeg|png|webp|heic)|audio\/|video\/)/.test(type)) this.#urls.set(sha, URL.createObjectURL(new Blob([bytes], { type })))
  }

  /** What is chosen in an answer, with what is known of each. @param {string} path */
  of(path) {
    const { photos } = this.form.draft()
    return photosIn(this.form.value(path)).map((sha) => ({ sha, url: this.#urls.get(sha) ?? null, ...(photos[sha] ?? {}) }))
  }

  /**
   * Make attachments ready one by one and keep each; what goes wrong is said at the question.
   * @param {string} path @param {boolean} several beside those there, or in their place @param {(() => Promise<Ready>)[]} makers
   */
  async add(path, several, makers) {
    this.#working.add(path)
    this.#words.delete(path)
    this.app.draw()
    for (const make of makers) {
      try {
        await this.#keep(path, several, await make())
      } catch (error) {
        this.#words.set(path, wordsOf(error, this.limitOf('image')))
      }
    }
    this.#working.delete(path)
    this.app.draw()
  }

  /** @param {string} path @param {boolean} several @param {Ready} ready */
  async #keep(path, several, { photo, bytes, unchanged = false }) {
    const draft = this.form.draft()
    const { sha256, type, size, taken_at, name } = photo
    await this.app.store.addPhoto({ sha256, type, size }, bytes, draft.draft_uuid)
    draft.photos[sha256] = { taken_at, size, here: true, type, ...(name ? { name } : {}) }
    if (!this.#urls.has(sha256)) this.#show(sha256, bytes, type)
    const before = photosIn(this.form.value(path))
    const now = several ? [...before.filter((sha) => sha !== sha256), sha256] : [sha256]
    this.form.set(path, now.join(' '))
    for (const sha of before) if (!now.includes(sha)) await this.#letGo(sha)
    if (unchanged) this.#words.set(path, t('photo.unchanged'))
  }

  /** @param {string} path @param {string} sha */
  async remove(path, sha) {
    this.form.set(path, photosIn(this.form.value(path)).filter((one) => one !== sha).join(' '))
    await this.#letGo(sha)
    this.app.draw()
  }

  /** @param {string} sha */
  async #letGo(sha) {
    if (!this.form.isNamed(sha)) await this.app.store.dropPhoto(sha, this.form.draft().draft_uuid)
  }

  /** @param {string} path */
  isWorking(path) {
    return this.#working.has(path)
  }

  /** What to say at a question, if anything. @param {string} path */
  words(path) {
    return this.#words.get(path) ?? null
  }

  /** Whether an attachment is still being made ready. */
  get isBusy() {
    return this.#working.size > 0
  }
}

/** Why an attachment was not taken in, in words. */
export class FileRefused extends Error {}

/** @param {unknown} error @param {number} limit of photos, bytes */
function wordsOf(error, limit) {
  if (error instanceof FileRefused) return error.message
  if (error instanceof PhotoRefused) return t(`photo.${error.reason}`, { limit: sizeWords(limit) })
  if (isFull(error)) return t('file.no_room')
  return t('file.failed')
}

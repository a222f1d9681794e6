/**
 * The phone's controls for pictures, signatures, recordings and files in a form that is kept in memory alone.
 *
 * Invariant: nothing is stored and nothing is sent from here; all of it is gone with the page.
 */
import { nothing, render } from 'lit-html'
import { Attachments } from './attachments.js'
import { BarcodeControl, canScan } from './barcode_control.js'
import { DrawingControl } from './drawing_control.js'
import { FileControl } from './file_control.js'
import { sheet } from './parts.js'
import { PhotoControl } from './photo_control.js'
import { setLanguage } from './words.js'

/**
 * @typedef {object} Kept what is in memory, for whoever sends it
 * @property {Record<string, any>} photos what is known of each attachment, by hash
 * @property {Map<string, Blob>} bytes of those taken here
 * @property {Record<string, number>} [limits] the largest attachment of each kind, bytes
 * @property {() => boolean} isBusy whether one is still being made ready
 */

/** @typedef {Parameters<import('../checklist/view/preview.js').MakeControls>[0]} FormInMemory */

/** Made once a form: another language shows the same pictures. @type {WeakMap<object, import('../checklist/view/questions.js').Controls>} */
const made = new WeakMap()

/** @param {FormInMemory} form @param {string} language @param {Kept} [kept] */
export function controlsInMemory(form, language, kept = { photos: {}, bytes: new Map(), isBusy: () => false }) {
  setLanguage(language.startsWith('zh') ? 'zh' : 'en')
  const controls = made.get(form) ?? makeControls(form, kept)
  made.set(form, controls)
  return controls
}

/** @param {FormInMemory} form @param {Kept} kept @returns {import('../checklist/view/questions.js').Controls} */
function makeControls({ value, set, items, draw }, kept) {
  /** @type {any} */
  const draft = { draft_uuid: '', photos: kept.photos }
  const place = document.createElement('div')
  document.body.append(place)
  /** @type {{label: string, content: () => any}|null} */
  let open = null
  const drawSheet = () => {
    render(open ? sheet({ label: open.label, close: () => around.closeSheet(), content: open.content() }) : nothing, place)
    const dialog = /** @type {HTMLDialogElement|null} */ (place.querySelector('dialog:not([open])'))
    dialog?.showModal()
  }
  const around = {
    draw: () => { draw(); drawSheet() },
    openSheet: (/** @type {string} */ label, /** @type {() => any} */ content) => { open = { label, content }; drawSheet() },
    closeSheet: () => { open = null; drawSheet() },
    store: {
      addPhoto: async (/** @type {{sha256: string}} */ { sha256 }, /** @type {ArrayBuffer} */ bytes) => { kept.bytes.set(sha256, new Blob([bytes])) },
      dropPhoto: async (/** @type {string} */ sha) => { kept.bytes.delete(sha) },
      photoBytes: async (/** @type {string} */ sha) => kept.bytes.get(sha) ?? null,
    },
    device: { site: { limits: kept.limits } },
  }
  const touch = () => {}
  const isNamed = (/** @type {string} */ sha) => items().some((item) => item.value?.includes?.(sha))
  const attachments = new Attachments({ draft: () => draft, value, set, touch, isNamed }, around)
  kept.isBusy = () => attachments.isBusy
  const [photos, drawings, files, barcode] = [new PhotoControl(attachments), new DrawingControl(attachments), new FileControl(attachments), new BarcodeControl({ set, touch }, around)]
  return {
    photo: (_, item) => photos.view(item),
    draw: (_, item) => drawings.view(item),
    audio: (_, item) => files.view(item),
    video: (_, item) => files.view(item),
    file: (_, item) => files.view(item),
    ...(canScan() ? { barcode: (_, item) => barcode.view(item) } : {}),
  }
}

/**
 * A barcode: typed, or read by the camera where the browser can.
 *
 * Invariant: the camera runs only while its sheet is open; closing it in any way ends the stream.
 */
import { html, nothing } from 'lit-html'
import { live } from 'lit-html/directives/live.js'
import { ref } from 'lit-html/directives/ref.js'
import { icon } from './parts.js'
import { t } from './words.js'

const LOOK_EVERY_MS = 200

/** Whether this browser can read barcodes by itself. */
export const canScan = () => 'BarcodeDetector' in globalThis && Boolean(navigator.mediaDevices?.getUserMedia)

export class BarcodeControl {
  /** Paths where the camera did not open. @type {Set<string>} */
  #blocked = new Set()

  /** @param {{set: (path: string, value: string) => void, touch: (path: string) => void}} form @param {Pick<import('./attachments.js').Around, 'draw'|'openSheet'|'closeSheet'>} app */
  constructor(form, app) {
    this.form = form
    this.app = app
  }

  /** @param {string} path */
  async #scan(path) {
    const { app } = this
    this.form.touch(path)
    this.#blocked.delete(path)
    let stream
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false })
    } catch {
      this.#blocked.add(path)
      app.draw()
      return
    }
    const look = lookForCode(stream, (code) => {
      app.closeSheet()
      this.form.set(path, code)
    })
    app.openSheet(t('barcode.scan'), () => html`
      <h2>${t('barcode.scan')}</h2><p class="quiet">${t('barcode.hold')}</p>
      <video class="scanner" muted playsinline autoplay aria-label=${t('barcode.scan')} ${ref(look)}></video>
      <button class="btn" type="button" @click=${() => app.closeSheet()}>${t('app.cancel')}</button>`)
  }

  /** @param {import('../checklist/engine.js').Item} item */
  view({ path, value }) {
    return html`
      <div class="row"><input class="input" type="text" autocomplete="off" autocapitalize="off" spellcheck="false" aria-labelledby="q-${path}-label"
        .value=${live(value ?? '')} @input=${(/** @type {Event} */ event) => this.form.set(path, /** @type {HTMLInputElement} */ (event.target).value.trim())}>
      <button class="btn" type="button" @click=${() => this.#scan(path)}>${icon('barcode')}${t('barcode.go')}</button></div>
      ${this.#blocked.has(path) ? html`<p class="problem" role="alert">${t('barcode.blocked')}</p>` : nothing}`
  }
}

/**
 * What looks at the stream in the <video> it is given until it finds a code; without one any more it ends the stream.
 * @param {MediaStream} stream @param {(code: string) => void} found @returns {(video: Element|undefined) => void}
 */
function lookForCode(stream, found) {
  const detector = new (/** @type {any} */ (globalThis).BarcodeDetector)()
  let isOver = false
  const look = async (/** @type {HTMLVideoElement} */ video) => {
    const codes = isOver ? [] : await detector.detect(video).catch(() => []) // no frame yet
    const code = codes.find((/** @type {any} */ one) => one.rawValue)
    if (isOver) return
    if (code) found(code.rawValue)
    else setTimeout(look, LOOK_EVERY_MS, video)
  }
  return (video) => {
    if (video instanceof HTMLVideoElement) {
      video.srcObject = stream
      look(video)
    } else {
      isOver = true
      for (const track of stream.getTracks()) track.stop()
    }
  }
}

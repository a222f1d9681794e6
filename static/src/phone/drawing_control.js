/**
 * A signature or a drawing: a pad in a sheet, then the picture of it in the form.
 *
 * Invariant: a blank pad is no answer; what was drawn and not yet kept is still there when the sheet is opened again.
 */
import { html, nothing } from 'lit-html'
import { ref } from 'lit-html/directives/ref.js'
import { Pad } from './pad.js'
import { stateOf } from './photo_control.js'
import { icon } from './parts.js'
import { sha256 } from './uuid.js'
import { t } from './words.js'

/** Heights in widths: a signature lies, a drawing stands. */
const SHAPES = { sign: 0.6, draw: 1 }

export class DrawingControl {
  /** @type {Map<string, Pad>} */
  #pads = new Map()

  /** @param {import('./attachments.js').Attachments} attachments */
  constructor(attachments) {
    this.attachments = attachments
  }

  /** @param {string} path @param {'sign'|'draw'} what */
  #open(path, what) {
    const { app } = this.attachments
    const pad = this.#pads.get(path) ?? new Pad(SHAPES[what], () => app.draw())
    this.#pads.set(path, pad)
    this.attachments.form.touch(path)
    let isAsked = false
    const attach = (/** @type {Element|undefined} */ canvas) => pad.attach(canvas)
    const handle = (/** @type {PointerEvent} */ event) => pad.handle(event)
    const done = () => {
      if (pad.isBlank) {
        isAsked = true
        app.draw()
        return
      }
      this.#pads.delete(path)
      app.closeSheet()
      this.attachments.add(path, false, [async () => {
        const bytes = await pad.picture()
        return { photo: { sha256: await sha256(bytes), type: 'image/png', size: bytes.byteLength, taken_at: new Date().toISOString() }, bytes }
      }])
    }
    app.openSheet(t(`${what}.pad`), () => html`
      <h2>${t(`${what}.pad`)}</h2>
      <canvas class="pad ${what}" role="img" aria-label=${t(`${what}.pad`)} ${ref(attach)}
        @pointerdown=${handle} @pointermove=${handle} @pointerup=${handle} @pointercancel=${handle}></canvas>
      <div class="pad-words" role="status">${isAsked && pad.isBlank ? html`<p class="problem" role="alert">${t(`${what}.blank`)}</p>` : html`<p class="quiet">${t(`${what}.hint`)}</p>`}</div>
      <div class="row"><button class="btn" type="button" ?disabled=${pad.isBlank} @click=${() => pad.undo()}>${t('draw.undo')}</button>
        <button class="btn" type="button" ?disabled=${pad.isBlank} @click=${() => pad.clear()}>${t('draw.clear')}</button></div>
      <div class="row"><button class="btn" type="button" @click=${() => app.closeSheet()}>${t('app.cancel')}</button>
        <button class="btn go" type="button" @click=${done}>${t(`${what}.done`)}</button></div>`)
  }

  /** @param {import('../checklist/engine.js').Item} item */
  view(item) {
    const { path } = item
    const what = /\bsignature\b/.test(item.node.appearance ?? '') ? 'sign' : 'draw'
    const [drawn] = this.attachments.of(path)
    return html`
      ${drawn ? html`<div class="drawn ${what}"><img src=${drawn.url ?? `/api/attachments/${drawn.sha}?size=screen`} alt=${t(`${what}.kept`)}></div>` : nothing}
      <div class="row wrap"><button class="btn" type="button" @click=${() => this.#open(path, what)}>${icon('pen')}${t(drawn ? `${what}.again` : `${what}.start`)}</button>
        ${drawn ? html`<button class="btn danger" type="button" @click=${() => this.attachments.remove(path, drawn.sha)}>${icon('trash')}${t('file.remove')}</button>` : nothing}</div>
      ${stateOf(this.attachments, path, t('file.working'))}`
  }
}

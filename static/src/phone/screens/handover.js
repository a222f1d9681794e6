/**
 * The sheet with the file of what waits, to be kept or passed on.
 *
 * Invariant: making the file changes nothing on the phone: the same work still goes up when there is a network.
 */
import { html, nothing } from 'lit-html'
import { app } from '../app.js'
import { canShare, download, makeHandover } from '../handover.js'
import { sizeWords, t } from '../words.js'

/** Make the file and offer it. */
export async function openHandover() {
  const { username = '' } = app.user ?? {}
  const made = await makeHandover(app.store, { username, device_uuid: app.device.device_uuid, now: new Date() })
  const close = html`<button class="btn plain" @click=${() => app.closeSheet()}>${t('app.close')}</button>`
  if (!made) return app.openSheet(t('handover.title'), () => html`<h2>${t('handover.title')}</h2><p>${t('handover.nothing')}</p>${close}`)
  const { file, items } = made
  const share = () => navigator.share({ files: [file] }).catch(() => {}) // given up by the worker, or taken back by the phone
  return app.openSheet(t('handover.title'), () => html`
    <h2>${t('handover.title')}</h2><p>${t('handover.ready', { n: items, size: sizeWords(file.size) })}</p><p class="quiet">${t('handover.sealed')}</p>
    ${canShare(file) ? html`<button class="btn go" @click=${share}>${t('handover.share')}</button>` : nothing}
    <button class="btn ${canShare(file) ? '' : 'go'}" @click=${() => { download(file); app.say(t('handover.saved', { name: file.name })) }}>${t('handover.save')}</button>${close}`)
}

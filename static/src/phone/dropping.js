/**
 * Asking before a draft is dropped.
 *
 * Invariant: nothing that was filled in goes by a single tap.
 */
import { html } from 'lit-html'
import { app } from './app.js'
import { t } from './words.js'

/** @param {() => void} drop what is done once they have said so */
export function askToDrop(drop) {
  app.openSheet(t('visit.drop_ask'), () => html`
    <h2>${t('visit.drop_ask')}</h2><p>${t('visit.drop_hint')}</p>
    <div class="row"><button class="btn danger" @click=${drop}>${t('visit.drop_go')}</button>
    <button class="btn" @click=${() => app.closeSheet()}>${t('app.cancel')}</button></div>`)
}

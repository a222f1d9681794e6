/**
 * What stands in Today's place when the account has ended or the phone was replaced: only handing in is left.
 *
 * Invariant: the phone is erased only when the server has everything, or when a person says so of what it could not take.
 */
import { html, nothing } from 'lit-html'
import { app } from '../app.js'
import { hrefOf } from '../drafts.js'
import { isHandedIn } from '../outbox.js'
import { mainBar } from '../parts.js'
import { faultWords, sinceWords, t } from '../words.js'
import { syncWords } from './me.js'
import { signInBanner } from './sign_in.js'

/** @type {import('../app.js').ScreenMaker} */
export function handInScreen() {
  /** @type {import('../drafts.js').Draft[]} */
  let drafts = []

  /** Everything but photos the server cannot take. */
  const isStuck = () => {
    const { ops, photos } = app.outbox
    return !isHandedIn(ops, photos, drafts) && isHandedIn(ops, photos.filter((photo) => photo.state !== 'rejected'), drafts)
  }

  function askToErase() {
    app.openSheet(t('hand_in.erase'), () => html`
      <h2>${t('hand_in.erase')}</h2><p>${t('hand_in.erase_ask')}</p>
      <div class="row"><button class="btn danger" @click=${() => app.eraseUser()}>${t('hand_in.erase')}</button>
      <button class="btn" @click=${() => app.closeSheet()}>${t('app.cancel')}</button></div>`)
  }

  return {
    tab: 'today',
    load: async () => { drafts = await app.store.drafts() },
    view: () => {
      const { phase = '', fault = null } = app.sync?.state ?? {}
      return html`
        ${mainBar({ title: t('hand_in.title'), subtitle: app.user?.username ?? '' })}
        <main>
          ${signInBanner()}
          <section class="card warn"><h2>${t(`hand_in.${app.device.hand_in}`)}</h2><p>${t('hand_in.how')}</p></section>
          ${drafts.length ? html`<div class="head"><h2>${t('hand_in.drafts')}</h2></div><ul class="cells">${drafts.map((draft) => html`
            <li class="cell"><a class="body" href=${hrefOf(draft)}><b>${draft.household?.name ?? ''}</b>
              <span class="when">… ${sinceWords(draft.updated_at, new Date())}</span><span class="why">${t('hand_in.draft_do')}</span></a></li>`)}</ul>` : nothing}
          <section class="card"><h2>${t('me.sync')}</h2>
            <p>${syncWords()}</p>
            ${fault && !['signed_out', 'wrong_account'].includes(fault.kind) ? html`<p class="note orange" role="status">${faultWords(fault)}</p>` : nothing}
            <button class="btn go" ?disabled=${Boolean(phase)} @click=${() => app.sync?.run({ force: true })}>${t(phase ? 'send.sending' : 'send.now')}</button>
            ${isStuck() ? html`<p class="quiet">${t('hand_in.stuck')}</p><button class="btn danger" @click=${askToErase}>${t('hand_in.erase')}</button>` : nothing}
          </section>
        </main>`
    },
  }
}

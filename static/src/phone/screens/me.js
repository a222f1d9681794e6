/**
 * Me: how things stand on this phone, the language, who runs this, signing out.
 *
 * Invariant: signing out leaves the store of the one who leaves untouched.
 */
import { html, nothing } from 'lit-html'
import { app } from '../app.js'
import { arePhotos } from '../outbox.js'
import { facts, icon, mainBar } from '../parts.js'
import { faultWords, pick, sinceWords, sizeWords, t } from '../words.js'
import { feedbackCard } from './feedback.js'
import { openChangePin } from './gate.js'
import { languageChoice, signInBanner } from './sign_in.js'

/** Older ones have done their work. */
const SHOWN = 20
/** The screen of what a notice is about. @type {Record<string, string>} */
const PAGES = { followup: 'task', visit: 'returned', feedback: 'me' }
/** The hash in this script's own name. */
const VERSION = /-(\w{8})\.js/.exec(import.meta.url)?.[1] ?? ''

/** All received, or how much is not. */
export function syncWords() {
  const { clear, waiting, attention, photos } = app.outbox.summary
  if (clear) return html`<span class="ok">✓ ${t('me.sync_clear')}</span>`
  const words = arePhotos(app.outbox.photos) ? 'me.sync_waiting' : 'me.sync_waiting_files'
  return html`<a class="chip wait" href="#/send">▲ ${t(words, { n: waiting + attention, photos })}</a>`
}

/** @param {typeof app.notices[0]} notice @param {boolean} isNew @param {Map<string, string>} homes of cases of relief */
function noticeCell(notice, isNew, homes) {
  const home = notice.subject === 'relief' ? homes.get(notice.subject_id) : null
  const page = home ? 'household' : PAGES[notice.subject]
  const about = [notice.type && app.word('followup_type', notice.type), sinceWords(Date.parse(notice.at), new Date())].filter(Boolean).join(' · ')
  return html`<li class="cell ${notice.severity === 'red' ? 'red' : ''}"><a class="body" href=${page ? `#/${page}/${home ?? notice.subject_id}` : '#/today'}>
    <b>${pick(notice.words)}</b>${isNew ? html` <span class="tag wait">${t('me.new')}</span>` : nothing}<span class="quiet">${about}</span></a></li>`
}

/** @type {import('../app.js').ScreenMaker} */
export function meScreen() {
  /** @type {number|null} */
  let pulledAt = null
  /** @type {any[]} */
  let feedback = []
  /** Where cases of relief belong, by case. @type {Map<string, string>} */
  let homes = new Map()
  /** @type {StorageEstimate} */
  let estimate = {}
  let isKept = false
  let isReady = false
  /** Those that were new when this screen was opened. @type {Set<number>} */
  const unread = new Set()

  function askToSignOut() {
    const { waiting, attention } = app.outbox.summary
    const n = waiting + attention
    app.openSheet(t('me.sign_out_ask'), () => html`
      <h2>${t('me.sign_out_ask')}</h2>
      ${n ? html`<p>${t('me.sign_out_waiting', { n })}</p>` : nothing}<p class="quiet">${t('me.sign_out_hint')}</p>
      <div class="row"><button class="btn danger" @click=${() => app.signOut()}>${t('me.sign_out_go')}</button>
      <button class="btn" @click=${() => app.closeSheet()}>${t('app.cancel')}</button></div>`)
  }

  return {
    tab: 'me',
    load: async () => {
      feedback = await app.store.list('feedback')
      homes = new Map((await app.store.list('relief')).map((one) => [one.case_id, one.household_uuid]))
      pulledAt = (await app.store.meta('pulled_at')) ?? null
      estimate = (await navigator.storage?.estimate?.()) ?? {}
      isKept = (await navigator.storage?.persisted?.()) ?? false
      isReady = Boolean(navigator.serviceWorker?.controller)
      // Seen here is read; what comes while the screen is open is new, too.
      for (const notice of app.notices) if (!notice.read) unread.add(notice.id)
      if (!app.notices.some((notice) => !notice.read)) return
      await app.store.setMeta('notices_read', app.notices[0].id)
      app.notices = app.notices.map((notice) => ({ ...notice, read: true }))
    },
    view: () => {
      const { phase = '', fault = null } = app.sync?.state ?? {}
      const user = app.user
      return html`
        ${mainBar({ title: t('me.title'), subtitle: user ? `${user.display_name} · ${user.username}` : '' })}
        <main>
          ${signInBanner()}
          ${app.notices.length ? html`<div class="head"><h2>${t('me.notices')}</h2></div>
            <ul class="cells">${app.notices.slice(0, SHOWN).map((notice) => noticeCell(notice, unread.has(notice.id), homes))}</ul>` : nothing}
          <section class="card"><h2>${t('me.sync')}</h2>
            <p>${syncWords()}</p>
            <p class="quiet">${pulledAt ? t('me.pulled', { when: sinceWords(pulledAt, new Date()) }) : t('me.never_pulled')}</p>
            ${fault && !['signed_out', 'wrong_account'].includes(fault.kind) ? html`<p class="note orange" role="status">${faultWords(fault)}</p>` : nothing}
            <p class="quiet">${isReady ? `✓ ${t('me.offline_ready')}` : t('me.offline_not_ready')}</p>
            <button class="btn" ?disabled=${Boolean(phase)} @click=${() => app.sync?.run({ force: true })}>${t(phase ? 'me.updating' : 'me.update_now')}</button>
          </section>
          ${feedbackCard(feedback)}
          <section class="card"><h2>${t('me.pin')}</h2><p class="quiet">${t('me.pin_hint')}</p>
            <div class="row wrap"><button class="btn" @click=${() => app.lock()}>${icon('lock')}${t('me.lock')}</button><button class="btn" @click=${openChangePin}>${t('pin.change')}</button></div></section>
          <section class="card"><h2>${t('me.language')}</h2>${languageChoice()}</section>
          <section class="card"><h2>${t('me.storage')}</h2>
            <p>${estimate.quota ? t('me.storage_used', { used: sizeWords(estimate.usage ?? 0), quota: sizeWords(estimate.quota) }) : t('me.storage_unknown')}</p>
            <p class="quiet">${t(isKept ? 'me.storage_kept' : 'me.storage_not_kept')}</p></section>
          <section class="card"><h2>${t('me.about')}</h2>
            ${facts([
              [t('me.grids'), (user?.grids ?? []).map((grid) => grid.name).join(t('list.comma'))],
              [t('me.operator'), app.device.site?.operator], [t('me.filing'), app.device.site?.filing], [t('me.version'), VERSION],
            ])}</section>
          <button class="btn danger wide" @click=${askToSignOut}>${t('me.sign_out')}</button>
        </main>`
    },
  }
}

/**
 * To send: every finished item in words: what waits, what is being sent, what was received, what needs a person.
 *
 * Invariant: nothing is called received without its receipt, and nothing disappears unsaid.
 */
import { html, nothing } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import { isOfAid } from '../aid.js'
import { app } from '../app.js'
import { startCorrection } from '../drafts.js'
import { arePhotos, isOver, standing } from '../outbox.js'
import { empty, mainBar } from '../parts.js'
import { isOfRegistry } from '../registry.js'
import { clockTime, faultWords, localDate, sinceWords, t } from '../words.js'
import { openHandover } from './handover.js'
import { signInBanner } from './sign_in.js'

/** @typedef {import('../store.js').Op} Op */
/** @typedef {import('../store.js').Photo} Photo */

const TITLES = { 'visit.submit': 'send.visit', 'visit.revise': 'send.revision', 'followup.report': 'send.report', 'followup.refuse': 'send.refusal', 'feedback.send': 'send.feedback', 'relief.request': 'send.relief', 'aid.record': 'send.aid', 'aid.give': 'send.aid_given', 'aid.take_back': 'send.aid_taken_back', unreadable: 'send.unreadable',
  'household.register': 'send.registered', 'person.register': 'send.registered', 'household.update': 'send.corrected', 'person.update': 'send.corrected', 'household.move': 'send.moved' }
/** Something else is at the server under the same name; both are kept. */
const CONFLICTS = new Set(['visit_exists', 'op_changed', 'record_exists', 'fields_changed'])

/** Why aid is not accepted, where the server's words are those of another record. */
const AID_FAULTS = new Set(['not_yours', 'body_invalid', 'own_relative', 'aid_settled', 'record_exists', 'op_changed', 'prerequisite_waiting', 'aid_reported', 'aid_of_case'])
/** Of these a correction would change nothing: somebody has to decide. */
const SETTLED = new Set(['own_relative', 'aid_settled', 'record_exists', 'op_changed', 'prerequisite_waiting'])

/** @type {import('../app.js').ScreenMaker} */
export function sendScreen() {
  /** @type {Map<string, any>} */
  let visits = new Map()

  /** @param {Op} op */
  function itemOf(op) {
    const { section, photos, photos_received: done, photos_refused: refused } = standing(op, app.outbox.photos)
    return { op, section, photos: /** @type {Photo[]} */ (photos), done, refused: /** @type {Photo[]} */ (refused),
      visit: op.kind.startsWith('visit.') ? visits.get(op.body.visit_uuid) : null }
  }
  /** @typedef {ReturnType<typeof itemOf>} Item */

  /** Why it was not accepted: of aid in words of its own. @param {Op} op */
  function rejectedWords({ kind, fault }) {
    const code = fault?.code ?? ''
    if (isOfAid(kind) && AID_FAULTS.has(code)) return t(`aid.fault_${code}`)
    return CONFLICTS.has(code) ? t('send.conflict') : t('send.rejected', { message: fault?.message ?? '' })
  }

  const photoWords = (/** @type {Item} */ { photos, done }) => (photos.length ? t(arePhotos(photos) ? 'send.state_photos' : 'send.state_files', { done, total: photos.length }) : '')

  /** @param {Item} item */
  function stateWords(item) {
    const { op, visit, section } = item
    const { phase, fault } = app.sync?.state ?? {}
    if (section === 'attention') return `! ${t('send.state_attention')}`
    if (section === 'received') {
      const state = visit && ['returned', 'approved'].includes(visit.state) ? visit.state : 'received'
      return `${state === 'returned' ? '↩' : '✓'} ${t(`send.state_${state}`)}`
    }
    if (op.state === 'received') return photoWords(item)
    if (phase === 'ops') return t('send.state_sending')
    if (fault?.kind === 'network' || !navigator.onLine) return t('send.state_network')
    return t(op.attempts ? 'send.state_retry' : 'send.state_waiting')
  }

  /** @param {Item} item */
  function why(item) {
    const { op, photos, done } = item
    const next = Math.max(op.state === 'waiting' ? op.next_at : 0, ...photos.filter((photo) => photo.state === 'waiting').map((photo) => photo.next_at))
    const parts = []
    if (op.state === 'unreadable') {
      parts.push(t('send.unreadable_do'))
    } else if (op.state === 'refused') {
      parts.push(op.fault?.message ?? '')
    } else if (op.state === 'rejected') {
      parts.push(rejectedWords(op), t('send.kept'))
    } else if (op.state === 'waiting') {
      parts.push(t('send.finished', { when: sinceWords(op.at, new Date()) }))
      if (op.fault?.code === 'too_large') parts.push(t('send.op_large'))
      else if (op.fault?.message) parts.push(op.fault.message)
    } else if (done < photos.length) {
      parts.push(t(arePhotos(photos) ? 'send.photos_left' : 'send.files_left', { n: photos.length - done }))
    } else {
      parts.push(t('send.finished', { when: sinceWords(op.at, new Date()) }), photoWords(item))
    }
    if (item.section === 'waiting' && next > Date.now()) parts.push(t('send.next_try', { when: clockTime(next) }))
    for (const photo of item.refused) parts.push(isOfAid(op.kind) ? t('aid.receipt_refused') : refusedWords(photo))
    return parts.filter(Boolean).join(' · ').replaceAll('。 · ', '。')
  }

  const refusedWords = (/** @type {Photo} */ photo) => (photo.fault?.code === 'unreadable_here' ? t('send.photo_gone') : t(`send.${arePhotos([photo]) ? 'photo' : 'file'}_${photo.fault?.code === 'too_large' ? 'large' : 'refused'}`))

  /** @param {Op} op @param {Photo[]} refused */
  async function again(op, refused) {
    if (op.state === 'rejected') await app.store.changeOp(op.op_uuid, { state: 'waiting', next_at: 0 })
    for (const photo of refused) await app.store.changePhoto(photo.sha256, { state: 'waiting', next_at: 0 })
    await app.reload()
    app.sync?.run({ force: true })
  }

  /** The worker has read that the office did not take it in. @param {Op} op */
  async function close(op) {
    await app.store.changeOp(op.op_uuid, { state: 'closed' })
    await app.reload()
  }

  const canEdit = (/** @type {Op} */ op) => op.state !== 'received' && (op.draft?.checklist || isOfRegistry(op.kind) || isEditableAid(op))
  const isEditableAid = (/** @type {Op} */ op) => isOfAid(op.kind) && op.draft?.href && !SETTLED.has(op.fault?.code ?? '')

  const cell = (/** @type {Item} */ item) => html`
    <li class="cell ${item.section === 'attention' ? 'red' : ''}"><div class="body">
      <b>${t(TITLES[/** @type {keyof typeof TITLES} */ (item.op.kind)], { name: item.op.title })}</b>
      <span class="when ${{ attention: 'red', waiting: 'orange', received: 'ok' }[item.section] ?? ''}">${stateWords(item)}</span>
      <span class="why">${why(item)}</span></div>
      ${item.section === 'attention' || item.op.fault?.code === 'too_large' ? html`<div class="row wrap acts">
        ${canEdit(item.op) ? html`<button class="btn" @click=${() => startCorrection(item.op)}>${t('send.edit')}</button>` : nothing}
        ${item.op.state === 'refused' ? html`<button class="btn" @click=${() => close(item.op)}>${t('send.close')}</button>`
          : item.op.state === 'unreadable' ? nothing : html`<button class="btn" @click=${() => again(item.op, item.refused)}>${t('send.again')}</button>`}</div>` : nothing}
    </li>`

  const list = (/** @type {string} */ title, /** @type {Item[]} */ items) => (items.length ? html`
    <div class="head"><h2>${title}</h2></div><ul class="cells">${repeat(items, (item) => item.op.op_uuid, cell)}</ul>` : nothing)

  return {
    tab: 'to_send',
    load: async () => { visits = new Map((await app.store.list('visit')).map((visit) => [visit.visit_uuid, visit])) },
    view: () => {
      const items = app.outbox.ops.filter((op) => !isOver(op)).map(itemOf).reverse()
      const of = (/** @type {string} */ section) => items.filter((item) => item.section === section)
      const today = localDate(new Date())
      const isToday = (/** @type {Item} */ item) => localDate(item.op.received_at ?? 0) === today
      const { phase, fault } = app.sync?.state ?? {}
      const waiting = of('waiting').reverse()
      const received = of('received')
      return html`
        ${mainBar({ title: t('send.title'), subtitle: t('send.subtitle') })}
        <main>
          ${signInBanner()}
          ${app.outbox.summary.old ? html`<p class="note orange">${t('send.old')}</p>` : nothing}
          ${fault && !['signed_out', 'wrong_account'].includes(fault.kind) && !app.outbox.summary.clear ? html`<p class="note orange" role="status">${faultWords(fault)}</p>` : nothing}
          ${app.outbox.summary.clear ? empty({ sign: 'check', title: t('send.empty'), hint: items.length ? t('send.empty_hint') : nothing }) : html`
            <button class="btn go wide" ?disabled=${Boolean(phase)} @click=${() => app.sync?.run({ force: true })}>${phase ? t(phase === 'pull' ? 'send.pulling' : 'send.sending') : t('send.now')}</button>`}
          ${list(t('send.attention'), of('attention'))}
          ${list(t('send.waiting', { n: waiting.length }), waiting)}
          ${list(t('send.received_today', { n: received.filter(isToday).length }), received.filter(isToday))}
          ${list(t('send.received', { n: received.filter((item) => !isToday(item)).length }), received.filter((item) => !isToday(item)))}
          ${app.outbox.summary.clear ? nothing : html`<div class="head"><h2>${t('handover.when')}</h2></div>
            <button class="btn wide" @click=${openHandover}>${t('handover.make')}</button>`}
        </main>`
    },
  }
}

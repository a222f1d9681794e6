/**
 * Temporary relief asked for from a household's page or during a visit, and what became of it.
 *
 * Invariant: what was asked for stands here from the moment it is kept on this phone, with or without a network.
 */
import { html, nothing } from 'lit-html'
import { app } from '../app.js'
import { icon } from '../parts.js'
import { newUuid } from '../uuid.js'
import { localDate, sinceWords, t } from '../words.js'

/** Older ones have done their work. */
const SHOWN = 5
/** States that the worker need not tell apart: somebody is at it. */
const UNDER_WAY = new Set(['accepted', 'investigated', 'proposed'])

/**
 * The form, on a sheet: what happened, what is needed, how urgent.
 * @param {any} household @param {string|null} visitUuid the visit on which it is asked for, if any
 */
export function askForRelief(household, visitUuid) {
  let problem = ''
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const typed = new FormData(/** @type {HTMLFormElement} */ (event.target))
    const happened = String(typed.get('what_happened')).trim()
    if (!happened) {
      problem = t('relief.needed')
      app.draw()
      return
    }
    await keep(household, {
      visit_uuid: visitUuid, what_happened: happened, asked_for: String(typed.get('asked_for')).trim(), is_urgent: typed.has('is_urgent'),
    })
  }
  app.openSheet(t('relief.title'), () => html`
    <h2>${t('relief.title')}</h2><p class="quiet">${household.name} · ${t('relief.hint')}</p>
    <form class="stack" autocomplete="off" @submit=${submit}>
      <label class="field"><span>${t('relief.what_happened')}</span><textarea name="what_happened" class="input" rows="3" maxlength="1000"></textarea></label>
      <label class="field"><span>${t('relief.asked_for')}</span><textarea name="asked_for" class="input" rows="2" maxlength="1000"></textarea></label>
      <label class="check"><input type="checkbox" name="is_urgent"><span>${t('relief.urgent')}</span></label>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      <button class="btn go">${t('relief.go')}</button>
      <button class="btn plain" type="button" @click=${() => app.closeSheet()}>${t('app.cancel')}</button>
    </form>`)
}

/** @param {any} household @param {{visit_uuid: string|null, what_happened: string, asked_for: string, is_urgent: boolean}} asked */
async function keep(household, asked) {
  const body = { case_id: newUuid(), household_uuid: household.household_uuid, ...asked }
  await app.store.finish({
    op: { op_uuid: newUuid(), kind: 'relief.request', base: null, replaces: null, at: new Date().toISOString(), body },
    urgent: asked.is_urgent, title: household.name, draft: { draft_uuid: newUuid(), photos: {} }, shas: [],
  })
  app.closeSheet()
  app.say(`✓ ${t('visit.kept')}`, t(asked.is_urgent ? 'visit.kept_urgent' : 'visit.kept_hint'))
  await app.reload()
  app.sync?.run()
}

/** The visit made to the household today, to which what is asked for belongs. @param {string} householdUuid @param {any[]} visits */
export function visitOfToday(householdUuid, visits) {
  const today = localDate(new Date())
  const sent = app.outbox.ops.filter((op) => op.kind === 'visit.submit' && op.state !== 'closed').map((op) => op.body)
  const made = [...sent, ...visits].filter((visit) => visit.household_uuid === householdUuid && localDate(visit.finished_at) === today)
  return made.sort((a, b) => Date.parse(b.finished_at) - Date.parse(a.finished_at))[0]?.visit_uuid ?? null
}

/** What was asked for, in words. @param {any} one */
function stateWords(one) {
  if (one.state === 'waiting') return t('household.waiting')
  if (one.state === 'received' || one.state === 'applied') return t('relief.applied')
  if (UNDER_WAY.has(one.state)) return t('relief.under_way')
  return t(['approved', 'paid', 'closed', 'withdrawn'].includes(one.state) ? `relief.${one.state}` : one.isHere ? 'relief.refused' : 'household.refused')
}

/** What was asked for here, on its way or at the office. @param {string} householdUuid @param {any[]} records */
export function reliefOf(householdUuid, records) {
  const here = new Set(records.map((one) => one.case_id))
  const onTheWay = app.outbox.ops
    .filter((op) => op.kind === 'relief.request' && !here.has(op.body.case_id) && op.state !== 'closed')
    .map((op) => ({ ...op.body, at: op.at, state: op.state }))
  const all = [...onTheWay, ...records.map((one) => ({ ...one, isHere: true }))]
    .filter((one) => one.household_uuid === householdUuid)
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, SHOWN)
  return all.length ? html`<div class="head"><h2>${t('relief.asked')}</h2></div><ul class="cells feedback">${all.map((one) => html`
    <li class="cell ${one.state === 'refused' ? 'orange' : ''}"><div class="body"><b>${stateWords(one)}</b>${one.is_urgent ? html` <span class="tag bad">${t('relief.is_urgent')}</span>` : nothing}
      <span class="why">${one.what_happened}</span><span class="quiet">${sinceWords(Date.parse(one.at), new Date())}</span>
      ${one.state === 'refused' && one.reason ? html`<p class="answer">${one.reason}</p>` : nothing}</div></li>`)}</ul>` : nothing
}

/** @param {() => void} open */
export const reliefButton = (open) => html`<button class="btn plain wide" type="button" @click=${open}>${icon('plus')}${t('relief.title')}</button>`

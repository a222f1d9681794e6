/**
 * Feedback, under Me: saying what is wrong or could be better, and reading what was answered.
 *
 * Invariant: what was written stands here from the moment it is kept on this phone, with or without a network.
 */
import { html, nothing } from 'lit-html'
import { app } from '../app.js'
import { newUuid } from '../uuid.js'
import { sinceWords, t } from '../words.js'

const TOPICS = ['app', 'checklist', 'workload', 'other']
/** Older ones have done their work. */
const SHOWN = 10

/** Write one; `follows` is the one whose answer did not settle it. @param {any} [follows] */
function openForm(follows) {
  let problem = ''
  const topic = follows?.topic ?? 'app'
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const typed = new FormData(/** @type {HTMLFormElement} */ (event.target))
    const text = String(typed.get('text')).trim()
    if (!text) {
      problem = t('feedback.needed')
      app.draw()
      return
    }
    await send({ topic: follows ? topic : String(typed.get('topic')), text, county_only: typed.has('county_only'), follows: follows?.feedback_uuid ?? null })
  }
  const label = t(follows ? 'feedback.again' : 'feedback.title')
  app.openSheet(label, () => html`
    <h2>${label}</h2><p class="quiet">${t('feedback.hint')}</p>
    <form class="stack" autocomplete="off" @submit=${submit}>
      ${follows ? nothing : html`<label class="field"><span>${t('feedback.about')}</span><select name="topic" class="input">
        ${TOPICS.map((code) => html`<option value=${code}>${t(`feedback.topic_${code}`)}</option>`)}</select></label>`}
      <label class="field"><span>${t('feedback.text')}</span><textarea name="text" class="input" rows="4" maxlength="1000"></textarea></label>
      <label class="check"><input type="checkbox" name="county_only" ?checked=${Boolean(follows?.county_only)}><span>${t('feedback.county_only')}</span></label>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      <button class="btn go">${t('feedback.go')}</button>
      <button class="btn plain" type="button" @click=${() => app.closeSheet()}>${t('app.cancel')}</button>
    </form>`)
}

/** @param {{topic: string, text: string, county_only: boolean, follows: string|null}} written */
async function send(written) {
  await app.store.finish({
    op: { op_uuid: newUuid(), kind: 'feedback.send', base: null, replaces: null, at: new Date().toISOString(), body: { feedback_uuid: newUuid(), ...written } },
    urgent: false, title: t(`feedback.topic_${written.topic}`), draft: { draft_uuid: newUuid(), photos: {} }, shas: [],
  })
  app.closeSheet()
  app.say(`✓ ${t('visit.kept')}`, t('feedback.kept'))
  await app.reload()
  app.sync?.run()
}

/** @param {any} one @param {boolean} canFollow */
function cell(one, canFollow) {
  const now = new Date()
  const state = { waiting: 'feedback.waiting', sent: 'feedback.sent', answered: 'feedback.answered', reopened: 'feedback.reopened' }[/** @type {string} */ (one.state)] ?? 'feedback.kept_back'
  return html`<li class="cell"><div class="body">
    <b>${t(`feedback.topic_${one.topic}`)}</b> <span class="tag ${one.state === 'answered' ? '' : 'wait'}">${t(state)}</span>${one.county_only ? html` <span class="tag">${t('feedback.county')}</span>` : nothing}
    <span class="why">${one.text}</span><span class="quiet">${sinceWords(Date.parse(one.at), now)}</span>
    ${one.answer ? html`<p class="answer"><b>${t('feedback.answer', { by: one.answered_by ?? '' })}</b> ${one.answer}</p>
      ${canFollow ? html`<button class="btn" @click=${() => openForm(one)}>${t('feedback.not_solved')}</button>` : nothing}` : nothing}</div></li>`
}

/** What the server holds, and what is on its way there. @param {any[]} records */
export function feedbackCard(records) {
  const here = new Set(records.map((one) => one.feedback_uuid))
  const onTheWay = app.outbox.ops
    .filter((op) => op.kind === 'feedback.send' && !here.has(op.body.feedback_uuid) && op.state !== 'closed')
    .map((op) => ({ ...op.body, at: op.at, state: op.state === 'received' ? 'sent' : op.state }))
  const followed = new Set(onTheWay.map((one) => one.follows))
  const all = [...onTheWay, ...records].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, SHOWN)
  return html`<section class="card"><h2>${t('feedback.title')}</h2><p class="quiet">${t('feedback.hint')}</p>
      <button class="btn" @click=${() => openForm()}>${t('feedback.write')}</button></section>
    ${all.length ? html`<ul class="cells feedback">${all.map((one) => cell(one, one.state === 'answered' && !followed.has(one.feedback_uuid)))}</ul>` : nothing}`
}

/**
 * A follow-up task: why it is there, doing it, or saying why it cannot be done.
 *
 * Invariant: a refusal is an operation like any other, kept until the server's receipt.
 */
import { html, nothing } from 'lit-html'
import { app } from '../app.js'
import { startTask } from '../drafts.js'
import { facts, innerBar } from '../parts.js'
import { newUuid } from '../uuid.js'
import { dueWords, pick, sinceWords, t } from '../words.js'
import { callButton, notFound } from './household.js'

/** @type {import('../app.js').ScreenMaker} */
export function taskScreen([followupId]) {
  /** @type {any} */
  let task = null
  /** @type {any} the household, where it is one of the worker's own grids */
  let held = null
  /** @type {any} */
  let household = null
  /** @type {any} */
  let person = null
  /** @type {any} */
  let begun = null

  function askReason() {
    let problem = ''
    const submit = async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault()
      const reason = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('reason')).trim()
      if (!reason) {
        problem = t('task.refuse_needed')
        app.draw()
        return
      }
      await refuse(reason)
    }
    app.openSheet(t('task.refuse_title'), () => html`
      <h2>${t('task.refuse_title')}</h2><p class="quiet">${t('task.refuse_hint')}</p>
      <form class="stack" autocomplete="off" @submit=${submit}>
        <label class="field"><span>${t('task.refuse_reason')}</span><textarea name="reason" class="input" rows="3" maxlength="1000"></textarea></label>
        ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
        <button class="btn go">${t('task.refuse_go')}</button>
        <button class="btn plain" type="button" @click=${() => app.closeSheet()}>${t('app.cancel')}</button>
      </form>`)
  }

  /** @param {string} reason */
  async function refuse(reason) {
    await app.store.finish({
      op: { op_uuid: newUuid(), kind: 'followup.refuse', base: null, replaces: null, at: new Date().toISOString(), body: { followup_id: followupId, reason } },
      urgent: task.severity === 'red', title: person?.name || household?.name || '',
      draft: { draft_uuid: begun?.draft_uuid ?? newUuid(), photos: {} }, shas: [],
    })
    app.closeSheet()
    app.say(`✓ ${t('visit.kept')}`, t('visit.kept_hint'))
    app.go('#/today', { replace: true })
    await app.reload()
    app.sync?.run()
  }

  return {
    load: async () => {
      task = await app.store.find('followup', followupId)
      if (!task) return
      held = task.household_uuid ? await app.store.find('household', task.household_uuid) : null
      household = held ?? task.household ?? null
      person = task.person_uuid ? await app.store.find('person', task.person_uuid) : null
      begun = (await app.store.drafts()).find((draft) => draft.followup_id === followupId)
    },
    view: () => {
      if (!task) return notFound()
      const now = new Date()
      const isDone = task.state !== 'open' || app.outbox.ops.some((op) => op.kind.startsWith('followup.') && op.state === 'waiting' && op.body.followup_id === followupId)
      return html`
        ${innerBar({ title: `${person?.name || household?.name || ''} · ${app.word('followup_type', task.type)}`, subtitle: household?.address ?? '', back: '#/today' })}
        <main class="with-foot">
          ${task.sent_back ? html`<section class="card returned"><p><b>↩ ${t('task.sent_back', { by: task.sent_back.by ?? '', when: sinceWords(task.sent_back.at, now) })}</b></p><p>${task.sent_back.reason}</p></section>` : nothing}
          <section class="card">
            ${facts([
              [t('task.why'), html`${task.severity === 'red' ? html`<span class="tag bad">! ${t('today.red')}</span> ` : nothing}${pick(task.reason)}`],
              [t('task.instructions'), task.instructions],
              [t('task.due'), task.due_at ? dueWords(task.due_at, now) : ''],
              [t('task.partner'), task.partner],
              [t('task.by'), task.assigned_by],
            ])}
            ${callButton(person?.name || household?.name || '', person?.phone || household?.phone)}
            ${held ? html`<a class="btn plain" href="#/household/${task.household_uuid}">${t('task.open_household')}</a>` : nothing}
          </section>
        </main>
        <footer class="foot two">
          ${isDone ? html`<p class="done center">✓ ${t('task.waiting')}</p>` : html`
            <button class="btn" @click=${askReason}>${t('task.refuse')}</button>
            ${begun ? html`<a class="btn go" href="#/visit/${begun.draft_uuid}">${t('task.resume')}</a>`
              : html`<button class="btn go" @click=${() => startTask(task)}>${t('task.start')}</button>`}`}
        </footer>`
    },
  }
}

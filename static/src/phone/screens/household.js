/**
 * A household: who lives there, how to reach them, and the start of a visit.
 *
 * Invariant: phone numbers are shown masked; one tap calls the whole number.
 */
import { html, nothing } from 'lit-html'
import { maskPhone } from '../../checklist/view/mask.js'
import { mustBeSeen, openSweeps } from '../agenda.js'
import { app } from '../app.js'
import { peopleOf, startVisit, visitChecklists } from '../drafts.js'
import { maskId } from '../id_number.js'
import { empty, facts, icon, innerBar, radios } from '../parts.js'
import { shown } from '../registry.js'
import { receiptLimits } from '../aid.js'
import { ageOn, dayWords, localDate, pick, sinceWords, t } from '../words.js'
import { aidOfHousehold, readAid } from './aid.js'
import { askForRelief, reliefButton, reliefOf, visitOfToday } from './relief.js'
import { datedOps, tagWord } from './today.js'

const METHODS = ['home', 'phone', 'wechat', 'video']

/** A call button with a masked number. @param {string} name @param {string|null} phone */
export const callButton = (name, phone) => (phone
  ? html`<a class="btn call" href="tel:${phone}" aria-label="${t('household.call_label', { name })} ${maskPhone(phone)}">${icon('call')}<span>${maskPhone(phone)}</span></a>`
  : nothing)

/** @type {import('../app.js').ScreenMaker} */
export function householdScreen([householdUuid]) {
  /** @type {any} */
  let household = null
  /** @type {any[]} */
  let people = []
  /** @type {any[]} */
  let gone = []
  /** @type {Awaited<ReturnType<typeof visitChecklists>>} */
  let checklists = { main: null, others: [] }
  /** @type {any[]} */
  let visits = []
  /** @type {any[]} */
  let tasks = []
  /** @type {any[]} */
  let relief = []
  /** @type {Awaited<ReturnType<typeof readAid>>} */
  let aid = { due: [], given: [] }
  /** @type {Record<string, number|null>} */
  let limits = {}
  /** @type {any} */
  let begun = null
  /** Sweeps that have yet to reach somebody here. @type {ReturnType<typeof openSweeps>} */
  let sweeps = []
  let method = 'home'

  const personCell = (/** @type {any} */ person) => {
    const age = ageOn(person.birth_on, localDate(new Date()))
    const about = [person.relation, person.sex && t(`sex.${person.sex}`), age !== null && t('household.age', { n: age })].filter(Boolean)
    return html`
      <li class="cell"><div class="body">
        <b>${person.name || t('household.nameless')}</b><span class="why">${about.join(' · ')}</span>
        <span class="tags">
          ${person.main_class && person.main_class !== 'none' ? html`<span class="tag">${app.word('class', person.main_class)}</span>` : nothing}
          ${(person.tags ?? []).map((/** @type {string} */ tag) => html`<span class="tag">${tagWord(tag)}</span>`)}
          ${mustBeSeen(person) ? html`<span class="tag wait">${t('household.at_home')}</span>` : nothing}
          ${['high', 'middle'].includes(person.risk) ? html`<span class="tag ${person.risk === 'high' ? 'bad' : 'wait'}">${t(`household.risk_${person.risk}`)}</span>` : nothing}
        </span></div>
        ${person.gone || person.op ? nothing : html`<a class="side" href="#/correct/person/${person.person_uuid}" aria-label=${t('household.correct_label', { name: person.name })}>${t('household.correct')}</a>`}
        ${callButton(person.name, person.phone)}
        ${onItsWay(person)}
      </li>`
  }

  /** What is on its way to a record, beside what is there. @param {any} record */
  const onItsWay = (record) => html`
    ${record.op && record.op.kind === (record.person_uuid ? 'person.register' : 'household.register') ? waits(record.op, t('household.registered_here')) : nothing}
    ${record.pending.map((/** @type {import('../registry.js').Pending} */ { field, to, op }) => waits(op, `${t(`correct.${field}`)} → ${valueWords(field, to)}`))}`

  /** @param {import('../store.js').Op} op @param {string} words */
  const waits = (op, words) => (op.state === 'rejected'
    ? html`<a class="note red pending" href="#/send">! ${words} · ${t('household.refused')}</a>`
    : html`<p class="note orange pending">${words} · ${t('household.waiting')}</p>`)

  /** @param {string} field @param {any} to */
  function valueWords(field, to) {
    if (field === 'sex') return to ? t(`sex.${to}`) : t('correct.none')
    if (field === 'tags') return to.map(tagWord).join(t('correct.joint')) || t('correct.none')
    if (field === 'grid_code') return to ? app.user?.grids?.find((grid) => grid.code === to)?.name ?? to : t('correct.elsewhere')
    if (field === 'phone' && to) return maskPhone(to)
    if (field === 'id_number' && to) return maskId(to)
    return (field.endsWith('_on') && to ? dayWords(to, new Date()) : to) || t('correct.none')
  }

  /** What is given now belongs to: the visit that is going on, or one of today. */
  function aboutNow() {
    const visitUuid = begun?.visit_uuid ?? visitOfToday(householdUuid, visits)
    return { visitUuid, about: visitUuid ? `v-${visitUuid}` : '-' }
  }

  return {
    load: async () => {
      const known = await app.registry()
      household = known.households.find((one) => one.household_uuid === householdUuid) ?? null
      if (!household) return
      people = await peopleOf(householdUuid)
      gone = known.people.filter((person) => person.household_uuid === householdUuid && person.gone)
      const standing = datedOps().filter((op) => op.state === 'waiting' || op.state === 'received')
      sweeps = openSweeps({ people, sweeps: await app.store.list('sweep'), ops: standing, today: localDate(new Date()) })
      checklists = await visitChecklists(household, sweeps[0]?.sweep.checklist_key)
      begun = (await app.store.drafts()).find((draft) => draft.kind === 'visit' && draft.household?.household_uuid === householdUuid)
      const mine = (/** @type {any} */ record) => record.household_uuid === householdUuid
      visits = (await app.store.list('visit')).filter(mine).sort((a, b) => b.finished_at.localeCompare(a.finished_at)).slice(0, 5)
      relief = await app.store.list('relief')
      aid = await readAid(householdUuid)
      limits = receiptLimits(await app.store.list('area'), household.grid_code)
      tasks = (await app.store.list('followup')).filter((task) => mine(task) && task.state === 'open')
    },
    view: () => {
      if (!household) return notFound()
      const now = new Date()
      const atHome = people.some(mustBeSeen)
      return html`
        ${innerBar({ title: household.name, subtitle: household.address, back: '#/today' })}
        <main class="with-foot">
          ${sweeps.map((one) => html`<p class="note orange">${t('household.sweep', { name: one.sweep.name, day: dayWords(one.sweep.until_on, now), people: one.people.map((person) => person.name || t('household.nameless')).join(t('correct.joint')) })}${
            one.sweep.checklist_key && checklists.main?.key === one.sweep.checklist_key ? html`<br>${t('household.sweep_checklist', { title: pick(checklists.main.title) })}` : nothing}</p>`)}
          <section class="card">
            ${facts([
              [t('household.last'), household.last_visit_on ? dayWords(household.last_visit_on, now) : t('household.never')],
              [t('household.due'), household.due_on ? dayWords(household.due_on, now) : ''],
            ], 'pair')}
            ${facts([[t('household.note'), household.note]])}
            ${people.some((person) => person.phone === household.phone) ? nothing : callButton(household.name, household.phone)}
            ${onItsWay(household)}
            ${household.op ? nothing : html`<a class="btn" href="#/correct/household/${householdUuid}">${icon('pen')}${t('household.correct_household')}</a>`}
          </section>
          <div class="head"><h2>${t('household.people', { n: people.length })}</h2></div>
          <ul class="cells">${people.map(personCell)}
            ${gone.map((person) => html`<li class="cell gone"><div class="body"><b>${person.name || t('household.nameless')}</b>
              <span class="why">${t(shown(person, 'died_on') ? 'household.died' : 'household.moved_away')}</span></div>${onItsWay(person)}</li>`)}</ul>
          <a class="btn plain wide" href="#/register/person/${householdUuid}">${icon('plus')}${t('household.add_person')}</a>
          ${tasks.length ? html`<div class="head"><h2>${t('household.tasks')}</h2></div><ul class="cells">${tasks.map((task) => html`
            <li class="cell ${task.severity === 'red' ? 'red' : 'orange'}"><a class="body" href="#/task/${task.followup_id}">
              <b>${app.word('followup_type', task.type)}</b><span class="why">${pick(task.reason)}</span></a></li>`)}</ul>` : nothing}
          ${aidOfHousehold({ household, people, aid, limits, ...aboutNow() })}
          ${reliefOf(householdUuid, relief)}
          ${reliefButton(() => askForRelief(household, visitOfToday(householdUuid, visits)))}
          ${begun ? nothing : checklists.main || checklists.others.length ? html`
            <section class="card">
              ${radios({ name: 'method', label: t('household.method'), options: METHODS.map((code) => [code, app.word('method', code)]), chosen: method, choose: (value) => { method = value; app.draw() }, width: 'medium' })}
              <p class="note orange" role="status" ?hidden=${!atHome || !app.remoteMethods.has(method)}>${t('household.at_home_hint')}</p>
            </section>` : empty({ sign: 'send', title: t('household.no_checklist') })}
          ${begun || !checklists.others.length ? nothing : html`<div class="head"><h2>${t('household.other_forms')}</h2></div><ul class="cells">${checklists.others.map((offer) => html`
            <li class="cell"><button class="body" @click=${() => startVisit({ household, people, key: offer.key, method })}>
              <b>${pick(offer.title)}</b>${offer.purpose ? html`<span class="why">${offer.purpose}</span>` : nothing}</button></li>`)}</ul>`}
          ${visits.length ? html`<div class="head"><h2>${t('household.visits')}</h2></div><ul class="cells">${visits.map((visit) => html`
            <li class="cell"><div class="body"><b>${sinceWords(visit.finished_at, now)}</b>
              <span class="when">${t(`state.${visit.state}`)}</span>
              <span class="why">${app.word('method', visit.method)} · ${app.word('outcome', visit.outcome)}${visit.entered_by ? ` · ${t('household.entered', { by: visit.entered_by })}` : ''}</span></div></li>`)}</ul>` : nothing}
        </main>
        <footer class="foot">
          ${begun
            ? html`<p class="quiet">${t('household.resume_hint', { when: sinceWords(begun.started_at, now) })}</p>
              <a class="btn go" href="#/visit/${begun.draft_uuid}">${t('household.resume')}</a>`
            : html`<button class="btn go" ?disabled=${!checklists.main || !people.length} @click=${() => startVisit({ household, people, key: checklists.main?.key, method })}>${t('household.start')}</button>`}
        </footer>`
    },
  }
}

/** What is shown for a record that is no longer here. */
export const notFound = () => html`
  ${innerBar({ title: t('app.not_found'), back: '#/today' })}
  <main>${empty({ sign: 'check', title: '', hint: t('app.not_found_hint'),
    action: html`<a class="btn" href="#/today">${t('app.to_today')}</a>` })}</main>`

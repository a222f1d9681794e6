/**
 * A household: who lives there, how to reach them, and the start of a visit.
 *
 * Invariant: phone numbers are shown masked; one tap calls the whole number.
 */
import { html, nothing } from 'lit-html'
import { maskPhone } from '../../checklist/view/mask.js'
import { mustBeSeen } from '../agenda.js'
import { app } from '../app.js'
import { peopleOf, startVisit, visitChecklists } from '../drafts.js'
import { empty, facts, icon, innerBar } from '../parts.js'
import { ageOn, dayWords, localDate, pick, sinceWords, t } from '../words.js'
import { tagWord } from './today.js'

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
  /** @type {Awaited<ReturnType<typeof visitChecklists>>} */
  let checklists = { main: null, others: [] }
  /** @type {any[]} */
  let visits = []
  /** @type {any[]} */
  let tasks = []
  /** @type {any} */
  let begun = null
  let method = 'home'

  const personCell = (/** @type {any} */ person) => {
    const age = ageOn(person.birth_on, localDate(new Date()))
    const about = [person.relation, person.sex && t(`sex.${person.sex}`), age !== null && t('household.age', { n: age })].filter(Boolean)
    return html`
      <li class="cell"><div class="body">
        <b>${person.name}</b><span class="why">${about.join(' · ')}</span>
        <span class="tags">
          ${person.main_class && person.main_class !== 'none' ? html`<span class="tag">${app.word('class', person.main_class)}</span>` : nothing}
          ${(person.tags ?? []).map((/** @type {string} */ tag) => html`<span class="tag">${tagWord(tag)}</span>`)}
          ${mustBeSeen(person) ? html`<span class="tag wait">${t('household.at_home')}</span>` : nothing}
          ${['high', 'middle'].includes(person.risk) ? html`<span class="tag ${person.risk === 'high' ? 'bad' : 'wait'}">${t(`household.risk_${person.risk}`)}</span>` : nothing}
        </span></div>
        ${callButton(person.name, person.phone)}
      </li>`
  }

  const radios = (/** @type {string} */ name, /** @type {string} */ label, /** @type {[string, string][]} */ options,
    /** @type {string|null} */ chosen, /** @type {(value: string) => void} */ choose, /** @type {string} */ width) => html`
    <fieldset class="plain"><legend>${label}</legend><div class="seg ${width}">
      ${options.map(([value, words]) => html`<label class="choice"><input type="radio" name=${name} autocomplete="off" .checked=${value === chosen}
        @change=${() => { choose(value); app.draw() }}><span class="opt">${words}</span></label>`)}
    </div></fieldset>`

  return {
    load: async () => {
      household = await app.store.find('household', householdUuid)
      if (!household) return
      people = await peopleOf(householdUuid)
      checklists = await visitChecklists(household)
      begun = (await app.store.drafts()).find((draft) => draft.kind === 'visit' && draft.household?.household_uuid === householdUuid)
      const mine = (/** @type {any} */ record) => record.household_uuid === householdUuid
      visits = (await app.store.list('visit')).filter(mine).sort((a, b) => b.finished_at.localeCompare(a.finished_at)).slice(0, 5)
      tasks = (await app.store.list('followup')).filter((task) => mine(task) && task.state === 'open')
    },
    view: () => {
      if (!household) return notFound()
      const now = new Date()
      const atHome = people.some(mustBeSeen)
      return html`
        ${innerBar({ title: household.name, subtitle: household.address, back: '#/today' })}
        <main class="with-foot">
          <section class="card">
            ${facts([
              [t('household.last'), household.last_visit_on ? dayWords(household.last_visit_on, now) : t('household.never')],
              [t('household.due'), household.due_on ? dayWords(household.due_on, now) : ''],
            ], 'pair')}
            ${facts([[t('household.note'), household.note]])}
            ${people.some((person) => person.phone === household.phone) ? nothing : callButton(household.name, household.phone)}
          </section>
          <div class="head"><h2>${t('household.people', { n: people.length })}</h2></div>
          <ul class="cells">${people.map(personCell)}</ul>
          ${tasks.length ? html`<div class="head"><h2>${t('household.tasks')}</h2></div><ul class="cells">${tasks.map((task) => html`
            <li class="cell ${task.severity === 'red' ? 'red' : 'orange'}"><a class="body" href="#/task/${task.followup_id}">
              <b>${app.word('followup_type', task.type)}</b><span class="why">${pick(task.reason)}</span></a></li>`)}</ul>` : nothing}
          ${begun ? nothing : checklists.main || checklists.others.length ? html`
            <section class="card">
              ${radios('method', t('household.method'), METHODS.map((code) => [code, app.word('method', code)]), method, (value) => { method = value }, 'medium')}
              <p class="note orange" role="status" ?hidden=${!atHome || !app.remoteMethods.has(method)}>${t('household.at_home_hint')}</p>
            </section>` : empty({ sign: 'send', title: t('household.no_checklist') })}
          ${begun || !checklists.others.length ? nothing : html`<div class="head"><h2>${t('household.other_forms')}</h2></div><ul class="cells">${checklists.others.map((offer) => html`
            <li class="cell"><button class="body" @click=${() => startVisit({ household, people, key: offer.key, method })}>
              <b>${pick(offer.title)}</b>${offer.purpose ? html`<span class="why">${offer.purpose}</span>` : nothing}</button></li>`)}</ul>`}
          ${visits.length ? html`<div class="head"><h2>${t('household.visits')}</h2></div><ul class="cells">${visits.map((visit) => html`
            <li class="cell"><div class="body"><b>${sinceWords(visit.finished_at, now)}</b>
              <span class="when">${t(`state.${visit.state}`)}</span>
              <span class="why">${app.word('method', visit.method)} · ${app.word('outcome', visit.outcome)}</span></div></li>`)}</ul>` : nothing}
        </main>
        <footer class="foot">
          ${begun
            ? html`<p class="quiet">${t('household.resume_hint', { when: sinceWords(begun.started_at, now) })}</p>
              <a class="btn go" href="#/visit/${begun.draft_uuid}">${t('household.resume')}</a>`
            : html`<button class="btn go" ?disabled=${!checklists.main} @click=${() => startVisit({ household, people, method })}>${t('household.start')}</button>`}
        </footer>`
    },
  }
}

/** What is shown for a record that is no longer here. */
export const notFound = () => html`
  ${innerBar({ title: '', back: '#/today' })}
  <main>${empty({ sign: 'check', title: t('app.not_found'), hint: t('app.not_found_hint'),
    action: html`<a class="btn" href="#/today">${t('app.to_today')}</a>` })}</main>`

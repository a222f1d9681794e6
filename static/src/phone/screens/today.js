/**
 * Today: what to do next, and the way to every household.
 *
 * Invariant: the order is `agendaOf`'s; this screen only says it.
 */
import { html, nothing } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import { agendaOf, holdsOn, searchHouseholds, wayPast } from '../agenda.js'
import { app } from '../app.js'
import { distanceM, homeOf } from '../distance.js'
import { hrefOf, startVisit } from '../drafts.js'
import { askPlace } from '../location.js'
import { empty, icon, innerBar, mainBar } from '../parts.js'
import { clockTime, dayWords, distanceWords, dueWords, localDate, longDate, pick, t } from '../words.js'
import { signInBanner } from './sign_in.js'

/** @typedef {ReturnType<typeof agendaOf>} Agenda */

/** The records Today and the list of households are made from. @returns {Promise<Agenda>} */
export async function readAgenda() {
  const [{ households, people }, visits, followups, drafts, sweeps] = await Promise.all([
    app.registry(), app.store.list('visit'), app.store.list('followup'), app.store.drafts(), app.store.list('sweep'),
  ])
  return agendaOf({ today: localDate(new Date()), households, people: people.filter((person) => !person.gone), visits, followups, drafts, sweeps, remote: app.remoteMethods, ops: datedOps() })
}

/** Everything finished on this phone, with its date here. */
export const datedOps = () => app.outbox.ops.map((op) => ({ ...op, finished_on: localDate(op.body.finished_at ?? op.at) }))

/** Which sweeps have yet to reach somebody there, whether somebody has to go, and the classes and tags of a household's people, each once. @param {Agenda['later'][0]} entry */
function tagLine({ people, at_home: atHome, sweeps }) {
  const words = new Set()
  for (const person of people) {
    if (person.main_class && person.main_class !== 'none') words.add(app.word('class', person.main_class))
    for (const tag of person.tags ?? []) words.add(tagWord(tag))
  }
  if (!atHome && !words.size && !sweeps.length) return nothing
  return html`<span class="tags">${sweeps.map(({ sweep }) => html`<span class="tag wait">${sweep.name}</span>`)}${atHome ? html`<span class="tag wait">${t('today.at_home')}</span>` : nothing}
    ${[...words].map((word) => html`<span class="tag">${word}</span>`)}</span>`
}

/** A tag in words; a restricted one says only that two should go. @param {string} tag */
export function tagWord(tag) {
  return app.codes.get(`tag/${tag}`)?.extra?.restricted ? t('household.pair') : app.word('tag', tag)
}

/** The chip that says honestly what is still here; "all received" only when every item has its receipt. */
export function syncChip() {
  const { clear, attention, waiting } = app.outbox.summary
  if (clear) return html`<a class="chip" href="#/send">✓ ${t('chip.clear')}</a>`
  if (attention) return html`<a class="chip bad" href="#/send">! ${t('chip.attention', { n: attention })}</a>`
  return html`<a class="chip wait" href="#/send">▲ ${t('chip.waiting', { n: waiting })}</a>`
}

/** @type {import('../app.js').ScreenMaker} */
export function todayScreen() {
  /** @type {Agenda} */
  let agenda
  let pulled = false
  /** Special periods and sweeps that hold today. @type {any[]} */
  let periods = []
  /** @type {any[]} */
  let sweeps = []
  /** @type {{lat: number, lon: number}|null} */
  let place = null
  let locating = false

  const sorted = (/** @type {Agenda['overdue']} */ entries) => (place ? wayPast(entries, place) : entries)
  const metres = (/** @type {Agenda['overdue'][0]} */ entry) => {
    const home = homeOf(entry.household)
    return home && place ? distanceM(place, home) : Infinity
  }

  async function changeOrder() {
    if (place) {
      place = null
    } else {
      locating = true
      app.draw()
      place = await askPlace()
      locating = false
      if (!place) app.say(t('today.no_place'))
    }
    app.draw()
  }

  const householdCell = (/** @type {Agenda['overdue'][0]} */ entry) => {
    const distance = metres(entry)
    const { household, days } = entry
    const isOverdue = days !== null && days < 0
    return html`
      <li class="cell ${isOverdue ? 'orange' : ''}">
        <a class="body" href="#/household/${household.household_uuid}">
          <b>${nameOf(entry)}</b>
          <span class="when">${isOverdue ? t('when.overdue', { n: -(days ?? 0) })
            : days === 0 ? t('when.due_today') : dayWords(household.due_on, new Date())}</span>
          ${tagLine(entry)}
          <span class="why">${household.address}${distance < Infinity ? ` · ${distanceWords(distance)}` : ''}</span>
        </a>
        <button class="side" aria-label=${t('today.start_label', { name: household.name })}
          @click=${() => startVisit({ household, people: entry.people, key: entry.sweeps[0]?.sweep.checklist_key })}>${t('today.start')}</button>
      </li>`
  }

  const firstCells = () => [
    ...agenda.returned.map(({ visit, household, draft }) => html`
      <li class="cell red"><a class="body" href="#/returned/${visit.visit_uuid}">
        <b>${t('today.returned', { name: household?.name ?? '' })}</b>
        <span class="when">${draft ? `… ${t('today.unfinished_short')}` : `↩ ${dayWords(localDate(visit.returned.at), new Date())}`}</span>
        <span class="why">“${visit.returned.reason}” — ${visit.returned.by}</span></a></li>`),
    ...agenda.begun.map((draft) => html`
      <li class="cell"><a class="body" href=${hrefOf(draft)}>
        <b>${t('today.unfinished', { name: draft.household?.name ?? '', what: t(`checklist.kind_${draft.kind}`) })}</b>
        <span class="when">… ${clockOrDay(draft.updated_at)}</span>
        ${draft.progress?.total ? html`<span class="why">${t('today.unfinished_hint', draft.progress)}</span>` : nothing}</a></li>`),
    ...agenda.tasks.map(({ task, household, person }) => html`
      <li class="cell ${task.severity === 'red' ? 'red' : 'orange'}"><a class="body" href="#/task/${task.followup_id}">
        <b>${t('today.task', { name: person?.name || household?.name || '', type: app.word('followup_type', task.type) })}</b>
        <span class="when">${task.severity === 'red' ? '! ' : ''}${task.due_at ? dueWords(task.due_at, new Date()) : ''}</span>
        <span class="why">${task.severity === 'red' ? html`<span class="tag bad">${t('today.red')}</span>` : nothing}${pick(task.reason)}</span></a></li>`),
  ]

  const orderButton = () => html`
    <button class="link" aria-pressed=${place ? 'true' : 'false'} @click=${changeOrder}>
      ${locating ? t('today.locating') : t(place ? 'today.by_due' : 'today.by_distance')}</button>`

  const list = (/** @type {Agenda['overdue']} */ entries) => html`
    <ul class="cells">${repeat(sorted(entries), (entry) => entry.household.household_uuid, householdCell)}</ul>`

  const households = () => {
    const total = agenda.overdue.length + agenda.soon.length + agenda.swept.length + agenda.later.length
    if (!total && !pulled) {
      const offline = app.sync?.state.fault?.kind
      return offline ? empty({ sign: 'send', title: t('today.first_pull_offline') })
        : html`<p class="quiet center" role="status">${t('today.first_pull')}</p>${ghosts()}`
    }
    if (!total) return empty({ sign: 'me', title: t('today.no_households'), hint: t('today.no_households_hint') })
    return html`
      ${agenda.overdue.length ? html`
        <div class="head"><h2>${t('today.overdue', { n: agenda.overdue.length })}</h2>${orderButton()}</div>${list(agenda.overdue)}`
      : agenda.soon.length ? html`<div class="head"><h2>${t('today.due')}</h2>${orderButton()}</div>
        ${empty({ title: t('today.none_overdue'), hint: t('today.none_overdue_hint') })}`
        : agenda.swept.length ? nothing : empty({ title: t('today.all_clear'), hint: t('today.all_clear_hint') })}
      ${agenda.soon.length ? html`<div class="head"><h2>${t('today.soon', { n: agenda.soon.length })}</h2></div>${list(agenda.soon)}` : nothing}
      ${agenda.swept.length ? html`<div class="head"><h2>${t('today.swept', { n: agenda.swept.length })}</h2></div>${list(agenda.swept)}` : nothing}
      <ul class="cells apart"><li class="cell"><a class="body" href="#/households">
        <b>${t('today.all', { n: total })}</b><span class="when">${icon('search')}</span><span class="why">${t('today.all_hint')}</span></a></li></ul>`
  }

  return {
    tab: 'today',
    load: async () => {
      agenda = await readAgenda()
      pulled = Boolean(await app.store.meta('pulled_at'))
      const today = localDate(new Date())
      periods = (await app.store.list('period')).filter((period) => holdsOn(period, today))
      const marked = new Set([...agenda.overdue, ...agenda.soon, ...agenda.swept].flatMap((entry) => entry.sweeps.map(({ sweep }) => sweep.sweep_id)))
      sweeps = (await app.store.list('sweep')).filter((sweep) => marked.has(sweep.sweep_id))
    },
    view: () => {
      const first = firstCells()
      const grids = app.user?.grids ?? []
      return html`
        ${mainBar({ title: t('today.title'), subtitle: `${longDate(new Date())}${grids.length === 1 ? ` · ${grids[0].name}` : ''}`, chip: syncChip() })}
        <main>
          ${signInBanner()}
          ${app.outbox.summary.old ? html`<p class="note orange">${t('send.old')}</p>` : nothing}
          ${periods.map((period) => html`<p class="note orange">${t('today.period', { name: period.name })}${
            period.until_on ? t('today.period_until', { day: dayWords(period.until_on, new Date()) }) : ''}${
            period.relaxed_papers ? html`<br>${t('today.period_papers')}` : nothing}</p>`)}
          ${sweeps.map((sweep) => html`<p class="note orange">${t('today.sweep', { name: sweep.name, day: dayWords(sweep.until_on, new Date()) })}</p>`)}
          ${first.length ? html`<div class="head"><h2>${t('today.first')}</h2></div><ul class="cells">${first}</ul>` : nothing}
          ${households()}
          ${registerButtons()}
        </main>`
    },
  }
}

/** The way to the forms for whoever is not on the list. */
const registerButtons = () => html`
  <div class="head"><h2>${t('today.not_listed')}</h2></div>
  <div class="row wrap pair"><a class="btn" href="#/register/clue">${icon('plus')}${t('today.clue')}</a><a class="btn" href="#/register/nameless">${icon('plus')}${t('today.nameless')}</a></div>`

const ghosts = () => html`<div class="skeleton" aria-hidden="true">${[1, 2, 3].map(() => html`<div class="ghost"><i></i><i></i></div>`)}</div>`

/** @param {{household: any, people: any[]}} entry */
function nameOf({ household, people }) {
  return people.length > 1 ? `${household.name} · ${t('today.people', { n: people.length })}` : household.name
}

/** @param {string} instant */
function clockOrDay(instant) {
  const now = new Date()
  return localDate(instant) === localDate(now) ? clockTime(instant) : dayWords(localDate(instant), now)
}

/** @type {import('../app.js').ScreenMaker} */
export function householdsScreen() {
  /** @type {Agenda} */
  let agenda
  let query = ''
  return {
    tab: 'today',
    load: async () => { agenda = await readAgenda() },
    view: () => {
      const all = [...agenda.overdue, ...agenda.soon, ...agenda.swept, ...agenda.later]
      const found = searchHouseholds(all, query)
      return html`
        ${innerBar({ title: t('households.title'), back: '#/today', subtitle: t('households.count', { n: found.length }) })}
        <main>
          <label class="search">${icon('search')}<input type="search" autocomplete="off" placeholder=${t('households.search')} aria-label=${t('households.search')}
            .value=${query} @input=${(/** @type {InputEvent} */ event) => {
              query = /** @type {HTMLInputElement} */ (event.target).value
              app.draw()
            }}></label>
          ${found.length ? html`<ul class="cells">${repeat(found, (entry) => entry.household.household_uuid, (entry) => html`
            <li class="cell"><a class="body" href="#/household/${entry.household.household_uuid}">
              <b>${nameOf(entry)}</b>
              <span class="when">${entry.visited_on ? t('today.visited')
                : entry.days !== null && entry.days < 0 ? t('when.overdue', { n: -entry.days })
                  : entry.household.due_on ? dayWords(entry.household.due_on, new Date()) : ''}</span>
              ${tagLine(entry)}<span class="why">${entry.household.address}</span>
            </a></li>`)}</ul>`
            : html`${empty({ sign: 'search', title: t('households.none'), hint: t('households.none_hint') })}${registerButtons()}`}
        </main>`
    },
  }
}

/**
 * A visit (or a task's result) being filled in: one page, every answer saved as it is given.
 *
 * Invariant: "saved" is said only of what the store has confirmed; finishing either writes everything or leaves the
 * draft as it was.
 */
import { html, nothing } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import { dutyPhone, isShown, lastAnswer, progressOf } from '../answers.js'
import { app } from '../app.js'
import { finishedOf, formOf, togglePerson } from '../drafts.js'
import { empty, icon, innerBar } from '../parts.js'
import { PhotoControl } from '../photo_control.js'
import { PlaceControl } from '../place_control.js'
import { cardId, questionCard } from '../questions.js'
import { pick, sinceWords, t } from '../words.js'
import { notFound } from './household.js'

const PROBLEMS = new Set(['required', 'constraint', 'choice', 'type'])

/** @type {import('../app.js').ScreenMaker} */
export function visitScreen([draftUuid]) {
  /** @type {import('../drafts.js').Draft|null} */
  let draft = null
  /** @type {any} */
  let checklist = null
  /** @type {any} */
  let form = null
  /** @type {{code: string, duty_phone: string|null}[]} */
  let areas = []
  /** @type {'saved'|'saving'|'failed'} */
  let saveState = 'saved'
  /** @type {Promise<void>|null} */
  let saving = null
  let dirty = false
  let closed = false
  let finishing = false

  const theDraft = () => /** @type {import('../drafts.js').Draft} */ (draft)
  const touch = (/** @type {string} */ path) => { theDraft().place = path; save() }
  const valueOf = (/** @type {string} */ path) => form.items().find((/** @type {any} */ item) => item.path === path)?.value
  const photos = new PhotoControl({ draft: theDraft, value: valueOf, set, touch })
  const place = new PlaceControl({ draft: theDraft, set, touch })

  // Answers

  /** @param {string} path @param {string} value */
  function set(path, value) {
    form.set(path, value)
    answered(path)
  }

  /**
   * Tick or untick one of several. When the checklist does not allow the choice beside the others ("none" beside
   * "illness"), what was tapped last is meant. @param {any} item @param {string} name
   */
  function toggle(item, name) {
    const before = (item.value ?? '').split(' ').filter(Boolean)
    const fails = () => form.problems().some((/** @type {any} */ problem) => problem.path === item.path && problem.code === 'constraint')
    const wanted = item.choices.map((/** @type {any} */ choice) => choice.name)
      .filter((/** @type {string} */ one) => (one === name ? !before.includes(name) : before.includes(one))).join(' ')
    form.set(item.path, wanted)
    if (!before.includes(name) && before.length && fails()) {
      form.set(item.path, name)
      if (fails()) form.set(item.path, wanted)
    }
    answered(item.path)
  }

  /** @param {string} path */
  function answered(path) {
    theDraft().place = path
    noted()
  }

  /** Take the form's answers into the draft and save it. */
  function noted() {
    const now = theDraft()
    now.answers = form.typed()
    now.progress = progressOf(form.items())
    save()
    app.draw()
  }

  function save() {
    if (closed) return
    theDraft().updated_at = new Date().toISOString()
    dirty = true
    saving ??= writeAll().finally(() => { saving = null; app.draw() })
  }

  async function writeAll() {
    saveState = 'saving'
    try {
      while (dirty && !closed) {
        dirty = false
        await app.store.saveDraft(theDraft())
      }
      saveState = 'saved'
    } catch {
      saveState = 'failed'
    }
  }

  // Finishing

  /** What keeps the form from being finished, in words. @returns {{path: string, message: string}[]} */
  function problems() {
    return form.problems()
      .filter((/** @type {any} */ problem) => !(problem.code === 'required' && theDraft().location_declined && typeOf(problem.path) === 'geopoint'))
      .map((/** @type {any} */ problem) => ({ path: problem.path, message: problem.message || t(`visit.problem_${PROBLEMS.has(problem.code) ? problem.code : 'constraint'}`) }))
  }

  const typeOf = (/** @type {string} */ path) => form.items().find((/** @type {any} */ item) => item.path === path)?.node.type

  async function finish() {
    if (finishing || photos.isBusy) return
    const open = problems()
    theDraft().tried = true
    if (open.length) {
      save()
      showProblems(open)
      return
    }
    finishing = true
    place.close()
    await saving
    closed = true
    try {
      const finished = finishedOf(theDraft(), form, new Date())
      await app.store.finish(finished)
      app.say(`✓ ${t('visit.kept')}`, t(finished.urgent ? 'visit.kept_urgent' : 'visit.kept_hint'))
      app.go('#/today', { replace: true })
      await app.reload()
      app.sync?.run()
    } catch {
      closed = false
      finishing = false
      app.openSheet(t('visit.not_kept'), () => html`<p role="alert">${t('visit.not_kept')}</p>
        <button class="btn go" @click=${() => app.closeSheet()}>${t('app.close')}</button>`)
    }
  }

  /** @param {{path: string, message: string}[]} open */
  function showProblems(open) {
    app.openSheet(t('visit.problems', { n: open.length }), () => html`
      <h2>${t('visit.problems', { n: open.length })}</h2><p class="quiet">${t('visit.problems_hint')}</p>
      <ul class="cells">${open.map(({ path, message }) => {
        const item = form.items().find((/** @type {any} */ one) => one.path === path)
        return html`<li class="cell"><button class="body" @click=${() => { app.closeSheet(); jump(path) }}>
          <b>${item?.label ?? path}</b><span class="when">${icon('next')}</span><span class="why">${message}</span></button></li>`
      })}</ul>
      <button class="btn plain" @click=${() => app.closeSheet()}>${t('app.close')}</button>`)
  }

  /** @param {string} path */
  function jump(path) {
    requestAnimationFrame(() => {
      const card = document.getElementById(cardId(path))
      card?.scrollIntoView({ block: 'center' })
      card?.focus({ preventScroll: true })
    })
  }

  async function later() {
    save()
    await saving
    if (saveState === 'saved') app.go('#/today')
  }

  function askToDrop() {
    app.openSheet(t('visit.drop_ask'), () => html`
      <h2>${t('visit.drop_ask')}</h2><p>${t('visit.drop_hint')}</p>
      <div class="row"><button class="btn danger" @click=${drop}>${t('visit.drop_go')}</button>
      <button class="btn" @click=${() => app.closeSheet()}>${t('app.cancel')}</button></div>`)
  }

  async function drop() {
    closed = true
    await saving
    await app.store.dropDraft(draftUuid)
    app.go('#/today', { replace: true })
  }

  // What is shown

  /** The calls a red answer offers at once; which were made is kept with the visit. */
  function urgentCalls() {
    const duty = dutyPhone(areas, theDraft().household?.grid_code ?? '')
    const offers = [...(duty ? [['duty', duty, `${t('visit.duty')} ${duty}`]] : []), ['110', '110', '110'], ['120', '120', '120']]
    return html`<p>${t('visit.red_do')}</p><div class="calls">${offers.map(([to, number, words]) => html`
      <a class="opt bad ${to === 'duty' ? 'first' : ''}" href="tel:${number}" aria-label=${t('visit.call_label', { who: words })} @click=${() => {
        theDraft().urgent_calls.push({ to, at: new Date().toISOString() })
        save()
      }}>${icon('call')}${words}</a>`)}</div>`
  }

  /** A place is asked for where somebody went; on the phone there is none. @param {any} item */
  const isAsked = (item) => isShown(item) && (item.node?.type !== 'geopoint' || ['home', 'patrol'].includes(theDraft().method))

  /** @param {any} item @param {Map<string, string>} open @param {Map<string, any[]>} flags */
  function card(item, open, flags) {
    const { household, people, notes, returned, tried } = theDraft()
    const problem = open.get(item.path) ?? null
    const isBlank = item.value === undefined || item.value === null || item.value === ''
    return questionCard(item, {
      set, toggle,
      photos: (path) => photos.view(path, /\bmultiple\b/.test(item.node.appearance ?? '')),
      place: (one) => place.view(one.path, one.value),
      last: lastAnswer(household?.carry ?? null, item.path, people), lastOn: household?.carry?.on ?? null,
      note: notes[item.path] ?? null, by: returned?.by ?? '',
      flags: flags.get(item.path) ?? [], urgent: urgentCalls,
      problem: problem !== null && (tried || !isBlank) ? problem : null,
    })
  }

  /** Last time's answers that may be given again, to the items that have one. @param {any[]} items */
  function offersOf(items) {
    const { household, people } = theDraft()
    return items.filter((item) => item.kind === 'question' && item.node.carry)
      .map((item) => ({ item, last: lastAnswer(household?.carry ?? null, item.path, people) }))
      .filter(({ item, last }) => last !== null && (!item.choices?.length
        || last.split(' ').every((name) => item.choices.some((/** @type {any} */ choice) => choice.name === name))))
  }

  /**
   * One tap for what has not changed: offered in every section that has such questions, it fills the blanks of the whole
   * form, for a visit in which nothing changed is to take ten taps. Safety questions are never among them.
   * @param {any[]} items of the section @param {any[]} all of the form
   */
  function sameAsLast(items, all) {
    const offered = offersOf(items)
    if (!offered.length) return nothing
    const blank = offersOf(all).filter(({ item }) => !item.value)
    if (offered.every(({ item }) => item.value)) {
      return offered.every(({ item, last }) => item.value === last) ? html`<p class="same done">✓ ${t('visit.same_done')}</p>` : nothing
    }
    return html`<button class="btn same" type="button" @click=${() => {
      for (const { item, last } of blank) form.set(item.path, last)
      answered(offered[offered.length - 1].item.path)
    }}>${icon('check')}${t('visit.same', { n: blank.length })}</button>`
  }

  /** Who was seen, when there is more than one to choose from. */
  function peopleCard() {
    const { people, others } = theDraft()
    const all = [...people, ...others.map(({ person }) => person)].sort((a, b) => (a.position ?? 0) - (b.position ?? 0))
    if (all.length < 2) return nothing
    return html`<section class="q"><fieldset class="plain"><legend class="ask">${t('visit.people')}</legend><p class="quiet hint">${t('visit.people_hint')}</p>
      <div class="seg medium">${all.map((person) => {
        const isIn = people.includes(person)
        return html`<label class="choice"><input type="checkbox" .checked=${isIn} ?disabled=${isIn && people.length === 1} @change=${() => {
          togglePerson(theDraft(), person)
          form = formOf(theDraft(), checklist)
          noted()
        }}><span class="opt">${person.name}</span></label>`
      })}</div></fieldset></section>`
  }

  /** The form's items cut at headings: a group with a label, or one of a repeat. @param {any[]} items */
  function sections(items) {
    /** @type {{key: string, title: any, after: any, items: any[]}[]} */
    const cut = [{ key: '', title: nothing, after: nothing, items: [] }]
    for (const item of items) {
      if (item.kind === 'question') {
        cut[cut.length - 1].items.push(item)
      } else if (item.kind === 'repeat' && item.node.name === 'people') {
        cut.push({ key: item.path, title: theDraft().people.length > 1 && item.label ? item.label : nothing, after: peopleCard(), items: [] })
      } else {
        const title = titleOf(item)
        if (title || item.kind !== 'group') cut.push({ key: item.path, title: title || nothing, after: repeatButton(item), items: [] })
      }
    }
    return cut
  }

  /** Adding to a repeat, or taking one of it out; the people's and the counted ones have neither. @param {any} item */
  function repeatButton(item) {
    if (item.kind === 'group' || item.node.name === 'people' || 'count' in item.node) return nothing
    const position = /^(.*)\[(\d+)\]$/.exec(item.path)
    const change = () => {
      if (position) form.removeRepeat(position[1], Number(position[2]))
      else form.addRepeat(item.path)
      noted()
    }
    return html`<button class="btn ${position ? 'plain' : ''}" type="button" @click=${change}>${t(position ? 'visit.repeat_remove' : 'visit.repeat_add')}</button>`
  }

  /** @param {any} item */
  function titleOf(item) {
    const position = /\[(\d+)\]$/.exec(item.path)
    if (!position) return item.label
    const person = item.node.name === 'people' ? theDraft().people[Number(position[1]) - 1] : null
    return person ? person.name : `${item.label ?? ''} ${t('visit.part', { n: position[1] })}`
  }

  const returnedCard = () => {
    const { returned, notes } = theDraft()
    if (!returned) return nothing
    const shown = new Set(form.items().filter(isAsked).map((/** @type {any} */ item) => item.path))
    const noted = Object.entries(notes)
    return html`<section class="card returned"><p><b>↩ ${t('visit.returned_by', { by: returned.by, when: sinceWords(returned.at, new Date()) })}</b></p>
      <p>${returned.reason}</p>
      ${noted.map(([path, note]) => (shown.has(path)
        ? html`<button class="btn" type="button" @click=${() => jump(path)}>${note}${icon('next')}</button>` : html`<p>${note}</p>`))}</section>`
  }

  return {
    holdsForm: true,
    load: async () => {
      if (draft) return // what is on the page is newer than anything stored
      draft = await app.store.findDraft(draftUuid)
      if (!draft) return
      areas = await app.store.list('area')
      checklist = await app.store.findChecklist(draft.checklist)
      if (!checklist) return
      form = formOf(draft, checklist)
      draft.answers = form.typed()
      draft.progress = progressOf(form.items())
      await photos.open()
      if (draft.place) jump(draft.place)
    },
    leave: () => {
      place.close()
      photos.close()
    },
    view: () => {
      if (!draft) return notFound()
      const back = draft.kind === 'visit' && draft.household ? `#/household/${draft.household.household_uuid}` : '#/today'
      if (!form) return html`${innerBar({ title: draft.household?.name ?? '', back })}<main>${empty({ sign: 'send', title: t('visit.checklist_gone') })}</main>`
      const items = form.items().filter(isAsked)
      const open = new Map(problems().map(({ path, message }) => [path, message]))
      /** @type {Map<string, any[]>} */
      const flags = new Map()
      for (const flag of form.flags()) flags.set(flag.question, [...(flags.get(flag.question) ?? []), flag])
      const { done, total } = draft.progress
      const finishWords = { visit: 'visit.finish', revision: 'visit.finish_again', followup: 'visit.finish_task' }
      return html`
        ${innerBar({
          title: html`${draft.household?.name ?? ''} <small>${pick(checklist.title)}</small>`, back,
          subtitle: saveState === 'failed' ? html`<span class="problem" role="alert">${t('visit.save_failed')}</span>` : t(`visit.${saveState}`),
          foot: html`<progress class="prog" max=${total || 1} .value=${done} aria-label=${t('visit.progress', { done, total })}></progress>`,
          chip: html`<span class="chip" aria-label=${t('visit.progress', { done, total })}>${done} / ${total}</span>`,
        })}
        <main class="with-foot form">
          ${returnedCard()}
          ${repeat(sections(items), (section) => section.key, (section) => html`
            ${section.title !== nothing ? html`<div class="head"><h2>${section.title}</h2></div>` : nothing}
            ${section.after}
            ${sameAsLast(section.items, items)}
            ${repeat(section.items, (item) => item.path, (item) => card(item, open, flags))}`)}
          <p class="center"><button class="link danger" @click=${askToDrop}>${t('visit.drop')}</button></p>
        </main>
        <footer class="foot two">
          <button class="btn" @click=${later}>${t('visit.later')}</button>
          <button class="btn go" ?disabled=${finishing} @click=${finish}>${t(finishWords[draft.kind])}</button>
        </footer>`
    },
  }
}

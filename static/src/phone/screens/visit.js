/**
 * A visit (or a task's result) being filled in: one page, every answer saved as it is given.
 *
 * Invariant: "saved" is said only of what the store has confirmed; finishing either writes everything or leaves the
 * draft as it was.
 */
import { html, nothing } from 'lit-html'
import { makeFormView } from '../../checklist/view/form_view.js'
import { answerWords, dutyPhone, lastAnswer, progressOf } from '../answers.js'
import { app } from '../app.js'
import { Attachments, FILE_TYPES, photosIn } from '../attachments.js'
import { BarcodeControl, canScan } from '../barcode_control.js'
import { finishedOf, formOf, togglePerson } from '../drafts.js'
import { askToDrop } from '../dropping.js'
import { DrawingControl } from '../drawing_control.js'
import { FileControl } from '../file_control.js'
import { empty, icon, innerBar } from '../parts.js'
import { PhotoControl } from '../photo_control.js'
import { PlaceControl } from '../place_control.js'
import { StartPlace } from '../start_place.js'
import { currentLanguage, dayWords, pick, sinceWords, t } from '../words.js'
import { notFound } from './household.js'
import { aidOfVisit, recordButton } from './aid.js'
import { askForRelief, reliefButton } from './relief.js'

/** @type {import('../app.js').ScreenMaker} */
export function visitScreen([draftUuid]) {
  /** @type {import('../drafts.js').Draft|null} */
  let draft = null
  /** @type {any} */
  let checklist = null
  /** @type {any} */
  let form = null
  /** How the form is shown. @type {ReturnType<typeof makeFormView>} */
  let view
  /** @type {import('../answers.js').AreaOnDuty[]} */
  let areas = []
  /** @type {'saved'|'saving'|'failed'} */
  let saveState = 'saved'
  /** @type {Promise<void>|null} */
  let saving = null
  let dirty = false
  let closed = false
  let finishing = false
  /** Whether the household is in one of the worker's own grids: of another one's nothing is recorded here. */
  let isHeld = false

  const theDraft = () => /** @type {import('../drafts.js').Draft} */ (draft)
  const touch = (/** @type {string} */ path) => { theDraft().place = path; save() }
  const valueOf = (/** @type {string} */ path) => form.items().find((/** @type {any} */ item) => item.path === path)?.value
  const isNamed = (/** @type {string} */ sha) => form.items().some((/** @type {any} */ item) => FILE_TYPES.has(item.node?.type) && photosIn(item.value).includes(sha))
  const host = { draft: theDraft, value: valueOf, set: (/** @type {string} */ path, /** @type {string} */ value) => view.set(path, value), touch, isNamed }
  const attachments = new Attachments(host, app)
  const photos = new PhotoControl(attachments)
  const drawings = new DrawingControl(attachments)
  const files = new FileControl(attachments)
  const barcode = new BarcodeControl(host, app)
  const place = new PlaceControl(host)
  const startPlace = new StartPlace({ draft: theDraft, set: (path, value) => { form.set(path, value); noted() } })

  // Answers

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

  async function finish() {
    if (finishing || attachments.isBusy) return
    const open = view.problems()
    theDraft().tried = true
    if (open.length) {
      save()
      showProblems(open)
      return
    }
    finishing = true
    place.close()
    startPlace.close()
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

  /** @param {ReturnType<typeof view.problems>} open */
  function showProblems(open) {
    app.openSheet(t('visit.problems', { n: open.length }), () => html`
      <h2>${t('visit.problems', { n: open.length })}</h2><p class="quiet">${t('visit.problems_hint')}</p>
      <ul class="cells">${open.map(({ path, label, message }) => html`<li class="cell"><button class="body" @click=${() => { app.closeSheet(); view.jump(path) }}>
        <b>${label}</b><span class="when">${icon('next')}</span><span class="why">${message}</span></button></li>`)}</ul>
      <button class="btn plain" @click=${() => app.closeSheet()}>${t('app.close')}</button>`)
  }

  async function later() {
    save()
    await saving
    if (saveState === 'saved') app.go('#/today')
  }

  async function drop() {
    closed = true
    await saving
    await app.store.dropDraft(draftUuid)
    app.go('#/today', { replace: true })
    app.sync?.run() // it may have been the last thing a phone that hands in was waiting for
  }

  // What is shown

  /** The calls a red answer offers at once; which were made is kept with the visit. */
  function urgentCalls() {
    const duty = dutyPhone(areas, theDraft().household?.grid_code ?? '', new Date())
    const offers = [...(duty ? [['duty', duty, `${t('visit.duty')} ${duty}`]] : []), ['110', '110', '110'], ['120', '120', '120']]
    return html`<p>${t('visit.red_do')}</p><div class="calls">${offers.map(([to, number, words]) => html`
      <a class="opt bad ${to === 'duty' ? 'first' : ''}" href="tel:${number}" aria-label=${t('visit.call_label', { who: words })} @click=${() => {
        theDraft().urgent_calls.push({ to, at: new Date().toISOString() })
        save()
      }}>${icon('call')}${words}</a>`)}</div>`
  }

  /** A place is asked for where somebody went; on the phone there is none. @param {any} item */
  const isPlaced = (item) => item.node.type !== 'geopoint' || ['home', 'patrol'].includes(theDraft().method)

  /** What was noted by the reviewer, and the answer of last time. @param {any} item */
  function beforeControl(item) {
    const { household, people, notes, returned } = theDraft()
    const last = lastAnswer(household?.carry ?? null, item.path, people)
    const words = last === null ? null : answerWords(item, last)
    return html`
      ${notes[item.path] ? html`<p class="note red">↩ <b>${t('visit.note_by', { by: returned?.by ?? '' })}</b>${notes[item.path]}</p>` : nothing}
      ${words !== null && household?.carry?.on ? html`<p class="quiet last">${t('visit.last_time', { answer: words, when: dayWords(household.carry.on, new Date()) })}</p>` : nothing}`
  }

  /** Begin to show the draft's form. */
  function openForm() {
    form = formOf(theDraft(), checklist)
    view = makeFormView({
      form, document: checklist, language: currentLanguage(), t, draw: () => app.draw(), answered,
      controls: {
        photo: (_, item) => photos.view(item),
        draw: (_, item) => drawings.view(item),
        audio: (_, item) => files.view(item),
        video: (_, item) => files.view(item),
        file: (_, item) => files.view(item),
        place: (_, item) => place.view(item),
        ...(canScan() ? { barcode: (_, item) => barcode.view(item) } : {}),
      },
      isTried: () => theDraft().tried,
      isShown: isPlaced,
      isExcused: (item) => item.node.type === 'geopoint' && theDraft().location_declined !== null,
      before: beforeControl,
      aside: ({ head, items }, all) => html`${head?.path === 'people' ? peopleCard() : nothing}${sameAsLast(items, all)}`,
      urgent: urgentCalls,
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
      sameForAll()
      answered(offered[offered.length - 1].item.path)
    }}>${icon('check')}${t('visit.same', { n: blank.length })}</button>`
  }

  /** Last time's answers into all blanks, and into those that are asked because of them. */
  function sameForAll() {
    const filled = new Set()
    const open = () => offersOf(form.items().filter((/** @type {any} */ item) => item.relevant))
      .filter(({ item }) => !item.value && !filled.has(item.path))
    for (let blank = open(); blank.length; blank = open()) {
      for (const { item, last } of blank) {
        form.set(item.path, last)
        filled.add(item.path)
      }
    }
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
          openForm()
          noted()
        }}><span class="opt">${person.name}</span></label>`
      })}</div></fieldset></section>`
  }

  const returnedCard = () => {
    const { returned, notes } = theDraft()
    if (!returned) return nothing
    const shown = view.shownPaths()
    const noted = Object.entries(notes)
    return html`<section class="card returned"><p><b>↩ ${t('visit.returned_by', { by: returned.by, when: sinceWords(returned.at, new Date()) })}</b></p>
      <p>${returned.reason}</p>
      ${noted.map(([path, note]) => (shown.has(path)
        ? html`<button class="btn" type="button" @click=${() => view.jump(path)}>${note}${icon('next')}</button>` : html`<p>${note}</p>`))}</section>`
  }

  /** Browsers keep what is in a form, in the clear, to show it again; not in one that says no. @param {import('lit-html').TemplateResult} content */
  const unsavedByBrowser = (content) => html`<form autocomplete="off" novalidate @submit=${(/** @type {Event} */ event) => event.preventDefault()}>${content}</form>`

  return {
    holdsForm: true,
    load: async () => {
      if (draft) return // what is on the page is newer than anything stored
      draft = await app.store.findDraft(draftUuid)
      if (!draft) return
      areas = await app.store.list('area')
      isHeld = Boolean(draft.household && await app.store.find('household', draft.household.household_uuid))
      checklist = await app.store.findChecklist(draft.checklist)
      if (!checklist) return
      openForm()
      draft.answers = form.typed()
      draft.progress = progressOf(form.items())
      await attachments.open()
      startPlace.open(checklist)
      if (draft.place) view.jump(draft.place)
    },
    leave: () => {
      place.close()
      startPlace.close()
      attachments.close()
    },
    view: () => {
      if (!draft) return notFound()
      const back = draft.kind === 'visit' && draft.household ? `#/household/${draft.household.household_uuid}` : '#/today'
      if (!form) return html`${innerBar({ title: draft.household?.name ?? '', back })}<main>${empty({ sign: 'send', title: t('visit.checklist_gone') })}</main>`
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
          ${startPlace.view()}
          ${unsavedByBrowser(view.template())}
          ${draft.kind === 'visit' && draft.household ? html`${aidOfVisit(draft.visit_uuid)}${recordButton(draft.household.household_uuid, `v-${draft.visit_uuid}`)}` : nothing}
          ${draft.kind === 'followup' && isHeld ? recordButton(draft.household.household_uuid, `f-${draft.followup_id}`) : nothing}
          ${draft.kind === 'visit' && draft.household ? reliefButton(() => askForRelief(theDraft().household, theDraft().visit_uuid)) : nothing}
          <p class="center"><button class="link danger" @click=${() => askToDrop(drop)}>${t('visit.drop')}</button></p>
        </main>
        <footer class="foot two">
          <button class="btn" @click=${later}>${t('visit.later')}</button>
          <button class="btn go" ?disabled=${finishing} @click=${finish}>${t(finishWords[draft.kind])}</button>
        </footer>`
    },
  }
}

/**
 * Registering somebody who is not on the list: a short form, then the checklist for them. All of it works offline.
 *
 * Invariant: what is typed in is saved as it is typed; registering and the visit that follows begin in one step, or not at all.
 */
import { html, nothing } from 'lit-html'
import { app } from '../app.js'
import { firstVisit } from '../drafts.js'
import { askToDrop } from '../dropping.js'
import { idFault, normalNumber, readId } from '../id_number.js'
import { askPlace } from '../location.js'
import { icon, innerBar, radios } from '../parts.js'
import { newUuid } from '../uuid.js'
import { localDate, t } from '../words.js'
import { notFound } from './household.js'

/** The checklist that follows: for whoever is found, and for somebody on the street. @type {Record<string, 'new_clue'|'patrol'>} */
const USES = { clue: 'new_clue', nameless: 'patrol' }
/** What a card without a name says of people on the street. */
const STREET_TAG = 'vagrant'

/** @type {import('../app.js').ScreenMaker} params: clue or nameless; person and the household's uuid; then the op_uuid of one to correct */
export function registerScreen([what, ...params]) {
  const isPerson = what === 'person'
  const [householdUuid, replaces] = isPerson ? params : ['', params[0]]
  const href = ['#/register', what, ...(isPerson ? [householdUuid] : [])].join('/')
  /** @type {any} */
  let draft = null
  /** @type {any} */
  let household = null
  /** @type {Record<string, string>} */
  let problems = {}
  let locating = false
  let busy = false

  const grids = () => app.user?.grids ?? []

  function newDraft() {
    return {
      draft_uuid: newUuid(), kind: 'register', href: replaces ? `${href}/${replaces}` : href, what, photos: {}, started_at: new Date().toISOString(), updated_at: '',
      household_uuid: isPerson ? householdUuid : newUuid(), person_uuid: newUuid(), household: { name: '' }, place: null,
      fields: { grid_code: grids()[0]?.code ?? '' },
    }
  }

  const value = (/** @type {string} */ name) => String(draft.fields[name] ?? '').trim()

  /** @param {string} name @param {string} text */
  function set(name, text) {
    draft.fields[name] = text
    delete problems[name]
    save()
  }

  function save() {
    draft.updated_at = new Date().toISOString()
    draft.household = { name: nameOf() || t(`register.${what}`), household_uuid: draft.household_uuid }
    app.store.saveDraft(draft).catch(() => app.say(t('visit.save_failed')))
    app.draw()
  }

  /** How the household is called: a nameless person by where they are. */
  const nameOf = () => value('name') || (what === 'nameless' && value('address') ? t('register.nameless_at', { place: value('address') }).slice(0, 80) : '')

  function check() {
    problems = {}
    const number = normalNumber(value('id_number'))
    const fault = number && idFault(number, localDate(new Date()))
    if (what !== 'nameless' && !value('name')) problems.name = t('register.name_needed')
    if (!isPerson && !value('address')) problems.address = t(`register.address_needed_${what}`)
    if (fault && fault !== 'check') problems.id_number = t(`id_number.${fault}`)
    if (fault === 'check' && !value('id_reason')) problems.id_reason = t('id_number.reason_needed')
    return Object.keys(problems).length === 0
  }

  const isUnlikely = () => idFault(normalNumber(value('id_number')), localDate(new Date())) === 'check'

  /** Somebody as they are sent. */
  function personOf() {
    const number = normalNumber(value('id_number')) || null
    const read = number ? readId(number) : { birth_on: null, sex: '' }
    return {
      person_uuid: draft.person_uuid, name: value('name'), relation: value('relation'), sex: value('sex') || read.sex, birth_on: read.birth_on,
      id_number: number, id_reason: number && isUnlikely() ? value('id_reason') : null, phone: normalNumber(value('phone')) || null,
      tags: what === 'nameless' ? [STREET_TAG] : [],
    }
  }

  /** What the form makes: the operation's kind and body, what it is called. */
  function recordOf() {
    const person = personOf()
    if (isPerson) return { kind: 'person.register', title: person.name, body: { ...person, household_uuid: draft.household_uuid, found_at: draft.started_at } }
    const about = value('age') ? t('register.about_age', { n: value('age') }) : ''
    const { place } = draft
    return {
      kind: 'household.register', title: nameOf(), body: {
        household_uuid: draft.household_uuid, grid_code: value('grid_code'), name: nameOf(), address: value('address'), phone: person.phone,
        note: [about, value('note')].filter(Boolean).join(t('register.note_joint')), found_at: draft.started_at,
        location: place && { lat: place.lat, lon: place.lon, accuracy_m: place.accuracy_m, datum: place.datum, at: place.at }, location_declined: null,
        people: [{ ...person, phone: null }],
      },
    }
  }

  /** @param {{goesOn: boolean}} how whether the checklist for them follows */
  async function submit({ goesOn }) {
    if (busy) return
    if (!check()) {
      app.draw()
      requestAnimationFrame(() => /** @type {HTMLElement|null} */ (document.querySelector('[aria-invalid=true]'))?.focus())
      return
    }
    busy = true
    const { kind, title, body } = recordOf()
    const op = { op_uuid: newUuid(), kind, base: null, replaces: replaces ?? null, at: new Date().toISOString(), body }
    try {
      const begins = goesOn ? await visitAfter(op) : null
      await app.store.finish({ op, urgent: false, title, draft: { ...draft, href }, shas: [], begins })
      app.say(`✓ ${t('register.kept')}`, t('visit.kept_hint'))
      await app.reload()
      app.go(begins ? `#/visit/${begins.draft_uuid}` : replaces ? '#/send' : `#/household/${draft.household_uuid}`, { replace: true })
      app.sync?.run()
    } catch {
      busy = false
      app.say(t('visit.not_kept'))
    }
  }

  /** The draft that follows an operation. @param {any} op */
  async function visitAfter(op) {
    const { people, ...record } = op.body
    const person = { ...people[0], household_uuid: record.household_uuid, position: 0, main_class: 'none', risk: 'low', last_contact_on: null, due_on: null, died_on: null, id_masked: null }
    delete person.id_number
    return firstVisit({ ...record, due_on: null, last_visit_on: null, carry: null }, [person], USES[what], op.op_uuid)
  }

  async function drop() {
    await app.store.dropDraft(draft.draft_uuid)
    app.go(isPerson ? `#/household/${householdUuid}` : '#/today', { replace: true })
  }

  async function measure() {
    locating = true
    app.draw()
    draft.place = await askPlace()
    locating = false
    if (!draft.place) app.say(t('register.no_place'))
    save()
  }

  /** @param {string} name @param {{label?: string, mode?: string, hint?: string, length?: number, long?: boolean}} [more] */
  const input = (name, { label = t(`register.${name}`), mode = 'text', hint = '', length = 80, long = false } = {}) => html`
    <label class="field"><span>${label}</span>${hint ? html`<small class="quiet">${hint}</small>` : nothing}
      ${long ? html`<textarea class="input" rows="3" maxlength=${length} autocomplete="off" .value=${draft.fields[name] ?? ''} @input=${(/** @type {any} */ event) => set(name, event.target.value)}></textarea>`
        : html`<input class="input" inputmode=${mode} maxlength=${length} autocomplete="off" aria-invalid=${problems[name] ? 'true' : nothing} .value=${draft.fields[name] ?? ''}
          @input=${(/** @type {any} */ event) => set(name, event.target.value)}>`}
      ${problems[name] ? html`<span class="problem" role="alert">! ${problems[name]}</span>` : nothing}</label>`

  const sex = () => radios({ name: 'sex', label: t('register.sex'), chosen: value('sex') || null, choose: (code) => set('sex', code), options: [['m', t('sex.m')], ['f', t('sex.f')]] })

  const idNumber = () => html`${input('id_number', { length: 30, hint: t('register.id_number_hint') })}
    ${isUnlikely() ? html`<p class="note orange">${t('id_number.check')}</p>${input('id_reason', { length: 200 })}` : nothing}`

  const grid = () => (grids().length > 1 ? html`<label class="field"><span>${t('register.grid')}</span><select class="input" @change=${(/** @type {any} */ event) => set('grid_code', event.target.value)}>
    ${grids().map(({ code, name }) => html`<option value=${code} ?selected=${code === draft.fields.grid_code}>${name}</option>`)}</select></label>` : nothing)

  const place = () => html`
    <div class="stack"><p class="quiet">${draft.place ? `✓ ${t('register.place_kept', { m: Math.round(draft.place.accuracy_m) })}` : t('register.place_hint')}</p>
      ${draft.place ? html`<button class="btn" type="button" @click=${() => { draft.place = null; save() }}>${t('register.place_drop')}</button>`
        : html`<button class="btn" type="button" ?disabled=${locating} @click=${measure}>${icon('place')}${t(locating ? 'today.locating' : 'register.place')}</button>`}</div>`

  return {
    holdsForm: true,
    load: async () => {
      if (isPerson) household = (await app.registry()).households.find((one) => one.household_uuid === householdUuid) ?? null
      if (draft) return
      const replaced = replaces ? app.outbox.ops.find((op) => op.op_uuid === replaces) : null
      const begun = (await app.store.drafts()).find((one) => one.kind === 'register' && one.href === (replaces ? `${href}/${replaces}` : href))
      draft = begun ?? (replaced ? { ...replaced.draft, draft_uuid: newUuid(), href: `${href}/${replaces}` } : newDraft())
    },
    view: () => {
      if (!draft || (isPerson && !household)) return notFound()
      return html`
        ${innerBar({ title: t(`register.${what}`), subtitle: isPerson ? household.name : t('register.offline'), back: isPerson ? `#/household/${householdUuid}` : '#/today' })}
        <main class="with-foot">
          <form class="card asked" autocomplete="off" @submit=${(/** @type {Event} */ event) => { event.preventDefault(); submit({ goesOn: !isPerson && !replaces }) }}>
            ${what === 'nameless' ? html`
              ${input('address', { label: t('register.address_nameless'), hint: t('register.address_hint_nameless'), length: 60 })}
              ${grid()}${input('note', { long: true, length: 900, hint: t('register.note_hint_nameless') })}`
            : html`
              ${input('name', { hint: isPerson ? '' : t('register.name_hint'), length: 40 })}
              ${isPerson ? input('relation', { length: 20, hint: t('register.relation_hint') }) : nothing}
              ${sex()}
              ${isPerson ? nothing : input('age', { mode: 'numeric', length: 3 })}
              ${input('phone', { mode: 'tel', length: 30 })}
              ${isPerson ? nothing : html`${input('address', { length: 200 })}${grid()}${input('note', { long: true, length: 900, hint: t('register.note_hint') })}`}
              ${idNumber()}`}
            ${isPerson ? nothing : place()}
          </form>
          <p class="center"><button class="link danger" @click=${() => askToDrop(drop)}>${t('visit.drop')}</button></p>
        </main>
        <footer class="foot ${isPerson || replaces ? '' : 'two'}">
          ${isPerson || replaces ? nothing : html`<button class="btn" @click=${() => submit({ goesOn: false })}>${t('register.only')}</button>`}
          <button class="btn go" @click=${() => submit({ goesOn: !isPerson && !replaces })}>${t(isPerson || replaces ? 'register.go' : 'register.go_on')}</button>
        </footer>`
    },
  }
}

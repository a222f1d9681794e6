/**
 * Aid: recording what was given or promised, handing over what is due, and what a household is owed and received lately.
 *
 * Invariant: what is typed in is saved as it is typed; what was given stands here from the moment it is kept on this phone, and a
 * receipt that cannot be had holds up nothing.
 */
import { html, nothing } from 'lit-html'
import { KINDS, aidOf, canTakeBack, findAlike, givenOf, needsReceipt, receiptLimits, stepsOfVisit, today, writeCents, writeMilli } from '../aid.js'
import { app } from '../app.js'
import { Attachments, photosIn } from '../attachments.js'
import { DrawingControl } from '../drawing_control.js'
import { peopleOf } from '../drafts.js'
import { askToDrop } from '../dropping.js'
import { icon, innerBar, radios } from '../parts.js'
import { PhotoControl } from '../photo_control.js'
import { plainRecord } from '../registry.js'
import { newUuid } from '../uuid.js'
import { dayWords, t } from '../words.js'
import { notFound } from './household.js'
import { visitOfToday } from './relief.js'

/** @typedef {import('../aid.js').Entry} Entry */

/** What was given lately and is shown on a household's page. */
const SHOWN = 5
/** What a receipt may be, each as the control that makes it. */
const RECEIPTS = { signature: { path: 'signature', node: { appearance: 'signature' } }, photo: { path: 'photo', node: { appearance: '' } } }
/** Paths of a receipt, in the order they are sent. */
const PATHS = /** @type {const} */ (['signature', 'photo'])

/** What it is, in one line: 500 yuan; rice 2 bags; care 1 time. @param {any} entry */
export function amountWords(entry) {
  const { kind, item, amount_cents: cents, quantity_milli: milli, unit } = entry
  if (kind === 'cash') return t('aid.yuan', { amount: writeCents(cents ?? 0) })
  const name = item ? app.word(`aid_${kind}`, item) : ''
  return kind === 'goods' ? t('aid.so_many', { name, n: writeMilli(milli ?? 0), unit: unit ? app.word('aid_unit', unit) : '' })
    : t('aid.times_done', { name, n: Math.round((milli ?? 0) / 1000) })
}

/** All of a household's aid as this phone knows it. @param {string} householdUuid */
export async function readAid(householdUuid) {
  const [records, pulledTo] = await Promise.all([app.store.list('aid'), app.store.meta('pulled_to')])
  return aidOf({ householdUuid, records, ops: app.outbox.ops, pulledTo: pulledTo ?? 0 })
}

// What a household's page and a visit show

/**
 * @param {{household: any, people: any[], aid: {due: Entry[], given: Entry[]}, limits: Record<string, number|null>, about: string, visitUuid: string|null}} shown
 *   `about`: what is recorded from here belongs to (`v-` and a visit, `f-` and a task, `-`)
 */
export function aidOfHousehold({ household, people, aid, limits, about, visitUuid }) {
  const who = (/** @type {Entry} */ entry) => people.find((person) => person.person_uuid === entry.person_uuid)?.name ?? ''
  const line = (/** @type {Entry} */ entry) => [app.word('aid_programme', entry.programme), who(entry), entry.note].filter(Boolean).join(' · ')
  const now = new Date()
  return html`
    ${aid.due.length ? html`<div class="head"><h2>${t('aid.due')}</h2></div><ul class="cells">${aid.due.map((entry) => html`
      <li class="cell orange"><div class="body"><b>${amountWords(entry)}</b><span class="when">${dayWords(entry.on, now)}</span><span class="why">${line(entry)}</span></div>
        ${entry.op?.kind === 'aid.take_back' ? onItsWay(entry) : html`
        <div class="row wrap acts"><button class="btn go" type="button" aria-label=${t('aid.give_label', { what: amountWords(entry) })} @click=${() => give(household, entry, limits, visitUuid)}>${icon('check')}${t('aid.give')}</button>
          <a class="btn" href="#/aid/give/${household.household_uuid}/${entry.aid_uuid}">${t('aid.give_more')}</a>
          ${canTakeBack(entry, today()) ? takeBackButton(household, entry) : nothing}</div>${onItsWay(entry)}`}</li>`)}</ul>` : nothing}
    ${aid.given.length ? html`<div class="head"><h2>${t('aid.lately')}</h2></div><ul class="cells">${aid.given.slice(0, SHOWN).map((entry) => html`
      <li class="cell"><div class="body"><b>${amountWords(entry)}</b><span class="when">${dayWords(entry.on, now)}</span><span class="why">${line(entry)}</span></div>
        ${onItsWay(entry)}${canTakeBack(entry, today()) ? html`<div class="row wrap acts">${takeBackButton(household, entry)}</div>` : nothing}</li>`)}</ul>` : nothing}
    ${recordButton(household.household_uuid, about)}`
}

/** The way to the form. @param {string} householdUuid @param {string} about */
export const recordButton = (householdUuid, about) => html`<a class="btn plain wide" href="#/aid/record/${householdUuid}/${about}">${icon('plus')}${t('aid.record')}</a>`

/** What was recorded on a visit that is being filled in. @param {string} visitUuid */
export function aidOfVisit(visitUuid) {
  const steps = stepsOfVisit(app.outbox.ops, visitUuid)
  return steps.length ? html`<ul class="cells">${steps.map((op) => html`<li class="cell"><div class="body"><b>✓ ${amountWords(op.kind === 'aid.give' ? op.draft?.entry ?? {} : op.body)}</b>
    <span class="why">${t(op.kind === 'aid.record' && !op.body.is_given ? 'aid.promised_here' : 'aid.given_here')}</span></div></li>`)}</ul>` : nothing
}

/** What is on its way about an entry. @param {Entry} entry */
function onItsWay({ op }) {
  if (!op || op.state === 'received') return nothing
  const words = t(op.kind === 'aid.take_back' ? 'aid.taken_back_here' : op.kind === 'aid.record' && !op.body.is_given ? 'aid.promised_here' : 'aid.given_here')
  return op.state === 'rejected' ? html`<a class="note red pending" href="#/send">! ${words} · ${t('household.refused')}</a>`
    : html`<p class="note orange pending">${words} · ${t('household.waiting')}</p>`
}

/** @param {any} household @param {Entry} entry */
const takeBackButton = (household, entry) => html`<button class="link" type="button" aria-label=${t('aid.take_back_label', { what: amountWords(entry) })} @click=${() => askToTakeBack(household, entry)}>${t('aid.take_back')}</button>`

/** Entries being written this very moment: a second tap is no second payment. @type {Set<string>} */
const writing = new Set()

/** Hand over what is due by one tap, today; with a receipt where one is wanted. @param {any} household @param {Entry} entry @param {Record<string, number|null>} limits @param {string|null} visitUuid */
async function give(household, entry, limits, visitUuid) {
  if (needsReceipt(limits, entry.kind, entry.amount_cents)) return app.go(`#/aid/give/${household.household_uuid}/${entry.aid_uuid}`)
  if (writing.has(entry.aid_uuid)) return
  writing.add(entry.aid_uuid)
  const draft = newDraft({ household, href: `#/aid/give/${household.household_uuid}/${entry.aid_uuid}`, aidUuid: entry.aid_uuid, entry: plainEntry(entry), typed: { on: today() } })
  try {
    await keep('aid.give', { aid_uuid: entry.aid_uuid, household_uuid: household.household_uuid, visit_uuid: visitUuid, on: today(), received_by: null, attachments: [] }, draft, null)
  } catch {
    app.say(t('visit.not_kept'))
  }
  writing.delete(entry.aid_uuid)
}

/** @param {any} household @param {Entry} entry */
function askToTakeBack(household, entry) {
  let problem = ''
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const reason = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('reason')).trim()
    if (!reason) {
      problem = t('aid.reason_needed')
      app.draw()
      return
    }
    if (writing.has(entry.aid_uuid)) return
    writing.add(entry.aid_uuid)
    try {
      await keep('aid.take_back', { aid_uuid: entry.aid_uuid, household_uuid: household.household_uuid, reason }, newDraft({ household, href: '', aidUuid: entry.aid_uuid, entry: plainEntry(entry), typed: {} }), null)
      app.closeSheet()
    } catch {
      app.say(t('visit.not_kept'))
    }
    writing.delete(entry.aid_uuid)
  }
  app.openSheet(t('aid.take_back'), () => html`
    <h2>${t('aid.take_back_label', { what: amountWords(entry) })}</h2><p class="quiet">${t('aid.take_back_hint')}</p>
    <form class="stack" autocomplete="off" @submit=${submit}>
      <label class="field"><span>${t('aid.reason')}</span><textarea name="reason" class="input" rows="2" maxlength="1000"></textarea></label>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      <button class="btn go">${t('aid.take_back')}</button>
      <button class="btn plain" type="button" @click=${() => app.closeSheet()}>${t('app.cancel')}</button>
    </form>`)
}

/** @param {Entry} entry */
const plainEntry = (entry) => ({ ...entry, op: null })

/** @param {{household: any, href: string, aidUuid: string, typed: Record<string, any>, entry?: any}} given */
function newDraft({ household, href, aidUuid, typed, entry = null }) {
  return {
    draft_uuid: newUuid(), kind: 'aid', href, aid_uuid: aidUuid, entry, typed, photos: /** @type {any} */ ({}), updated_at: '', started_at: new Date().toISOString(),
    household: { name: household.name || t('household.nameless'), household_uuid: household.household_uuid, grid_code: household.grid_code },
  }
}

/** One transaction of the store, and only then "saved". @param {string} kind @param {any} body @param {any} draft @param {string|null} replaces */
async function keep(kind, body, draft, replaces) {
  const op = { op_uuid: newUuid(), kind, base: null, replaces, at: new Date().toISOString(), body }
  await app.store.finish({ op, urgent: false, title: draft.household.name, draft, shas: (body.attachments ?? []).map((/** @type {any} */ one) => one.sha256) })
  app.say(`✓ ${t('visit.kept')}`, t('visit.kept_hint'))
  await app.reload()
  app.sync?.run()
}

// The form

/** @type {import('../app.js').ScreenMaker} params: record or give; the household; what it belongs to, or the entry that is due; the operation it replaces */
export function aidScreen([what, householdUuid, about = '-', replaces]) {
  const isGiving = what === 'give'
  const href = ['#/aid', what, householdUuid, about, ...(replaces ? [replaces] : [])].join('/')
  /** @type {any} */
  let household = null
  /** @type {any[]} */
  let people = []
  /** @type {{due: Entry[], given: Entry[]}} */
  let aid = { due: [], given: [] }
  /** @type {Record<string, number|null>} */
  let limits = {}
  /** What is typed in stands in `typed`, by field. @type {any} */
  let draft = null
  let back = `#/household/${householdUuid}`
  /** @type {Promise<void>} */
  let saving = Promise.resolve()
  let problem = ''
  let busy = false
  /** An entry that says the same. @type {Entry|null} */
  let alike = null

  const typed = () => draft.typed
  const isGiven = () => isGiving || typed().is_given !== 'no'
  const sentOf = () => (isGiving ? draft.entry : givenOf(typed()))
  const kind = () => (isGiving ? draft.entry.kind : typed().kind)
  const receipts = () => PATHS.flatMap((path) => photosIn(typed()[path]))
  const wantsReceipt = () => Boolean(kind()) && isGiven() && needsReceipt(limits, kind(), sentOf().amount_cents)

  const host = {
    draft: () => draft, value: (/** @type {string} */ path) => typed()[path], set, touch: () => save(),
    isNamed: (/** @type {string} */ sha) => receipts().includes(sha),
  }
  const attachments = new Attachments(host, app)
  const controls = { signature: new DrawingControl(attachments), photo: new PhotoControl(attachments) }

  function save() {
    draft.updated_at = new Date().toISOString()
    saving = saving.then(() => app.store.saveDraft(draft)).catch(() => app.say(t('visit.save_failed')))
  }

  /** @param {string} name @param {any} to */
  function set(name, to) {
    typed()[name] = to
    problem = ''
    alike = null
    save()
    app.draw()
  }

  /** @param {string} chosen */
  function chooseKind(chosen) {
    Object.assign(typed(), { item: '', unit: '', programme: programmes(chosen).length === 1 ? programmes(chosen)[0].code : '' })
    set('kind', chosen)
  }

  /** @param {string} item */
  function chooseItem(item) {
    const units = unitsOf(item)
    typed().unit = units.length === 1 || !units.includes(typed().unit) ? units[0] ?? '' : typed().unit
    set('item', item)
  }

  /** @param {string} table */
  const codesOf = (table) => [...app.codes.values()].filter((code) => code.table === table).sort((a, b) => a.position - b.position)
  const programmes = (/** @type {string} */ of) => codesOf('aid_programme').filter((code) => (code.extra?.kinds ?? KINDS).includes(of))
  const unitsOf = (/** @type {string} */ item) => Object.keys(app.codes.get(`aid_goods/${item}`)?.extra?.units ?? {})

  const visitOfTodayHere = async () => visitOfToday(householdUuid, await app.store.list('visit'))

  /** @param {string|null} visitOfToday_ what is handed over today belongs to it */
  function begin(visitOfToday_) {
    const replaced = app.outbox.ops.find((op) => op.op_uuid === replaces)
    const entry = isGiving ? [...aid.due, ...aid.given].find((one) => one.aid_uuid === about) ?? replaced?.draft?.entry : null
    if (isGiving && !entry) return null
    if (replaced?.draft) return { ...replaced.draft, draft_uuid: newUuid(), href, typed: { ...replaced.draft.typed }, photos: { ...replaced.draft.photos } }
    return newDraft({ household, href, aidUuid: isGiving ? about : newUuid(), entry: entry && plainEntry(entry), typed: isGiving ? { on: today(), visit_uuid: visitOfToday_ } : { kind: '', source: 'public', is_given: 'yes', on: today(), times: '1' } })
  }

  /** @returns {any} the body, or null with a problem */
  function bodyOf() {
    const received_by = String(typed().received_by ?? '').trim() || null
    const on = typed().on || today()
    const attached = PATHS.flatMap((path) => photosIn(typed()[path]).map((sha) => ({ sha256: sha, question: path, taken_at: draft.photos[sha]?.taken_at ?? null, size: draft.photos[sha]?.size ?? null })))
    const attachments_ = isGiven() ? attached : []
    if (isGiven() && on > today()) problem = t('aid.in_future')
    if (!isGiving && !problem) problem = whatIsMissing()
    if (!problem && wantsReceipt() && !attached.length && !typed().no_receipt) problem = t('aid.receipt_needed')
    if (problem) return null
    if (isGiving) return { aid_uuid: about, household_uuid: householdUuid, visit_uuid: visitUuid(), on, received_by, attachments: attachments_ }
    return {
      aid_uuid: draft.aid_uuid, household_uuid: householdUuid, person_uuid: typed().person || null, visit_uuid: visitUuid(), followup_id: about.startsWith('f-') ? about.slice(2) : null,
      kind: kind(), programme: typed().programme, source: typed().source, ...givenOf(typed()), note: String(typed().note ?? '').trim() || null,
      is_given: isGiven(), on, received_by: isGiven() ? received_by : null, attachments: attachments_,
    }
  }

  /** The visit it belongs to: the one it was begun from, or one of today. */
  const visitUuid = () => (about.startsWith('v-') ? about.slice(2) : typed().visit_uuid ?? null)

  function whatIsMissing() {
    const given = givenOf(typed())
    if (!kind()) return t('aid.kind_needed')
    if (kind() === 'cash' && given.amount_cents === null) return t('aid.amount_needed')
    if (kind() !== 'cash' && !given.item) return t('aid.item_needed')
    if (kind() === 'goods' && (given.quantity_milli === null || !given.unit)) return t('aid.quantity_needed')
    if (kind() === 'goods' && typed().worth && given.amount_cents === null) return t('aid.amount_needed')
    if (kind() === 'service' && given.quantity_milli === null) return t('aid.times_needed')
    return typed().programme ? '' : t('aid.programme_needed')
  }

  async function submit() {
    if (busy || attachments.isBusy) return
    problem = ''
    const body = bodyOf()
    alike = body && !isGiving && !typed().again ? findAlike(aid, body, today()) : null
    if (!body || alike) {
      app.draw()
      requestAnimationFrame(() => document.querySelector('[role=alert]')?.scrollIntoView({ block: 'center' }))
      return
    }
    busy = true
    try {
      await saving
      await keep(isGiving ? 'aid.give' : 'aid.record', body, { ...draft, href: ['#/aid', what, householdUuid, about].join('/') }, replaces ?? null)
      app.go(replaces ? '#/send' : back, { replace: true })
    } catch {
      busy = false
      app.say(t('visit.not_kept'))
    }
  }

  async function drop() {
    await saving
    await app.store.dropDraft(draft.draft_uuid)
    app.go(back, { replace: true })
    app.sync?.run() // it may have been the last thing a phone that hands in was waiting for
  }

  /** @param {string} name @param {string} label @param {{mode?: string, type?: string, length?: number, max?: any, hint?: string}} [more] */
  const input = (name, label, { mode = 'text', type = 'text', length = 20, max = nothing, hint = '' } = {}) => html`
    <label class="field"><span>${label}</span>${hint ? html`<small class="quiet">${hint}</small>` : nothing}<input class="input" name=${name} type=${type} inputmode=${mode} maxlength=${length} max=${max} autocomplete="off"
      .value=${typed()[name] ?? ''} @input=${(/** @type {any} */ event) => set(name, event.target.value)}></label>`

  /** @param {string} name @param {string} label @param {[string, string][]} options @param {(code: string) => void} [choose] */
  const select = (name, label, options, choose = (code) => set(name, code)) => html`
    <label class="field"><span>${label}</span><select class="input" name=${name} autocomplete="off" @change=${(/** @type {any} */ event) => choose(event.target.value)}>
      ${options.some(([code]) => code === (typed()[name] ?? '')) ? nothing : html`<option value="" selected>${t('aid.choose')}</option>`}
      ${options.map(([code, words]) => html`<option value=${code} ?selected=${code === (typed()[name] ?? '')}>${words}</option>`)}</select></label>`

  const words = (/** @type {string} */ table) => codesOf(table).map((code) => /** @type {[string, string]} */ ([code.code, app.word(table, code.code)]))

  const howMuch = () => {
    if (kind() === 'cash') return input('amount', t('aid.amount'), { mode: 'decimal' })
    if (kind() === 'service') return html`${select('item', t('aid.what'), words('aid_service'), chooseItem)}${input('times', t('aid.times'), { mode: 'numeric', length: 4 })}`
    return html`${select('item', t('aid.what'), words('aid_goods'), chooseItem)}
      <div class="row two">${input('quantity', t('aid.quantity'), { mode: 'decimal' })}
      ${select('unit', t('aid.unit'), unitsOf(typed().item ?? '').map((code) => [code, app.word('aid_unit', code)]))}</div>`
  }

  const whoTook = () => (isGiven() ? input('received_by', t('aid.received_by'), { length: 80, hint: t('aid.received_by_hint') }) : nothing)
  const day = () => input('on', t(isGiven() ? 'aid.given_on' : 'aid.due_on'), { type: 'date', max: isGiven() ? today() : nothing })

  const receipt = () => (wantsReceipt() ? html`<section class="stack"><h2>${t('aid.receipt')}</h2><p class="quiet">${t('aid.receipt_hint')}</p>
    ${PATHS.map((path) => controls[path].view(/** @type {any} */ (RECEIPTS[path])))}
    ${receipts().length ? nothing : html`<label class="check"><input type="checkbox" autocomplete="off" .checked=${Boolean(typed().no_receipt)} @change=${(/** @type {any} */ event) => set('no_receipt', event.target.checked)}><span>${t('aid.no_receipt')}</span></label>`}</section>` : nothing)

  const more = () => html`<details class="more" ?open=${Boolean(typed().more)} @toggle=${(/** @type {any} */ event) => { if (Boolean(typed().more) !== event.target.open) set('more', event.target.open) }}>
    <summary>${t('aid.more')}</summary><div class="stack">
      ${people.length > 1 ? select('person', t('aid.for_whom'), [['', t('aid.all_of_them')], ...people.map((person) => /** @type {[string, string]} */ ([person.person_uuid, person.name || t('household.nameless')]))]) : nothing}
      ${select('source', t('aid.source'), words('aid_source'))}
      ${kind() === 'goods' ? input('worth', t('aid.worth'), { mode: 'decimal' }) : nothing}
      ${whoTook()}
      <label class="field"><span>${t('aid.note')}</span><textarea class="input" rows="2" maxlength="1000" autocomplete="off" .value=${typed().note ?? ''} @input=${(/** @type {any} */ event) => set('note', event.target.value)}></textarea></label>
    </div></details>`

  const recording = () => html`
    ${radios({ name: 'kind', label: t('aid.kind'), chosen: kind() || null, choose: chooseKind, options: KINDS.map((code) => /** @type {[string, string]} */ ([code, t(`aid.kind_${code}`)])) })}
    ${kind() ? html`${howMuch()}
      ${select('programme', t('aid.programme'), programmes(kind()).map((code) => [code.code, app.word('aid_programme', code.code)]))}
      ${radios({ name: 'is_given', label: t('aid.is_given'), chosen: isGiven() ? 'yes' : 'no', choose: (value) => set('is_given', value), options: [['yes', t('aid.given')], ['no', t('aid.not_yet')]] })}
      ${day()}${receipt()}${more()}` : nothing}`

  const giving = () => html`<p><b>${amountWords(draft.entry)}</b><br><span class="quiet">${app.word('aid_programme', draft.entry.programme)}</span></p>${day()}${whoTook()}${receipt()}`

  return {
    holdsForm: true,
    load: async () => {
      const known = (await app.registry()).households.find((one) => one.household_uuid === householdUuid)
      household = known ? plainRecord(known) : household
      const drafts = await app.store.drafts()
      const begun = draft ?? drafts.find((one) => one.kind === 'aid' && one.href === href)
      household = household ?? begun?.household ?? app.outbox.ops.find((op) => op.op_uuid === replaces)?.draft?.household ?? null
      if (!household) return
      people = (await peopleOf(householdUuid)).filter((person) => !person.op || person.op.state !== 'rejected')
      aid = await readAid(householdUuid)
      limits = receiptLimits(await app.store.list('area'), household.grid_code ?? '')
      const visit = drafts.find((one) => (about.startsWith('v-') ? one.visit_uuid === about.slice(2) && one.kind === 'visit' : about.startsWith('f-') && one.followup_id === about.slice(2)))
      if (visit) back = `#/visit/${visit.draft_uuid}`
      if (draft) return
      draft = begun ?? begin(await visitOfTodayHere())
      if (!draft) return
      // Of one that is corrected, its photos may have been let go of: the server has them.
      for (const [sha, photo] of Object.entries(draft.photos)) photo.here = Boolean(await app.store.photoBytes(sha))
      await attachments.open()
    },
    leave: () => attachments.close(),
    view: () => {
      if (!household || !draft) return notFound()
      return html`
        ${innerBar({ title: t(isGiving ? 'aid.title_give' : 'aid.record'), subtitle: household.name || t('household.nameless'), back })}
        <main class="with-foot">
          <form class="card asked" autocomplete="off" @submit=${(/** @type {Event} */ event) => { event.preventDefault(); submit() }}>
            ${isGiving ? giving() : recording()}
            ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
            ${alike ? html`<div class="note orange" role="alert"><p>${t(alike.state === 'due' ? 'aid.alike_due' : 'aid.alike_given', { what: amountWords(alike), when: dayWords(alike.on, new Date()) })}</p>
              <button class="btn" type="button" @click=${() => { typed().again = true; submit() }}>${t('aid.alike_go')}</button></div>` : nothing}
          </form>
          ${draft.updated_at ? html`<p class="center"><button class="link danger" @click=${() => askToDrop(drop)}>${t('visit.drop')}</button></p>` : nothing}
        </main>
        <footer class="foot"><button class="btn go" ?disabled=${busy || attachments.isBusy} @click=${submit}>${t('aid.go')}</button></footer>`
    },
  }
}

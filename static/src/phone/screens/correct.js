/**
 * Correcting what the registry says of a household or a person: what is wrong, a death, a move.
 *
 * Invariant: what is typed in is saved as it is typed; what is sent names what the phone showed beside what it is to be, and
 * nothing else of the record is touched.
 */
import { html, nothing } from 'lit-html'
import { maskPhone } from '../../checklist/view/mask.js'
import { holdsOn } from '../agenda.js'
import { app } from '../app.js'
import { askToDrop } from '../dropping.js'
import { idFault, normalNumber } from '../id_number.js'
import { innerBar, radios } from '../parts.js'
import { changesOf, plainRecord, shown } from '../registry.js'
import { newUuid } from '../uuid.js'
import { localDate, t } from '../words.js'
import { notFound } from './household.js'
import { tagWord } from './today.js'

/** @type {Record<string, string[]>} */
const FIELDS = { household: ['name', 'address', 'phone', 'note'], person: ['name', 'relation', 'sex', 'birth_on', 'phone', 'id_number', 'tags'], died: ['died_on'], away: ['moved_away_on', 'moved_away_to'], move: [] }
/** Shown masked, so typed anew or left as they are. */
const MASKED = new Set(['phone', 'id_number'])
/** @type {Record<string, number>} */
const LENGTHS = { name: 80, relation: 20, address: 200, note: 1000, phone: 30, id_number: 30, moved_away_to: 200 }

/** @type {import('../app.js').ScreenMaker} params: what is corrected, of whom, and the operation it replaces */
export function correctScreen([what, uuid, replaces]) {
  const isOfHousehold = what === 'household' || what === 'move'
  const href = `#/correct/${what}/${uuid}`
  /** @type {any} */
  let record = null
  /** What is typed in stands in `typed`, by field. @type {any} */
  let draft = null
  /** @type {Promise<void>} */
  let saving = Promise.resolve()
  /** The tags that special periods of today offer. @type {Set<string>} */
  let special = new Set()
  let problem = ''
  let busy = false

  const householdUuid = () => record.household_uuid
  const today = () => localDate(new Date())
  const otherGrids = () => (app.user?.grids ?? []).filter((grid) => grid.code !== shown(record, 'grid_code'))

  /** @param {string} name @param {any} to */
  function set(name, to) {
    draft.typed[name] = to
    draft.updated_at = new Date().toISOString()
    problem = ''
    saving = saving.then(() => app.store.saveDraft(draft)).catch(() => app.say(t('visit.save_failed')))
    app.draw()
  }

  function newDraft() {
    const typed = app.outbox.ops.find((op) => op.op_uuid === replaces)?.draft?.typed
    const first = { household: {}, person: {}, died: { died_on: today() }, away: { moved_away_on: today() }, move: { moved_away_on: today() } }
    return {
      draft_uuid: newUuid(), kind: 'correct', href: replaces ? `${href}/${replaces}` : href, photos: {}, updated_at: '', record: plainRecord(record),
      household: { name: record.name || t('household.nameless'), household_uuid: householdUuid() },
      typed: { ...(typed ?? /** @type {Record<string, any>} */ (first)[what]) },
    }
  }

  /** The corrections as typed in; a number left empty stays. */
  function wanted() {
    const given = Object.entries(draft.typed).filter(([name, to]) => FIELDS[what].includes(name) && !(MASKED.has(name) && to === ''))
    return Object.fromEntries(given.map(([name, to]) => {
      if (MASKED.has(name)) return [name, to === null ? null : normalNumber(to)]
      return [name, typeof to === 'string' ? to.trim() || (name.endsWith('_on') ? null : '') : to]
    }))
  }

  /** @returns {{kind: string, body: any}|null} null: with a problem */
  function operation() {
    const reason = String(draft.typed.reason ?? '').trim() || null
    if (what === 'move') {
      const goesAway = draft.typed.to_grid === ''
      if (draft.typed.to_grid === undefined) problem = t('correct.where_needed')
      else if (!reason) problem = t('correct.reason_needed')
      if (problem) return null
      return { kind: 'household.move', body: {
        household_uuid: uuid, from_grid: shown(record, 'grid_code'), to_grid: goesAway ? null : draft.typed.to_grid,
        moved_away_on: goesAway ? draft.typed.moved_away_on || today() : null, moved_away_to: goesAway ? String(draft.typed.moved_away_to ?? '').trim() || null : null, reason,
      } }
    }
    const fields = changesOf(record, wanted())
    const fault = fields.id_number?.to && idFault(fields.id_number.to, today())
    if (!Object.keys(fields).length) problem = t('correct.nothing')
    else if (what === 'household' && fields.name?.to === '') problem = t('register.name_needed')
    else if (Object.entries(fields).some(([name, { to }]) => name.endsWith('_on') && to > today())) problem = t('correct.in_future')
    else if (fault && fault !== 'check') problem = t(`id_number.${fault}`)
    else if (fault === 'check' && !reason) problem = t('id_number.check')
    if (problem) return null
    return isOfHousehold ? { kind: 'household.update', body: { household_uuid: uuid, fields, reason } }
      : { kind: 'person.update', body: { person_uuid: uuid, household_uuid: householdUuid(), fields, reason } }
  }

  async function submit() {
    const made = busy ? null : operation()
    if (!made) return app.draw()
    busy = true
    try {
      await saving
      await app.store.finish({
        op: { op_uuid: newUuid(), kind: made.kind, base: null, replaces: replaces ?? null, at: new Date().toISOString(), body: made.body },
        urgent: false, title: record.name, draft: { ...draft, href }, shas: [],
      })
      app.say(`✓ ${t('visit.kept')}`, t('visit.kept_hint'))
      await app.reload()
      app.go(replaces ? '#/send' : `#/household/${householdUuid()}`, { replace: true })
      app.sync?.run()
    } catch {
      busy = false
      app.say(t('visit.not_kept'))
    }
  }

  async function drop() {
    await saving
    await app.store.dropDraft(draft.draft_uuid)
    app.go(`#/household/${householdUuid()}`, { replace: true })
    app.sync?.run() // it may have been the last thing a phone that hands in was waiting for
  }

  /** A field, with what is there now. @param {string} name */
  function control(name) {
    const now = shown(record, name) ?? ''
    if (name === 'sex') return radios({ name, label: t('register.sex'), chosen: draft.typed.sex ?? now, choose: (code) => set('sex', code), options: [['m', t('sex.m')], ['f', t('sex.f')]] })
    if (name === 'tags') return tags(now || [])
    const label = t(`correct.${name}`)
    const was = MASKED.has(name) ? t('correct.masked', { value: (name === 'phone' && now ? maskPhone(now) : now) || t('correct.none') }) : ''
    const text = draft.typed[name] ?? (MASKED.has(name) ? '' : now)
    const put = (/** @type {any} */ event) => set(name, event.target.value)
    return html`
      <label class="field"><span>${label}</span>${was ? html`<small class="quiet">${was}</small>` : nothing}
        ${name === 'note' ? html`<textarea class="input" rows="3" maxlength=${LENGTHS[name]} autocomplete="off" .value=${text} @input=${put}></textarea>`
          : html`<input class="input" type=${name.endsWith('_on') ? 'date' : 'text'} max=${name.endsWith('_on') ? today() : nothing} inputmode=${name === 'phone' ? 'tel' : nothing} maxlength=${LENGTHS[name] ?? 20}
            autocomplete="off" .value=${text} @input=${put}>`}</label>
      ${name === 'phone' && now ? html`<label class="check"><input type="checkbox" autocomplete="off" .checked=${draft.typed.phone === null} @change=${(/** @type {any} */ event) => set('phone', event.target.checked ? null : '')}><span>${t('correct.phone_gone')}</span></label>` : nothing}`
  }

  /** @param {string[]} now */
  function tags(now) {
    const chosen = /** @type {string[]} */ (draft.typed.tags ?? now)
    const offered = [...app.codes.values()].filter((code) => code.table === 'tag' && !code.extra?.restricted && !code.extra?.shown_only
      && (!code.extra?.special_period || special.has(code.code) || now.includes(code.code)))
      .sort((a, b) => a.position - b.position).map((code) => code.code)
    const toggle = (/** @type {string} */ tag) => set('tags', chosen.includes(tag) ? chosen.filter((one) => one !== tag) : [...chosen, tag])
    return html`<fieldset class="plain"><legend>${t('correct.tags')}</legend><div class="seg medium">${offered.map((tag) => html`
      <label class="choice"><input type="checkbox" autocomplete="off" .checked=${chosen.includes(tag)} @change=${() => toggle(tag)}><span class="opt">${tagWord(tag)}</span></label>`)}</div></fieldset>`
  }

  const reason = (/** @type {string} */ label) => html`
    <label class="field"><span>${label}</span><textarea class="input" rows="2" maxlength="900" autocomplete="off" .value=${draft.typed.reason ?? ''} @input=${(/** @type {any} */ event) => set('reason', event.target.value)}></textarea></label>`

  const move = () => html`
    ${radios({ name: 'to_grid', label: t('correct.where'), chosen: draft.typed.to_grid ?? null, choose: (code) => set('to_grid', code), width: 'wide',
      options: [...otherGrids().map((grid) => /** @type {[string, string]} */ ([grid.code, grid.name])), ['', t('correct.elsewhere')]] })}
    ${draft.typed.to_grid === '' ? html`${control('moved_away_on')}${control('moved_away_to')}` : nothing}
    ${reason(t('correct.reason'))}`

  const others = () => html`
    <div class="row wrap">${what === 'household' ? html`<a class="btn" href="#/correct/move/${uuid}">${t('correct.move')}</a>`
      : html`<a class="btn" href="#/correct/died/${uuid}">${t('correct.died')}</a><a class="btn" href="#/correct/away/${uuid}">${t('correct.away')}</a>`}</div>`

  return {
    holdsForm: true,
    load: async () => {
      const { households, people } = await app.registry()
      const periods = (await app.store.list('period')).filter((period) => holdsOn(period, today()))
      special = new Set(periods.flatMap((period) => period.tags))
      const begun = draft ?? (await app.store.drafts()).find((one) => one.kind === 'correct' && one.href === (replaces ? `${href}/${replaces}` : href))
      const found = isOfHousehold ? households.find((one) => one.household_uuid === uuid) : people.find((one) => one.person_uuid === uuid)
      record = found ?? record ?? begun?.record ?? null
      draft = begun ?? (record ? newDraft() : null)
    },
    view: () => {
      if (!record) return notFound()
      return html`
        ${innerBar({ title: t(`correct.title_${what}`), subtitle: record.name || t('household.nameless'), back: `#/household/${householdUuid()}` })}
        <main class="with-foot">
          <form class="card asked" autocomplete="off" @submit=${(/** @type {Event} */ event) => { event.preventDefault(); submit() }}>
            ${what === 'died' ? html`<p>${t('correct.died_hint')}</p>` : nothing}
            ${what === 'move' ? move() : html`${FIELDS[what].map(control)}${reason(t('correct.reason_optional'))}`}
            ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
          </form>
          ${what === 'household' || what === 'person' ? others() : nothing}
          ${draft.updated_at ? html`<p class="center"><button class="link danger" @click=${() => askToDrop(drop)}>${t('visit.drop')}</button></p>` : nothing}
        </main>
        <footer class="foot"><button class="btn go" @click=${submit}>${t('correct.go')}</button></footer>`
    },
  }
}

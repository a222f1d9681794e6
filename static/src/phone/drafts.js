/**
 * Drafts: how one begins, what the checklist's engine is given of it, and what it becomes when finished.
 *
 * Invariant: a draft holds all it needs (household, people, version of the checklist), so that it can be filled and
 * finished whatever happens to the cache.
 */
import { createForm } from '../checklist/engine.js'
import { isOfAid } from './aid.js'
import { app } from './app.js'
import { FILE_TYPES, photosIn } from './attachments.js'
import { chooseOffers } from './offers.js'
import { isOfRegistry, plainRecord } from './registry.js'
import { currentLanguage, localDate, pick, t } from './words.js'
import { newUuid } from './uuid.js'

/**
 * @typedef {object} Draft
 * @property {string} draft_uuid
 * @property {'visit'|'revision'|'followup'} kind
 * @property {string|null} after op_uuid that registers the household, while the server has not given it
 * @property {string} visit_uuid @property {string|null} followup_id
 * @property {number|null} base revision a correction builds on @property {string|null} replaces op_uuid
 * @property {{key: string, version: string}} checklist
 * @property {string} method @property {any} household @property {any[]} people records of those seen or asked about
 * @property {any[]} others people of the household left out, with the answers they had
 * @property {string} started_at @property {string|null} finished_at kept by a correction: the visit was then
 * @property {string} updated_at @property {string|null} place path of the question last touched
 * @property {any} answers all that was typed in; null: the form is new and takes its defaults @property {{done: number, total: number}} progress
 * @property {Record<string, string>} notes @property {{reason: string, by: string, at: string}|null} returned
 * @property {{to: string, at: string}[]} urgent_calls
 * @property {Record<string, {taken_at: string|null, size: number|null, here: boolean, type?: string|null, name?: string|null}>} photos
 *   attachments by sha256: photos, drawings, recordings, files
 * @property {any} location @property {string|null} location_declined
 * @property {any} [start_place] where the form was opened; null: declined, undefined: not measured
 * @property {boolean} tried finishing was tried: open problems are shown
 */

/** The household visit: what the main button of a household's page starts. */
const HOUSEHOLD_VISIT = 'routine'
const OUTCOMES = new Set(['reached', 'not_reached', 'refused'])

/** What is used today where a household lives, by key. @param {any} household @returns {Promise<Map<string, any>>} */
async function offersFor(household) {
  return chooseOffers(await app.store.list('checklist'), household?.grid_code ?? '', localDate(new Date()))
}

/**
 * The checklists a visit to this household may use today: the one it begins with (`wanted` where that is in use, else the
 * household visit, or null), and the others by title.
 * @param {any} household @param {string|null} [wanted] @returns {Promise<{main: any, others: any[]}>}
 */
export async function visitChecklists(household, wanted = null) {
  const visits = [...(await offersFor(household)).values()].filter((offer) => offer.use === 'visit')
  const main = visits.find((offer) => offer.key === wanted) ?? visits.find((offer) => offer.key === HOUSEHOLD_VISIT) ?? null
  return {
    main,
    others: visits.filter((offer) => offer !== main).sort((a, b) => pick(a.title).localeCompare(pick(b.title), 'zh')),
  }
}

/** @param {Partial<Draft>} given @returns {Draft} */
function newDraft(given) {
  const now = new Date().toISOString()
  return {
    draft_uuid: newUuid(), kind: 'visit', after: null, visit_uuid: newUuid(), followup_id: null, base: null, replaces: null,
    checklist: { key: '', version: '' }, method: 'home', household: null, people: [], others: [],
    started_at: now, finished_at: null, updated_at: now, place: null, answers: null, progress: { done: 0, total: 0 },
    notes: {}, returned: null, urgent_calls: [], photos: {}, location: null, location_declined: null, tried: false,
    ...given,
  }
}

/** @param {Draft} draft */
async function open(draft) {
  await app.store.saveDraft(draft)
  app.go(`#/visit/${draft.draft_uuid}`)
}

/**
 * Start a visit, or go on with the one begun; with the household visit where `key` is none that is in use there.
 * @param {{household: any, people: any[], key?: string|null, method?: string}} wanted
 */
export async function startVisit({ household, people, key = null, method = 'home' }) {
  const begun = (await app.store.drafts()).find((draft) => (
    draft.kind === 'visit' && draft.household?.household_uuid === household.household_uuid))
  if (begun) return app.go(`#/visit/${begun.draft_uuid}`)
  const offers = await offersFor(household)
  const chosen = offers.get(key ?? HOUSEHOLD_VISIT) ?? offers.get(HOUSEHOLD_VISIT)
  if (!chosen) return app.say(t('household.no_checklist'))
  return open(newDraft({
    household: plainRecord(household), people: people.map(plainRecord), method, checklist: { key: chosen.key, version: chosen.version },
    after: household.op?.op_uuid ?? null,
  }))
}

/** Correct a returned visit, or go on correcting it. @param {any} visit */
export async function startRevision(visit) {
  const begun = (await app.store.drafts()).find((draft) => draft.kind === 'revision' && draft.visit_uuid === visit.visit_uuid)
  if (begun && begun.base === visit.revision) return app.go(`#/visit/${begun.draft_uuid}`, { replace: true })
  // The household may be another worker's by now: what the checklist asks about came with the visit. Whoever has left the
  // registry since keeps their place: answers go by position.
  const household = (await app.store.find('household', visit.household_uuid)) ?? visit.household ?? { household_uuid: visit.household_uuid, name: '' }
  const known = [...await app.store.list('person'), ...visit.members ?? []]
  const people = visit.people.map((/** @type {string} */ uuid) => known.find((person) => person.person_uuid === uuid) ?? { person_uuid: uuid, name: '' })
  const here = await peopleOf(visit.household_uuid)
  const members = here.length ? here : (visit.members ?? []).filter((/** @type {any} */ person) => person.household_uuid === visit.household_uuid)
  /** @type {Draft['photos']} */
  const photos = {}
  for (const { sha256, taken_at, size, name, type } of visit.attachments) photos[sha256] = { taken_at, size, here: false, name, type }
  return open(newDraft({
    kind: 'revision', visit_uuid: visit.visit_uuid, base: visit.revision, checklist: visit.checklist, method: visit.method,
    household, people, others: members.filter((/** @type {any} */ person) => !visit.people.includes(person.person_uuid)).map((/** @type {any} */ person) => ({ person, answers: {} })),
    started_at: visit.started_at, finished_at: visit.finished_at, answers: visit.answers ?? {}, photos,
    location: visit.location, location_declined: visit.location_declined,
    notes: visit.returned.notes ?? {}, returned: visit.returned, tried: true,
  }))
}

/** Do a follow-up task through its checklist, or go on with it. @param {any} task */
export async function startTask(task) {
  const begun = (await app.store.drafts()).find((draft) => draft.followup_id === task.followup_id)
  if (begun) return app.go(`#/visit/${begun.draft_uuid}`)
  const household = (await app.store.find('household', task.household_uuid)) ?? task.household ?? null
  const checklist = (await offersFor(household)).get(task.checklist_key)
  if (!checklist) return app.say(t('household.no_checklist'))
  const person = task.person_uuid ? await app.store.find('person', task.person_uuid) : null
  return open(newDraft({
    kind: 'followup', followup_id: task.followup_id, checklist: { key: checklist.key, version: checklist.version },
    household, people: person ? [person] : [],
    returned: task.sent_back,
  }))
}

/** Open again what the server did not accept; finishing it replaces the old operation. @param {import('./store.js').Op} op */
export async function startCorrection(op) {
  if (isOfRegistry(op.kind) || isOfAid(op.kind)) return app.go(`${op.draft.href}/${op.op_uuid}`)
  const begun = (await app.store.drafts()).find((draft) => draft.replaces === op.op_uuid)
  if (begun) return app.go(`#/visit/${begun.draft_uuid}`)
  const gone = op.fault?.code === 'checklist_version_unknown'
  const newest = (await offersFor(op.draft.household)).get(op.draft.checklist.key)
  return open({
    ...op.draft, replaces: op.op_uuid, finished_at: op.body.finished_at ?? null, tried: true,
    ...(gone && newest ? { checklist: { key: newest.key, version: newest.version } } : {}),
  })
}

/** The people who live in a household, in their order. @param {string} householdUuid @returns {Promise<any[]>} */
export async function peopleOf(householdUuid) {
  const { people } = await app.registry()
  return people.filter((person) => person.household_uuid === householdUuid && !person.gone)
    .sort((a, b) => (a.position ?? 0) - (b.position ?? 0))
}

/**
 * What begins once somebody was registered: the checklist for whom nobody knew yet, or for a street patrol. Null where none is
 * used there.
 * @param {any} household @param {any[]} people records @param {'new_clue'|'patrol'} use @param {string} after op_uuid
 */
export async function firstVisit(household, people, use, after) {
  const chosen = [...(await offersFor(household)).values()].find((offer) => offer.use === use)
  return chosen ? newDraft({
    household, people, after, method: use === 'patrol' ? 'patrol' : 'home', checklist: { key: chosen.key, version: chosen.version },
  }) : null
}

/** Where a draft is filled in. @param {any} draft */
export const hrefOf = (draft) => draft.href ?? `#/visit/${draft.draft_uuid}`

/** The engine's form of a draft. @param {Draft} draft @param {any} document */
export function formOf(draft, document) {
  const now = draft.finished_at ? new Date(draft.finished_at) : new Date()
  return createForm(document, {
    answers: draft.answers,
    context: {
      today: localDate(now), now: now.toISOString(), language: currentLanguage(),
      username: app.user?.username ?? '', device_uuid: app.device.device_uuid,
      household: draft.household ?? {}, people: draft.people, visit: { method: draft.method },
    },
  })
}

/** Take a person out of the visit or back in, with the answers already given about them. @param {Draft} draft @param {any} person */
export function togglePerson(draft, person) {
  const answers = /** @type {any[]} */ (draft.answers?.people ?? [])
  const index = draft.people.findIndex((one) => one.person_uuid === person.person_uuid)
  if (index >= 0) {
    draft.others = [...draft.others, { person, answers: answers[index] ?? {} }]
    draft.people = draft.people.filter((_, at) => at !== index)
    draft.answers = { ...draft.answers, people: answers.filter((_, at) => at !== index) }
  } else {
    const aside = draft.others.find((one) => one.person.person_uuid === person.person_uuid)
    draft.others = draft.others.filter((one) => one !== aside)
    draft.answers = { ...draft.answers, people: [...draft.people.map((_, at) => answers[at] ?? {}), aside?.answers ?? {}] }
    draft.people = [...draft.people, person]
  }
}

/**
 * What a finished draft is to the store: the operation, whether it goes first, its title and its photos.
 * @param {Draft} draft @param {any} form the engine's @param {Date} now
 */
export function finishedOf(draft, form, now) {
  const answers = form.answers()
  const attachments = form.items()
    .filter((/** @type {any} */ item) => item.kind === 'question' && FILE_TYPES.has(item.node.type) && item.relevant)
    .flatMap((/** @type {any} */ item) => photosIn(item.value).map((sha) => {
      const { taken_at = null, size = null, name } = draft.photos[sha] ?? {}
      return { sha256: sha, question: item.path, taken_at, size, ...(name ? { name } : {}) }
    }))
  const finished = { started_at: draft.started_at, finished_at: draft.finished_at ?? now.toISOString() }
  const where = asksPlace(form) && draft.location ? draft.location : draft.start_place
  const place = where ? locationOf(where) : null
  const body = draft.kind === 'followup'
    ? { followup_id: draft.followup_id, checklist: draft.checklist, ...finished, answers, attachments, location: place }
    : {
        visit_uuid: draft.visit_uuid, household_uuid: draft.household?.household_uuid ?? null,
        people: draft.people.map((person) => person.person_uuid),
        outcome: OUTCOMES.has(answers.reached) ? answers.reached : 'reached',
        checklist: draft.checklist, method: draft.method, ...finished,
        location: place, location_declined: place ? null : draft.location_declined,
        answers, attachments, urgent_calls: draft.urgent_calls,
      }
  const kinds = { visit: 'visit.submit', revision: 'visit.revise', followup: 'followup.report' }
  return {
    op: { op_uuid: newUuid(), kind: kinds[draft.kind], base: draft.base, replaces: draft.replaces, at: now.toISOString(), body },
    urgent: form.flags().some((/** @type {any} */ flag) => flag.severity === 'red'),
    title: draft.household?.name ?? '',
    draft,
    after: draft.after,
    shas: [...new Set(attachments.map((/** @type {any} */ one) => one.sha256))],
  }
}

/** Whether the form as answered asks for a place. @param {any} form */
export const asksPlace = (form) => form.items().some((/** @type {any} */ item) => (
  item.kind === 'question' && item.node.type === 'geopoint' && item.relevant))

/** @param {any} place */
const locationOf = ({ lat, lon, accuracy_m, datum, at }) => ({ lat, lon, accuracy_m, datum, at })

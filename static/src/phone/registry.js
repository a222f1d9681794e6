/**
 * The registry as this phone knows it: what was pulled, and what was registered or corrected here and is not back yet.
 * Pure: records and operations in, records out.
 *
 * Invariant: a pulled value is never replaced by one the server has not got; what is on its way stands beside it.
 */
import { maskId } from './id_number.js'
import { localDate } from './words.js'

/** Kinds of operations about the registry. */
export const isOfRegistry = (/** @type {string} */ kind) => /^(household|person)\./.test(kind)

/**
 * @typedef {import('./store.js').Op} Op
 * @typedef {{field: string, to: any, op: Op}} Pending a value on its way, and the operation that brings it
 */

/**
 * Whether an operation still has something to say: not once the server's records were read after it was received.
 * @param {Op} op @param {number} pulledTo server's instant of the last complete reading, ms
 */
const isOnItsWay = (op, pulledTo) => isOfRegistry(op.kind)
  && (op.state === 'waiting' || op.state === 'rejected' || (op.state === 'received' && (op.received_at ?? 0) > pulledTo))

/**
 * @param {{households: any[], people: any[], ops: Op[], pulledTo: number}} given
 * @returns {{households: any[], people: any[]}} records; `op`: the operation that registers one the server has not given yet;
 *   `pending`: what is on its way to it; of people `gone`: dead or moved away, as far as is known here
 */
export function registryOf({ households, people, ops, pulledTo }) {
  const open = ops.filter((op) => isOnItsWay(op, pulledTo))
  const known = new Set([...households.map((one) => one.household_uuid), ...people.map((one) => one.person_uuid)])
  const isNew = (/** @type {string} */ uuid) => !known.has(uuid)
  const made = open.filter((op) => op.kind === 'household.register' && isNew(op.body.household_uuid))
  const added = open.filter((op) => op.kind === 'person.register' && isNew(op.body.person_uuid))
  const members = [
    ...people,
    ...made.flatMap((op) => op.body.people.map((/** @type {any} */ person, /** @type {number} */ position) => (
      personOf(person, op.body.household_uuid, position, op)))),
    ...added.map((op, place) => personOf(op.body, op.body.household_uuid, 100 + place, op)),
  ].map((person) => {
    const pending = pendingOf(open, 'person.update', 'person_uuid', person.person_uuid)
    const left = open.some((op) => op.kind === 'household.move' && op.state !== 'rejected' && !op.body.to_grid
      && op.body.household_uuid === person.household_uuid)
    const said = (/** @type {string} */ field) => shown({ ...person, pending }, field)
    return { ...person, pending, gone: Boolean(left || said('died_on') || said('moved_away_on')) }
  })
  const living = new Set(members.filter((person) => !person.gone).map((person) => person.household_uuid))
  return {
    households: [...households, ...made.map((op) => householdOf(op))].map((household) => ({
      ...household,
      pending: [
        ...pendingOf(open, 'household.update', 'household_uuid', household.household_uuid),
        ...open.filter((op) => op.kind === 'household.move' && op.body.household_uuid === household.household_uuid)
          .map((op) => ({ field: 'grid_code', to: op.body.to_grid, op })),
      ],
      due_on: living.has(household.household_uuid) ? household.due_on : null,
    })),
    people: members,
  }
}

/** @param {Op[]} ops @param {string} kind @param {string} key @param {string} uuid @returns {Pending[]} */
function pendingOf(ops, kind, key, uuid) {
  return ops.filter((op) => op.kind === kind && op.body[key] === uuid)
    .flatMap((op) => Object.entries(op.body.fields).map(([field, { to }]) => ({ field, to, op })))
}

/**
 * What a field is after all that is on its way and was not refused: what the next correction builds on. Of an ID number the
 * masked form.
 * @param {any} record @param {string} field
 */
export function shown(record, field) {
  const last = record.pending?.filter((/** @type {Pending} */ one) => one.field === field && one.op.state !== 'rejected').pop()
  if (field === 'id_number') return last ? maskId(last.to) : record.id_masked
  return last ? last.to : record[field]
}

/**
 * The corrections a form makes: fields whose wanted value is another than what was shown.
 * @param {any} record @param {Record<string, any>} wanted
 */
export function changesOf(record, wanted) {
  const fields = Object.entries(wanted)
    .map(([field, to]) => /** @type {const} */ ([field, { from: shown(record, field) ?? null, to }]))
    .filter(([, { from, to }]) => !isSame(from, to))
  return Object.fromEntries(fields)
}

/** @param {any} from @param {any} to */
function isSame(from, to) {
  if (Array.isArray(to)) return to.length === (from ?? []).length && to.every((tag) => from.includes(tag))
  return (from || '') === (to || '')
}

/** A household as it will come. @param {Op} op */
function householdOf(op) {
  const { household_uuid, grid_code, name, address, phone, note, location } = op.body
  return {
    household_uuid, grid_code, name, address, phone, note, lat: location?.lat ?? null, lon: location?.lon ?? null, datum: location?.datum ?? null,
    due_on: localDate(op.at), last_visit_on: null, carry: null, op,
  }
}

/** @param {any} person @param {string} household_uuid @param {number} position @param {Op} op */
function personOf({ person_uuid, name, relation, sex, birth_on, id_number, phone, tags }, household_uuid, position, op) {
  return {
    person_uuid, household_uuid, position, name, relation, sex, birth_on, phone, tags, id_masked: maskId(id_number),
    main_class: 'none', risk: 'low', last_contact_on: null, due_on: localDate(op.at), died_on: null, moved_away_on: null, op,
  }
}

/** What a visit holds of a record: what the server gives of it. @param {any} record */
export const plainRecord = (record) => Object.fromEntries(Object.entries(record).filter(([name]) => !['op', 'pending', 'gone'].includes(name)))

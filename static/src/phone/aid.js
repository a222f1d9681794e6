/**
 * Aid as this phone knows it: what was pulled, and what was given, promised or taken back here and is not back yet. Pure: records and
 * operations in, entries out.
 *
 * Invariant: money is whole cents and quantities are whole thousandths, never a floating number; what is on its way is shown once,
 * beside or in place of the record it changes, and never as two payments.
 */
import { localDate } from './words.js'

/** @typedef {import('./store.js').Op} Op */
/**
 * @typedef {object} Entry
 * @property {string} aid_uuid @property {string} household_uuid @property {string|null} person_uuid
 * @property {'cash'|'goods'|'service'} kind @property {string} programme @property {string} source @property {string|null} item
 * @property {number|null} amount_cents @property {number|null} quantity_milli @property {string|null} unit @property {string|null} note
 * @property {'due'|'given'} state @property {string} on by when it is due, or the day it was given
 * @property {boolean} own this account said so last
 * @property {Op|null} op what is on its way about it, the last one
 */

export const KINDS = /** @type {const} */ (['cash', 'goods', 'service'])
const DIGITS = { cash: 2, goods: 3 }
/** The most one entry may be, as on the server (aid/rules.py). */
const MOST_CENTS = 100_000_000
const MOST_MILLI = 100_000_000
/** An own entry is taken back here so long, in days; later it is the office's. */
const OWN_DAYS = 7
/** What was given so few days before is asked about when it is given again. */
const ALIKE_DAYS = 3
const DAY_MS = 86_400_000

export const isOfAid = (/** @type {string} */ kind) => kind.startsWith('aid.')

/**
 * The whole number of parts (10^-digits) that a typed amount is, or null: `1,250.5` with two digits is 125050.
 * @param {string} text @param {number} digits
 */
export function readAmount(text, digits) {
  const plain = text.normalize('NFKC').replace(/[,\s]/g, '')
  const found = /^(\d{1,12})(?:\.(\d*))?$|^\.(\d+)$/.exec(plain)
  if (!found) return null
  const after = (found[2] ?? found[3] ?? '').replace(/0+$/, '')
  if (after.length > digits) return null
  const parts = Number(`${found[1] ?? ''}${after.padEnd(digits, '0')}`)
  return parts > 0 ? parts : null
}

/** What `readAmount` read, without needless noughts: 125050 with two digits is 1,250.5. @param {number} parts @param {number} digits */
export function writeAmount(parts, digits) {
  const text = String(parts).padStart(digits + 1, '0')
  const after = text.slice(-digits).replace(/0+$/, '')
  return `${text.slice(0, -digits).replace(/\B(?=(\d{3})+$)/g, ',')}${after ? `.${after}` : ''}`
}

export const readCents = (/** @type {string} */ text) => within(readAmount(text, DIGITS.cash), MOST_CENTS)
export const readMilli = (/** @type {string} */ text) => within(readAmount(text, DIGITS.goods), MOST_MILLI)
export const writeCents = (/** @type {number} */ cents) => writeAmount(cents, DIGITS.cash)
export const writeMilli = (/** @type {number} */ milli) => writeAmount(milli, DIGITS.goods)

/** @param {number|null} parts @param {number} most */
const within = (parts, most) => (parts !== null && parts <= most ? parts : null)

/**
 * From which amounts on the county of a grid wants a receipt, by kind; {} where it never does.
 * @param {any[]} areas records @param {string} gridCode @returns {Record<string, number|null>}
 */
export const receiptLimits = (areas, gridCode) => areas.find((area) => area.receipts && gridCode.startsWith(area.code))?.receipts ?? {}

/** Whether a receipt is wanted; goods whose worth nobody knows are worth 0. @param {Record<string, number|null>} limits @param {string} kind @param {number|null} cents */
export function needsReceipt(limits, kind, cents) {
  const limit = limits[kind] ?? null
  return limit !== null && (cents ?? 0) >= limit
}

/**
 * What is due to a household and what it was given lately, the latest first, with what is on its way.
 * @param {{householdUuid: string, records: any[], ops: Op[], pulledTo: number}} given `pulledTo`: server's instant of the last complete
 *   reading, ms: what was received before it is in the records
 * @returns {{due: Entry[], given: Entry[]}}
 */
export function aidOf({ householdUuid, records, ops, pulledTo }) {
  const open = ops.filter((op) => isOfAid(op.kind) && op.body.household_uuid === householdUuid && isOnItsWay(op, pulledTo))
  /** @type {Map<string, Entry>} */
  const entries = new Map(records.filter((record) => record.household_uuid === householdUuid)
    .map((record) => [record.aid_uuid, { ...record, op: null }]))
  for (const op of open) {
    const { body } = op
    const known = entries.get(body.aid_uuid)
    if (op.kind === 'aid.record') {
      if (!known) entries.set(body.aid_uuid, { ...plain(body), state: body.is_given ? 'given' : 'due', own: true, op })
    } else if (op.kind === 'aid.give') {
      const entry = known ?? (op.draft?.entry ? { ...op.draft.entry } : null)
      // What could not be given is due still, and says so.
      if (entry) entries.set(body.aid_uuid, op.state === 'rejected' ? { ...entry, op } : { ...entry, state: 'given', on: body.on, own: true, op })
    } else if (op.state === 'received') {
      entries.delete(body.aid_uuid) // what was due before comes again with the next reading
    } else if (known) {
      entries.set(body.aid_uuid, { ...known, op })
    }
  }
  const all = [...entries.values()]
  return {
    due: all.filter((entry) => entry.state === 'due').sort((a, b) => a.on.localeCompare(b.on)),
    given: all.filter((entry) => entry.state === 'given').sort((a, b) => b.on.localeCompare(a.on)),
  }
}

/** @param {Op} op @param {number} pulledTo */
const isOnItsWay = (op, pulledTo) => op.state === 'waiting' || op.state === 'rejected'
  || (op.state === 'received' && (op.received_at ?? 0) > pulledTo)

/** What an entry says, without what only its operation does. @param {any} body @returns {any} */
function plain({ aid_uuid, household_uuid, person_uuid, kind, programme, source, item, amount_cents, quantity_milli, unit, note, on }) {
  return { aid_uuid, household_uuid, person_uuid, kind, programme, source, item, amount_cents, quantity_milli, unit, note, on }
}

/** Whether a worker may take an entry back here. @param {Entry} entry @param {string} today */
export const canTakeBack = (entry, today) => entry.own && entry.op?.kind !== 'aid.take_back' && entry.op?.state !== 'rejected'
  && Date.parse(today) - Date.parse(entry.on) < OWN_DAYS * DAY_MS

/**
 * An entry that says the same as what is about to be entered: of these days, or still due. Null when there is none.
 * @param {{due: Entry[], given: Entry[]}} aid @param {any} body of aid.record @param {string} today
 * @returns {Entry|null}
 */
export function findAlike({ due, given }, body, today) {
  const same = (/** @type {Entry} */ entry) => ['kind', 'programme', 'item', 'amount_cents', 'quantity_milli', 'unit']
    .every((name) => (/** @type {any} */ (entry)[name] ?? null) === (body[name] ?? null))
    && (entry.person_uuid === body.person_uuid || !entry.person_uuid || !body.person_uuid)
    && entry.aid_uuid !== body.aid_uuid && entry.op?.kind !== 'aid.take_back' && entry.op?.state !== 'rejected'
  const lately = given.filter((entry) => Math.abs(Date.parse(body.on) - Date.parse(entry.on)) <= ALIKE_DAYS * DAY_MS)
  return due.find(same) ?? (body.is_given && Date.parse(body.on) <= Date.parse(today) ? lately.find(same) ?? null : null)
}

/** How much of what a form says, as the server takes it; a value that cannot be read is null. @param {Record<string, any>} typed */
export function givenOf(typed) {
  const none = { item: null, amount_cents: null, quantity_milli: null, unit: null }
  if (typed.kind === 'cash') return { ...none, amount_cents: readCents(typed.amount ?? '') }
  if (typed.kind === 'goods') {
    return { ...none, item: typed.item || null, quantity_milli: readMilli(typed.quantity ?? ''), unit: typed.unit || null, amount_cents: readCents(typed.worth ?? '') }
  }
  const times = readAmount(typed.times ?? '1', 0)
  return { ...none, item: typed.item || null, quantity_milli: times !== null && times <= 1000 ? times * 1000 : null }
}

/** What was recorded on a visit, as it lies in the queue. @param {Op[]} ops @param {string} visitUuid */
export const stepsOfVisit = (ops, visitUuid) => ops.filter((op) => (op.kind === 'aid.record' || op.kind === 'aid.give')
  && op.body.visit_uuid === visitUuid && !['replaced', 'closed'].includes(op.state))

/** Today, as the day of an entry. */
export const today = () => localDate(new Date())

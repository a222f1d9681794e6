/**
 * The rules of the outbox: what goes next, and what an answer from the server makes of an item. No clock, no
 * network, no database.
 *
 * Invariant: an item becomes "received" only through a receipt for that very item; nothing here ever drops one.
 */

/**
 * @typedef {object} Item an operation or a photo waiting for its receipt
 * @property {string} state "waiting" | "received" | "rejected" (kept at the office or refused by the server: needs a
 *   person) | "unreadable" (damaged on this phone) | "refused" (the office did not take it in) | "closed" (and the worker has read that) | "replaced" (edited
 *   and sent anew)
 * @property {number} attempts failed tries so far
 * @property {number} next_at not before this instant, ms
 * @property {{code: string, message: string, fields?: Record<string, string>}|null} fault why it is still here
 * @property {number|null} received_at server's instant of the receipt, ms
 */

/** Operations per request: the server's limit. */
const BATCH = 100
/** And about as many characters, so that a request gets through on the slowest link. */
const BATCH_CHARACTERS = 60_000
const FIRST_WAIT_MS = 5_000
const LONGEST_WAIT_MS = 15 * 60_000
const OLD_MS = 24 * 3_600_000
/** What was not accepted is offered again after so long, to learn what became of it at the office. */
const ASK_AGAIN_MS = 3_600_000

/** What a new item starts as. @returns {Item} */
export function newItem() {
  return { state: 'waiting', attempts: 0, next_at: 0, fault: null, received_at: null }
}

/** Whether an item still has a way to go. @param {{state: string}} item */
export const isOpen = (item) => item.state === 'waiting' || item.state === 'rejected'

/** Whether there is nothing more to say of an item. @param {{state: string}} item */
export const isOver = (item) => item.state === 'replaced' || item.state === 'closed'

/**
 * How long to wait after `attempts` failures, ms: doubling, spread by half so that phones do not come back together.
 * @param {number} attempts @param {number} random 0 ≤ random < 1
 */
export function backOffMs(attempts, random) {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempts, 12))
  return Math.round(full * (0.5 + random / 2))
}

/**
 * The operations to send now, in batches: those with a red answer first and by themselves, then the rest; by number within
 * each. What was not accepted is among them now and then.
 * @template {Item & {seq: number, urgent: boolean, body: any}} T
 * @param {T[]} rows @param {number} now ms @param {{force?: boolean}} [options]
 * @returns {T[][]}
 */
export function batchesDue(rows, now, { force = false } = {}) {
  const due = rows
    .filter((row) => isOpen(row) && (force || row.next_at <= now))
    .sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.seq - b.seq)
  /** @type {T[][]} */
  const batches = []
  let room = 0
  for (const row of due) {
    const characters = JSON.stringify(row.body).length
    const last = batches[batches.length - 1]
    if (last && last.length < BATCH && last[0].urgent === row.urgent && characters <= room) {
      last.push(row)
    } else {
      batches.push([row])
      room = BATCH_CHARACTERS
    }
    room -= characters
  }
  return batches
}

/**
 * What changes on an item by its receipt.
 * @param {Item} row
 * @param {{outcome: string, state?: string, code?: string|null, message?: string|null, fields?: Record<string, string>|null}} receipt
 * @param {{now: number, serverNow: number, random: number}} at
 * @returns {Partial<Item>}
 */
export function afterReceipt(row, receipt, { now, serverNow, random }) {
  const fault = { code: receipt.code ?? receipt.outcome, message: receipt.message ?? '', fields: receipt.fields ?? {} }
  switch (receipt.outcome) {
    case 'accepted':
    case 'duplicate':
      return { state: 'received', received_at: serverNow, fault: null }
    case 'rejected':
    case 'conflict':
      if (receipt.code === 'refused_by_office') return { state: 'refused', received_at: serverNow, fault }
      return { state: 'rejected', next_at: now + ASK_AGAIN_MS, fault }
    default: // "retry", and whatever a newer server may say: try again later, never give up
      return afterFault(row, fault, { now, random })
  }
}

/**
 * What changes on an item that was tried and got no receipt of its own; why it was not accepted before is still so.
 * @param {Item} row @param {{code: string, message: string}} fault @param {{now: number, random: number}} at
 * @returns {Partial<Item>}
 */
export function afterFault(row, fault, { now, random }) {
  const later = { attempts: row.attempts + 1, next_at: now + backOffMs(row.attempts, random) }
  return row.state === 'rejected' ? later : { ...later, fault }
}

/**
 * What the answer to a photo makes of it: stored, refused for good, or to be tried again.
 * @param {Item} row @param {{status: number, code?: string, message?: string}} answer
 * @param {{now: number, serverNow: number, random: number}} at
 * @returns {Partial<Item>}
 */
export function afterPhotoAnswer(row, answer, { now, serverNow, random }) {
  if (answer.status === 201 || answer.status === 200) return { state: 'received', received_at: serverNow, fault: null }
  const fault = { code: answer.code ?? '', message: answer.message ?? '' }
  // A hash that does not match was damaged on the way: the same bytes may arrive whole next time.
  const final = [413, 415, 422].includes(answer.status) && fault.code !== 'photo_hash_wrong'
  if (final) return { state: 'rejected', fault }
  return afterFault(row, fault, { now, random })
}

/**
 * Where a finished record stands, its photos counted in: "attention", "waiting" or "received".
 * @param {Item & {body: any}} op @param {(Item & {sha256: string})[]} photos all of the store
 */
export function standing(op, photos) {
  const named = new Set((op.body.attachments ?? []).map((/** @type {{sha256: string}} */ one) => one.sha256))
  const own = photos.filter((photo) => named.has(photo.sha256))
  const received = own.filter((photo) => photo.state === 'received').length
  const refused = own.filter((photo) => photo.state === 'rejected')
  const section = ['rejected', 'refused', 'unreadable'].includes(op.state) || refused.length ? 'attention'
    : op.state === 'waiting' || received < own.length ? 'waiting' : 'received'
  return { section, photos: own, photos_received: received, photos_refused: refused }
}

/**
 * Whether everything is with the server: what an account that has ended, or a phone that was replaced, waits for before
 * it is erased. What was not accepted is kept whole there; a photo that it could not take is only here.
 * @param {{state: string}[]} ops @param {{state: string}[]} photos @param {unknown[]} drafts
 */
export const isHandedIn = (ops, photos, drafts) => (
  !drafts.length && !ops.some((op) => op.state === 'waiting') && !photos.some(isOpen))

/** Whether they may be called photos, and not attachments. @param {{type: string}[]} photos */
export const arePhotos = (photos) => photos.every(({ type }) => type.startsWith('image/'))

/**
 * The whole outbox in numbers of records. `clear` is true only when every one of them and every photo has its receipt.
 * @param {(Item & {at: string, body: any})[]} ops @param {(Item & {sha256: string})[]} photos @param {number} now ms
 */
export function summarise(ops, photos, now) {
  const records = ops.filter((op) => !isOver(op)).map((op) => ({ op, ...standing(op, photos) }))
  const waiting = records.filter(({ section }) => section === 'waiting')
  return {
    waiting: waiting.length,
    attention: records.filter(({ section }) => section === 'attention').length,
    photos: photos.filter(isOpen).length,
    clear: records.every(({ section }) => section === 'received') && !photos.some(isOpen),
    old: waiting.some(({ op }) => now - Date.parse(op.at) > OLD_MS),
  }
}

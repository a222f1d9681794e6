/**
 * The rules of the outbox: what goes next, and what an answer from the server makes of an item. No clock, no
 * network, no database.
 *
 * Invariant: an item becomes "received" only through a receipt for that very item; nothing here ever drops one.
 */

/**
 * @typedef {object} Item an operation or a photo waiting for its receipt
 * @property {string} state "waiting" | "received" | "rejected" (needs a person) | "replaced" (edited and sent anew)
 * @property {number} attempts failed tries so far
 * @property {number} next_at not before this instant, ms
 * @property {{code: string, message: string, fields?: Record<string, string>}|null} fault why it is still here
 * @property {number|null} received_at server's instant of the receipt, ms
 */

/** Operations per request: the server's limit. */
export const BATCH = 100
const FIRST_WAIT_MS = 5_000
const LONGEST_WAIT_MS = 15 * 60_000
const OLD_MS = 24 * 3_600_000

/** What a new item starts as. @returns {Item} */
export function newItem() {
  return { state: 'waiting', attempts: 0, next_at: 0, fault: null, received_at: null }
}

/**
 * How long to wait after `attempts` failures, ms: doubling, spread by half so that phones do not come back together.
 * @param {number} attempts @param {number} random 0 ≤ random < 1
 */
export function backOffMs(attempts, random) {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempts, 12))
  return Math.round(full * (0.5 + random / 2))
}

/**
 * The operations to send now, in batches of at most `size`: those with a red answer first and by themselves, then
 * the rest; by number within each.
 * @template {Item & {seq: number, urgent: boolean}} T
 * @param {T[]} rows @param {number} now ms @param {{force?: boolean, size?: number}} [options]
 * @returns {T[][]}
 */
export function batchesDue(rows, now, { force = false, size = BATCH } = {}) {
  const due = rows
    .filter((row) => row.state === 'waiting' && (force || row.next_at <= now))
    .sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.seq - b.seq)
  /** @type {T[][]} */
  const batches = []
  for (const row of due) {
    const last = batches[batches.length - 1]
    if (last && last.length < size && last[0].urgent === row.urgent) last.push(row)
    else batches.push([row])
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
      return { state: 'rejected', fault }
    default: // "retry", and whatever a newer server may say: try again later, never give up
      return { attempts: row.attempts + 1, next_at: now + backOffMs(row.attempts, random), fault }
  }
}

/**
 * What changes on an item that was tried and got no receipt of its own.
 * @param {Item} row @param {{code: string, message: string}} fault @param {{now: number, random: number}} at
 * @returns {Partial<Item>}
 */
export function afterFault(row, fault, { now, random }) {
  return { attempts: row.attempts + 1, next_at: now + backOffMs(row.attempts, random), fault }
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
  return { ...afterFault(row, fault, { now, random }) }
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
  const section = op.state === 'rejected' || refused.length ? 'attention'
    : op.state === 'waiting' || received < own.length ? 'waiting' : 'received'
  return { section, photos: own, photos_received: received, photos_refused: refused }
}

/** Whether they may be called photos, and not attachments. @param {{type: string}[]} photos */
export const arePhotos = (photos) => photos.every(({ type }) => type.startsWith('image/'))

/**
 * The whole outbox in numbers of records. `clear` is true only when every one of them and every photo has its receipt.
 * @param {(Item & {at: string, body: any})[]} ops @param {(Item & {sha256: string})[]} photos @param {number} now ms
 */
export function summarise(ops, photos, now) {
  const records = ops.filter((op) => op.state !== 'replaced').map((op) => ({ op, ...standing(op, photos) }))
  const waiting = records.filter(({ section }) => section === 'waiting')
  return {
    waiting: waiting.length,
    attention: records.filter(({ section }) => section === 'attention').length,
    photos: photos.filter((photo) => photo.state === 'waiting' || photo.state === 'rejected').length,
    clear: records.every(({ section }) => section === 'received') && !photos.some((photo) => photo.state === 'waiting' || photo.state === 'rejected'),
    old: waiting.some(({ op }) => now - Date.parse(op.at) > OLD_MS),
  }
}

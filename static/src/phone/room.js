/**
 * Room on the phone, bytes.
 *
 * Invariant: attachments make way for answers: they are refused while there is still room for those.
 */

/** Below this much free space, where a browser tells it, an attachment is refused. */
const FREE_BYTES = 20_000_000
/**
 * Taken up beforehand, for answers when nothing else fits: newer browsers tell ten free gigabytes whatever is left. In one
 * piece, for that is freed at once.
 */
export const RESERVE_BYTES = 3_000_000

/** Whether an attachment of that size may still be taken in, as far as the browser tells. @param {number} [size] */
export async function hasRoom(size = 0) {
  const estimate = await navigator.storage?.estimate?.()
  return !estimate?.quota || estimate.quota - (estimate.usage ?? 0) - size >= FREE_BYTES
}

/** Whether a write failed because there is no room. @param {unknown} error */
export const isFull = (error) => error instanceof DOMException && error.name === 'QuotaExceededError'

/**
 * Answers between what a finger types and what the checklist keeps.
 *
 * Invariant: what cannot be understood is passed on as it was typed, for the checklist to object to.
 */

/** Full-width signs of Chinese keyboards, as their plain ones. @param {string} typed */
const halfWidth = (typed) => typed.normalize('NFKC').replace(/[−–—]/g, '-').replace(/。/g, '.').replace(/[、]/g, ',')

/**
 * A number as typed on any keyboard: full-width digits, a comma as point or between thousands.
 * @param {string} typed @returns {string} "12.5"
 */
export function numberOf(typed) {
  const plain = halfWidth(typed).replace(/\s/g, '')
  if (/^-?\d{1,3}(,\d{3})+(\.\d*)?$/.test(plain)) return plain.replace(/,/g, '')
  return /^-?\d*,\d*$/.test(plain) ? plain.replace(',', '.') : plain
}

/** Digits as typed on any keyboard, for numbers that are names (phone, card): zeros in front stay. @param {string} typed */
export const digitsOf = (typed) => halfWidth(typed).replace(/\s+/g, ' ')

const two = (/** @type {number} */ n) => String(n).padStart(2, '0')

/** The phone's offset from UTC at an instant, "+08:00". @param {Date} instant */
export function offsetOf(instant) {
  const minutes = -instant.getTimezoneOffset()
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`
}

/** A time "HH:MM" of `today`, with the phone's offset; "" for none. @param {string} typed @param {Date} today */
export const timeOf = (typed, today) => (typed ? `${typed.slice(0, 5)}:00.000${offsetOf(today)}` : '')

/** A time on a day "YYYY-MM-DDTHH:MM", with the phone's offset on that day; "" for none. @param {string} typed */
export const dateTimeOf = (typed) => (typed ? `${typed.slice(0, 16)}:00.000${offsetOf(new Date(typed))}` : '')

/** A year as typed → its first day; anything else as it is. @param {string} typed */
export function yearOf(typed) {
  const year = numberOf(typed)
  return /^\d{4}$/.test(year) ? `${year}-01-01` : year
}

/**
 * The steps of a range: how many there are, and each one's value.
 * @param {{start?: string, end?: string, step?: string}} parameters
 */
export function stepsOf({ start = '1', end = '10', step = '1' }) {
  const first = Number(start)
  const size = Math.abs(Number(step)) || 1
  const way = Number(end) < first ? -1 : 1
  const decimals = Math.max(...[start, step].map((part) => part.split('.')[1]?.length ?? 0))
  const count = Math.floor(Number((Math.abs(Number(end) - first) / size).toFixed(6))) + 1
  return {
    count,
    valueAt: (/** @type {number} */ n) => String(Number((first + way * n * size).toFixed(decimals))),
    /** Which step a value is, or -1. @param {string} value */
    indexOf: (value) => (value === '' ? -1 : Math.round((Number(value) - first) * way / size)),
  }
}

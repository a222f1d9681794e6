/**
 * What the operations of an expression compute, on plain values: the phone's half of the two evaluators.
 *
 * A value is a text, a number, a truth value, or a list of texts (the answers a path leads to).
 * Invariant: nothing here throws; fieldapp/checklists/functions.py computes the same.
 *
 * @typedef {string | number | boolean | string[]} Value
 */

const NUMBER = /^-?(\d+(\.\d*)?|\.\d+)$/
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(?:Z|[-+]\d\d:\d\d)?)?$/
const DAY = 86400000
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const DAYS = 'Sun Mon Tue Wed Thu Fri Sat'.split(' ')

/** A value as text; of several answers the first, NaN as "". @param {Value} value */
export const text = (value) => {
  if (Array.isArray(value)) return value[0] ?? ''
  return Number.isNaN(value) ? '' : String(value)
}

/** Trim as XPath does: space, tab, line ends. @param {string} written */
const trim = (written) => written.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')

/** The names in the answer to a select; a blank answer holds one empty name, as in ODK's engine. @param {Value} value */
export const words = (value) => trim(text(value)).split(/[ \t\r\n]+/)

/** All answers of a path, or the one text of anything else. @param {Value} value */
const texts = (value) => (Array.isArray(value) ? value : [text(value)])

/**
 * A date as [year, month, day, part of the day], or null when it is not one.
 * @param {string} written
 */
const calendar = (written) => {
  const found = DATE.exec(written)
  if (!found || found[1] < '1000') return null
  const [year, month, day, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0))
  const date = new Date(Date.UTC(year, month - 1, day))
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null
  if (hours > 23 || minutes > 59 || seconds >= 60) return null
  return { date, year, month, day, part: (hours * 3600 + minutes * 60 + seconds) / 86400 }
}

/** Days since 1970-01-01 by the clock on the wall (a zone is not looked at), or NaN. @param {string} written */
const days = (written) => {
  const found = calendar(written)
  return found ? found.date.getTime() / DAY + found.part : NaN
}

/** Whether it is a real date, YYYY-MM-DD, without a time. @param {string} written */
export const isDate = (written) => written.length === 10 && calendar(written) !== null

/** A value as number: texts by XPath's grammar, dates as days since 1970, else NaN. @param {Value} value @returns {number} */
export const number = (value) => {
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value)
  const written = trim(text(value))
  return NUMBER.test(written) ? Number(written) : days(written)
}

/** A value as truth: texts and lists when not empty, numbers when neither 0 nor NaN. @param {Value} value */
export const truth = (value) => (Array.isArray(value) ? value.length > 0 : Boolean(value))

/** @param {Value} a @param {Value} b */
const same = (a, b) =>
  typeof a === 'number' || typeof b === 'number' ? number(a) === number(b) : a === b

/**
 * Whether `holds` for any pair out of two values that may be lists.
 * @param {Value} a @param {Value} b @param {(a: Value, b: Value) => boolean} holds
 */
const any = (a, b, holds) =>
  (Array.isArray(a) ? a : [a]).some((x) => (Array.isArray(b) ? b : [b]).some((y) => holds(x, y)))

/** @param {Value} a @param {Value} b */
const eitherTruth = (a, b) => typeof a === 'boolean' || typeof b === 'boolean'

/** @param {(a: number, b: number) => boolean} holds */
const compare = (holds) => (/** @type {Value} */ a, /** @type {Value} */ b) =>
  any(a, b, (x, y) => holds(number(x), number(y)))

/** @param {(a: number, b: number) => number} step */
const fold = (step) => (/** @type {Value} */ a, /** @type {Value} */ b) => step(number(a), number(b))

/** @param {(...all: number[]) => number} pick */
const extreme = (pick) => (/** @type {Value[]} */ ...values) => {
  const found = values.flatMap((value) => (Array.isArray(value) ? value : [value])).map(number)
  return found.length ? pick(...found) : NaN
}

/** @param {Value} value @param {Value} pattern @param {boolean} withTime */
const formatDate = (value, pattern, withTime) => {
  const found = calendar(typeof value === 'number' ? dateText(value) : text(value))
  if (!found) return ''
  const { date, year, month, day } = found
  const second = Math.round(found.part * 86400)
  const two = (/** @type {number} */ part) => String(part).padStart(2, '0')
  /** @type {Record<string, string>} */
  const signs = {
    Y: String(year),
    y: two(year % 100),
    m: two(month),
    n: String(month),
    b: MONTHS[month - 1],
    d: two(day),
    e: String(day),
    a: DAYS[date.getUTCDay()],
  }
  if (withTime) {
    const hour = Math.floor(second / 3600)
    Object.assign(signs, { H: two(hour), h: String(hour), M: two(Math.floor(second / 60) % 60), S: two(second % 60), 3: '000' })
  }
  return text(pattern).replace(/%([^])/gu, (whole, sign) => signs[sign] ?? whole)
}

/** A date stays as it is, days since 1970 become a date, anything else "". @param {Value} value */
const dateText = (value) => {
  if (typeof value === 'number') {
    return value > -354000 && value < 2932000 ? new Date(Math.floor(value) * DAY).toISOString().slice(0, 10) : ''
  }
  return typeof value !== 'boolean' && calendar(text(value)) ? text(value) : ''
}

/** Whole months from first to last, negative when last is earlier. @param {Value} first @param {Value} last @returns {number} */
const monthsBetween = (first, last) => {
  const a = calendar(text(first))
  const b = calendar(text(last))
  if (!a || !b) return NaN
  if (b.date < a.date) return -monthsBetween(last, first)
  return (b.year - a.year) * 12 + b.month - a.month - (b.day < a.day ? 1 : 0)
}

/** Halves away from zero, to `places` decimals. @param {Value} value @param {Value} places */
const round = (value, places = 0) => {
  const found = number(value)
  const decimals = number(places)
  if (!Number.isFinite(found) || !Number.isFinite(decimals) || Math.abs(decimals) > 20) {
    return Number.isNaN(decimals) ? NaN : found
  }
  const scale = Number(`1e${Math.trunc(decimals)}`)
  return (Math.sign(found) * Math.floor(Math.abs(found) * scale + 0.5)) / scale
}

/** By code points from 0; negative positions count from the end. @param {Value} value @param {Value} start @param {Value} [end] */
const substr = (value, start, end) => {
  const signs = [...text(value)]
  const place = (/** @type {Value} */ position) => Math.trunc(number(position)) || 0
  return signs.slice(place(start), end === undefined ? undefined : place(end)).join('')
}

/** @type {Map<string, RegExp>} */
const patterns = new Map()
const matches = (/** @type {string} */ value, /** @type {string} */ pattern) => {
  if (!patterns.has(pattern)) patterns.set(pattern, new RegExp(pattern, 'u'))
  return /** @type {RegExp} */ (patterns.get(pattern)).test(value)
}

/** @type {Record<string, (...values: any[]) => Value>} */
export const FUNCTIONS = {
  '=': (a, b) => (eitherTruth(a, b) ? truth(a) === truth(b) : any(a, b, same)),
  '!=': (a, b) => (eitherTruth(a, b) ? truth(a) !== truth(b) : any(a, b, (x, y) => !same(x, y))),
  '<': compare((a, b) => a < b),
  '<=': compare((a, b) => a <= b),
  '>': compare((a, b) => a > b),
  '>=': compare((a, b) => a >= b),
  '+': fold((a, b) => a + b),
  '-': fold((a, b) => a - b),
  '*': fold((a, b) => a * b),
  div: fold((a, b) => a / b),
  mod: fold((a, b) => (Number.isFinite(a) ? a % b : NaN)),
  neg: (a) => -number(a),
  abs: (a) => Math.abs(number(a)),
  boolean: truth,
  ceiling: (a) => Math.ceil(number(a)),
  coalesce: (...all) => all.map(text).find(Boolean) ?? '',
  concat: (...all) => all.flatMap(texts).join(''),
  contains: (a, b) => text(a).includes(text(b)),
  count: (a) => texts(a).length,
  'count-non-empty': (a) => texts(a).filter(Boolean).length,
  'count-selected': (a) => words(a).filter(Boolean).length,
  date: dateText,
  'decimal-date-time': (a) => (typeof a === 'number' ? a : days(text(a))),
  'difference-in-months': monthsBetween,
  'ends-with': (a, b) => text(a).endsWith(text(b)),
  false: () => false,
  floor: (a) => Math.floor(number(a)),
  'format-date': (a, b) => formatDate(a, b, false),
  'format-date-time': (a, b) => formatDate(a, b, true),
  int: (a) => Math.trunc(number(a)),
  join: (glue, ...all) => all.flatMap(texts).join(text(glue)),
  max: extreme(Math.max),
  min: extreme(Math.min),
  'normalize-space': (a) => words(a).join(' '),
  not: (a) => !truth(a),
  number,
  pow: (a, b) => number(a) ** number(b),
  regex: (a, b) => matches(text(a), text(b)),
  round,
  selected: (a, b) => words(a).includes(trim(text(b))),
  'selected-at': (a, b) => words(a)[Math.trunc(number(b))] ?? '',
  'starts-with': (a, b) => text(a).startsWith(text(b)),
  string: text,
  'string-length': (a) => [...text(a)].length,
  substr,
  'substring-after': (a, b) => {
    const at = text(a).indexOf(text(b))
    return at < 0 ? '' : text(a).slice(at + text(b).length)
  },
  'substring-before': (a, b) => text(a).slice(0, Math.max(text(a).indexOf(text(b)), 0)),
  sum: (a) => {
    const all = (Array.isArray(a) ? a : [a]).map(number)
    return all.length ? all.reduce((x, y) => x + y) : NaN
  },
  true: () => true,
}

/**
 * What the operations of an expression compute, on plain values: the phone's half of the two evaluators.
 *
 * A value is a text, a number, a truth value, or a list of texts (the answers a path leads to).
 * Invariant: nothing here throws; fieldapp/checklists/functions.py computes the same.
 *
 * @typedef {string | number | boolean | string[]} Value
 */

const NUMBER = /^-?(\d+(\.\d*)?|\.\d+)$/
const CLOCK = '(\\d\\d)(?::(\\d\\d)(?::(\\d\\d)(?:\\.(\\d+))?)?)?(Z|[-+](?:0\\d|1[0-4]):[0-5]\\d)?'
const DATE = new RegExp(`^(\\d{4})-(\\d\\d)-(\\d\\d)(?:T${CLOCK})?$`)
const TIME = new RegExp(`^${CLOCK}$`)
const SHORT_DATE = /^(\d{4})-(\d\d?)-(\d\d?)(T[^]*)?$/
/** The equator's radius in metres, as ODK's engine has it. */
const EARTH = 6378100
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
 * Milliseconds since midnight, NaN when no clock shows that.
 * @param {string | undefined} hours @param {string | undefined} minutes @param {string | undefined} seconds
 * @param {string | undefined} fraction
 */
const clock = (hours, minutes, seconds, fraction) => {
  const [h, m, s] = [hours, minutes, seconds].map((part) => Number(part ?? 0))
  if (h > 23 || m > 59 || s > 59) return NaN
  return (h * 3600 + m * 60 + s) * 1000 + Number(`${fraction ?? ''}000`.slice(0, 3))
}

/**
 * The milliseconds since 1970 of a date or a date with a time by the clock on the wall, the day as a Date, and the
 * zone; null when it is neither.
 * @param {string} written
 */
const calendar = (written) => {
  const found = DATE.exec(written)
  if (!found || found[1] < '1000') return null
  const [year, month, day] = found.slice(1, 4).map(Number)
  const date = new Date(Date.UTC(year, month - 1, day))
  const since = clock(found[4], found[5], found[6], found[7])
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || Number.isNaN(since)) return null
  return { ms: date.getTime() + since, date, year, month, day, since, zone: found[8] ?? '' }
}

/** Days since 1970-01-01 by the clock on the wall (a zone is not looked at), or NaN. @param {string} written */
const days = (written) => (calendar(written)?.ms ?? NaN) / DAY

/** Whether it is a real date, YYYY-MM-DD, without a time. @param {string} written */
export const isDate = (written) => written.length === 10 && calendar(written) !== null

/** Whether it is a real date with hours and minutes. @param {string} written */
export const isDateTime = (written) => written.length > 15 && calendar(written) !== null

/** The part of the day that has passed by the clock on the wall, or NaN. @param {Value} value */
const decimalTime = (value) => {
  const found = TIME.exec(text(value))
  return found?.[2] ? clock(found[1], found[2], found[3], found[4]) / DAY : NaN
}

/** Whether it is a time of the day with hours and minutes, HH:MM, seconds and zone allowed. @param {string} written */
export const isTime = (written) => !Number.isNaN(decimalTime(written))

const WRITTEN_NUMBER = /^-?(\d+(\.\d*)?|\.\d+)(e[-+]\d+)?$/

/** A calculated text as a question of this type holds it, "" when it cannot. @type {Record<string, (written: string) => string>} */
export const AS_TYPE = {
  integer: (written) => {
    const found = Math.trunc(WRITTEN_NUMBER.test(written) ? Number(written) : NaN)
    return found >= -2147483648 && found <= 2147483647 ? String(found) : ''
  },
  decimal: (written) => (WRITTEN_NUMBER.test(written) ? written : ''),
  range: (written) => (WRITTEN_NUMBER.test(written) ? written : ''),
  date: (written) => (calendar(written)?.zone === '' ? written.slice(0, 10) : ''),
  dateTime: (written) => (isDateTime(written) ? written : ''),
  time: (written) => (isTime(written) ? written : ''),
}

/** Milliseconds since 1970 as a date, with the time where it is not midnight. @param {number} ms @param {string} zone */
const dated = (ms, zone) => {
  if (!(ms >= -354285 * DAY && ms < 2932897 * DAY)) return ''
  const [date, time] = new Date(ms).toISOString().split('T')
  return time === '00:00:00.000Z' ? date : `${date}T${time.slice(0, -1)}${zone}`
}

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

/** @param {Value} value @param {Value} pattern */
const formatDate = (value, pattern) => {
  const found = calendar(typeof value === 'number' ? dateText('', value) : text(value))
  if (!found) return ''
  const { date, year, month, day, since } = found
  const two = (/** @type {number} */ part) => String(part).padStart(2, '0')
  const hour = Math.floor(since / 3600000)
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
    H: two(hour),
    h: String(hour),
    M: two(Math.floor(since / 60000) % 60),
    S: two(Math.floor(since / 1000) % 60),
    3: String(since % 1000).padStart(3, '0'),
  }
  return text(pattern).replace(/%([YymnbdeaHhMS3])/g, (_, sign) => signs[sign])
}

/** A date, with the time in `zone` where it has one; "" for what is none. @param {string} zone @param {Value} value */
const dateText = (zone, value) => {
  if (typeof value === 'boolean') return ''
  // Far beyond any year is out of reach of exact milliseconds.
  if (typeof value === 'number') return Math.abs(value) < 1e8 ? dated(Math.floor(value * DAY + 0.5), zone) : ''
  const short = SHORT_DATE.exec(text(value))
  if (!short) return ''
  const found = calendar(`${short[1]}-${short[2].padStart(2, '0')}-${short[3].padStart(2, '0')}${short[4] ?? ''}`)
  return found ? dated(found.ms, found.zone || zone) : ''
}

/**
 * Years, months, days, hours and minutes later; a month's last day where the day is missing.
 * @param {string} zone @param {Value} value @param {Value[]} amounts
 */
const addDate = (zone, value, ...amounts) => {
  const found = calendar(dateText(zone, value))
  const given = amounts.map(number)
  if (!found || given.some((amount) => !(Math.abs(amount) < 1e6))) return ''
  const [years, months = 0, later = 0, hours = 0, minutes = 0] = given
  let { year, month, day } = found
  for (const step of [Math.trunc(years) * 12, Math.trunc(months)]) {
    const all = year * 12 + month - 1 + step
    year = Math.floor(all / 12)
    month = all - year * 12 + 1
    if (!(year >= 1000 && year <= 9999)) return ''
    day = Math.min(day, new Date(Date.UTC(year, month, 0)).getUTCDate())
  }
  const start = Date.UTC(year, month - 1, day) + Math.trunc(later) * DAY + found.since
  return dated(start + Math.floor((hours * 60 + minutes) * 60000 + 0.5), found.zone || zone)
}

/** Latitude and longitude in degrees of "45.1 126.5 0 12", or null. @param {string} written */
export const point = (written) => {
  const parts = written.split(' ')
  if (parts.length < 2 || parts.length > 4 || !parts.every((part) => NUMBER.test(part))) return null
  const [latitude, longitude] = parts.map(Number)
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? [latitude, longitude] : null
}

/** Metres along the points, to the centimetre, NaN when one of them is no place. @param {Value[]} values */
const distance = (...values) => {
  let written = values.flatMap(texts)
  if (written.length === 1) written = written[0].replace(/^[ \t\r\n;]+|[ \t\r\n;]+$/g, '').split(';').map(trim)
  const points = written.map(point)
  if (points.length < 2 || points.includes(null)) return NaN
  const radians = (/** @type {number} */ degrees) => degrees * (Math.PI / 180)
  let metres = 0
  for (let n = 1; n < points.length; n += 1) {
    // The half-angle formula: unlike the arc cosine it is exact for places close together.
    const [[a, b], [c, d]] = /** @type {number[][]} */ (points.slice(n - 1, n + 1))
    const north = Math.sin(radians(c - a) / 2)
    const east = Math.sin(radians(d - b) / 2)
    const half = north * north + Math.cos(radians(a)) * Math.cos(radians(c)) * east * east
    metres += 2 * EARTH * Math.asin(Math.min(1, Math.sqrt(half)))
  }
  return Math.floor(metres * 100 + 0.5) / 100
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
  const first = Math.trunc(number(start))
  const last = end === undefined ? signs.length : Math.trunc(number(end))
  return ![first, last].every(Number.isFinite) ? '' : signs.slice(first, last).join('')
}

/** @type {Map<string, RegExp>} */
const patterns = new Map()
const matches = (/** @type {string} */ value, /** @type {string} */ pattern) => {
  if (!patterns.has(pattern)) patterns.set(pattern, new RegExp(pattern, 'u'))
  return /** @type {RegExp} */ (patterns.get(pattern)).test(value)
}

/** Each of `signs` by the one at its place in `others`, or by nothing. @param {Value} value @param {Value} signs @param {Value} others */
const translate = (value, signs, others) => {
  const sought = [...text(signs)]
  const wanted = [...text(others)]
  return [...text(value)].map((sign) => (sought.includes(sign) ? (wanted[sought.indexOf(sign)] ?? '') : sign)).join('')
}

/** A new identifier, or that many signs of new ones. @param {Value} size */
const uuid = (size = 36) => {
  const length = Math.min(Math.max(number(size), 0), 1000) || 0
  let made = ''
  while (made.length < length) {
    const bytes = crypto.getRandomValues(new Uint8Array(16))
    bytes[6] = (bytes[6] & 15) | 64
    bytes[8] = (bytes[8] & 63) | 128
    const signs = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    made += signs.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }
  return made.slice(0, length)
}

/** These write times, and take the zone to write them in before their arguments. */
export const ZONED = ['add-date', 'date', 'date-time']

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
  'add-date': addDate,
  boolean: truth,
  'boolean-from-string': (a) => ['1', 'true'].includes(text(a)),
  ceiling: (a) => Math.ceil(number(a)),
  coalesce: (...all) => all.map(text).find(Boolean) ?? '',
  concat: (...all) => all.flatMap(texts).join(''),
  contains: (a, b) => text(a).includes(text(b)),
  count: (a) => texts(a).length,
  'count-non-empty': (a) => texts(a).filter(Boolean).length,
  'count-selected': (a) => words(a).filter(Boolean).length,
  date: dateText,
  'date-time': dateText,
  'decimal-date-time': (a) => (typeof a === 'number' ? a : days(text(a))),
  'decimal-time': decimalTime,
  'difference-in-months': monthsBetween,
  distance,
  'ends-with': (a, b) => text(a).endsWith(text(b)),
  false: () => false,
  floor: (a) => Math.floor(number(a)),
  'format-date': formatDate,
  'format-date-time': formatDate,
  int: (a) => Math.trunc(number(a)),
  join: (glue, ...all) => all.flatMap(texts).join(text(glue)),
  max: extreme(Math.max),
  min: extreme(Math.min),
  'normalize-space': (a) => words(a).join(' '),
  not: (a) => !truth(a),
  number,
  pi: () => Math.PI,
  pow: (a, b) => number(a) ** number(b),
  random: Math.random,
  regex: (a, b) => matches(text(a), text(b)),
  round,
  selected: (a, b) => words(a).includes(trim(text(b))),
  'selected-at': (a, b) => words(a)[Math.trunc(number(b))] ?? '',
  sqrt: (a) => Math.sqrt(number(a)),
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
  translate,
  true: () => true,
  uuid,
}

/**
 * Texts in the reader's language: the app's own, and dates, distances and sizes in words.
 *
 * Invariant: times are relative near by and dates further off; nothing here reads the clock by itself.
 */
import en from './texts/en.js'
import zh from './texts/zh.js'

/** @type {Record<string, Record<string, string|((params: any) => string)>>} */
const TEXTS = { zh, en }
/** @type {Record<string, string>} */
const LOCALES = { zh: 'zh-CN', en: 'en-GB' }

let language = /** @type {'zh'|'en'} */ ('zh')

/** The language in use. */
export const currentLanguage = () => language

/** @param {'zh'|'en'} chosen */
export function setLanguage(chosen) {
  language = chosen
}

/**
 * The app's text `key`, its {…} filled from `params`.
 * @param {string} key @param {Record<string, any>} [params]
 * @returns {string}
 */
export function t(key, params = {}) {
  const text = TEXTS[language][key]
  if (typeof text === 'function') return text(params)
  return text.replace(/\{(\w+)\}/g, (_, name) => String(params[name] ?? ''))
}

/** A record's text {zh, en} in the language in use, else in the one there is. @param {any} texts @returns {string} */
export function pick(texts) {
  if (texts == null) return ''
  return typeof texts === 'string' ? texts : (texts[language] ?? texts.zh ?? texts.en ?? '')
}

/** Faults that have words of their own. */
const FAULTS = new Set(['network', 'portal', 'busy', 'storage', 'signed_out', 'wrong_account'])

/** What went wrong between phone and server, and what to do. @param {{kind: string, words: string}} fault */
export function faultWords({ kind, words }) {
  if (FAULTS.has(kind)) return t(`fault.${kind}`)
  return words ? t('fault.other', { message: words }) : t('fault.busy') // somebody between us and the server said no, without a word
}

/** The phone's date of an instant, YYYY-MM-DD. @param {Date|string|number} instant */
export function localDate(instant) {
  const date = new Date(instant)
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** @param {Date|string|number} instant @param {Intl.DateTimeFormatOptions} options */
function format(instant, options) {
  return new Intl.DateTimeFormat(LOCALES[language], options).format(new Date(instant))
}

/** "11月23日 星期一", "Monday 23 November". @param {Date} now */
export function longDate(now) {
  return language === 'zh'
    ? `${format(now, { month: 'long', day: 'numeric' })} ${format(now, { weekday: 'long' })}`
    : format(now, { weekday: 'long', day: 'numeric', month: 'long' })
}

/** @param {Date|string|number} instant */
export const clockTime = (instant) => format(instant, { hour: '2-digit', minute: '2-digit', hour12: false })

/** A date YYYY-MM-DD: 今天, 明天, 周三, 11月9日, with the year when it is another one. @param {string} date @param {Date} now */
export function dayWords(date, now) {
  const days = Math.round((Date.parse(`${date}T00:00Z`) - Date.parse(`${localDate(now)}T00:00Z`)) / 86_400_000)
  if (days === 0) return t('when.today')
  if (days === 1) return t('when.tomorrow')
  if (days === -1) return t('when.yesterday')
  const noon = new Date(`${date}T12:00`)
  if (days > 0 && days < 7) return format(noon, { weekday: language === 'zh' ? 'short' : 'long' })
  const sameYear = date.slice(0, 4) === String(now.getFullYear())
  return format(noon, { month: language === 'zh' ? 'long' : 'short', day: 'numeric', ...(sameYear ? {} : { year: 'numeric' }) })
}

/** An instant that lies behind: 今天 09:58, 昨天 16:20, 11月9日. @param {string|number} instant @param {Date} now */
export function sinceWords(instant, now) {
  const date = localDate(instant)
  const time = clockTime(instant)
  const day = dayWords(date, now)
  if (day === t('when.today')) return t('when.today_at', { time })
  if (day === t('when.yesterday')) return t('when.yesterday_at', { time })
  return day
}

/** An instant by which something is due: 40 分钟内, 3 小时内, 明天前. @param {string} instant @param {Date} now */
export function dueWords(instant, now) {
  const minutes = Math.ceil((Date.parse(instant) - now.getTime()) / 60_000)
  if (minutes <= 0) return t('when.past')
  if (minutes < 60) return t('when.minutes', { n: minutes })
  if (minutes < 12 * 60) return t('when.hours', { n: Math.ceil(minutes / 60) })
  return t('when.by', { when: dayWords(localDate(instant), now) })
}

/** @param {number} metres */
export function distanceWords(metres) {
  if (metres < 995) return t('distance.m', { n: metres < 20 ? Math.round(metres) : Math.round(metres / 10) * 10 })
  return t('distance.km', { n: metres < 9950 ? (metres / 1000).toFixed(1) : Math.round(metres / 1000) })
}

/** @param {number} bytes */
export function sizeWords(bytes) {
  if (bytes < 1_000_000) return `${Math.ceil(bytes / 1000)} KB`
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`
}

/** Whole years on `today`, or null. @param {string|null} birthOn @param {string} today */
export function ageOn(birthOn, today) {
  if (!birthOn) return null
  return Number(today.slice(0, 4)) - Number(birthOn.slice(0, 4)) - (today.slice(5) < birthOn.slice(5) ? 1 : 0)
}

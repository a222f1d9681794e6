/**
 * Reading answers: by path, in words, and from last time.
 *
 * Invariant: paths are the contract's ("home/food_days", "people[1]/elder/gas"); nothing here changes an answer.
 */
import { plain } from '../checklist/view/markup.js'
import { pick } from './words.js'

/**
 * Last visit's answer to a question, or null. A person's answers are found by who they are, not by their position.
 * @param {{on: string, answers: any}|null} carry @param {string} path
 * @param {{person_uuid: string}[]} people the draft's, in order
 * @returns {string|null}
 */
export function lastAnswer(carry, path, people) {
  if (!carry) return null
  let value = carry.answers
  for (const step of path.split('/')) {
    const [, name, position] = /** @type {RegExpExecArray} */ (/^([^[]+)(?:\[(\d+)\])?$/.exec(step))
    value = value?.[name]
    if (position !== undefined && Array.isArray(value)) {
      const person = name === 'people' ? people[Number(position) - 1] : null
      value = person ? value.find((one) => one.person_uuid === person.person_uuid) : value[Number(position) - 1]
    }
  }
  return typeof value === 'string' && value !== '' ? value : null
}

/**
 * An answer as a person reads it: the labels of choices, else the value; null when a choice no longer exists.
 * @param {any} item one of the engine's items @param {string} value @returns {string|null}
 */
export function answerWords(item, value) {
  if (!item.choices?.length) return value
  const labels = value.split(' ').map((name) => item.choices.find((/** @type {any} */ choice) => choice.name === name)?.label)
  return labels.every((label) => label !== undefined) ? labels.map((label) => plain(pick(label))).join('、') : null
}

/** Types a person answers (a note is read, a calculation is made). @param {any} item */
export const isAsked = (item) => item.kind === 'question' && item.relevant && !item.readOnly
  && !['note', 'hidden', 'calculate'].includes(item.node.type)

/**
 * How far a form is filled: of its required questions, or of all when none is.
 * @param {any[]} items
 */
export function progressOf(items) {
  const asked = items.filter(isAsked)
  const required = asked.filter((item) => item.required)
  const counted = required.length ? required : asked
  return { done: counted.filter((item) => item.value !== undefined && item.value !== null && item.value !== '').length, total: counted.length }
}

/**
 * @typedef {{code: string, duty_phone: string|null, duty?: {phone: string, starts_at: string, ends_at: string}[]}} AreaOnDuty
 *   An area with its own number, and what the roster says of the time to come.
 */

/**
 * The number to call for a grid: of whoever is on duty in its own area, else that area's own, else of the nearest area
 * above that has one; null when none has any.
 * @param {AreaOnDuty[]} areas @param {string} gridCode @param {Date} now
 */
export function dutyPhone(areas, gridCode, now) {
  const numberOf = (/** @type {AreaOnDuty} */ { duty = [], duty_phone }) =>
    duty.find(({ starts_at, ends_at }) => new Date(starts_at) <= now && now < new Date(ends_at))?.phone ?? duty_phone
  return areas.filter((area) => numberOf(area) && gridCode.startsWith(area.code))
    .sort((a, b) => b.code.length - a.code.length).map(numberOf)[0] ?? null
}

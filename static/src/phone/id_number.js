/**
 * ID numbers (GB 11643), as `people/rules.py` reads them.
 *
 * Invariant: pure; a number with a wrong check digit may stand, when it is said why.
 */

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const CHECKS = '10X98765432'

/** As it is kept: no spaces or dashes, plain digits, a large X. @param {string} typed */
export const normalNumber = (typed) => typed.normalize('NFKC').replace(/[\s–—-]/g, '').toUpperCase()

/** What is wrong with a normal number, or null. @param {string} number @param {string} today YYYY-MM-DD @returns {'length'|'digits'|'birthday'|'check'|null} */
export function idFault(number, today) {
  if (number.length !== 18) return 'length'
  if (!/^\d{17}[\dX]$/.test(number)) return 'digits'
  const birthday = birthdayIn(number)
  if (!birthday || birthday < '1890-01-01' || birthday > today) return 'birthday'
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(number[index]), 0)
  return CHECKS[sum % 11] === number[17] ? null : 'check'
}

/** YYYY-MM-DD, or null when there is no such day. @param {string} number */
function birthdayIn(number) {
  const day = `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`
  const date = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day) ? day : null
}

/** Birthday and sex as a normal number has them. @param {string} number */
export const readId = (number) => ({ birth_on: birthdayIn(number), sex: Number(number[16]) % 2 ? 'm' : 'f' })

/** The first three and the last four. @param {string|null} number */
export const maskId = (number) => (number ? `${number.slice(0, 3)}${'*'.repeat(11)}${number.slice(-4)}` : null)

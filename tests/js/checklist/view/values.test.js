// What a finger types, and what the checklist keeps of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { dateTimeOf, digitsOf, numberOf, offsetOf, stepsOf, timeOf, yearOf } from '../../../../static/src/checklist/view/values.js'

test('numbers are understood from any keyboard', () => {
  const kept = { 12: '12', '１２．５': '12.5', '1，5': '1.5', '1,5': '1.5', '1、5': '1.5', '1。5': '1.5', '1,000': '1000', '12，345，678': '12345678',
    '−3': '-3', '－3': '-3', ' 4 0 ': '40', '1.': '1.', ',5': '.5', '': '' }
  for (const [typed, wanted] of Object.entries(kept)) assert.equal(numberOf(typed), wanted, typed)
})

test('what is no number is kept as it was typed, for the checklist to object to', () => {
  for (const typed of ['十二', 'abc', '1,2,3', '--1']) assert.equal(numberOf(typed), typed)
})

test('digits that name something keep their zeros', () => {
  assert.equal(digitsOf('０４５１　１２３'), '0451 123')
})

test('times and moments carry the offset of the phone', () => {
  const day = new Date('2026-11-24T12:00:00Z')
  assert.match(offsetOf(day), /^[+-]\d\d:\d\d$/)
  assert.equal(timeOf('08:30', day), `08:30:00.000${offsetOf(day)}`)
  assert.equal(timeOf('08:30:15', day), `08:30:00.000${offsetOf(day)}`)
  assert.equal(dateTimeOf('2026-07-01T08:30'), `2026-07-01T08:30:00.000${offsetOf(new Date('2026-07-01T08:30'))}`)
  assert.equal(timeOf('', day), '')
  assert.equal(dateTimeOf(''), '')
})

test('a year is its first day', () => {
  assert.equal(yearOf('１９５６'), '1956-01-01')
  assert.equal(yearOf('195'), '195')
})

test('the steps of a range are counted without the errors of fractions', () => {
  const sugar = stepsOf({ start: '2', end: '30', step: '0.1' })
  assert.equal(sugar.count, 281)
  assert.equal(sugar.valueAt(3), '2.3')
  assert.equal(sugar.valueAt(280), '30')
  assert.equal(sugar.indexOf('2.3'), 3)
  assert.equal(sugar.indexOf(''), -1)
  assert.deepEqual([0, 1, 2].map(stepsOf({ start: '10', end: '0', step: '5' }).valueAt), ['10', '5', '0'])
  assert.equal(stepsOf({ start: '0', end: '10', step: '3' }).count, 4)
  assert.equal(stepsOf({}).count, 10)
  assert.equal(stepsOf({ start: '0', end: '1', step: '0' }).count, 2, 'a step of nothing is one')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aidOf, canTakeBack, findAlike, givenOf, needsReceipt, readAmount, receiptLimits, stepsOfVisit, writeAmount } from '../../../static/src/phone/aid.js'

const HOME = 'h1'
const RECORD = {
  aid_uuid: 'a1', household_uuid: HOME, person_uuid: null, kind: 'cash', programme: 'heating', source: 'public', item: null, amount_cents: 50_000,
  quantity_milli: null, unit: null, note: null, state: 'due', on: '2026-11-30', own: false,
}
const NEW = { ...RECORD, aid_uuid: 'a2', state: undefined, own: undefined, is_given: true, visit_uuid: 'v1', attachments: [] }

/** @param {string} kind @param {any} body @param {any} [more] @returns {any} */
const op = (kind, body, more = {}) => ({ op_uuid: `${kind}/${body.aid_uuid}`, kind, state: 'waiting', received_at: null, body: { household_uuid: HOME, ...body }, draft: { entry: RECORD }, ...more })
/** @param {any[]} ops @param {any[]} [records] */
const known = (ops, records = [RECORD], pulledTo = 1000) => aidOf({ householdUuid: HOME, records, ops, pulledTo })
const uuids = (/** @type {any[]} */ entries) => entries.map((entry) => entry.aid_uuid)

test('a typed amount is read exactly or not at all, as the server reads it', () => {
  for (const [text, parts] of /** @type {[string, number|null][]} */ ([
    ['500', 50_000], ['1,250.5', 125_050], ['1，250.50', 125_050], [' 0.01 ', 1], ['１２０', 12_000], ['.5', 50], ['5.', 500],
    ['0', null], ['-5', null], ['0.005', null], ['1e3', null], ['NaN', null], ['500元', null], ['1.2.3', null], ['.', null], ['', null],
    ['0.1000', 10], ['90071992547409.93', null],
  ])) assert.equal(readAmount(text, 2), parts, text)
  assert.equal(readAmount('2.5', 3), 2500)
  assert.equal(readAmount('1.5', 0), null)
  for (const [parts, digits, text] of /** @type {[number, number, string][]} */ ([[125_050, 2, '1,250.5'], [50_000, 2, '500'], [1, 2, '0.01'], [2500, 3, '2.5'], [100_000_000, 2, '1,000,000']])) {
    assert.equal(writeAmount(parts, digits), text)
  }
})

test('how much is said in the parts of its kind, and the rest is left out', () => {
  assert.deepEqual(givenOf({ kind: 'cash', amount: '500', item: 'rice' }), { item: null, amount_cents: 50_000, quantity_milli: null, unit: null })
  assert.deepEqual(givenOf({ kind: 'goods', item: 'rice', quantity: '2.5', unit: 'bag' }), { item: 'rice', amount_cents: null, quantity_milli: 2500, unit: 'bag' })
  assert.deepEqual(givenOf({ kind: 'service', item: 'care', times: '3' }), { item: 'care', amount_cents: null, quantity_milli: 3000, unit: null })
  assert.equal(givenOf({ kind: 'cash', amount: '1000000.01' }).amount_cents, null)
  assert.equal(givenOf({ kind: 'service', item: 'care', times: '1.5' }).quantity_milli, null)
})

test('what is on its way is shown once: in place of what was due, until the server gives it', () => {
  assert.deepEqual(uuids(known([]).due), ['a1'])
  const given = op('aid.give', { aid_uuid: 'a1', on: '2026-12-01' })
  const here = known([given])
  assert.deepEqual([uuids(here.due), uuids(here.given), here.given[0].on], [[], ['a1'], '2026-12-01'])
  // Received, and the records are older than that.
  const received = { ...given, state: 'received', received_at: 2000 }
  assert.deepEqual(uuids(known([received]).due), [])
  // Read since: the record says it.
  const anew = [{ ...RECORD, state: 'given', on: '2026-12-01', own: true }]
  assert.deepEqual(uuids(known([{ ...received, received_at: 500 }], anew).given), ['a1'])
  const recorded = op('aid.record', NEW)
  assert.deepEqual(uuids(known([recorded]).given), ['a2'])
  assert.deepEqual(uuids(known([{ ...recorded, state: 'received', received_at: 2000 }], [RECORD, { ...RECORD, aid_uuid: 'a2', state: 'given' }]).given), ['a2'])
  assert.deepEqual(uuids(known([op('aid.record', { ...NEW, is_given: false })]).due), ['a1', 'a2'])
})

test('what the office did not accept is due still, and points to why', () => {
  const here = known([op('aid.give', { aid_uuid: 'a1', on: '2026-12-01' }, { state: 'rejected' })])
  assert.deepEqual([uuids(here.due), here.due[0].op?.state], [['a1'], 'rejected'])
  assert.deepEqual(uuids(known([op('aid.give', { aid_uuid: 'a1', on: '2026-12-01' }, { state: 'refused' })]).due), ['a1'])
})

test('another household and what was replaced say nothing here', () => {
  assert.deepEqual(known([op('aid.record', { ...NEW, household_uuid: 'h2' }), op('aid.record', { ...NEW, aid_uuid: 'a3' }, { state: 'replaced' })], []), { due: [], given: [] })
})

test('an own entry is taken back within a week, once', () => {
  const [entry] = known([op('aid.record', NEW)], []).given
  assert.equal(canTakeBack(entry, '2026-12-06'), true)
  assert.equal(canTakeBack(entry, '2026-12-07'), false)
  assert.equal(canTakeBack({ ...entry, own: false }, '2026-11-30'), false)
  const [taken] = known([op('aid.record', NEW), op('aid.take_back', { aid_uuid: 'a2', reason: 'x' })], []).given
  assert.equal(canTakeBack(taken, '2026-11-30'), false)
  const done = op('aid.take_back', { aid_uuid: 'a2', reason: 'x' }, { state: 'received', received_at: 2000 })
  assert.deepEqual(known([op('aid.record', NEW), done], []).given, [])
})

test('the same once more is asked about: still due, or given in these days', () => {
  const body = { ...NEW, aid_uuid: 'a9', on: '2026-12-01' }
  assert.equal(findAlike(known([]), body, '2026-12-01')?.aid_uuid, 'a1')
  const given = known([], [{ ...RECORD, state: 'given' }])
  assert.equal(findAlike(given, body, '2026-12-01')?.aid_uuid, 'a1')
  for (const other of [{ amount_cents: 1 }, { programme: 'dibao' }, { on: '2026-12-20' }, { aid_uuid: 'a1' }]) {
    assert.equal(findAlike(given, { ...body, ...other }, '2026-12-20'), null)
  }
  // For two people of one household it is no repetition.
  const forOne = known([], [{ ...RECORD, state: 'given', person_uuid: 'p1' }])
  assert.equal(findAlike(forOne, { ...body, person_uuid: 'p2' }, '2026-12-01'), null)
  assert.equal(findAlike(forOne, { ...body, person_uuid: 'p1' }, '2026-12-01')?.aid_uuid, 'a1')
})

test('a receipt is wanted from the amount of the household’s county on', () => {
  const areas = [{ code: '23' }, { code: '230183', receipts: { cash: 30_000, goods: null } }, { code: '230184', receipts: { cash: 0, goods: 0 } }]
  const limits = receiptLimits(areas, '230183100055001')
  assert.deepEqual([29_999, 30_000].map((cents) => needsReceipt(limits, 'cash', cents)), [false, true])
  assert.equal(needsReceipt(limits, 'goods', 10 ** 7), false)
  assert.equal(needsReceipt(receiptLimits(areas, '230184100055001'), 'goods', null), true)
  assert.equal(needsReceipt(receiptLimits(areas, '230185100055001'), 'cash', 10 ** 7), false)
  assert.equal(needsReceipt({ cash: 0, goods: 0 }, 'service', null), false)
})

test('what was recorded on a visit is listed with it', () => {
  const ops = [op('aid.record', NEW), op('aid.give', { aid_uuid: 'a1', visit_uuid: 'v1' }), op('aid.record', { ...NEW, aid_uuid: 'a4', visit_uuid: 'v2' }), op('aid.take_back', { aid_uuid: 'a2', visit_uuid: 'v1' })]
  assert.deepEqual(uuids(stepsOfVisit(ops, 'v1').map((one) => one.body)), ['a2', 'a1'])
})

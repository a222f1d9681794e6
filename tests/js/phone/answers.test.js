// Answers by path, from last time, in words; how far a form is filled; distances and places.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { answerWords, dutyPhone, lastAnswer, progressOf } from '../../../static/src/phone/answers.js'
import { distanceM, homeOf } from '../../../static/src/phone/distance.js'

const carry = { on: '2026-11-09', answers: { basics: { utilities: 'ok' }, people: [{ person_uuid: 'b', elder: { gas: 'safe' } }, { person_uuid: 'a', elder: { gas: 'co leak' } }] } }

test("a person's last answer is found by who they are, not where they stood", () => {
  const people = [{ person_uuid: 'a' }, { person_uuid: 'b' }, { person_uuid: 'new' }]
  assert.equal(lastAnswer(carry, 'basics/utilities', people), 'ok')
  assert.equal(lastAnswer(carry, 'people[1]/elder/gas', people), 'co leak')
  assert.equal(lastAnswer(carry, 'people[2]/elder/gas', people), 'safe')
  assert.equal(lastAnswer(carry, 'people[3]/elder/gas', people), null)
  assert.equal(lastAnswer(carry, 'basics/other', people), null)
  assert.equal(lastAnswer(null, 'basics/utilities', people), null)
})

test('an answer is said by its labels, and not at all when a choice is gone', () => {
  const item = { choices: [{ name: 'co', label: '烟道堵' }, { name: 'leak', label: '漏气' }] }
  assert.equal(answerWords(item, 'co leak'), '烟道堵、漏气')
  assert.equal(answerWords(item, 'co wiring'), null)
  assert.equal(answerWords({ choices: [] }, '三天'), '三天')
})

test('progress counts the required questions that are asked', () => {
  const item = (more) => ({ kind: 'question', relevant: true, readOnly: false, required: true, value: '', node: { type: 'text' }, ...more })
  const items = [item({ value: 'x' }), item({}), item({ required: false, value: 'y' }), item({ relevant: false }), item({ node: { type: 'note' } }), { kind: 'group', relevant: true }]
  assert.deepEqual(progressOf(items), { done: 1, total: 2 })
  assert.deepEqual(progressOf([item({ required: false, value: 'y' })]), { done: 1, total: 1 })
})

test('the nearest duty number up the tree is called', () => {
  const areas = [{ code: '23', duty_phone: '1' }, { code: '230123', duty_phone: '2' }, { code: '230123100', duty_phone: null }, { code: '230124', duty_phone: '3' }]
  const now = new Date('2026-11-28T20:00:00Z')
  assert.equal(dutyPhone(areas, '230123100201001', now), '2')
  assert.equal(dutyPhone(areas, '230199100201001', now), '1')
  assert.equal(dutyPhone([], '230123100201001', now), null)
})

test('whoever is on duty is called while the shift lasts', () => {
  const night = { phone: '9', starts_at: '2026-11-28T10:00:00Z', ends_at: '2026-11-29T00:00:00Z' }
  const areas = [{ code: '230123', duty_phone: '2' }, { code: '230123100', duty_phone: null, duty: [night] }]
  assert.equal(dutyPhone(areas, '230123100201001', new Date('2026-11-28T10:00:00Z')), '9')
  assert.equal(dutyPhone(areas, '230123100201001', new Date('2026-11-28T23:59:59Z')), '9')
  assert.equal(dutyPhone(areas, '230123100201001', new Date('2026-11-29T00:00:00Z')), '2')
})

test('distances agree with known ones to a thousandth', () => {
  // One minute of latitude is a nautical mile, 1,852 m; Harbin to Beijing is 1,058 km.
  assert.ok(Math.abs(distanceM({ lat: 45, lon: 126 }, { lat: 45 + 1 / 60, lon: 126 }) - 1853) < 2)
  assert.ok(Math.abs(distanceM({ lat: 45.8038, lon: 126.535 }, { lat: 39.9042, lon: 116.4074 }) / 1000 - 1058) < 5)
  assert.equal(distanceM({ lat: 46, lon: 129 }, { lat: 46, lon: 129 }), 0)
})

test('a home in another datum is not compared with', () => {
  assert.deepEqual(homeOf({ lat: 46, lon: 129, datum: 'WGS84' }), { lat: 46, lon: 129 })
  assert.equal(homeOf({ lat: 46, lon: 129, datum: 'GCJ02' }), null)
  assert.equal(homeOf({ lat: null, lon: null, datum: null }), null)
})

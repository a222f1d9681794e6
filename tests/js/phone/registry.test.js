// The registry as a phone knows it: what is on its way stands beside what is there.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { idFault, maskId, normalNumber, readId } from '../../../static/src/phone/id_number.js'
import { changesOf, plainRecord, registryOf, shown } from '../../../static/src/phone/registry.js'

const ID = '230102195005040049'
const household = (uuid, more = {}) => ({ household_uuid: uuid, name: '刘玉珍', grid_code: 'g', due_on: '2026-11-20', ...more })
const person = (uuid, more = {}) => ({ person_uuid: uuid, household_uuid: 'h', name: '刘玉珍', phone: null, tags: ['living_alone'], id_masked: null, died_on: null, moved_away_on: null, ...more })
const op = (kind, body, more = {}) => ({ op_uuid: `${kind}-${more.seq ?? 1}`, kind, body, state: 'waiting', at: '2026-11-23T01:00:00Z', received_at: null, ...more })
const registered = {
  household_uuid: 'n', grid_code: 'g', name: '赵大爷', address: '村东头', phone: null, note: '', location: null,
  people: [{ person_uuid: 'np', name: '赵大爷', relation: '', sex: 'm', birth_on: null, id_number: ID, phone: null, tags: [] }],
}
const update = (fields, more = {}) => op('person.update', { person_uuid: 'p', household_uuid: 'h', fields }, more)
const of = (ops, given = {}) => registryOf({ households: [household('h')], people: [person('p')], pulledTo: 0, ...given, ops })

test('a household registered here is on the list at once, and gives way to the server’s', () => {
  const waiting = op('household.register', registered)
  const { households, people } = of([waiting])
  assert.deepEqual([households[1].name, households[1].due_on, households[1].op.op_uuid], ['赵大爷', '2026-11-23', waiting.op_uuid])
  assert.deepEqual([people[1].household_uuid, people[1].id_masked], ['n', '230***********0049'])
  // Received, but not read again yet; read again; refused by the office.
  assert.equal(of([{ ...waiting, state: 'received', received_at: 5 }], { pulledTo: 4 }).households.length, 2)
  assert.equal(of([{ ...waiting, state: 'received', received_at: 5 }], { pulledTo: 6 }).households.length, 1)
  for (const state of ['replaced', 'refused', 'closed']) assert.equal(of([{ ...waiting, state }]).households.length, 1)
  assert.equal(of([{ ...waiting, state: 'rejected' }]).households[1].op.state, 'rejected')
  const here = of([waiting], { households: [household('h'), household('n', { name: '赵大爷' })], people: [person('np')] })
  assert.equal(here.households.length, 2)
  assert.equal(here.people.length, 1)
  assert.equal(here.households[1].op, undefined)
})

test('a person registered here stands last in their household', () => {
  const { people } = of([op('person.register', { ...registered.people[0], household_uuid: 'h' })])
  assert.deepEqual(people.map((one) => one.person_uuid), ['p', 'np'])
})

test('a correction stands beside the old value until the record was read again', () => {
  const first = update({ phone: { from: null, to: '13812341234' } })
  const [one] = of([first]).people
  assert.equal(one.phone, null)
  assert.deepEqual(one.pending.map(({ field, to }) => [field, to]), [['phone', '13812341234']])
  assert.equal(shown(one, 'phone'), '13812341234')
  assert.deepEqual(of([{ ...first, state: 'received', received_at: 5 }], { pulledTo: 6 }).people[0].pending, [])
})

test('the next correction builds on the one before it, unless that was refused', () => {
  const first = update({ name: { from: '刘玉珍', to: '刘玉贞' }, id_number: { from: null, to: ID } })
  const [one] = of([first]).people
  assert.deepEqual(changesOf(one, { name: '刘玉真', id_number: null }), { name: { from: '刘玉贞', to: '刘玉真' }, id_number: { from: maskId(ID), to: null } })
  const [refused] = of([{ ...first, state: 'rejected' }]).people
  assert.deepEqual(changesOf(refused, { name: '刘玉真' }), { name: { from: '刘玉珍', to: '刘玉真' } })
})

test('only what differs is a correction', () => {
  const [one] = of([]).people
  assert.deepEqual(changesOf(one, { name: '刘玉珍', phone: '', tags: ['living_alone'] }), {})
  assert.deepEqual(changesOf(one, { tags: [] }), { tags: { from: ['living_alone'], to: [] } })
})

test('whoever has died or left is gone at once, and an empty household is due no more', () => {
  for (const gone of [
    update({ died_on: { from: null, to: '2026-11-22' } }),
    op('household.move', { household_uuid: 'h', from_grid: 'g', to_grid: null, moved_away_on: '2026-11-22' }),
  ]) {
    const { households, people } = of([gone])
    assert.equal(people[0].gone, true)
    assert.equal(households[0].due_on, null)
    assert.equal(of([{ ...gone, state: 'rejected' }]).people[0].gone, false)
  }
  assert.equal(of([op('household.move', { household_uuid: 'h', from_grid: 'g', to_grid: 'g2' })]).people[0].gone, false)
})

test('a visit holds the record without what is on its way', () => {
  const { households: [one] } = of([])
  assert.deepEqual(plainRecord(one), household('h'))
})

test('an ID number is read as the server reads it', () => {
  assert.equal(normalNumber(' 2301 0219-50050400４x'), '23010219500504004X')
  const cases = [[ID, null], ['123', 'length'], ['23010219500504004Y', 'digits'], ['230102195002300046', 'birthday'], ['230102205005040041', 'birthday'], ['230102195005040041', 'check']]
  for (const [number, fault] of cases) assert.equal(idFault(number, '2026-11-23'), fault, number)
  assert.deepEqual(readId(ID), { birth_on: '1950-05-04', sex: 'f' })
})

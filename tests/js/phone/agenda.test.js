// Today's order: what a worker sees first, and that nobody is left out.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { agendaOf, daysBetween, holdsOn, searchHouseholds, wayPast } from '../../../static/src/phone/agenda.js'

const household = (name, due_on, more = {}) => ({ household_uuid: name, name, address: '幸福村 2 组', due_on, last_visit_on: '2026-11-01', ...more })
const given = (more) => ({ today: '2026-11-23', households: [], people: [], visits: [], followups: [], drafts: [], sweeps: [], ops: [], remote: new Set(['phone', 'wechat', 'video']), ...more })
const names = (entries) => entries.map((entry) => entry.household.name)
const task = (id, severity, due_at, more = {}) => ({ followup_id: id, severity, due_at, state: 'open', household_uuid: 'a', person_uuid: null, sent_back: null, ...more })
const returned = (id, at) => ({ visit_uuid: id, household_uuid: 'a', state: 'returned', revision: 1, returned: { reason: '', by: '', at, notes: {} } })

test('every household stands in exactly one list, the longest overdue first', () => {
  const households = [household('later', '2026-12-20'), household('soon', '2026-11-26'), household('today', '2026-11-23'),
    household('one day', '2026-11-22'), household('ten days', '2026-11-13'), household('never', null)]
  const agenda = agendaOf(given({ households }))
  assert.deepEqual(names(agenda.overdue), ['ten days', 'one day'])
  assert.deepEqual(names(agenda.soon), ['today', 'soon'])
  assert.deepEqual(names(agenda.later).sort(), ['later', 'never'])
})

test('red tasks come before others, then by due date; the earliest returned visit first', () => {
  const agenda = agendaOf(given({
    households: [household('a', null)],
    visits: [returned('v2', '2026-11-22T08:00:00Z'), returned('v1', '2026-11-20T08:00:00Z'), { ...returned('v3', ''), state: 'approved', returned: null }],
    followups: [task('late orange', 'orange', '2026-11-30T00:00:00Z'), task('early yellow', 'yellow', '2026-11-24T00:00:00Z'),
      task('red', 'red', '2026-12-09T00:00:00Z'), task('done', 'red', '2026-11-20T00:00:00Z', { state: 'done' })],
  }))
  assert.deepEqual(agenda.returned.map((entry) => entry.visit.visit_uuid), ['v1', 'v2'])
  assert.deepEqual(agenda.tasks.map((entry) => entry.task.followup_id), ['red', 'early yellow', 'late orange'])
})

test('a household visited on this phone is no longer due, whether sent yet or not; one not reached still is', () => {
  const op = (household_uuid, outcome, state) => ({ kind: 'visit.submit', state, at: '', finished_on: '2026-11-23', base: null, body: { household_uuid, outcome } })
  const households = [household('waiting', '2026-11-20'), household('received', '2026-11-20'), household('nobody', '2026-11-20'), household('refused by server', '2026-11-20'),
    household('refused the visit', '2026-11-20')]
  const agenda = agendaOf(given({ households, ops: [
    op('waiting', 'reached', 'waiting'), op('received', 'reached', 'received'), op('nobody', 'not_reached', 'waiting'), op('refused by server', 'reached', 'rejected'),
    op('refused the visit', 'refused', 'waiting')] }))
  assert.deepEqual(names(agenda.overdue).sort(), ['nobody', 'refused by server', 'refused the visit'])
})

test('where somebody has to be seen, a call does not take a household off the list', () => {
  const people = [{ person_uuid: 'p', household_uuid: 'a', remote_counts: false }, { person_uuid: 'd', household_uuid: 'b', remote_counts: false, died_on: '2026-11-01' },
    { person_uuid: 'm', household_uuid: 'b', remote_counts: false, moved_away_on: '2026-11-01' }, { person_uuid: 'q', household_uuid: 'b', remote_counts: true }]
  const shown = (method) => {
    const ops = ['a', 'b'].map((household_uuid) => ({ kind: 'visit.submit', state: 'waiting', at: '', finished_on: '2026-11-23', base: null, body: { household_uuid, outcome: 'reached', method } }))
    return names(agendaOf(given({ households: [household('a', '2026-11-20'), household('b', '2026-11-20')], people, ops })).overdue)
  }
  assert.deepEqual(shown('wechat'), ['a'])
  assert.deepEqual(shown('patrol'), [])
  const [a, b] = agendaOf(given({ households: [household('a', '2026-11-20'), household('b', '2026-11-20')], people })).overdue
  assert.deepEqual([a.at_home, b.at_home], [true, false])
})

test('an older visit on this phone does not hide that a household is due again', () => {
  const ops = [{ kind: 'visit.submit', state: 'received', at: '', finished_on: '2026-11-01', base: null, body: { household_uuid: 'a', outcome: 'reached' } }]
  assert.deepEqual(names(agendaOf(given({ households: [household('a', '2026-11-08')], ops })).overdue), ['a'])
})

test('a task that was reported is gone, and comes back when it is sent back', () => {
  const ops = [{ kind: 'followup.report', state: 'waiting', at: '2026-11-22T08:00:00Z', finished_on: '', base: null, body: { followup_id: 't' } }]
  const shown = (sent_back) => agendaOf(given({ followups: [task('t', 'red', null, { sent_back })], ops })).tasks.length
  assert.equal(shown(null), 0)
  assert.equal(shown({ at: '2026-11-21T08:00:00Z' }), 0)
  assert.equal(shown({ at: '2026-11-22T09:00:00Z' }), 1)
})

test('a corrected visit is gone from the returned ones until a newer revision is returned', () => {
  const ops = [{ kind: 'visit.revise', state: 'waiting', at: '', finished_on: '', base: 1, body: { visit_uuid: 'v' } }]
  assert.equal(agendaOf(given({ visits: [returned('v', '')], ops })).returned.length, 0)
  assert.equal(agendaOf(given({ visits: [{ ...returned('v', ''), revision: 2 }], ops })).returned.length, 1)
})

test('a household whose visit is begun stands among the unfinished only', () => {
  const drafts = [{ draft_uuid: 'd', kind: 'visit', household_uuid: 'a', household: { household_uuid: 'a' }, updated_at: '2' }]
  const agenda = agendaOf(given({ households: [household('a', '2026-11-20')], drafts }))
  assert.equal(agenda.begun.length, 1)
  assert.deepEqual([names(agenda.overdue), names(agenda.later)], [[], ['a']])
})

test('a returned visit to a household of somebody else by now brings its name along', () => {
  const agenda = agendaOf(given({ households: [], visits: [{ ...returned('v', ''), household: { household_uuid: 'a', name: '刘玉珍' } }] }))
  assert.equal(agenda.returned[0].household.name, '刘玉珍')
  assert.deepEqual([agenda.overdue, agenda.soon, agenda.later], [[], [], []])
})

test('a correction begun shows once, as the returned visit', () => {
  const drafts = [{ draft_uuid: 'd', kind: 'revision', visit_uuid: 'v', updated_at: '2' }]
  const agenda = agendaOf(given({ visits: [returned('v', '')], drafts }))
  assert.equal(agenda.begun.length, 0)
  assert.equal(agenda.returned[0].draft.draft_uuid, 'd')
})

test('the dead are not counted among the people of a household', () => {
  const people = [{ person_uuid: 'p', household_uuid: 'a', name: '甲', died_on: null }, { person_uuid: 'q', household_uuid: 'a', name: '乙', died_on: '2026-01-01' }]
  assert.deepEqual(agendaOf(given({ households: [household('a', null)], people })).later[0].people.map((person) => person.name), ['甲'])
})

test('a search finds households by name, address and the names of people, every word of it', () => {
  const entries = [{ household: household('刘玉珍', null), people: [{ name: '王小明' }] }, { household: household('陈立国', null, { address: '振兴小区 3 栋' }), people: [] }]
  assert.deepEqual(names(searchHouseholds(entries, '小明')), ['刘玉珍'])
  assert.deepEqual(names(searchHouseholds(entries, '振兴 陈')), ['陈立国'])
  assert.deepEqual(names(searchHouseholds(entries, ' ')), ['刘玉珍', '陈立国'])
  assert.deepEqual(names(searchHouseholds(entries, '没有这个人')), [])
})

test('days are counted by the calendar', () => {
  assert.equal(daysBetween('2026-02-27', '2026-03-01'), 2)
  assert.equal(daysBetween('2026-11-23', '2026-11-20'), -3)
})

test('the way past the households goes to the nearest one left each time; unknown places come last, as they stood', () => {
  const at = (name, lat, more = {}) => ({ household: household(name, null, { lat, lon: 127.96, datum: 'WGS84', ...more }) })
  const entries = [at('unknown', null), at('far', 45.23), at('south', 45.195), at('near', 45.202), at('middle', 45.21), at('other datum', 45.2, { datum: 'GCJ02' })]
  assert.deepEqual(names(wayPast(entries, { lat: 45.2, lon: 127.96 })), ['near', 'south', 'middle', 'far', 'unknown', 'other datum'])
  assert.deepEqual(wayPast([], { lat: 45.2, lon: 127.96 }), [])
})

test('whom a sweep has yet to reach is not for later, until a visit that counts is finished on this phone', () => {
  const sweep = { sweep_id: 7, name: '大排查', from_on: '2026-11-20', until_on: '2026-11-30', methods: ['home'], checklist_key: null }
  const people = ['p', 'q'].map((person_uuid) => ({ person_uuid, household_uuid: 'a', sweeps: [7] }))
  const swept = (more) => agendaOf(given({ households: [household('a', '2026-12-20')], people, sweeps: [sweep], ...more })).swept
    .map((entry) => entry.sweeps.map((one) => one.people.map((person) => person.person_uuid)))
  const visit = (more, finished_on = '2026-11-23') => ({ kind: 'visit.submit', state: 'waiting', at: '', finished_on, base: null,
    body: { household_uuid: 'a', outcome: 'reached', method: 'home', people: ['p'], ...more } })
  assert.deepEqual(swept({}), [[['p', 'q']]])
  assert.deepEqual(swept({ ops: [visit({})] }), [[['q']]])
  assert.deepEqual(swept({ ops: [visit({ people: ['p', 'q'] })] }), [])
  assert.deepEqual(swept({ ops: [visit({ method: 'phone' }), visit({ outcome: 'refused' }), visit({}, '2026-11-19')] }), [[['p', 'q']]])
  // Over, closed (the phone no longer holds it), or died meanwhile.
  assert.deepEqual(swept({ today: '2026-12-01' }), [])
  assert.deepEqual(swept({ sweeps: [] }), [])
  assert.deepEqual(swept({ people: people.map((person) => ({ ...person, died_on: '2026-11-22' })) }), [])
})

test('a special period holds from its first day to its last, or until it is ended', () => {
  const held = (until_on) => ['2026-11-22', '2026-11-23', '2026-11-30', '2026-12-01'].filter((day) => holdsOn({ from_on: '2026-11-23', until_on }, day))
  assert.deepEqual(held('2026-11-30'), ['2026-11-23', '2026-11-30'])
  assert.deepEqual(held(null), ['2026-11-23', '2026-11-30', '2026-12-01'])
  assert.deepEqual(held('2026-11-22'), [])
})

// What an answer from the server makes of an item that waits.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { afterFault, afterPhotoAnswer, afterReceipt, arePhotos, backOffMs, batchesDue, isHandedIn, newItem, standing, summarise } from '../../../static/src/phone/outbox.js'

const at = { now: 1_000_000, serverNow: 2_000_000, random: 0.5 }
const op = (seq, more = {}) => ({ ...newItem(), op_uuid: `op${seq}`, seq, urgent: false, at: '2026-11-23T01:00:00Z', body: {}, ...more })

test('accepted and duplicate are received', () => {
  for (const outcome of ['accepted', 'duplicate']) {
    assert.deepEqual(afterReceipt(newItem(), { outcome }, at), { state: 'received', received_at: 2_000_000, fault: null })
  }
})

test('rejected and conflict stay, with the reason', () => {
  for (const outcome of ['rejected', 'conflict']) {
    const changes = afterReceipt(newItem(), { outcome, code: 'checklist_version_unknown', message: '换新清单', fields: {} }, at)
    assert.equal(changes.state, 'rejected')
    assert.deepEqual(changes.fault, { code: 'checklist_version_unknown', message: '换新清单', fields: {} })
  }
})

test('retry, and any outcome of a newer server, is tried again later', () => {
  for (const outcome of ['retry', 'something new']) {
    const changes = afterReceipt(newItem(), { outcome, code: 'server_busy', message: '' }, at)
    assert.equal(changes.state, undefined)
    assert.equal(changes.attempts, 1)
    assert.ok(changes.next_at > at.now)
  }
})

test('no answer leaves an item waiting', () => {
  const changes = afterFault(newItem(), { code: 'too_large', message: '' }, at)
  assert.equal(changes.state, undefined)
  assert.equal(changes.attempts, 1)
})

test('a photo is received only by 200 or 201', () => {
  assert.equal(afterPhotoAnswer(newItem(), { status: 201 }, at).state, 'received')
  assert.equal(afterPhotoAnswer(newItem(), { status: 200 }, at).state, 'received')
  for (const status of [202, 204, 302, 404, 429, 500, 503]) assert.equal(afterPhotoAnswer(newItem(), { status }, at).state, undefined)
})

test('a damaged or too large photo needs a person; one that arrived incomplete is sent again', () => {
  assert.equal(afterPhotoAnswer(newItem(), { status: 422, code: 'photo_unreadable' }, at).state, 'rejected')
  assert.equal(afterPhotoAnswer(newItem(), { status: 413, code: 'too_large' }, at).state, 'rejected')
  assert.equal(afterPhotoAnswer(newItem(), { status: 422, code: 'photo_hash_wrong' }, at).state, undefined)
})

test('waits double, stay within a quarter of an hour and differ between phones', () => {
  assert.ok(backOffMs(3, 0.5) > backOffMs(2, 0.5))
  assert.ok(backOffMs(60, 0.999) <= 15 * 60_000)
  assert.notEqual(backOffMs(3, 0.1), backOffMs(3, 0.9))
  assert.ok(backOffMs(0, 0) >= 1000)
})

test('red ones go first and by themselves, the rest by number in hundreds', () => {
  const rows = [...Array.from({ length: 150 }, (_, n) => op(n + 1)), op(151, { urgent: true })].reverse()
  const batches = batchesDue(rows, 0)
  assert.deepEqual(batches.map((batch) => batch.length), [1, 100, 50])
  assert.equal(batches[0][0].seq, 151)
  assert.deepEqual(batches[1].slice(0, 3).map((row) => row.seq), [1, 2, 3])
})

test('a request carries no more than the slowest link can bear, and one large operation goes by itself', () => {
  const long = (seq, characters) => op(seq, { body: { note: '长'.repeat(characters) } })
  const batches = batchesDue([long(1, 25_000), long(2, 25_000), long(3, 25_000), long(4, 200_000), op(5)], 0)
  assert.deepEqual(batches.map((batch) => batch.map((row) => row.seq)), [[1, 2], [3], [4], [5]])
})

test('an item that backs off is left out until its time, unless a person presses the button', () => {
  const rows = [op(1, { next_at: 500 }), op(2), op(4, { state: 'received' })]
  assert.deepEqual(batchesDue(rows, 499).flat().map((row) => row.seq), [2])
  assert.deepEqual(batchesDue(rows, 500).flat().map((row) => row.seq), [1, 2])
  assert.deepEqual(batchesDue(rows, 0, { force: true }).flat().map((row) => row.seq), [1, 2])
})

test('what was not accepted is asked for again after an hour, and what became of it at the office is taken over', () => {
  const now = Date.parse('2026-11-23T02:00:00Z')
  const at = { now, serverNow: now + 1000, random: 0 }
  const rejected = op(1, afterReceipt(op(1), { outcome: 'rejected', code: 'not_yours', message: '不在您的网格' }, at))
  assert.deepEqual(batchesDue([rejected], now + 3_599_000).length, 0)
  assert.deepEqual(batchesDue([rejected], now + 3_600_000).length, 1)
  assert.deepEqual(afterReceipt(rejected, { outcome: 'duplicate' }, at), { state: 'received', received_at: now + 1000, fault: null })
  const refused = afterReceipt(rejected, { outcome: 'rejected', code: 'refused_by_office', message: '重复了' }, at)
  assert.deepEqual(refused, { state: 'refused', received_at: now + 1000, fault: { code: 'refused_by_office', message: '重复了', fields: {} } })
  assert.deepEqual(batchesDue([op(1, refused)], now * 2, { force: true }), [])
})

test('asking again in vain does not change why it was not accepted', () => {
  const rejected = op(1, { state: 'rejected', fault: { code: 'not_yours', message: '' } })
  const at = { now: 0, serverNow: 0, random: 0 }
  for (const changes of [afterFault(rejected, { code: 'network', message: '' }, at), afterReceipt(rejected, { outcome: 'retry', code: 'server_busy' }, at)]) {
    assert.deepEqual(Object.keys(changes).sort(), ['attempts', 'next_at'])
  }
})

test('handed in: nothing waits, no draft is open, and no photo is only here', () => {
  const cases = [
    [[], [], [], true],
    [['received', 'rejected', 'refused', 'replaced', 'closed', 'unreadable'], ['received'], [], true],
    [['waiting'], [], [], false],
    [['received'], ['waiting'], [], false],
    [['received'], ['rejected'], [], false],
    [['received'], [], [{}], false],
  ]
  for (const [ops, photos, drafts, expected] of cases) {
    const as = (states) => states.map((state) => ({ state }))
    assert.equal(isHandedIn(as(ops), as(photos), drafts), expected, JSON.stringify([ops, photos, drafts]))
  }
})

const photo = (sha256, state) => ({ ...newItem(), sha256, state })
const withPhotos = (state, ...shas) => op(1, { state, body: { attachments: shas.map((sha256) => ({ sha256 })) } })

test('a record whose photos are not all received is still waiting', () => {
  assert.deepEqual(standing(withPhotos('received', 'a', 'b'), [photo('a', 'received'), photo('b', 'waiting')]).section, 'waiting')
  assert.deepEqual(standing(withPhotos('received', 'a'), [photo('a', 'received')]).section, 'received')
  assert.deepEqual(standing(withPhotos('received', 'a'), [photo('a', 'rejected')]).section, 'attention')
  assert.deepEqual(standing(withPhotos('rejected'), []).section, 'attention')
})

test('all is received only when every record and every photo is', () => {
  assert.equal(summarise([], [], 0).clear, true)
  assert.equal(summarise([withPhotos('received', 'a')], [photo('a', 'received')], 0).clear, true)
  assert.equal(summarise([withPhotos('received', 'a')], [photo('a', 'waiting')], 0).clear, false)
  assert.equal(summarise([op(1)], [], 0).clear, false)
  assert.equal(summarise([op(1, { state: 'rejected' })], [], 0).clear, false)
  assert.equal(summarise([], [photo('stray', 'waiting')], 0).clear, false)
  assert.equal(summarise([op(1, { state: 'replaced' })], [photo('of a draft', 'draft')], 0).clear, true)
})

test('work that waits for more than a day is said to', () => {
  const now = Date.parse('2026-11-24T01:00:01Z')
  assert.equal(summarise([op(1)], [], now).old, true)
  assert.equal(summarise([op(1)], [], now - 2000).old, false)
  assert.equal(summarise([op(1, { state: 'received' })], [], now).old, false)
})

test('a signature is a picture; with a recording among them they are attachments', () => {
  assert.equal(arePhotos([]), true)
  assert.equal(arePhotos([{ type: 'image/png' }, { type: 'image/jpeg' }]), true)
  assert.equal(arePhotos([{ type: 'image/jpeg' }, { type: 'audio/wav' }]), false)
})

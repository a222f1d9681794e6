// The phone's store: what stays, what goes, and that finishing is all or nothing.
import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mock, test } from 'node:test'
import { openDB } from 'idb'

import { makeHandover } from '../../../static/src/phone/handover.js'
import { chooseOffers } from '../../../static/src/phone/offers.js'
import { batchesDue } from '../../../static/src/phone/outbox.js'
import { Store } from '../../../static/src/phone/store.js'
import { Locked, keyInUse, newDataKey, openBytes } from '../../../static/src/phone/vault.js'

const KEY = await keyInUse(newDataKey())
let users = 0
function newStore() {
  const store = new Store(`test-${users += 1}`)
  store.unlock(KEY)
  return store
}
const change = (feed, kind, uuid, record, rev = 1) => ({ feed, kind, uuid, rev, record })
const bytes = (...values) => new Uint8Array(values).buffer
const bytesOf = async (store, sha256) => (await store.photoBytes(sha256)).arrayBuffer()
const photo = (sha256) => ({ sha256, type: 'image/jpeg', size: 3, taken_at: null })
const draftOf = (draft_uuid, photos = {}) => ({ draft_uuid, kind: 'visit', photos })
const finished = (op_uuid, draft, shas = [], more = {}) => ({
  op: { op_uuid, kind: 'visit.submit', base: null, replaces: null, at: '2026-11-23T01:00:00Z', body: { visit_uuid: 'v' }, ...more },
  urgent: false, title: '刘玉珍', draft, shas,
})
const states = async (rows) => Object.fromEntries((await rows).map((row) => [row.sha256 ?? row.op_uuid, row.state]))

test('a page of a pull is taken over with its cursor', async () => {
  const store = newStore()
  await store.applyPage({ changes: [change('g1', 'household', 'a', { name: '甲' }), change('g1', 'person', 'p', { name: '乙' })], cursor: 'c1' })
  assert.deepEqual(await store.list('household'), [{ name: '甲' }])
  assert.deepEqual(await store.find('person', 'p'), { name: '乙' })
  assert.equal(await store.meta('cursor'), 'c1')
  await store.applyPage({ changes: [change('g1', 'household', 'a', null, 2)], cursor: 'c2' })
  assert.equal(await store.find('household', 'a'), null)
})

test('a household that moved between two of our areas is kept, in whichever order the news comes', async () => {
  for (const order of [[0, 1], [1, 0]]) {
    const store = newStore()
    await store.applyPage({ changes: [change('old', 'household', 'a', { name: '甲' })], cursor: '1' })
    const news = [change('old', 'household', 'a', null, 2), change('new', 'household', 'a', { name: '甲', moved: true }, 1)]
    await store.applyPage({ changes: order.map((index) => news[index]), cursor: '2' })
    assert.deepEqual(await store.find('household', 'a'), { name: '甲', moved: true })
  }
})

/** A publication as the pull brings it. */
const offered = (id, version, area_code = '23') => change(area_code, 'checklist', String(id), {
  key: 'routine', version, document: { version }, offer: { id, area_code, from_on: '2026-11-01', until_on: null, use: 'visit' },
})
const versionsOf = async (store) => (await store.list('checklist')).map((offer) => offer.version).sort()

test('a checklist no longer offered stays for the drafts that use it', async () => {
  const store = newStore()
  await store.applyPage({ changes: [offered(1, '1')], cursor: '1' })
  await store.applyPage({ changes: [offered(2, '2')], cursor: '2' })
  assert.deepEqual(await versionsOf(store), ['1', '2'])
  await store.applyPage({ changes: [change('23', 'checklist', '1', null), change('23', 'checklist', '2', null)], cursor: '3' })
  assert.deepEqual(await versionsOf(store), [])
  assert.deepEqual(await store.findChecklist({ key: 'routine', version: '1' }), { version: '1' })
})

test('a version that comes with a returned visit is there, and is not offered', async () => {
  const store = newStore()
  await store.applyPage({ changes: [change('g1', 'checklist', 'routine/1', { key: 'routine', version: '1', document: { version: '1' }, offer: null })], cursor: '1' })
  assert.deepEqual(await versionsOf(store), [])
  assert.deepEqual(await store.findChecklist({ key: 'routine', version: '1' }), { version: '1' })
})

test('what an area offered goes with it, its documents stay for drafts', async () => {
  const store = newStore()
  await store.applyPage({ changes: [offered(1, '1'), offered(2, '2', '230183')], cursor: '1' })
  await store.applyPage({ changes: [], cursor: '2', left: ['230183'] })
  await store.eraseLeft()
  assert.deepEqual(await versionsOf(store), ['1'])
  assert.deepEqual(await store.findChecklist({ key: 'routine', version: '2' }), { version: '2' })
})

test('a phone of an earlier version of the app goes on with the checklists it holds', async () => {
  const store = newStore()
  const old = await openDB(store.name, 1, { upgrade: (db) => {
    const records = db.createObjectStore('records', { keyPath: ['kind', 'uuid'] })
    records.createIndex('kind', 'kind')
    records.createIndex('feed', 'feed')
    db.createObjectStore('checklists', { keyPath: ['key', 'version'] })
    for (const name of ['drafts', 'outbox', 'photos', 'photo_bytes', 'meta']) db.createObjectStore(name)
  } })
  const document = { title: { zh: '日常走访' } }
  await old.put('checklists', { key: 'routine', version: '1', uuid: 'routine', rev: 1, offered: false, value: document })
  await old.put('checklists', { key: 'routine', version: '2', uuid: 'routine', rev: 2, offered: true, value: document })
  await old.put('meta', 'read', 'cursor')
  old.close()
  await store.sealPlain()
  const [offer] = [...chooseOffers(await store.list('checklist'), '230183100055001', '2026-11-24').values()]
  assert.equal(offer.version, '2')
  assert.equal(offer.use, 'visit')
  assert.deepEqual(await store.findChecklist(offer), document)
  // What the old app read last, and could not keep as it should, comes again.
  assert.equal(await store.meta('cursor'), undefined)
  await store.applyPage({ changes: [change('common', 'checklist', 'routine', null)], cursor: '1' })
  assert.deepEqual(await store.list('checklist'), [])
})

test('areas that were left are erased when told to, drafts and outbox are not', async () => {
  const store = newStore()
  await store.applyPage({ changes: [change('g1', 'household', 'a', {}), change('g2', 'household', 'b', {})], cursor: '1' })
  await store.saveDraft(draftOf('d'))
  await store.finish(finished('o', draftOf('e')))
  await store.applyPage({ changes: [], cursor: '2', left: ['g1'] })
  assert.equal((await store.list('household')).length, 2)
  await store.eraseLeft()
  assert.equal(await store.find('household', 'a'), null)
  assert.equal((await store.list('household')).length, 1)
  assert.equal((await store.drafts()).length, 1)
  assert.equal((await store.ops()).length, 1)
})

test('an area that is given back before it was erased is kept', async () => {
  const store = newStore()
  await store.applyPage({ changes: [change('g1', 'household', 'a', {})], cursor: '1', left: ['g1'] })
  await store.applyPage({ changes: [change('g1', 'household', 'a', {}, 2)], cursor: '2' })
  await store.eraseLeft()
  assert.equal((await store.list('household')).length, 1)
})

test('finishing queues the record and its photos and ends the draft', async () => {
  const store = newStore()
  const draft = draftOf('d', { s1: { here: true }, s2: { here: true } })
  await store.saveDraft(draft)
  await store.addPhoto(photo('s1'), bytes(1), 'd')
  await store.addPhoto(photo('s2'), bytes(2), 'd')
  await store.finish(finished('o', draft, ['s1']))
  assert.equal(await store.findDraft('d'), null)
  assert.deepEqual(await states(store.ops()), { o: 'waiting' })
  assert.deepEqual(await states(store.photos()), { s1: 'waiting' }, 'a photo no question asks for any more goes with the draft')
  assert.deepEqual(await bytesOf(store, 's1'), bytes(1))
})

test('finishing that cannot be stored leaves the draft as it was', async () => {
  const store = newStore()
  const draft = draftOf('d', { s1: { here: true } })
  await store.saveDraft(draft)
  await store.addPhoto(photo('s1'), bytes(1), 'd')
  const unstorable = finished('o', draft, ['s1'], { at: () => {} })
  await assert.rejects(store.finish(unstorable))
  assert.deepEqual(await store.findDraft('d'), draft)
  assert.deepEqual(await states(store.photos()), { s1: 'draft' })
  assert.deepEqual(await store.ops(), [])
})

test('operations are numbered in the order they were finished', async () => {
  const store = newStore()
  for (const name of ['b', 'a', 'c']) await store.finish(finished(name, draftOf(name)))
  assert.deepEqual((await store.ops()).map((op) => [op.op_uuid, op.seq]), [['b', 1], ['a', 2], ['c', 3]])
})

test('an edited record replaces the one that was not accepted', async () => {
  const store = newStore()
  await store.finish(finished('old', draftOf('d')))
  await store.changeOp('old', { state: 'rejected' })
  await store.finish(finished('new', draftOf('e'), [], { replaces: 'old' }))
  assert.deepEqual(await states(store.ops()), { old: 'replaced', new: 'waiting' })
})

test('a photo of two records leaves with neither of them alone', async () => {
  const store = newStore()
  await store.addPhoto(photo('s'), bytes(1), 'd1')
  await store.addPhoto(photo('s'), bytes(1), 'd2')
  await store.dropDraft('d1')
  assert.deepEqual(await states(store.photos()), { s: 'draft' })
  await store.dropPhoto('s', 'd2')
  assert.deepEqual(await states(store.photos()), {})
  assert.equal(await store.photoBytes('s'), null)
})

test('a photo already queued is not lost by throwing a draft away', async () => {
  const store = newStore()
  await store.addPhoto(photo('s'), bytes(1), 'd1')
  await store.finish(finished('o', draftOf('d1', { s: { here: true } }), ['s']))
  await store.addPhoto(photo('s'), bytes(1), 'd2')
  await store.dropDraft('d2')
  assert.deepEqual(await states(store.photos()), { s: 'waiting' })
})

test('only what was received and backed up is let go, and not on the day it was received', async () => {
  const store = newStore()
  for (const name of ['waiting', 'rejected', 'late', 'backed up', 'today']) await store.finish(finished(name, draftOf(name)))
  await store.changeOp('rejected', { state: 'rejected' })
  await store.changeOp('late', { state: 'received', received_at: 2000 })
  await store.changeOp('backed up', { state: 'received', received_at: 500 })
  await store.changeOp('today', { state: 'received', received_at: 900 })
  await store.forgetBackedUp(1000, 800)
  assert.deepEqual(Object.keys(await states(store.ops())), ['waiting', 'rejected', 'late', 'today'])
})

test('what was replaced goes with its replacement; a photo an open draft shows stays', async () => {
  const store = newStore()
  await store.finish(finished('old', draftOf('d')))
  await store.changeOp('old', { state: 'rejected' })
  await store.addPhoto(photo('s'), bytes(1), 'e')
  await store.finish(finished('new', draftOf('e', { s: { here: true } }), ['s'], { replaces: 'old' }))
  await store.changeOp('new', { state: 'received', received_at: 1 })
  await store.changePhoto('s', { state: 'received', received_at: 1 })
  await store.addPhoto(photo('s'), bytes(1), 'again')
  await store.saveDraft(draftOf('again'))
  await store.forgetBackedUp(10, 10)
  assert.deepEqual(await store.ops(), [])
  assert.deepEqual(await states(store.photos()), { s: 'received' })
  await store.dropDraft('again')
  await store.forgetBackedUp(10, 10)
  assert.deepEqual(await states(store.photos()), {})
})

test('each user has a store of their own', async () => {
  const [one, other] = [newStore(), newStore()]
  await one.saveDraft(draftOf('d'))
  assert.deepEqual(await other.drafts(), [])
})

test('a connection the browser took away is opened again', async () => {
  const store = newStore()
  await store.saveDraft(draftOf('d'))
  store.close()
  assert.equal((await store.drafts()).length, 1)
})

test('a reading from the start takes the place of what was here when its last page is in, and not before', async () => {
  const store = newStore()
  await store.applyPage({ changes: [change('g1', 'household', 'old', {}), change('g1', 'household', 'kept', {})], cursor: '1' })
  await store.applyPage({ changes: [change('g1', 'household', 'kept', {}, 2)], cursor: '2', from_start: true, more: true })
  assert.equal((await store.list('household')).length, 2)
  store.close() // the page was ended in between
  await store.applyPage({ changes: [change('g1', 'household', 'new', {}, 3)], cursor: '3', more: false })
  assert.deepEqual([Boolean(await store.find('household', 'old')), Boolean(await store.find('household', 'kept')), Boolean(await store.find('household', 'new'))], [false, true, true])
  await store.applyPage({ changes: [change('g1', 'household', 'more', {}, 4)], cursor: '4' })
  assert.equal((await store.list('household')).length, 3)
})

test('a record lies in each of its feeds, and is shown once', async () => {
  const store = newStore()
  await store.applyPage({ changes: [change('g1', 'area', '23', { name: '黑龙江' }), change('g2', 'area', '23', { name: '黑龙江' })], cursor: '1' })
  assert.deepEqual(await store.list('area'), [{ name: '黑龙江' }])
  await store.applyPage({ changes: [], cursor: '2', left: ['g2'] })
  await store.eraseLeft()
  assert.deepEqual(await store.find('area', '23'), { name: '黑龙江' })
})

test('a household that moves between own grids is never missing', async () => {
  const store = newStore()
  await store.applyPage({ changes: [change('g1', 'household', 'h', { grid: 1 })], cursor: '1' })
  await store.applyPage({ changes: [change('g2', 'household', 'h', { grid: 2 }), { ...change('g1', 'household', 'h', null, 2), gone: true }], cursor: '2' })
  assert.deepEqual(await store.list('household'), [{ grid: 2 }])
})

test('the state counts every row of own feeds, also of records that are not for this account', async () => {
  const store = newStore()
  assert.equal(await store.state(), '000000000000')
  await store.applyPage({ changes: [change('g1', 'household', 'h', {}, 5), change('g1', 'visit', 'v', null, 6), change('g2', 'person', 'p', {}, 1)], cursor: '1' })
  const hash = (text) => BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 12)}`)
  const expected = (...texts) => texts.map(hash).reduce((sum, one) => sum ^ one, 0n).toString(16).padStart(12, '0')
  assert.equal(await store.state(), expected('household/h/5', 'visit/v/6', 'person/p/1'))
  assert.deepEqual(await store.list('visit'), [])
  await store.applyPage({ changes: [{ ...change('g1', 'visit', 'v', null, 7), gone: true }], cursor: '2', left: ['g2'] })
  assert.equal(await store.state(), expected('household/h/5'))
})

test('another epoch: whatever is still here is offered again, the first one means nothing', async () => {
  const store = newStore()
  const all = { received: 'waiting', rejected: 'waiting', refused: 'waiting', closed: 'waiting', waiting: 'waiting', replaced: 'replaced' }
  for (const state of Object.keys(all)) {
    await store.finish(finished(state, draftOf(`of ${state}`)))
    await store.changeOp(state, { state, attempts: 3, next_at: 9e15, received_at: 1 })
  }
  await store.addPhoto(photo('sent'), bytes(1), 'x')
  await store.changePhoto('sent', { state: 'received' })
  await store.addPhoto(photo('open'), bytes(2), 'y')
  assert.equal(await store.noteEpoch('aaaa'), false)
  assert.equal(await store.noteEpoch('aaaa'), false)
  assert.equal((await states(store.ops())).received, 'received')
  assert.equal(await store.noteEpoch('bbbb'), true)
  assert.deepEqual(await states(store.ops()), all)
  assert.deepEqual(await states(store.photos()), { sent: 'waiting', open: 'draft' })
  assert.ok((await store.ops()).filter((op) => op.state === 'waiting').every((op) => op.attempts === 0 && op.next_at === 0))
  assert.equal(await store.noteEpoch('bbbb'), false)
})

test('what the office refused goes once it was read and is backed up', async () => {
  const store = newStore()
  await store.finish(finished('o', draftOf('d')))
  await store.changeOp('o', { state: 'refused', received_at: 1000 })
  await store.forgetBackedUp(2000, 2000)
  assert.deepEqual(await states(store.ops()), { o: 'refused' })
  await store.changeOp('o', { state: 'closed' })
  await store.forgetBackedUp(999, 2000)
  assert.equal((await store.ops()).length, 1)
  await store.forgetBackedUp(1000, 2000)
  assert.deepEqual(await store.ops(), [])
})

test('a record that was damaged on the phone says so and holds up nobody', async () => {
  const store = newStore()
  await store.finish(finished('whole', draftOf('a')))
  await store.finish(finished('damaged', draftOf('b')))
  await store.saveDraft(draftOf('c'))
  await store.addPhoto(photo('s'), bytes(1, 2, 3), 'c')
  const db = await openDB(store.name)
  const row = await db.get('outbox', 'damaged')
  new Uint8Array(row.value)[30] ^= 1
  await db.put('outbox', row)
  await db.put('photo_bytes', new Uint8Array([1, ...new Uint8Array(40)]).buffer, 's')
  db.close()
  assert.deepEqual((await store.ops()).map(({ op_uuid, state, body }) => [op_uuid, state, body]), [['whole', 'waiting', { visit_uuid: 'v' }], ['damaged', 'unreadable', {}]])
  assert.equal(await store.photoBytes('s'), null)
  assert.equal((await store.drafts()).length, 1)
})

test('finishing reads back what it wrote, and says when it is not there', async () => {
  const store = newStore()
  const draft = draftOf('d', { s: { here: true } })
  await store.saveDraft(draft)
  await assert.rejects(store.finish(finished('o', draft, ['s'])), /read back/, 'its photo is not there')
})

test('while locked nothing can be read or written but what the queue is steered by', async () => {
  const store = newStore()
  await store.saveDraft(draftOf('d'))
  await store.finish(finished('o', draftOf('e')))
  store.lock()
  for (const work of [() => store.ops(), () => store.findDraft('d'), () => store.saveDraft(draftOf('f')), () => store.finish(finished('p', draftOf('g')))]) {
    await assert.rejects(work, Locked)
  }
  await store.changeOp('o', { state: 'received', received_at: 1, fault: null })
  store.unlock(KEY)
  assert.deepEqual(await states(store.ops()), { o: 'received' })
  assert.equal((await store.drafts()).length, 1)
})

test('nothing about people or work lies in the store in the clear', async () => {
  const store = newStore()
  await store.applyPage({ changes: [change('g1', 'person', 'p', { name: '刘玉珍', phone: '13812345678' })], cursor: '1' })
  await store.saveDraft({ ...draftOf('d'), answers: { note: '儿子住院' } })
  await store.finish({ ...finished('o', draftOf('e'), [], { body: { answers: { note: '没有取暖煤' } } }), title: '刘玉珍' })
  await store.changeOp('o', { fault: { code: 'not_yours', message: '不在您的网格' } })
  await store.keepUser({ id: 7, display_name: '于晓梅' })
  const db = await openDB(store.name)
  const rows = []
  for (const name of db.objectStoreNames) rows.push(...await db.getAll(name))
  db.close()
  const seen = rows.map((row) => JSON.stringify(row, (_, value) => (value instanceof ArrayBuffer ? Buffer.from(value).toString() : value))).join()
  for (const text of ['刘玉珍', '13812345678', '儿子住院', '没有取暖煤', '不在您的网格', '于晓梅']) assert.ok(!seen.includes(text), text)
  assert.ok(seen.includes('not_yours'), 'the test sees what lies there')
  assert.equal((await store.ops())[0].fault.message, '不在您的网格')
})

test('the file for the desk holds what waits as it lies here, also while locked', async () => {
  const store = newStore()
  const vault = { user_id: 7, salt: '', iterations: 1, wrapped: '', sealed: 'c2VhbGVk' }
  await store.keepVault(vault)
  for (const state of ['waiting', 'rejected', 'received', 'replaced', 'closed']) {
    await store.finish(finished(state, draftOf(`of ${state}`)))
    await store.changeOp(state, { state })
  }
  await store.addPhoto(photo('s1'), bytes(1, 2, 3), 'x')
  await store.changePhoto('s1', { state: 'waiting' })
  await store.addPhoto(photo('s2'), bytes(4), 'y')
  store.lock()
  const { file, items } = await makeHandover(store, { username: 'worker', device_uuid: 'device', now: new Date('2026-11-28T04:00:00Z') })
  assert.equal(items, 3)
  assert.equal(file.name, 'fieldapp-worker-2026-11-28.fieldapp')
  const content = Buffer.from(await file.arrayBuffer())
  const read = []
  let at = 0
  const line = () => {
    const end = content.indexOf(10, at)
    const text = content.subarray(at, end).toString()
    at = end + 1
    return text
  }
  assert.equal(line(), 'fieldapp-handover 1')
  assert.deepEqual(JSON.parse(line()), { user_id: 7, username: 'worker', device_uuid: 'device', sealed: 'c2VhbGVk', exported_at: '2026-11-28T04:00:00.000Z' })
  for (let head = JSON.parse(line()); !head.end; head = JSON.parse(line())) {
    const body = content.subarray(at, at + head.size)
    at += head.size + 1
    read.push({ ...head, opened: Buffer.from(await openBytes(KEY, new Uint8Array(body).buffer, `${head.store}/${head.key}`)) })
  }
  assert.equal(at, content.length)
  assert.deepEqual(read.map(({ store: name, key, row }) => [name, key, row]), [
    ['outbox', 'rejected', { seq: 2, at: '2026-11-23T01:00:00Z', replaces: null }],
    ['outbox', 'waiting', { seq: 1, at: '2026-11-23T01:00:00Z', replaces: null }],
    ['photo_bytes', 's1', { type: 'image/jpeg' }],
  ])
  assert.deepEqual(JSON.parse(read[0].opened.toString()).body, { visit_uuid: 'v' })
  assert.deepEqual([...read[2].opened], [1, 2, 3])
})

test('there is no file when nothing waits', async () => {
  const store = newStore()
  assert.equal(await makeHandover(store, { username: 'worker', device_uuid: 'device', now: new Date() }), null)
  await store.keepVault({ user_id: 7, salt: '', iterations: 1, wrapped: '', sealed: '' })
  assert.equal(await makeHandover(store, { username: 'worker', device_uuid: 'device', now: new Date() }), null)
})

test('when nothing fits any more, answers get the room kept for them, and attachments wait until it is back', async () => {
  const store = newStore()
  await store.saveDraft(draftOf('d'))
  await store.keepReserve()
  // Nothing fits until the reserve is deleted.
  let isTaken = true
  const plain = { put: IDBObjectStore.prototype.put, delete: IDBObjectStore.prototype.delete }
  mock.method(IDBObjectStore.prototype, 'put', function (...args) {
    if (isTaken) throw new DOMException('full', 'QuotaExceededError')
    return plain.put.apply(this, args)
  })
  mock.method(IDBObjectStore.prototype, 'delete', function (key) {
    if (key === 'reserve') isTaken = false
    return plain.delete.call(this, key)
  })
  try {
    await assert.rejects(store.addPhoto(photo('a'), bytes(1), 'd'), { name: 'QuotaExceededError' })
    await assert.rejects(store.applyPage({ changes: [], cursor: 'c' }), { name: 'QuotaExceededError' })
    assert.equal(isTaken, true, 'neither photos nor the cache may have it')
    await store.finish(finished('o', draftOf('d')))
    assert.equal((await store.ops()).length, 1)
    isTaken = true
    await assert.rejects(store.addPhoto(photo('a'), bytes(1), 'e'), { name: 'QuotaExceededError' })
    await assert.rejects(store.saveDraft(draftOf('e')), { name: 'QuotaExceededError' })
    isTaken = false
    await store.addPhoto(photo('a'), bytes(1), 'e')
    assert.ok(await store.meta('reserve'), 'and the room is kept again')
  } finally {
    mock.restoreAll()
  }
})

test('registering and the draft that follows begin in one step', async () => {
  const store = newStore()
  await store.saveDraft({ draft_uuid: 'form', kind: 'register', photos: {} })
  const register = finished('r', draftOf('form'), [], { kind: 'household.register', body: { household_uuid: 'n' } })
  await store.finish({ ...register, begins: { ...draftOf('visit'), after: 'r' } })
  assert.deepEqual((await store.drafts()).map((draft) => [draft.draft_uuid, draft.after]), [['visit', 'r']])
  assert.deepEqual(await states(store.ops()), { r: 'waiting' })
})

test('a red answer takes the registration of whom it is about along to the front', async () => {
  const store = newStore()
  await store.finish(finished('other', draftOf('o')))
  await store.finish(finished('r', draftOf('f'), [], { kind: 'household.register' }))
  await store.finish({ ...finished('v', draftOf('v')), urgent: true, after: 'r' })
  const [first, ...rest] = batchesDue(await store.ops(), Date.now())
  assert.deepEqual(first.map((op) => op.op_uuid), ['r', 'v'])
  assert.equal(rest.length, 1)
})

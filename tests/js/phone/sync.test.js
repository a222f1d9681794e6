// The whole way from the store to a server that speaks HTTP, and what goes wrong on it.
import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, beforeEach, test } from 'node:test'

import { Api } from '../../../static/src/phone/api.js'
import { Store } from '../../../static/src/phone/store.js'
import { Sync } from '../../../static/src/phone/sync.js'
import { keyInUse, newDataKey } from '../../../static/src/phone/vault.js'

const KEY = await keyInUse(newDataKey())
const NOW = '2026-11-23T02:00:00Z'
let address = ''
let users = 0
/** What the server is asked, and how it answers; each test may change a part. @type {any} */
let server
/** @type {{path: string, method: string, headers: any, body: any}[]} */
let asked

const browserFetch = globalThis.fetch
const http = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', async () => {
    const raw = Buffer.concat(chunks)
    const path = (request.url ?? '').split('?')[0]
    const body = /json/.test(request.headers['content-type'] ?? '') ? JSON.parse(raw.toString()) : raw
    asked.push({ path, method: request.method, headers: request.headers, body })
    const name = path.startsWith('/api/attachments/') ? 'photo' : path.slice('/api/'.length).replace('sync/', '')
    const { status = 200, type = 'application/json', answer } = await server[name]({ body, headers: request.headers, path })
    response.writeHead(status, { 'Content-Type': type })
    response.end(type === 'application/json' ? JSON.stringify(answer) : answer)
  })
})

before(async () => {
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${http.address().port}`
  globalThis.fetch = (path, options) => browserFetch(address + path, options)
  Object.defineProperty(globalThis, 'navigator', { value: { onLine: true }, configurable: true })
})
after(() => {
  globalThis.fetch = browserFetch
  http.closeAllConnections()
  http.close()
})
beforeEach(() => {
  asked = []
  server = {
    session: () => ({ answer: { user: { id: 7 }, csrf_token: 'token-1', server_time: NOW } }),
    push: ({ body }) => ({ answer: { receipts: body.ops.map((op) => ({ op_uuid: op.op_uuid, outcome: 'accepted' })), server_time: NOW, backed_up_to: null } }),
    pull: () => ({ answer: { changes: [], left: [], cursor: 'c', more: false, server_time: NOW } }),
    photo: ({ path }) => ({ status: 201, answer: stored(path) }),
  }
})

async function phoneWith(...names) {
  const store = new Store(`sync-${users += 1}`)
  store.unlock(KEY)
  for (const name of names) await addOp(store, name)
  const api = new Api({ deviceUuid: 'device', userId: 7, language: () => 'zh' })
  const sync = new Sync({ store, api, changed: () => {} })
  return { store, api, sync, run: async (options) => { await sync.run(options); sync.stop() } }
}
const addOp = (store, op_uuid, { body = {}, urgent = false, shas = [] } = {}) => store.finish({
  op: { op_uuid, kind: 'visit.submit', base: null, replaces: null, at: NOW, body }, urgent, title: '', shas,
  draft: { draft_uuid: `draft of ${op_uuid}`, photos: {} } })
async function addPhoto(store, sha256, values) {
  await store.addPhoto({ sha256, type: 'image/jpeg', size: values.length, taken_at: null }, new Uint8Array(values).buffer, 'd')
  await store.changePhoto(sha256, { state: 'waiting' })
}
const opStates = async (store) => Object.fromEntries((await store.ops()).map((op) => [op.op_uuid, op.state]))
const photoStates = async (store) => Object.fromEntries((await store.photos()).map((photo) => [photo.sha256, photo.state]))
const pushes = () => asked.filter(({ path }) => path === '/api/sync/push')
/** The receipt for a photo. */
const stored = (path) => ({ sha256: path.split('/').pop(), server_time: NOW })
const error = (status, code, message = '') => ({ status, answer: { error: { code, message, fields: {} } } })

test('operations go up, then the pull comes down, then photos go up', async () => {
  const { store, run } = await phoneWith('a', 'b')
  await addPhoto(store, 's', [1, 2, 3])
  await run()
  assert.deepEqual(asked.map(({ method, path }) => `${method} ${path}`), ['GET /api/session', 'POST /api/sync/push', 'GET /api/sync/pull', 'PUT /api/attachments/s'])
  assert.deepEqual(await opStates(store), { a: 'received', b: 'received' })
  assert.deepEqual(await photoStates(store), { s: 'received' })
})

test('small attachments go up before large ones', async () => {
  const { store, run } = await phoneWith()
  await addPhoto(store, 'a', Array(300).fill(1))
  await addPhoto(store, 'b', [1])
  await addPhoto(store, 'c', Array(20).fill(1))
  await run()
  assert.deepEqual(asked.filter(({ method }) => method === 'PUT').map(({ path }) => path.slice(-1)), ['b', 'c', 'a'])
})

test('what is finished while an attachment goes up does not wait for it', async () => {
  const { store, sync } = await phoneWith()
  await addPhoto(store, 'video', [1, 2, 3])
  /** @type {() => void} */
  let arrive = () => {}
  const started = new Promise((begin) => {
    server.photo = () => new Promise((resolve) => {
      arrive = () => resolve({ status: 201, answer: stored('/video') })
      begin(null)
    })
  })
  const running = sync.run()
  await started
  await addOp(store, 'red', { urgent: true })
  const pushed = new Promise((done) => {
    sync.changed = async (what) => { if (what === 'outbox' && (await opStates(store)).red === 'received') done(null) }
  })
  sync.run()
  sync.run() // and once more, by chance
  await pushed
  assert.deepEqual(await photoStates(store), { video: 'waiting' })
  arrive()
  await running
  sync.stop()
  assert.deepEqual([await photoStates(store), pushes().length], [{ video: 'received' }, 1])
})

test('every request names its user, and those that change something carry the token', async () => {
  const { store, run } = await phoneWith('a')
  await addPhoto(store, 's', [1])
  await run()
  for (const { method, headers, path } of asked.filter(({ path }) => path !== '/api/session')) {
    assert.equal(headers['x-user-id'], '7', path)
    if (method !== 'GET') assert.equal(headers['x-csrftoken'], 'token-1', path)
  }
  assert.deepEqual([...asked[3].body], [1])
  assert.equal(asked[3].headers['content-type'], 'image/jpeg')
})

test('an operation goes up as the contract says', async () => {
  const { store, run } = await phoneWith()
  await addOp(store, 'a', { body: { visit_uuid: 'v' } })
  await run()
  const { device_uuid, sent_at, ops } = pushes()[0].body
  assert.equal(device_uuid, 'device')
  assert.ok(Date.parse(sent_at))
  assert.deepEqual(ops, [{ op_uuid: 'a', kind: 'visit.submit', schema: 1, seq: 1, at: NOW, base: null, replaces: null, body: { visit_uuid: 'v' } }])
})

test('one that is not accepted stays with its reason and holds up nobody', async () => {
  server.push = ({ body }) => ({ answer: { server_time: NOW, receipts: body.ops.map(({ op_uuid }) => (
    op_uuid === 'bad' ? { op_uuid, outcome: 'rejected', code: 'not_yours', message: '不在您的网格' } : { op_uuid, outcome: 'accepted' })) } })
  const { store, run } = await phoneWith('a', 'bad', 'c')
  await run()
  assert.deepEqual(await opStates(store), { a: 'received', bad: 'rejected', c: 'received' })
  assert.equal((await store.ops())[1].fault.message, '不在您的网格')
})

test('a request that is too large is halved until the one that is too large stands alone', async () => {
  server.push = ({ body }) => (body.ops.some((op) => op.op_uuid === 'huge') ? error(413, 'too_large', '太大')
    : { answer: { receipts: body.ops.map(({ op_uuid }) => ({ op_uuid, outcome: 'accepted' })), server_time: NOW } })
  const { store, run } = await phoneWith('a', 'b', 'huge', 'd', 'e')
  await run()
  assert.deepEqual(await opStates(store), { a: 'received', b: 'received', huge: 'waiting', d: 'received', e: 'received' })
  const huge = (await store.ops())[2]
  assert.deepEqual([huge.attempts, huge.fault.code], [1, 'too_large'])
  assert.ok(huge.next_at > Date.now())
})

test('a stale token is fetched anew and the request made once more', async () => {
  let token = 'token-2'
  server.push = ({ headers, body }) => (headers['x-csrftoken'] !== token ? error(400, 'csrf_stale')
    : { answer: { receipts: body.ops.map(({ op_uuid }) => ({ op_uuid, outcome: 'accepted' })), server_time: NOW } })
  let asks = 0
  server.session = () => ({ answer: { csrf_token: (asks += 1) === 1 ? 'token-1' : 'token-2' } })
  const { store, run } = await phoneWith('a')
  await run()
  assert.deepEqual(await opStates(store), { a: 'received' })
  assert.equal(pushes().length, 2)
  token = 'never'
  const other = await phoneWith('b')
  await other.run()
  assert.deepEqual(await opStates(other.store), { b: 'waiting' }, 'tried once more, not for ever')
})

test('a captive portal that answers 200 with a page is no receipt', async () => {
  server.push = () => ({ type: 'text/html', answer: '<html>Please log in to this Wi-Fi</html>' })
  const { store, sync, run } = await phoneWith('a')
  await run()
  assert.deepEqual(await opStates(store), { a: 'waiting' })
  assert.equal(sync.state.fault.kind, 'portal')
})

test('JSON that is no receipt is none either', async () => {
  for (const answer of [{ ok: true }, { receipts: {} }, { receipts: [{ op_uuid: 'other', outcome: 'accepted' }] }, { receipts: [null] }]) {
    server.push = () => ({ answer })
    const { store, run } = await phoneWith('a')
    await run()
    assert.deepEqual(await opStates(store), { a: 'waiting' }, JSON.stringify(answer))
  }
})

test('signed out, or another account: nothing more is sent until a person signs in', async () => {
  for (const [status, code, kind] of [[401, 'sign_in_needed', 'signed_out'], [409, 'wrong_account', 'wrong_account']]) {
    asked = []
    server.push = () => error(status, code)
    const { store, sync, run } = await phoneWith('a')
    await addPhoto(store, 's', [1])
    await run()
    assert.equal(sync.state.fault.kind, kind)
    assert.equal(sync.state.next_at, null)
    assert.deepEqual(asked.map(({ path }) => path), ['/api/session', '/api/sync/push'])
    assert.deepEqual([await opStates(store), await photoStates(store)], [{ a: 'waiting' }, { s: 'waiting' }])
  }
})

test('a server that fails at the operations is still asked for news and given photos', async () => {
  server.push = () => error(500, 'unexpected')
  const { store, sync, run } = await phoneWith('a')
  await addPhoto(store, 's', [1])
  await run()
  assert.deepEqual(await opStates(store), { a: 'waiting' })
  assert.deepEqual(await photoStates(store), { s: 'received' })
  assert.equal(sync.state.fault, null, 'one operation that fails is its own trouble')
})

test('a server that fails at everything is not asked for every single one', async () => {
  server.push = () => error(503, 'not_ready')
  const { sync, run } = await phoneWith(...Array.from({ length: 40 }, (_, n) => `op ${n}`))
  await run()
  assert.equal(sync.state.fault.kind, 'busy')
  assert.ok(pushes().length < 15, `${pushes().length} requests`)
})

test('no network leaves everything as it is', async () => {
  const { store, sync, run } = await phoneWith('a')
  globalThis.fetch = () => Promise.reject(new TypeError('Failed to fetch'))
  try {
    await run()
  } finally {
    globalThis.fetch = (path, options) => browserFetch(address + path, options)
  }
  assert.equal(sync.state.fault.kind, 'network')
  assert.deepEqual(await opStates(store), { a: 'waiting' })
})

test('an answer lost on the way is made good by sending again', async () => {
  const taken = new Set()
  server.push = ({ body }) => {
    const receipts = body.ops.map(({ op_uuid }) => ({ op_uuid, outcome: taken.has(op_uuid) ? 'duplicate' : 'accepted' }))
    const isFirst = taken.size === 0
    body.ops.forEach(({ op_uuid }) => taken.add(op_uuid))
    return isFirst ? { type: 'text/html', status: 502, answer: 'Bad Gateway' } : { answer: { receipts, server_time: NOW } }
  }
  const { store, sync, run } = await phoneWith('a')
  await sync.run()
  assert.deepEqual(await opStates(store), { a: 'waiting' })
  await run({ force: true })
  assert.deepEqual(await opStates(store), { a: 'received' })
})

test('photos: damaged ones need a person, incomplete ones are sent again, the others go on', async () => {
  const answers = { damaged: error(422, 'photo_unreadable', '坏了'), incomplete: error(422, 'photo_hash_wrong'), large: error(413, 'too_large'), fine: { status: 200, answer: stored('/fine') } }
  server.photo = ({ path }) => answers[path.split('/').pop()]
  const { store, run } = await phoneWith()
  for (const name of Object.keys(answers)) await addPhoto(store, name, [1])
  await run()
  assert.deepEqual(await photoStates(store), { damaged: 'rejected', fine: 'received', incomplete: 'waiting', large: 'rejected' })
})

test('a photo is not received by a page of a captive portal', async () => {
  server.photo = () => ({ status: 200, type: 'text/html', answer: '<html>' })
  const { store, run } = await phoneWith()
  await addPhoto(store, 's', [1])
  await run()
  assert.deepEqual(await photoStates(store), { s: 'waiting' })
})

test('the pull goes on page by page from where it was', async () => {
  const cursors = []
  server.pull = ({ path }) => {
    cursors.push(path)
    const page = cursors.length
    return { answer: { changes: [{ feed: 'g', kind: 'household', uuid: `h${page}`, rev: page, record: { page } }], left: [], cursor: `c${page}`, more: page < 3 } }
  }
  const { store, run } = await phoneWith()
  await run()
  assert.deepEqual((await store.list('household')).map((record) => record.page), [1, 2, 3])
  assert.equal(await store.meta('cursor'), 'c3')
})

test('an area that was left is erased only when everything is handed in', async () => {
  let isOpen = false
  server.push = ({ body }) => ({ answer: { server_time: NOW, receipts: body.ops.map(({ op_uuid }) => ({ op_uuid, outcome: isOpen ? 'accepted' : 'retry', code: 'server_busy' })) } })
  server.pull = () => ({ answer: { changes: [], left: ['g'], cursor: 'c', more: false } })
  const { store, sync, run } = await phoneWith('a')
  await store.applyPage({ changes: [{ feed: 'g', kind: 'household', uuid: 'h', rev: 1, record: {} }], cursor: '0' })
  await sync.run()
  assert.equal((await store.list('household')).length, 1)
  isOpen = true
  await run({ force: true })
  assert.equal((await store.list('household')).length, 0)
})

test('red ones are in the first request, by themselves', async () => {
  const { store, run } = await phoneWith('a', 'b')
  await addOp(store, 'red', { urgent: true })
  await run()
  assert.deepEqual(pushes().map(({ body }) => body.ops.map((op) => op.op_uuid)), [['red'], ['a', 'b']])
})

test('a server restored from a backup is offered again what it lost', async () => {
  let epoch = 'aaaa'
  const held = new Set()
  server.push = ({ body }) => {
    const receipts = body.ops.map(({ op_uuid }) => ({ op_uuid, outcome: held.has(op_uuid) ? 'duplicate' : 'accepted' }))
    body.ops.forEach(({ op_uuid }) => held.add(op_uuid))
    return { answer: { receipts, server_time: NOW, epoch } }
  }
  server.pull = () => ({ answer: { changes: [], left: [], cursor: 'c', more: false, server_time: NOW, epoch } })
  server.photo = ({ path }) => {
    held.add(path.split('/').pop())
    return { status: 201, answer: stored(path) }
  }
  const { store, sync, run } = await phoneWith('a', 'b')
  await addPhoto(store, 's', [1])
  await sync.run()
  assert.deepEqual([...held].sort(), ['a', 'b', 's'])
  held.clear()
  epoch = 'bbbb'
  await run()
  assert.deepEqual([...held].sort(), ['a', 'b', 's'])
  assert.deepEqual([await opStates(store), await photoStates(store)], [{ a: 'received', b: 'received' }, { s: 'received' }])
})

test('receipts that come with news of a restore count, whatever else is offered again', async () => {
  let epoch = 'aaaa'
  server.push = ({ body }) => ({ answer: { receipts: body.ops.map(({ op_uuid }) => ({ op_uuid, outcome: 'accepted' })), server_time: NOW, epoch } })
  server.pull = () => ({ answer: { changes: [], left: [], cursor: 'c', more: false, server_time: NOW, epoch } })
  const { store, sync, run } = await phoneWith('a')
  await sync.run()
  epoch = 'bbbb'
  await addOp(store, 'b')
  await run()
  assert.deepEqual(await opStates(store), { a: 'received', b: 'received' })
  assert.deepEqual(pushes().map(({ body }) => body.ops.map((op) => op.op_uuid)), [['a'], ['b'], ['a']])
})

test('a cache that does not agree with the server is read again, once a day, and nothing else is touched', async () => {
  server.pull = () => ({ answer: { changes: [], left: [], cursor: 'c', more: false, server_time: NOW, state: 'ffffffffffff' } })
  const pulls = () => asked.filter(({ path }) => path === '/api/sync/pull').length
  const { store, sync, run } = await phoneWith('a')
  await store.saveDraft({ draft_uuid: 'd' })
  server.push = () => error(503, 'not_ready')
  await sync.run()
  assert.equal(pulls(), 2)
  await run({ force: true })
  assert.equal(pulls(), 3, 'not for ever')
  assert.deepEqual(await opStates(store), { a: 'waiting' })
  assert.equal((await store.drafts()).length, 1)
})

test('a cache that agrees is left alone', async () => {
  server.pull = () => ({ answer: { changes: [], left: [], cursor: 'c', more: false, server_time: NOW, state: '000000000000' } })
  const { run } = await phoneWith()
  await run()
  assert.equal(asked.filter(({ path }) => path === '/api/sync/pull').length, 1)
})

test('who may only hand in asks for nothing, and says when everything is with the server', async () => {
  const { store, api } = await phoneWith('a')
  await addPhoto(store, 's', [1])
  await store.saveDraft({ draft_uuid: 'd' })
  const told = []
  const runOnce = async () => {
    const sync = new Sync({ store, api, changed: (what) => told.push(what), handsIn: true })
    await sync.run({ force: true })
    sync.stop()
  }
  await runOnce()
  assert.deepEqual(asked.map(({ method, path }) => `${method} ${path}`), ['GET /api/session', 'POST /api/sync/push', 'PUT /api/attachments/s'])
  assert.ok(!told.includes('handed_in'), 'a visit is not finished')
  await store.dropDraft('d')
  await runOnce()
  assert.ok(told.includes('handed_in'))
})

test('nothing is handed in while one photo is only here', async () => {
  server.photo = () => error(422, 'photo_unreadable', '坏了')
  const { store, api } = await phoneWith('a')
  await addPhoto(store, 's', [1])
  const told = []
  const sync = new Sync({ store, api, changed: (what) => told.push(what), handsIn: true })
  await sync.run()
  sync.stop()
  assert.ok(!told.includes('handed_in'))
})

test('what was not accepted is asked for again, and what the office made of it is taken over', async () => {
  const outcomes = [{ outcome: 'rejected', code: 'not_yours', message: '不在您的网格' }, { outcome: 'retry', code: 'server_busy', message: '' }, { outcome: 'duplicate' }]
  server.push = ({ body }) => ({ answer: { server_time: NOW, receipts: body.ops.map(({ op_uuid }) => ({ op_uuid, ...outcomes.shift() })) } })
  const { store, sync, run } = await phoneWith('a')
  await sync.run()
  await sync.run()
  assert.equal(pushes().length, 1, 'not before its time')
  await sync.run({ force: true })
  assert.deepEqual([(await store.ops())[0].state, (await store.ops())[0].fault.code], ['rejected', 'not_yours'])
  await run({ force: true })
  assert.deepEqual(await opStates(store), { a: 'received' })
})

test('a photo whose bytes were damaged on the phone says so, the others go up', async () => {
  const { store, run } = await phoneWith()
  await addPhoto(store, 'fine', [1])
  await addPhoto(store, 'gone', [2, 3])
  const photoBytes = store.photoBytes.bind(store)
  store.photoBytes = (sha) => (sha === 'gone' ? Promise.resolve(null) : photoBytes(sha))
  await run()
  assert.deepEqual(await photoStates(store), { fine: 'received', gone: 'rejected' })
  assert.equal((await store.photos()).find((one) => one.sha256 === 'gone').fault.code, 'unreadable_here')
})

test('locked while sending: it stops, and goes on with the next PIN', async () => {
  const { store, api, sync } = await phoneWith('a', 'b')
  server.push = ({ body }) => {
    store.lock()
    return { answer: { server_time: NOW, receipts: body.ops.map(({ op_uuid }) => ({ op_uuid, outcome: 'accepted' })) } }
  }
  await addPhoto(store, 's', [1])
  await sync.run()
  assert.equal(sync.state.fault, null)
  store.unlock(KEY)
  assert.deepEqual([await opStates(store), await photoStates(store)], [{ a: 'received', b: 'received' }, { s: 'waiting' }])
  const next = new Sync({ store, api, changed: () => {} })
  await next.run()
  next.stop()
  assert.deepEqual(await photoStates(store), { s: 'received' })
})

test('a phone that is full says so, tries again later, and sends its photos all the same', async () => {
  const { store, sync, run } = await phoneWith('a')
  await addPhoto(store, 's', [1])
  store.applyPage = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
  await run()
  assert.equal(sync.state.fault.kind, 'storage')
  assert.deepEqual([await opStates(store), await photoStates(store)], [{ a: 'received' }, { s: 'received' }])
})

test('a receipt without the server\'s time, or for another photo, is none', async () => {
  server.push = ({ body }) => ({ answer: { receipts: body.ops.map(({ op_uuid }) => ({ op_uuid, outcome: 'accepted' })) } })
  const first = await phoneWith('a')
  await first.run()
  assert.deepEqual(await opStates(first.store), { a: 'waiting' })
  for (const answer of [{}, { sha256: 's' }, { sha256: 'other', server_time: NOW }]) {
    server.photo = () => ({ status: 200, answer })
    const { store, run } = await phoneWith()
    await addPhoto(store, 's', [1])
    await run()
    assert.deepEqual(await photoStates(store), { s: 'waiting' }, JSON.stringify(answer))
  }
})

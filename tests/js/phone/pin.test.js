// Trying and changing the PIN of a store.
import 'fake-indexeddb/auto'
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'

import { changePin, chooseFirstPin, chooseNewPin, dataKeyByPin, waitForPin } from '../../../static/src/phone/pin.js'
import { Store } from '../../../static/src/phone/store.js'
import { WrongPin, keyInUse } from '../../../static/src/phone/vault.js'

const { subtle } = crypto
const pair = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits'])
const PUBLIC_KEY = Buffer.from(await subtle.exportKey('raw', pair.publicKey)).toString('base64')
const PIN = '258013'
let users = 0
async function storeWithPin() {
  const store = new Store(`pin-${users += 1}`)
  return { store, dataKey: await chooseFirstPin(store, PIN, 7, PUBLIC_KEY) }
}

test('the PIN chosen opens the key, also after the app was ended', async () => {
  const { store, dataKey } = await storeWithPin()
  store.close()
  assert.deepEqual(await dataKeyByPin(store, PIN), dataKey)
})

test('the key is sealed to the installation before a PIN wraps it', async () => {
  const { store } = await storeWithPin()
  assert.ok((await store.vault()).sealed)
  const other = new Store(`pin-${users += 1}`)
  await assert.rejects(chooseFirstPin(other, PIN, 7, 'not a key'))
  assert.equal(await other.vault(), undefined)
})

test('a second first PIN never takes the place of the key in use', async () => {
  const { store, dataKey } = await storeWithPin()
  await assert.rejects(chooseFirstPin(store, '370416', 7, PUBLIC_KEY), /another key/)
  assert.deepEqual(await dataKeyByPin(store, PIN), dataKey)
})

test('two slips cost nothing, then every wrong PIN has to wait, and the right one too', async () => {
  mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-11-28T01:00:00Z') })
  try {
    const { store, dataKey } = await storeWithPin()
    for (const wait of [0, 0, 5_000]) {
      await assert.rejects(dataKeyByPin(store, '000001'), WrongPin)
      assert.equal(await waitForPin(store), wait)
    }
    await assert.rejects(dataKeyByPin(store, PIN), WrongPin)
    mock.timers.tick(4_999)
    await assert.rejects(dataKeyByPin(store, PIN), WrongPin)
    mock.timers.tick(1)
    assert.deepEqual(await dataKeyByPin(store, PIN), dataKey)
    assert.equal(await waitForPin(store), 0)
    await assert.rejects(dataKeyByPin(store, '000001'), WrongPin)
    assert.equal(await waitForPin(store), 0, 'the count starts anew')
  } finally {
    mock.timers.reset()
  }
})

test('a try is counted before it is made: ending the page does not take it back', async () => {
  const { store } = await storeWithPin()
  const keepTries = store.setMeta.bind(store)
  store.setMeta = async (...args) => {
    await keepTries(...args)
    throw new Error('the page was ended here')
  }
  for (let n = 0; n < 3; n += 1) await assert.rejects(dataKeyByPin(store, PIN), /ended/)
  store.setMeta = keepTries
  assert.ok((await waitForPin(store)) > 0)
})

test('a clock that is set back locks nobody out for longer than the wait', async () => {
  const { store } = await storeWithPin()
  await store.setMeta('pin_tries', { wrong: 3, until: Date.now() + 10 * 365 * 86_400_000 })
  assert.equal(await waitForPin(store), 5_000)
})

test('a changed PIN opens the same key, the old one no longer', async () => {
  const { store, dataKey } = await storeWithPin()
  await assert.rejects(changePin(store, '000001', '370416'), WrongPin)
  await changePin(store, PIN, '370416')
  await assert.rejects(dataKeyByPin(store, PIN), WrongPin)
  assert.deepEqual(await dataKeyByPin(store, '370416'), dataKey)
})

test('a new PIN after the server opened the key: what was sealed before opens as ever', async () => {
  const { store, dataKey } = await storeWithPin()
  store.unlock(await keyInUse(dataKey))
  await store.saveDraft({ draft_uuid: 'd', answers: { food: '3' } })
  store.lock()
  await store.setMeta('pin_tries', { wrong: 9, until: Date.now() + 3_600_000 })
  await chooseNewPin(store, dataKey, '370416')
  store.unlock(await keyInUse(await dataKeyByPin(store, '370416')))
  assert.deepEqual(await store.findDraft('d'), { draft_uuid: 'd', answers: { food: '3' } })
})

test('a phone that is full opens with its PIN all the same', async () => {
  const { store, dataKey } = await storeWithPin()
  const put = mock.method(IDBObjectStore.prototype, 'put', () => { throw new DOMException('full', 'QuotaExceededError') })
  try {
    await assert.rejects(dataKeyByPin(store, '000001'), WrongPin)
    assert.deepEqual(await dataKeyByPin(store, PIN), dataKey)
  } finally {
    put.mock.restore()
  }
})

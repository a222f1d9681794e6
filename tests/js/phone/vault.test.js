// The key: what opens it and what does not, and what it seals.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { WrongPin, isEasyPin, keyInUse, newDataKey, openByPin, openBytes, openValue, sealBytes, sealToInstallation, sealValue, waitAfter, wrapByPin } from '../../../static/src/phone/vault.js'

const { subtle } = crypto
const bytes = (/** @type {number[]} */ ...values) => new Uint8Array(values)
const vaultOf = async (dataKey, pin, userId = 7) => ({ user_id: userId, sealed: '', ...(await wrapByPin(dataKey, pin, userId)) })

test('the PIN opens the very key it wrapped, another PIN does not', async () => {
  const dataKey = newDataKey()
  const vault = await vaultOf(dataKey, '258013')
  assert.deepEqual(await openByPin(vault, '258013'), dataKey)
  for (const pin of ['258014', '25801', '', '2580130']) await assert.rejects(openByPin(vault, pin), WrongPin)
})

test('a wrapped key opens for no other account', async () => {
  const vault = await vaultOf(newDataKey(), '258013')
  await assert.rejects(openByPin({ ...vault, user_id: 8 }, '258013'), WrongPin)
})

test('no two keys, wrappings or sealed values are alike', async () => {
  const dataKey = newDataKey()
  assert.notDeepEqual(newDataKey(), dataKey)
  assert.notEqual((await vaultOf(dataKey, '258013')).wrapped, (await vaultOf(dataKey, '258013')).wrapped)
  const key = await keyInUse(dataKey)
  assert.notDeepEqual(new Uint8Array(await sealValue(key, '甲', 'a/1')), new Uint8Array(await sealValue(key, '甲', 'a/1')))
})

test('a PIN is stretched: guessing is slow on purpose', async () => {
  assert.ok((await vaultOf(newDataKey(), '258013')).iterations >= 600_000)
})

test('what is sealed opens in its own place only, whole and unchanged', async () => {
  const key = await keyInUse(newDataKey())
  const value = { name: '刘玉珍', answers: [1, null, '\ud83d'] }
  const sealed = await sealValue(key, value, 'drafts/d')
  assert.deepEqual(await openValue(key, sealed, 'drafts/d'), value)
  await assert.rejects(openValue(key, sealed, 'drafts/e'), { name: 'OperationError' })
  await assert.rejects(openValue(await keyInUse(newDataKey()), sealed, 'drafts/d'), { name: 'OperationError' })
  await assert.rejects(openBytes(key, sealed.slice(0, -1), 'drafts/d'), { name: 'OperationError' })
  const changed = new Uint8Array(sealed.slice(0))
  changed[20] ^= 1
  await assert.rejects(openBytes(key, changed.buffer, 'drafts/d'), { name: 'OperationError' })
  await assert.rejects(openBytes(key, bytes(9, ...new Uint8Array(sealed)).buffer, 'drafts/d'), /scheme/)
})

test('nothing readable is left in what is sealed', async () => {
  const key = await keyInUse(newDataKey())
  const photo = new Uint8Array(1000).fill(7)
  const sealed = new Uint8Array(await sealBytes(key, photo, 'photo_bytes/s'))
  assert.ok(!Buffer.from(sealed).includes(Buffer.from([7, 7, 7, 7])))
  assert.deepEqual(new Uint8Array(await openBytes(key, sealed.buffer, 'photo_bytes/s')), photo)
})

test('the installation can open what was sealed to it, for the same account', async () => {
  const curve = { name: 'ECDH', namedCurve: 'P-256' }
  const pair = await subtle.generateKey(curve, true, ['deriveBits'])
  const point = new Uint8Array(await subtle.exportKey('raw', pair.publicKey))
  const dataKey = newDataKey()
  const sealed = new Uint8Array(Buffer.from(await sealToInstallation(dataKey, Buffer.from(point).toString('base64'), 7), 'base64'))
  assert.equal(sealed.length, 1 + 65 + 12 + 32 + 16)
  const own = sealed.slice(1, 66)
  const shared = await subtle.deriveBits({ name: 'ECDH', public: await subtle.importKey('raw', own, curve, false, []) }, pair.privateKey, 256)
  const material = await subtle.importKey('raw', shared, 'HKDF', false, ['deriveKey'])
  const info = new TextEncoder().encode('fieldapp/phone-key')
  const key = await subtle.deriveKey({ name: 'HKDF', hash: 'SHA-256', salt: Buffer.concat([own, point]), info }, material, { name: 'AES-GCM', length: 256 }, false, ['decrypt'])
  const body = Buffer.concat([sealed.slice(0, 1), sealed.slice(66)])
  const rest = body.buffer.slice(body.byteOffset, body.byteOffset + body.length)
  assert.deepEqual(new Uint8Array(await openBytes(key, rest, '7')), dataKey)
  await assert.rejects(openBytes(key, rest, '8'))
})

test('the PINs everybody tries first are not taken', () => {
  for (const pin of ['000000', '123456', '654321', '112211', '147147', '121212']) assert.ok(isEasyPin(pin), pin)
  for (const pin of ['258013', '370416', '902751']) assert.ok(!isEasyPin(pin), pin)
})

test('wrong PINs cost more and more time, up to an hour', () => {
  const waits = Array.from({ length: 12 }, (_, index) => waitAfter(index + 1))
  assert.deepEqual(waits.slice(0, 2), [0, 0])
  assert.deepEqual(waits, [...waits].sort((a, b) => a - b))
  assert.equal(waits.at(-1), 3_600_000)
})

// Makes a phone's file of unsent work with the phone's own code: `node make_handover.mjs OUT < work.json`.
import 'fake-indexeddb/auto'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

import { makeHandover } from '../../static/src/phone/handover.js'
import { Store } from '../../static/src/phone/store.js'
import { keyInUse, newDataKey, sealToInstallation, wrapByPin } from '../../static/src/phone/vault.js'

const work = JSON.parse(readFileSync(0, 'utf8'))
const dataKey = newDataKey()
const store = new Store(work.user_id)
const sealed = await sealToInstallation(dataKey, work.public_key, work.user_id)
await store.keepVault({ ...await wrapByPin(dataKey, '294017', work.user_id), sealed, user_id: work.user_id })
store.unlock(await keyInUse(dataKey))
const shas = []
for (const path of work.photos) {
  const bytes = readFileSync(path)
  shas.push(createHash('sha256').update(bytes).digest('hex'))
  await store.addPhoto({ sha256: shas.at(-1), type: 'image/jpeg', size: bytes.length }, new Uint8Array(bytes).buffer, 'draft')
}
for (const op of work.ops) {
  await store.finish({ op, urgent: false, title: '刘玉珍', draft: { draft_uuid: 'draft', photos: {} }, shas })
}
store.lock()
const { file } = await makeHandover(store, { username: work.username, device_uuid: work.device_uuid, now: new Date() })
writeFileSync(process.argv[2], Buffer.from(await file.arrayBuffer()))

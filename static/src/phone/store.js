/**
 * One worker's database on this phone: the cache of records, drafts, the outbox, photos.
 *
 * Invariant: the cache may be erased at any time; drafts, outbox and photos never depend on it and leave only by
 * being finished, thrown away by the worker, or reported backed up by the server. What tells about people and work is
 * sealed (`#seal`, `#unseal`: outside of transactions, which do not outlive a wait for anything else); in the clear stays
 * only what queue and cache are steered by. While locked, whatever needs the key throws Locked.
 */
import { openDB } from 'idb'
import { isOpen, newItem } from './outbox.js'
import { RESERVE_BYTES, isFull } from './room.js'
import { entryHash, sha256 } from './uuid.js'
import { Locked, openBytes, openValue, sealBytes, sealValue } from './vault.js'

/**
 * Which version is used where and when, as a publication says; null when the record only brings a version's document.
 * @param {any} record
 */
const offerOf = ({ key, version, offer }) => offer && { key, version, ...offer }

/**
 * Append only: step n brings version n to n + 1.
 * @type {((db: import('idb').IDBPDatabase, tx: import('idb').IDBPTransaction<unknown, string[], 'versionchange'>) => unknown)[]}
 */
const STEPS = [
  (db) => {
    const records = db.createObjectStore('records', { keyPath: ['kind', 'uuid'] })
    records.createIndex('kind', 'kind')
    records.createIndex('feed', 'feed')
    db.createObjectStore('checklists', { keyPath: ['key', 'version'] })
    db.createObjectStore('drafts', { keyPath: 'draft_uuid' })
    db.createObjectStore('outbox', { keyPath: 'op_uuid' })
    db.createObjectStore('photos', { keyPath: 'sha256' })
    db.createObjectStore('photo_bytes')
    db.createObjectStore('meta')
  },
  async (_db, tx) => {
    // Until here the newest document of a checklist was the one in use; from here on offers say which is, and where.
    for (const { offered, uuid, rev, ...row } of await tx.objectStore('checklists').getAll()) {
      await tx.objectStore('checklists').put(row)
      if (offered) {
        const { key, version, value } = row
        const offer = { id: 0, key, version, area_code: '', from_on: '', until_on: null, use: key === 'followup_result' ? 'followup' : 'visit', title: value.title, owner: '', purpose: '' }
        await tx.objectStore('records').put({ kind: 'checklist', uuid, feed: 'common', rev, value: offer })
      }
    }
    // The old app may have read offers it did not know how to keep: read everything again.
    await tx.objectStore('meta').delete('cursor')
  },
  async (db, tx) => {
    // Until here everything lay in the clear. What there is gets sealed with the first PIN, and an app that does not
    // seal is shut out by the new number. A record may lie in several feeds now.
    const counts = await Promise.all(SEALED.map((name) => tx.objectStore(name).count()))
    if (counts.some(Boolean)) await tx.objectStore('meta').put(true, 'plain')
    const rows = await tx.objectStore('records').getAll()
    db.deleteObjectStore('records')
    const records = db.createObjectStore('records', { keyPath: ['feed', 'kind', 'uuid'] })
    records.createIndex('kind', 'kind')
    records.createIndex('record', ['kind', 'uuid'])
    for (const row of rows) await records.put(row)
    await tx.objectStore('meta').delete('cursor')
  },
]

/** The stores that an app without a PIN filled. */
const SEALED = ['records', 'checklists', 'drafts', 'outbox', 'photos', 'photo_bytes']

/**
 * @typedef {object} Change @property {string} feed @property {string} kind @property {string} uuid
 * @property {number} rev @property {any} record null: not for this account, or gone @property {boolean} [gone] it left the feed
 */
/**
 * @typedef {import('./outbox.js').Item & {op_uuid: string, seq: number, urgent: boolean, at: string, kind: string,
 *   base: number|null, replaces: string|null, body: any, draft: any, title: string}} Op
 */
/**
 * @typedef {import('./outbox.js').Item & {sha256: string, owners: string[], type: string, size: number}} Photo state is
 *   "draft" until a finished record names it
 */

export class Store {
  /** @type {Promise<import('idb').IDBPDatabase>|null} */
  #connection = null
  /** @type {CryptoKey|null} */
  #key = null
  /** Operations as they were opened, by op_uuid: they never change, and are asked for again with every receipt. @type {Map<string, any>} */
  #opened = new Map()

  /** @param {number|string} userId */
  constructor(userId) {
    this.name = `fieldapp-${userId}`
  }

  #open() {
    this.#connection ??= openDB(this.name, STEPS.length, {
      upgrade: async (db, old, _new, tx) => { for (const step of STEPS.slice(old)) await step(db, tx) },
      blocking: () => this.close(), // another tab brings a newer version: let it
      terminated: () => { this.#connection = null },
    }).catch((error) => {
      this.#connection = null
      throw error
    })
    return this.#connection
  }

  /** Let go of the connection; the next call opens it again. */
  close() {
    this.#connection?.then((db) => db.close(), () => {})
    this.#connection = null
  }

  /**
   * Run `work`, once more with a fresh connection if the browser took this one away (it does, in the background), or with
   * the reserve given up when the phone is full.
   * @template T @param {(db: import('idb').IDBPDatabase) => Promise<T>} work @param {{isVital?: boolean}} [options] whether the
   *   reserve is for it @returns {Promise<T>}
   */
  async #with(work, { isVital = true } = {}) {
    try {
      return await work(await this.#open())
    } catch (error) {
      const lost = error instanceof DOMException && ['InvalidStateError', 'UnknownError'].includes(error.name)
      if (lost) this.close()
      else if (!isFull(error) || !isVital || !(await this.#giveUpReserve())) throw error
      return work(await this.#open())
    }
  }

  /** Take up the room for answers, unless it is; throws when there is none. */
  async keepReserve() {
    if (await this.#with((db) => db.getKey('meta', 'reserve'))) return
    // Sealed, for a browser may press zeros together.
    const bytes = await sealBytes(this.#unlocked(), new Uint8Array(RESERVE_BYTES), 'meta/reserve')
    await this.#with((db) => db.put('meta', bytes, 'reserve'), { isVital: false })
  }

  /** Gives whether there was one. */
  async #giveUpReserve() {
    const db = await this.#open()
    const isThere = Boolean(await db.getKey('meta', 'reserve'))
    await db.delete('meta', 'reserve')
    return isThere
  }

  // The key

  /** Open what is sealed. @param {CryptoKey} key made by keyInUse */
  unlock(key) {
    this.#key = key
  }

  /** Forget the key; receipts can still be noted. */
  lock() {
    this.#key = null
    this.#opened = new Map()
  }

  get isOpen() {
    return this.#key !== null
  }

  #unlocked() {
    if (!this.#key) throw new Locked('locked')
    return this.#key
  }

  /** The form of a value at rest. @param {any} value @param {...string} place store and key */
  async #seal(value, ...place) {
    return sealValue(this.#unlocked(), value, place.join('/'))
  }

  /** The value again; null when it was damaged, which must not hold up the rest. @param {ArrayBuffer} sealed @param {...string} place store and key @returns {Promise<any>} */
  async #unseal(sealed, ...place) {
    return orNull(openValue(this.#unlocked(), sealed, place.join('/')))
  }

  /** A row whose fault, but for its code, is sealed. @param {any} row @param {...string} place store and key */
  async #openFault(row, ...place) {
    const { fault } = row
    return fault?.sealed ? { ...row, fault: { code: fault.code, ...(await this.#unseal(fault.sealed, ...place, 'fault')) } } : row
  }

  /** @param {any} changes of a row @param {...string} place store and key */
  async #sealFault({ fault, ...changes }, ...place) {
    if (fault === undefined || fault === null) return fault === null ? { ...changes, fault } : changes
    const { code, ...words } = fault
    return { ...changes, fault: { code, sealed: await this.#seal(words, ...place, 'fault') } }
  }

  /** What is stored of the key; undefined until a PIN was chosen. @returns {Promise<import('./vault.js').Vault|undefined>} */
  vault() {
    return this.meta('vault')
  }

  /** Keep a key's vault; never another key in place of the one in use. @param {import('./vault.js').Vault} vault */
  async keepVault(vault) {
    await this.#with(async (db) => {
      const tx = db.transaction('meta', 'readwrite', { durability: 'strict' })
      const known = await tx.store.get('vault')
      if (known && known.sealed !== vault.sealed) throw new Error('there is another key already')
      await tx.store.put(vault, 'vault')
      await tx.done
    })
  }

  /** What the account's record says beyond what may be read while locked. @returns {Promise<any>} */
  async user() {
    const sealed = await this.meta('user')
    return sealed ? openValue(this.#unlocked(), sealed, 'meta/user') : null
  }

  /** @param {any} user */
  async keepUser(user) {
    await this.setMeta('user', await this.#seal(user, 'meta', 'user'))
  }

  /**
   * Seal what lies here in the clear from before there was a PIN. Each row is replaced in one step and the mark is taken
   * away last, so it may be cut off anywhere and simply runs again.
   */
  async sealPlain() {
    if (!(await this.meta('plain'))) return
    for (const name of SEALED) {
      for (const key of await this.#with((db) => db.getAllKeys(name))) {
        const row = await this.#with((db) => db.get(name, key))
        // Bytes go by their hash: those that have it are the plain ones.
        if (name === 'photo_bytes' ? !row || (await sha256(row)) !== key : !isPlain(row)) continue
        const sealed = await this.#sealedRow(name, [/** @type {any} */ (key)].flat(), row)
        await this.#with(async (db) => {
          const tx = db.transaction(name, 'readwrite')
          const now = await tx.store.get(key)
          // Another page may have been first, and gone on working with it.
          if (name === 'photo_bytes' && now) await tx.store.put(sealed, key)
          else if (isPlain(now)) await tx.store.put(sealed)
          await tx.done
        })
      }
    }
    await this.#with((db) => db.delete('meta', 'plain'))
  }

  /** A plain row as it is to lie here. @param {string} name @param {string[]} key @param {any} row */
  async #sealedRow(name, key, row) {
    if (name === 'photo_bytes') return sealBytes(this.#unlocked(), row, `photo_bytes/${key}`)
    const kept = await this.#sealFault(row, name, ...key)
    delete kept.taken_at
    return name === 'photos' ? kept : { ...kept, value: await this.#seal(row.value, name, ...key) }
  }

  // The cache

  /** All records of a kind, each once. @param {string} kind @returns {Promise<any[]>} */
  async list(kind) {
    const rows = await this.#with((db) => db.getAllFromIndex('records', 'kind', kind))
    const byUuid = new Map(rows.filter((row) => row.value).map((row) => [row.uuid, row]))
    return present(await Promise.all([...byUuid.values()].map((row) => this.#openRecord(row))))
  }

  /** One record, or null. @param {string} kind @param {string} uuid @returns {Promise<any>} */
  async find(kind, uuid) {
    const rows = await this.#with((db) => db.getAllFromIndex('records', 'record', [kind, uuid]))
    const row = rows.find((one) => one.value)
    return row ? this.#openRecord(row) : null
  }

  /** @param {{value: ArrayBuffer, feed: string, kind: string, uuid: string}} row */
  #openRecord({ value, feed, kind, uuid }) {
    return this.#unseal(value, 'records', feed, kind, uuid)
  }

  /**
   * Take over one page of a pull: changes, cursor and feeds that are no longer ours, all or nothing. A reading that began
   * from the start takes the place of what was here when its last page is in, and not before.
   * @param {{changes: Change[], cursor: string, left?: string[], more?: boolean, from_start?: boolean}} page
   */
  async applyPage({ changes, cursor, left = [], more = false, from_start = false }) {
    const values = await Promise.all(changes.map(({ feed, kind, uuid, record }) => {
      const value = record && kind === 'checklist' ? offerOf(record) : record
      return value && this.#seal(value, 'records', feed, kind, uuid)
    }))
    const documents = await Promise.all(changes.map(({ kind, record }) => (
      kind === 'checklist' && record ? this.#seal(record.document, 'checklists', record.key, record.version) : null)))
    await this.#with(async (db) => {
      const tx = db.transaction(['records', 'checklists', 'meta'], 'readwrite')
      const records = tx.objectStore('records')
      const checklists = tx.objectStore('checklists')
      const meta = tx.objectStore('meta')
      const reading = ((await meta.get('reading')) ?? 0) + Number(from_start)
      for (const [index, { feed, kind, uuid, rev, record, gone }] of changes.entries()) {
        // Documents are kept for good, also of versions no longer offered: an open draft stays with its version.
        if (documents[index]) await checklists.put({ key: record.key, version: record.version, value: documents[index] })
        if (gone) await records.delete([feed, kind, uuid])
        // What is not for this account has a row too: the state of a feed counts all that is in it.
        else if (values[index] || !record) await records.put({ feed, kind, uuid, rev, reading, value: values[index] })
      }
      const arrived = new Set(changes.map((change) => change.feed))
      const leaving = new Set([...((await meta.get('leaving')) ?? []), ...left])
      await meta.put([...leaving].filter((feed) => left.includes(feed) || !arrived.has(feed)), 'leaving')
      await meta.put(cursor, 'cursor')
      await meta.put(reading, 'reading')
      const isReadAnew = from_start || ((await meta.get('reads_anew')) ?? false)
      await meta.put(isReadAnew && more, 'reads_anew')
      if (isReadAnew && !more) await deleteWhere(records, (row) => row.reading !== reading)
      await tx.done
    }, { isVital: false })
  }

  /** Erase what was cached of areas that are no longer this worker's. */
  async eraseLeft() {
    await this.#with(async (db) => {
      const tx = db.transaction(['records', 'meta'], 'readwrite')
      for (const feed of (await tx.objectStore('meta').get('leaving')) ?? []) {
        await tx.objectStore('records').delete(IDBKeyRange.bound([feed], [feed, []]))
      }
      await tx.objectStore('meta').put([], 'leaving')
      await tx.done
    })
  }

  /** What the cache comes to, as the server computes it of its feeds (docs/sync.md). @returns {Promise<string>} 12 hex digits */
  async state() {
    const [rows, leaving] = await this.#with((db) => Promise.all([db.getAll('records'), db.get('meta', 'leaving')]))
    const own = rows.filter((row) => !(leaving ?? []).includes(row.feed))
    const hashes = await Promise.all(own.map(({ kind, uuid, rev }) => entryHash(`${kind}/${uuid}/${rev}`)))
    return hashes.reduce((sum, hash) => sum ^ hash, 0n).toString(16).padStart(12, '0')
  }

  /** Read everything again at the next pull; until that is complete the cache stays as it is. */
  async readAgain() {
    await this.#with((db) => db.delete('meta', 'cursor'))
  }

  /** One version's document, or null. @param {{key: string, version: string}} checklist @returns {Promise<any>} */
  async findChecklist({ key, version }) {
    const row = await this.#with((db) => db.get('checklists', [key, version]))
    return row ? this.#unseal(row.value, 'checklists', key, version) : null
  }

  // Drafts

  /** @returns {Promise<any[]>} */
  async drafts() {
    const rows = await this.#with((db) => db.getAll('drafts'))
    return present(await Promise.all(rows.map((row) => this.#unseal(row.value, 'drafts', row.draft_uuid))))
  }

  /** @param {string} draftUuid @returns {Promise<any>} null when there is none */
  async findDraft(draftUuid) {
    const row = await this.#with((db) => db.get('drafts', draftUuid))
    return row ? this.#unseal(row.value, 'drafts', draftUuid) : null
  }

  /** @param {any} draft */
  async saveDraft(draft) {
    const value = await this.#seal(draft, 'drafts', draft.draft_uuid)
    await this.#with((db) => db.put('drafts', { draft_uuid: draft.draft_uuid, value }))
  }

  /** Throw a draft away, with the photos only it uses. @param {string} draftUuid */
  async dropDraft(draftUuid) {
    await this.#with(async (db) => {
      const tx = db.transaction(['drafts', 'photos', 'photo_bytes'], 'readwrite')
      await tx.objectStore('drafts').delete(draftUuid)
      for (const photo of await tx.objectStore('photos').getAll()) {
        if (photo.owners.includes(draftUuid)) await disown(tx, photo, draftUuid)
      }
      await tx.done
    })
  }

  // Photos

  /**
   * Keep a photo of a draft; throws when the phone is full, the reserve for answers included.
   * @param {{sha256: string, type: string, size: number}} photo
   * @param {ArrayBuffer} bytes @param {string} draftUuid
   */
  async addPhoto({ sha256, type, size }, bytes, draftUuid) {
    const sealed = await sealBytes(this.#unlocked(), bytes, `photo_bytes/${sha256}`)
    await this.keepReserve()
    await this.#with(async (db) => {
      const tx = db.transaction(['photos', 'photo_bytes'], 'readwrite', { durability: 'strict' })
      const known = await tx.objectStore('photos').get(sha256)
      const row = known ?? { ...newItem(), sha256, type, size, state: 'draft', owners: [] }
      await tx.objectStore('photos').put({ ...row, owners: [...new Set([...row.owners, draftUuid])] })
      await tx.objectStore('photo_bytes').put(sealed, sha256)
      await tx.done
    }, { isVital: false })
  }

  /** Take a photo out of a draft. @param {string} sha256 @param {string} draftUuid */
  async dropPhoto(sha256, draftUuid) {
    await this.#with(async (db) => {
      const tx = db.transaction(['photos', 'photo_bytes'], 'readwrite')
      const photo = await tx.objectStore('photos').get(sha256)
      if (photo) await disown(tx, photo, draftUuid)
      await tx.done
    })
  }

  /** @returns {Promise<Photo[]>} */
  async photos() {
    const rows = await this.#with((db) => db.getAll('photos'))
    return Promise.all(rows.map((row) => this.#openFault(row, 'photos', row.sha256)))
  }

  /** The bytes of a photo; null when it is not here, or was damaged. @param {string} sha256 @returns {Promise<Blob|null>} */
  async photoBytes(sha256) {
    const sealed = await this.#with((db) => db.get('photo_bytes', sha256))
    const bytes = sealed ? await orNull(openBytes(this.#unlocked(), sealed, `photo_bytes/${sha256}`)) : null
    tidySoon()
    return bytes && new Blob([bytes])
  }

  /** @param {string} sha256 @param {Partial<Photo>} changes */
  async changePhoto(sha256, changes) {
    await this.#change('photos', sha256, changes)
  }

  // The outbox

  /**
   * Finish a draft: the operation, its photos' places in the queue and the end of the draft, all or nothing; then
   * read it back. Throws when the phone could not keep it: the draft is then still there.
   * @param {{op: {op_uuid: string, kind: string, base: number|null, replaces: string|null, at: string, body: any},
   *   urgent: boolean, title: string, draft: any, shas: string[], after?: string|null, begins?: any}} finished `after`: the
   *   operation that registers whom it is about, which must not come behind it; `begins`: the draft that goes on from here
   */
  async finish({ op, urgent, title, draft, shas, after = null, begins = null }) {
    const beginning = begins && (await this.#seal(begins, 'drafts', begins.draft_uuid))
    const value = await this.#seal({ kind: op.kind, base: op.base, body: op.body, draft, title }, 'outbox', op.op_uuid)
    await this.#with(async (db) => {
      const tx = db.transaction(['outbox', 'photos', 'photo_bytes', 'drafts', 'meta'], 'readwrite', { durability: 'strict' })
      const seq = ((await tx.objectStore('meta').get('seq')) ?? 0) + 1
      await tx.objectStore('meta').put(seq, 'seq')
      await tx.objectStore('outbox').put({ ...newItem(), op_uuid: op.op_uuid, seq, urgent, at: op.at, replaces: op.replaces, value })
      if (op.replaces) {
        const old = await tx.objectStore('outbox').get(op.replaces)
        if (old) await tx.objectStore('outbox').put({ ...old, state: 'replaced' })
      }
      const earlier = urgent && after ? await tx.objectStore('outbox').get(after) : null
      if (earlier) await tx.objectStore('outbox').put({ ...earlier, urgent })
      for (const photo of await tx.objectStore('photos').getAll()) {
        if (shas.includes(photo.sha256)) {
          if (photo.state === 'draft') await tx.objectStore('photos').put({ ...photo, state: 'waiting' })
        } else if (photo.state === 'draft' && photo.owners.includes(draft.draft_uuid)) {
          await disown(tx, photo, draft.draft_uuid) // taken, then its question no longer asked
        }
      }
      await tx.objectStore('drafts').delete(draft.draft_uuid)
      if (begins) await tx.objectStore('drafts').put({ draft_uuid: begins.draft_uuid, value: beginning })
      await tx.done
    })
    await this.#readBack(op, shas.filter((sha) => draft.photos[sha]?.here))
  }

  /** Throws unless the operation is there as it was given, with its photos. @param {{op_uuid: string, body: any}} op @param {string[]} shas */
  async #readBack({ op_uuid, body }, shas) {
    const [row, held] = await this.#with((db) => Promise.all([db.get('outbox', op_uuid), db.getAllKeys('photo_bytes')]))
    const kept = row && (await this.#unseal(row.value, 'outbox', op_uuid))
    const isWhole = kept && JSON.stringify(kept.body) === JSON.stringify(body) && shas.every((sha) => held.includes(sha))
    if (!isWhole) throw new Error('what was written could not be read back')
  }

  /** Everything finished on this phone, by number; one that was damaged says so and holds up nobody. @returns {Promise<Op[]>} */
  async ops() {
    const rows = await this.#with((db) => db.getAll('outbox'))
    const key = this.#key
    const opened = new Map()
    const ops = await Promise.all(rows.map(async ({ value, ...row }) => {
      const op = this.#opened.get(row.op_uuid) ?? (await this.#unseal(value, 'outbox', row.op_uuid))
      opened.set(row.op_uuid, op)
      return { ...(await this.#openFault(row, 'outbox', row.op_uuid)), ...(op ?? { state: 'unreadable', kind: 'unreadable', body: {}, draft: null, title: '' }) }
    }))
    if (this.#key === key) this.#opened = opened // not when it was locked meanwhile
    return ops.sort((a, b) => a.seq - b.seq)
  }

  /** @param {string} opUuid @param {Partial<import('./outbox.js').Item>} changes */
  async changeOp(opUuid, changes) {
    await this.#change('outbox', opUuid, changes)
  }

  /**
   * Let go of what the server has received (or refused, and the worker has seen that) and backed up, with what it
   * replaced; except what was received since `keepFrom`, and photos an open draft still shows.
   * @param {number} backedUpTo server's instant, ms @param {number} keepFrom ms
   */
  async forgetBackedUp(backedUpTo, keepFrom) {
    await this.#with(async (db) => {
      const tx = db.transaction(['outbox', 'drafts', 'photos', 'photo_bytes'], 'readwrite')
      const open = new Set(await tx.objectStore('drafts').getAllKeys())
      const safe = (/** @type {any} */ row) => ['received', 'closed'].includes(row.state) && row.received_at <= Math.min(backedUpTo, keepFrom)
      for (const row of (await tx.objectStore('outbox').getAll()).filter(safe)) {
        await tx.objectStore('outbox').delete(row.op_uuid)
        if (row.replaces) await tx.objectStore('outbox').delete(row.replaces)
      }
      for (const row of (await tx.objectStore('photos').getAll()).filter(safe)) {
        if (row.owners.some((/** @type {string} */ owner) => open.has(owner))) continue
        await tx.objectStore('photos').delete(row.sha256)
        await tx.objectStore('photo_bytes').delete(row.sha256)
      }
      await tx.done
    })
  }

  /**
   * Note the epoch of the server that answered. Another one than before: that server was restored from a backup, and
   * whatever is still here is offered to it again. Gives whether that was so.
   * @param {string} epoch
   */
  async noteEpoch(epoch) {
    if ((await this.meta('epoch')) === epoch) return false
    return this.#with(async (db) => {
      const tx = db.transaction(['outbox', 'photos', 'meta'], 'readwrite')
      const before = await tx.objectStore('meta').get('epoch')
      await tx.objectStore('meta').put(epoch, 'epoch')
      const isOther = before !== undefined && before !== epoch
      for (const store of isOther ? [tx.objectStore('outbox'), tx.objectStore('photos')] : []) {
        for (const row of await store.getAll()) {
          if (!['replaced', 'draft'].includes(row.state)) await store.put({ ...row, ...newItem() })
        }
      }
      await tx.done
      return isOther
    })
  }

  /**
   * What waits, as it lies here: sealed. For the file that is brought to the desk, also while locked.
   * @returns {AsyncGenerator<{store: string, key: string, row: object, bytes: ArrayBuffer}>}
   */
  async *sealedWork() {
    for (const { op_uuid, seq, at, replaces, value, ...row } of await this.#with((db) => db.getAll('outbox'))) {
      if (isOpen(row)) yield { store: 'outbox', key: op_uuid, row: { seq, at, replaces }, bytes: value }
    }
    for (const { sha256: key, type, ...row } of await this.#with((db) => db.getAll('photos'))) {
      const bytes = isOpen(row) && (await this.#with((db) => db.get('photo_bytes', key)))
      if (bytes) yield { store: 'photo_bytes', key, row: { type }, bytes }
    }
  }

  // Small things

  /** @param {string} key @returns {Promise<any>} */
  meta(key) {
    return this.#with((db) => db.get('meta', key))
  }

  /** @param {string} key @param {any} value */
  async setMeta(key, value) {
    await this.#with((db) => db.put('meta', value, key))
  }

  /** @param {string} store @param {string} key @param {object} changes */
  async #change(store, key, changes) {
    const sealed = await this.#sealFault(changes, store, key)
    await this.#with(async (db) => {
      const tx = db.transaction(store, 'readwrite')
      const row = await tx.store.get(key)
      if (row) await tx.store.put({ ...row, ...sealed })
      await tx.done
    })
  }
}

/** @template T @param {(T|null)[]} values @returns {T[]} */
const present = (values) => /** @type {T[]} */ (values.filter((value) => value !== null))

/**
 * Browsers tidy memory by what scripts were given; what a Blob holds is not among it, and three hundred photos are sent faster
 * than they are tidied away. Room that is asked for and never used counts, and costs nothing.
 */
const tidySoon = () => void new ArrayBuffer(2 ** 23)

/** What was opened, or null when what was sealed was damaged. @template T @param {Promise<T>} opening @returns {Promise<T|null>} */
const orNull = (opening) => opening.catch((error) => {
  if (error.name === 'OperationError') return null
  throw error
})

/** @param {any} store @param {(row: any) => boolean} condition */
async function deleteWhere(store, condition) {
  for (let cursor = await store.openCursor(); cursor; cursor = await cursor.continue()) {
    if (condition(cursor.value)) await cursor.delete()
  }
}

/** Whether a row (of a photo: it told when it was taken) is from before there was a PIN. @param {any} row */
const isPlain = (row) => row?.taken_at !== undefined || (row?.value != null && !(row.value instanceof ArrayBuffer))

/** @param {any} tx @param {Photo} photo @param {string} draftUuid */
async function disown(tx, photo, draftUuid) {
  const owners = photo.owners.filter((owner) => owner !== draftUuid)
  if (owners.length || photo.state !== 'draft') {
    await tx.objectStore('photos').put({ ...photo, owners })
  } else {
    await tx.objectStore('photos').delete(photo.sha256)
    await tx.objectStore('photo_bytes').delete(photo.sha256)
  }
}

/**
 * Brings phone and server together: operations, then the pull, then photos.
 *
 * Invariant: no item ever holds up another, and only `afterReceipt` and `afterPhotoAnswer` mark one as received. The
 * same item may be sent twice (a lost answer, two tabs); the server knows it by its number.
 */
import { Fault } from './api.js'
import { afterFault, afterPhotoAnswer, afterReceipt, backOffMs, batchesDue, isHandedIn } from './outbox.js'
import { Locked } from './vault.js'

const CALM_MS = 5 * 60_000
/** A cache that does not agree with the server is read again at most so often. */
const REBUILD_MS = 24 * 3_600_000
/** Items that may meet a server fault before the run stops asking. */
const PATIENCE = 3

/** Faults after which nothing else will get through either. */
const STOPS = new Set(['network', 'portal', 'signed_out', 'wrong_account'])

export class Sync {
  #again = false
  #force = false
  #failures = 0
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer
  #stopped = false
  /** @type {Promise<void>|null} */
  #overtaking = null

  /** What the screens show. @type {{phase: ''|'ops'|'pull'|'photos', fault: Fault|null, next_at: number|null}} */
  state = { phase: '', fault: null, next_at: null }

  /**
   * @param {{store: import('./store.js').Store, api: import('./api.js').Api, changed: (what: string) => void, handsIn?: boolean}} parts
   *   changed is told "state" when only the progress moved, "records" or "outbox" when stored things did, "handed_in"
   *   when of an account that may only hand in (handsIn) everything is with the server
   */
  constructor({ store, api, changed, handsIn = false }) {
    this.store = store
    this.api = api
    this.changed = changed
    this.handsIn = handsIn
  }

  /** Run now; a run already under way is followed by another. @param {{force?: boolean}} [options] */
  async run({ force = false } = {}) {
    if (this.#stopped) return
    this.#force ||= force
    if (this.state.phase) {
      this.#again = true
      if (this.state.phase === 'photos') this.#overtake()
      return
    }
    clearTimeout(this.#timer)
    try {
      do {
        this.#again = false
        await this.#alone(() => this.#once())
      } while (this.#again && !this.#stopped)
    } finally {
      await this.#plan()
    }
  }

  /** No more runs (the worker signs out or another one signs in). */
  stop() {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  /** Only one tab at a time, where the browser can tell. @param {() => Promise<void>} work */
  async #alone(work) {
    if (!navigator.locks) return work()
    await navigator.locks.request(`${this.store.name}-sync`, { ifAvailable: true }, async (lock) => {
      if (lock) await work()
    })
  }

  async #once() {
    const force = this.#force
    this.#force = false
    await this.#overtaking
    /** @type {Fault|null} */
    let fault = null
    for (const [phase, work] of /** @type {const} */ ([
      ['ops', () => this.#pushOps(force)], ['pull', () => this.#pull()], ['photos', () => this.#sendPhotos(force)],
    ])) {
      if (phase === 'pull' && this.handsIn) continue
      this.#show({ phase })
      try {
        await work()
      } catch (error) {
        if (error instanceof Locked) return this.stop() // locked meanwhile: it goes on with the next PIN
        fault = faultOf(error)
        if (!fault) {
          this.#show({ phase: '' })
          throw error
        }
        if (STOPS.has(fault.kind)) break
      }
    }
    if (!fault) await this.#tidy()
    this.#failures = fault ? this.#failures + 1 : 0
    this.#show({ phase: '', fault })
  }

  /** A large attachment may take minutes: what was finished meanwhile, a red visit perhaps, does not wait for it. */
  #overtake() {
    this.#overtaking ??= this.#pushOps(false).catch((error) => {
      if (!faultOf(error) && !(error instanceof Locked)) throw error // else the run that follows meets it again, and says so
    }).finally(() => { this.#overtaking = null })
  }

  /** @param {Partial<Sync['state']>} changes */
  #show(changes) {
    this.state = { ...this.state, ...changes }
    this.changed('state')
  }

  // Operations

  /** @param {boolean} force */
  async #pushOps(force) {
    const batches = batchesDue(await this.store.ops(), Date.now(), { force })
    let patience = PATIENCE
    while (batches.length) {
      const batch = /** @type {import('./store.js').Op[]} */ (batches.shift())
      try {
        await this.#pushBatch(batch)
        this.changed('outbox')
      } catch (error) {
        if (!(error instanceof Fault) || STOPS.has(error.kind)) throw error
        // Too large, or one item makes the whole request fail: halve until the culprit stands alone.
        if (batch.length > 1) {
          const half = Math.ceil(batch.length / 2)
          batches.unshift(batch.slice(0, half), batch.slice(half))
          continue
        }
        const [row] = batch
        await this.store.changeOp(row.op_uuid, afterFault(row, { code: error.code, message: error.words }, { now: Date.now(), random: Math.random() }))
        this.changed('outbox')
        if (error.kind === 'busy') patience -= 1
        if (patience === 0) throw error
      }
    }
  }

  /** @param {import('./store.js').Op[]} batch */
  async #pushBatch(batch) {
    const answer = await this.api.push(batch.map((row) => ({
      op_uuid: row.op_uuid, kind: row.kind, schema: 1, seq: row.seq, at: row.at, base: row.base, replaces: row.replaces, body: row.body,
    })))
    await this.#note(answer)
    const serverNow = Date.parse(answer.server_time)
    for (const row of batch) {
      const receipt = answer.receipts.find((/** @type {any} */ one) => one?.op_uuid === row.op_uuid)
      const at = { now: Date.now(), serverNow, random: Math.random() }
      const changes = receipt ? afterReceipt(row, receipt, at) : afterFault(row, { code: 'no_receipt', message: '' }, at)
      await this.store.changeOp(row.op_uuid, changes)
    }
  }

  /** What any answer tells of the server: how far it is backed up, and whether it is the one of last time. @param {{backed_up_to?: string|null, epoch?: string}} answer */
  async #note({ backed_up_to, epoch }) {
    if (backed_up_to) await this.store.setMeta('backed_up_to', backed_up_to)
    if (epoch && (await this.store.noteEpoch(epoch))) {
      this.#again = true // restored from a backup: what it lost is sent in another run
      this.changed('outbox')
    }
  }

  // Records

  async #pull() {
    let page
    do {
      page = await this.api.pull((await this.store.meta('cursor')) ?? null)
      await this.#note(page)
      await this.store.applyPage(page)
      if (page.changes.length || page.left?.length) this.changed('records')
    } while (page.more === true)
    await this.store.setMeta('pulled_at', Date.now())
    await this.store.setMeta('pulled_to', Date.parse(page.server_time))
    if (typeof page.state === 'string') await this.#compare(page.state)
    await this.#tellRead()
  }

  /** What was read here without a network is read at the office, and on the worker's other phones. */
  async #tellRead() {
    const [read, told] = await Promise.all([this.store.meta('notices_read'), this.store.meta('notices_told')])
    if (!read || read === told) return
    await this.api.readNotices(read)
    await this.store.setMeta('notices_told', read)
  }

  /** The browser may have lost a part of the cache, or a change a part of the way: then everything is read again. @param {string} state */
  async #compare(state) {
    if ((await this.store.state()) === state) return
    const rebuiltAt = (await this.store.meta('rebuilt_at')) ?? -Infinity
    if (Math.abs(Date.now() - rebuiltAt) < REBUILD_MS) return
    await this.store.setMeta('rebuilt_at', Date.now())
    await this.store.readAgain()
    this.#again = true
  }

  // Photos

  /** @param {boolean} force */
  async #sendPhotos(force) {
    let patience = PATIENCE
    // Small ones first: a video does not keep the photos waiting.
    for (const photo of (await this.store.photos()).sort((a, b) => a.size - b.size)) {
      if (photo.state !== 'waiting' || !(force || photo.next_at <= Date.now())) continue
      const bytes = await this.store.photoBytes(photo.sha256)
      if (!bytes) {
        await this.store.changePhoto(photo.sha256, { state: 'rejected', fault: { code: 'unreadable_here', message: '' } })
        continue
      }
      const at = (serverNow = 0) => ({ now: Date.now(), serverNow, random: Math.random() })
      try {
        const receipt = await this.api.putPhoto(photo.sha256, bytes, photo.type)
        await this.store.changePhoto(photo.sha256, afterPhotoAnswer(photo, { status: 200 }, at(Date.parse(receipt.server_time))))
      } catch (error) {
        if (!(error instanceof Fault) || STOPS.has(error.kind)) throw error
        await this.store.changePhoto(photo.sha256, afterPhotoAnswer(photo, { status: error.status, code: error.code, message: error.words }, at()))
        if (error.kind === 'busy') patience -= 1
        if (patience === 0) throw error
      } finally {
        this.changed('outbox')
      }
    }
  }

  /** After everything went well: erase areas that were left, let go of what is backed up since before today. */
  async #tidy() {
    const [ops, photos, drafts] = await Promise.all([this.store.ops(), this.store.photos(), this.store.drafts()])
    if (this.handsIn && isHandedIn(ops, photos, drafts)) return this.changed('handed_in')
    if (((await this.store.meta('leaving')) ?? []).length && ![...ops, ...photos].some((row) => row.state === 'waiting')) {
      await this.store.eraseLeft()
      this.changed('records')
    }
    const backedUpTo = Date.parse((await this.store.meta('backed_up_to')) ?? '')
    if (!Number.isNaN(backedUpTo)) await this.store.forgetBackedUp(backedUpTo, new Date().setHours(0, 0, 0, 0))
  }

  /** The next run: when the first waiting item is due, backing off while nothing gets through, else now and then. */
  async #plan() {
    if (this.#stopped) return
    const { fault } = this.state
    this.#timer = setTimeout(() => this.run(), CALM_MS) // whatever happens below
    const waiting = [...await this.store.ops(), ...await this.store.photos()].filter((row) => row.state === 'waiting')
    const soonest = Math.min(...waiting.map((row) => row.next_at), Infinity)
    let wait = Math.min(CALM_MS, Math.max(1000, soonest - Date.now()))
    if (fault) wait = Math.max(wait === CALM_MS ? 0 : wait, backOffMs(this.#failures - 1, Math.random()))
    clearTimeout(this.#timer)
    if (this.#stopped) return
    if (fault && ['signed_out', 'wrong_account'].includes(fault.kind)) {
      this.#show({ next_at: null }) // a person has to sign in first
      return
    }
    this.#show({ next_at: waiting.length ? Date.now() + wait : null })
    this.#timer = setTimeout(() => this.run(), wait)
  }
}

/** What a person can be told of an error; null of one nobody foresaw. @param {unknown} error @returns {Fault|null} */
function faultOf(error) {
  if (error instanceof Fault) return error
  return error instanceof DOMException ? new Fault('storage') : null // full, or taken away by the browser
}

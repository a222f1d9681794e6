/**
 * Requests to the server.
 *
 * Invariant: only JSON of the agreed shape counts as an answer. A captive portal's page with status 200 is a fault
 * like no network, never a receipt.
 */

/**
 * What can go wrong, in kinds the app acts on:
 * "network" no answer · "portal" somebody else answered · "signed_out" · "wrong_account" · "too_large" ·
 * "busy" the server cannot now · "storage" this phone cannot keep it · "refused" the server said no (code and message say why).
 */
export class Fault extends Error {
  /** @param {string} kind @param {{status?: number, code?: string, message?: string, fields?: Record<string, string>}} [about] */
  constructor(kind, { status = 0, code = kind, message = '', fields = {} } = {}) {
    super(message || code)
    this.kind = kind
    this.status = status
    this.code = code
    this.words = message
    this.fields = fields
  }
}

const JSON_WAIT_MS = 30_000
const ATTACHMENT_WAIT_MS = 120_000
/** On top of that: the slowest link something large may still get through, bytes a millisecond. */
const SLOWEST = 10

export class Api {
  /** @type {string|null} */
  #token = null

  /** @param {{deviceUuid: string, userId: number|string|null, language: () => string}} who */
  constructor({ deviceUuid, userId, language }) {
    this.deviceUuid = deviceUuid
    this.userId = userId
    this.language = language
  }

  /** Who is signed in, the token, the server's time. */
  async session() {
    const answer = await this.#ask('GET', '/api/session', {})
    if (typeof answer.csrf_token !== 'string') throw new Fault('portal')
    this.#token = answer.csrf_token
    return answer
  }

  /** @param {string} username @param {string} password */
  async signIn(username, password) {
    const { public_key } = await this.session()
    const answer = await this.#send('POST', '/api/session', { json: { username, password, device_uuid: this.deviceUuid } })
    if (!answer.user) throw new Fault('portal')
    this.#token = answer.csrf_token
    this.userId = answer.user.id
    return { ...answer, public_key }
  }

  /** Have the server open this phone's key, for the code the supervisor gave. @param {string} sealed @param {string} code @returns {Promise<string>} base64 */
  async openKey(sealed, code) {
    const { key } = await this.#send('POST', '/api/session/key', { json: { sealed, code } })
    if (typeof key !== 'string') throw new Fault('portal')
    return key
  }

  /** End the session on the server. @param {boolean} hasErased this phone keeps nothing of the account */
  async signOut(hasErased) {
    await this.#send('DELETE', `/api/session${hasErased ? '?erased=true' : ''}`, {})
    this.#token = null
  }

  /** @param {object[]} ops @returns {Promise<{receipts: any[], server_time: string, backed_up_to: string|null, epoch?: string}>} */
  async push(ops) {
    const json = { device_uuid: this.deviceUuid, sent_at: new Date().toISOString(), ops }
    const answer = await this.#send('POST', '/api/sync/push', { json })
    if (!Array.isArray(answer.receipts) || !Date.parse(answer.server_time)) throw new Fault('portal')
    return answer
  }

  /** @param {string|null} cursor @returns {Promise<any>} */
  async pull(cursor) {
    const answer = await this.#ask('GET', `/api/sync/pull${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''}`, {})
    if (!Array.isArray(answer.changes) || typeof answer.cursor !== 'string') throw new Fault('portal')
    return answer
  }

  /** Say up to which notice the worker has read. @param {number} upTo */
  readNotices(upTo) {
    return this.#send('POST', '/api/sync/notices-read', { json: { up_to: upTo } })
  }

  /** Send a photo, recording or file; gives the receipt, once the server holds it. @param {string} sha256 @param {Blob} bytes @param {string} type */
  async putPhoto(sha256, bytes, type) {
    const answer = await this.#send('PUT', `/api/attachments/${sha256}`, { bytes, type })
    if (answer.sha256 !== sha256 || !Date.parse(answer.server_time)) throw new Fault('portal')
    return answer
  }

  /**
   * A request that changes something: with the token, fetched anew once when it has gone stale.
   * @param {string} method @param {string} path @param {{json?: object, bytes?: Blob, type?: string}} content
   */
  async #send(method, path, content) {
    if (this.#token === null) await this.session()
    try {
      return await this.#ask(method, path, content)
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'csrf_stale') throw error
      await this.session()
      return this.#ask(method, path, content)
    }
  }

  /** @param {string} method @param {string} path @param {{json?: object, bytes?: Blob, type?: string}} content */
  async #ask(method, path, { json, bytes, type }) {
    const abort = new AbortController()
    const body = json ? JSON.stringify(json) : bytes
    const size = bytes?.size ?? /** @type {string|undefined} */ (body)?.length ?? 0
    const timer = setTimeout(() => abort.abort(), (bytes ? ATTACHMENT_WAIT_MS : JSON_WAIT_MS) + size / SLOWEST)
    /** @type {Record<string, string>} */
    const headers = { Accept: 'application/json', 'X-Language': this.language() }
    if (this.userId !== null) headers['X-User-Id'] = String(this.userId)
    if (method !== 'GET' && this.#token) headers['X-CSRFToken'] = this.#token
    if (json) headers['Content-Type'] = 'application/json'
    if (type) headers['Content-Type'] = type
    let response
    let answer = null
    try {
      response = await fetch(path, {
        method, headers, body, signal: abort.signal,
        credentials: 'same-origin', cache: 'no-store', redirect: 'error',
      })
      if (/json/.test(response.headers.get('Content-Type') ?? '')) answer = await response.json()
    } catch {
      throw new Fault('network') // no network, cut off halfway, redirected elsewhere, or too slow
    } finally {
      clearTimeout(timer)
    }
    if (answer === null || typeof answer !== 'object') {
      if (response.status === 204) return {}
      if (response.status === 413) throw new Fault('too_large', { status: 413 })
      throw new Fault(isBusy(response.status) ? 'busy' : 'portal', { status: response.status })
    }
    if (response.ok) return answer
    throw faultOf(response.status, answer.error ?? {})
  }
}

/** Whether the server, or a proxy before it, cannot now. @param {number} status */
const isBusy = (status) => status >= 500 || status === 429 || status === 408

/** @param {number} status @param {{code?: string, message?: string, fields?: Record<string, string>}} error */
function faultOf(status, error) {
  const about = { status, ...error }
  if (error.code === 'wrong_account') return new Fault('wrong_account', about)
  if (status === 401 && error.code !== 'sign_in_wrong') return new Fault('signed_out', about)
  if (status === 413) return new Fault('too_large', about)
  if (isBusy(status)) return new Fault('busy', about)
  return new Fault('refused', about)
}

/**
 * The one running app: who is signed in, their store and its key, the screen shown, and how it is drawn anew.
 *
 * Invariant: a screen draws only what it loaded; whatever changes stored things says so through `changed`. While the
 * store is locked nothing but the screens of the gate is drawn, and nothing is sent.
 */
import { deleteDB } from 'idb'
import { html, nothing, render } from 'lit-html'
import { Api, Fault } from './api.js'
import { changeDevice } from './device.js'
import { summarise } from './outbox.js'
import { sheet, skeleton, tabs } from './parts.js'
import { chooseFirstPin, chooseNewPin, dataKeyByPin } from './pin.js'
import { registryOf } from './registry.js'
import { Store } from './store.js'
import { Sync } from './sync.js'
import { Locked, fromBase64, keyInUse } from './vault.js'
import { currentLanguage, setLanguage, t } from './words.js'

/**
 * @typedef {object} Screen
 * @property {string} [tab] the tab it belongs to; none: the screen has a bar of its own at the foot
 * @property {() => Promise<void>} load reads what `view` shows; called again when stored things change
 * @property {() => import('lit-html').TemplateResult} view
 * @property {boolean} [holdsForm] a form is open: a new version of the app has to wait
 * @property {() => void} [leave] called when another screen takes its place
 */
/** @typedef {(params: string[]) => Screen} ScreenMaker */

/** Unseen for so long, the app locks itself. */
const LOCK_AFTER_MS = 10 * 60_000
/** What changes again and again is read again so often at most. */
const CALM_MS = 1000

class App {
  /** @type {import('./device.js').Device} */
  device = /** @type {any} */ (null)
  /** @type {Store} */
  store = /** @type {any} */ (null)
  /** @type {Api} */
  api = /** @type {any} */ (null)
  /** @type {Sync|null} */
  sync = null
  /** Code tables: "table/code" → record. @type {Map<string, any>} */
  codes = new Map()
  /** @type {{ops: import('./store.js').Op[], photos: import('./store.js').Photo[], summary: ReturnType<typeof summarise>}} */
  outbox = { ops: [], photos: [], summary: summarise([], [], 0) }
  /** What this account was told, the latest first. @type {{id: number, words: {zh: string, en: string}, severity: string|null, subject: string, subject_id: string, type?: string, due_at?: string, at: string, read: boolean}[]} */
  notices = []
  /** @type {Record<string, ScreenMaker>} */
  screens = {}
  /**
   * The screen that stands before all others: "pin" a PIN has to be chosen, "lock" it has to be typed, "forgot",
   * "sign_in" as somebody else; null: the store is open.
   * @type {'pin'|'lock'|'forgot'|'sign_in'|null}
   */
  gate = null
  /** Called when a screen was left or shown. */
  onScreen = () => {}

  /** All that is known of the account; what may only be read unlocked comes with the store's key. @type {import('./device.js').User|null} */
  #user = null
  /** The data key as the server opened it, until a new PIN wraps it. @type {Uint8Array<ArrayBuffer>|null} */
  #openedKey = null
  /** What was shown when the app locked itself: a draft that could not be saved is still in it. @type {{hash: string, screen: Screen}|null} */
  #behind = null
  /** @type {number|null} */
  #unseenSince = null
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #lockTimer
  /** @type {Screen|null} */
  #screen = null
  #ready = false
  /** @type {{title: string, more: string}|null} */
  #toast = null
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #toastTimer
  /** @type {{label: string, content: () => any, opener: Element|null}|null} */
  #sheet = null
  #drawing = false
  #reloading = false
  #reloadAgain = false
  #reloadedAt = 0
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #reloadTimer

  get user() {
    return this.#user
  }

  /** Whether somebody is signed in and the store can be read. */
  get isOpen() {
    return this.#user !== null && this.gate === null
  }

  /** Whether a form is open that a reload would interrupt. */
  get isFormOpen() {
    return this.#screen?.holdsForm === true || this.#behind?.screen.holdsForm === true || this.#sheet !== null
  }

  // Accounts

  /** @param {import('./device.js').Device} device */
  begin(device) {
    this.device = device
    setLanguage(device.language ?? device.user?.language ?? 'zh')
    this.api = new Api({ deviceUuid: device.device_uuid, userId: device.user?.id ?? null, language: currentLanguage })
    addEventListener('hashchange', () => this.show())
    if (device.user) this.#openUser(device.user)
  }

  /** @param {import('./device.js').User} user */
  #openUser(user) {
    this.#closeUser()
    this.#user = user
    this.store = new Store(user.id)
    this.api.userId = user.id
  }

  #closeUser() {
    this.#forget()
    this.store?.close()
    this.#behind?.screen.leave?.()
    this.#behind = null
    this.#user = null
    this.api.userId = null
  }

  /** Let go of the key and of what was read with it. */
  #forget() {
    this.sync?.stop()
    this.sync = null
    this.store?.lock()
    this.#openedKey?.fill(0)
    this.#openedKey = null
    this.codes = new Map()
    this.notices = []
    this.outbox = { ops: [], photos: [], summary: summarise([], [], 0) }
  }

  /** Sign in; whoever was here before keeps a store of their own. @param {string} username @param {string} password */
  async signIn(username, password) {
    const before = this.user
    this.api.userId = null
    let answer
    try {
      answer = await this.api.signIn(username, password)
    } catch (error) {
      this.api.userId = before?.id ?? null
      throw error
    }
    const { user, hand_in = null, public_key } = answer
    await this.#change({ user, hand_in, public_key, is_leaving: false })
    if (!this.device.language) setLanguage(user.language ?? 'zh')
    const isOther = String(before?.id) !== String(user.id)
    if (isOther) this.#openUser(user)
    await this.#keepUser(user)
    if (isOther) location.replace('#/today')
    if (this.isOpen) this.#newSync()
    await this.start()
  }

  /** What the server says of the account: in memory, and sealed once there is a key. @param {import('./device.js').User} user */
  async #keepUser(user) {
    this.#user = user
    if (this.store.isOpen) await this.store.keepUser(user)
  }

  /** Forget who is signed in; the store stays on the phone untouched. @param {{has_erased?: boolean}} [options] */
  async signOut({ has_erased = false } = {}) {
    this.#closeUser()
    this.gate = null
    await this.#change({ user: null, hand_in: null, is_leaving: true, has_erased })
    location.replace('#/today')
    await this.show()
    // Without a network the phone is left all the same, and the server told later.
    await this.#tellLeft().catch(() => {})
  }

  async #tellLeft() {
    await this.api.signOut(this.device.has_erased)
    await this.#change({ is_leaving: false, has_erased: false })
  }

  /** Erase all that this phone holds of the account, when the server has everything; then nobody is signed in. */
  async eraseUser() {
    const { name } = this.store
    this.#closeUser()
    await deleteDB(name)
    await this.signOut({ has_erased: true })
    this.say(t('hand_in.erased'))
  }

  // The key

  /** Open the store and go on where the address says; throws WrongPin. @param {string} pin */
  async unlock(pin) {
    await this.#enter(await dataKeyByPin(this.store, pin))
  }

  /** Choose the first PIN, or a new one after the server opened the key. @param {string} pin */
  async choosePin(pin) {
    if (this.#openedKey) {
      await chooseNewPin(this.store, this.#openedKey, pin)
      return this.#enter(this.#openedKey)
    }
    if (await this.store.vault()) return this.goTo('lock') // another page was first
    return this.#enter(await chooseFirstPin(this.store, pin, /** @type {import('./device.js').User} */ (this.#user).id, await this.#publicKey()))
  }

  /** The installation's public key; without a network the one that was given before. */
  async #publicKey() {
    if (!this.device.public_key) await this.#change({ public_key: (await this.api.session()).public_key })
    if (!this.device.public_key) throw new Fault('busy')
    return this.device.public_key
  }

  /**
   * A forgotten PIN: the server opens the key for the account's password and the supervisor's code; a new PIN is next.
   * @param {string} password @param {string} code
   */
  async openByCode(password, code) {
    const vault = /** @type {import('./vault.js').Vault} */ (await this.store.vault())
    const { user, hand_in = null } = await this.api.signIn(/** @type {import('./device.js').User} */ (this.#user).username, password)
    await this.#change({ user, hand_in, is_leaving: false })
    await this.#keepUser(user)
    const dataKey = fromBase64(await this.api.openKey(vault.sealed, code))
    this.store.unlock(await keyInUse(dataKey))
    try {
      await this.store.user() // a key that opens nothing must not be wrapped
    } finally {
      this.store.lock()
    }
    this.#openedKey = dataKey
    await this.goTo('pin')
  }

  /** With the data key's bytes, which are wiped: open the store, seal what still lies in the clear, begin. @param {Uint8Array<ArrayBuffer>} dataKey */
  async #enter(dataKey) {
    this.store.unlock(await keyInUse(dataKey))
    dataKey.fill(0)
    this.#openedKey = null
    await this.store.sealPlain()
    const user = /** @type {import('./device.js').User} */ (this.#user)
    if (user.grids) await this.store.keepUser(user)
    else this.#user = { ...user, ...(await this.store.user()) }
    this.gate = null
    this.#newSync()
    await this.start()
  }

  #newSync() {
    this.sync?.stop()
    this.sync = new Sync({ store: this.store, api: this.api, changed: (what) => this.changed(what), handsIn: Boolean(this.device.hand_in) })
  }

  /** Lock the app; the page shown is kept behind, for what it could not save. */
  lock() {
    if (!this.isOpen) return
    if (this.#screen) this.#behind = { hash: location.hash, screen: this.#screen }
    this.#screen = null
    this.#forget()
    this.goTo('lock')
  }

  /** Show a screen of the gate. @param {Exclude<App['gate'], null>} gate */
  async goTo(gate) {
    this.gate = gate
    await this.show()
  }

  /** The page went out of sight: after a while it locks, also when the browser lets it sleep. */
  unseen() {
    this.#unseenSince = Date.now()
    this.#lockTimer = setTimeout(() => this.lock(), LOCK_AFTER_MS)
  }

  /** The page is in sight again. */
  seen() {
    clearTimeout(this.#lockTimer)
    if (this.#unseenSince !== null && Date.now() - this.#unseenSince >= LOCK_AFTER_MS) this.lock()
    this.#unseenSince = null
    this.sync?.run()
  }

  // What is known

  /** @param {'zh'|'en'} language */
  async chooseLanguage(language) {
    setLanguage(language)
    await this.#change({ language })
    await this.reload()
  }

  /** Read what every screen needs, show the screen of the address, then bring phone and server together. */
  async start() {
    if (this.user && !this.store.isOpen) this.gate = (await this.store.vault()) ? 'lock' : 'pin'
    if (this.isOpen) {
      await this.#readCommon()
      keepStorage()
      this.store.keepReserve().catch(() => {}) // it will be tried again with the next photo
    }
    await this.show()
    this.sync?.run()
    this.#refreshAccount().catch(() => {}) // no network: what is known will do
  }

  /** What the server says of the account and of who runs it, when it can be asked; a sign-out it missed is made good. */
  async #refreshAccount() {
    if (this.device.is_leaving) await this.#tellLeft()
    const { user, site, public_key, hand_in = null } = await this.api.session()
    const isSame = user && String(user.id) === String(this.user?.id)
    const isNews = isSame && hand_in !== this.device.hand_in
    await this.#change({ ...(isSame ? { user, hand_in } : {}), ...(site ? { site } : {}), public_key })
    if (isSame) await this.#keepUser(user)
    if (isNews && this.isOpen) {
      this.#newSync()
      await this.start()
    }
    this.draw()
  }

  /** @param {Partial<import('./device.js').Device>} changes */
  async #change(changes) {
    this.device = await changeDevice(changes)
  }

  // What is shown

  /** The screen of the address. */
  async show() {
    this.#screen?.leave?.()
    this.#sheet = null
    const screen = this.#screenNow()
    this.#screen = screen
    this.#ready = false
    this.draw()
    await screen.load()
    if (this.#screen !== screen) return
    this.#ready = true
    this.draw()
    scrollTo(0, 0)
    const heading = document.querySelector('h1')
    if (heading && this.user) heading.focus({ preventScroll: true })
    this.onScreen()
  }

  /** The screen of the gate, else that of the address: the very one that was shown when the app locked itself. */
  #screenNow() {
    if (!this.user) return this.screens.sign_in([])
    if (this.gate) return this.screens[this.gate]([])
    const behind = this.#behind
    this.#behind = null
    if (behind?.hash === location.hash) return behind.screen
    behind?.screen.leave?.()
    const [name, ...params] = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent)
    return (this.screens[name] ?? this.screens.today)(params)
  }

  /** @param {string} hash @param {{replace?: boolean}} [options] */
  go(hash, { replace = false } = {}) {
    if (location.hash === hash) this.show()
    else if (replace) location.replace(hash)
    else location.hash = hash
  }

  /** Something changed: "state" of the sync, "records" or "outbox" in the store; or all of it is "handed_in". @param {string} what */
  changed(what) {
    if (what === 'state') this.draw()
    else if (what === 'handed_in') this.eraseUser()
    else this.#reloadSoon()
  }

  /** Read again at once, but not for every one of many photos that go up: all that is shown is opened anew each time. */
  #reloadSoon() {
    if (this.#reloadTimer) return
    this.#reloadTimer = setTimeout(() => {
      this.#reloadTimer = undefined
      this.#reloadedAt = Date.now()
      this.reload().catch((error) => {
        if (!(error instanceof Locked)) throw error // locked meanwhile: it is read again when it is opened
      })
    }, Math.max(0, this.#reloadedAt + CALM_MS - Date.now()))
  }

  /** Read again what is shown; calls that come meanwhile make one more reading, not many. */
  async reload() {
    if (this.#reloading) {
      this.#reloadAgain = true
      return
    }
    this.#reloading = true
    try {
      do {
        this.#reloadAgain = false
        if (this.isOpen) await this.#readCommon()
        await this.#screen?.load()
      } while (this.#reloadAgain)
    } finally {
      this.#reloading = false
    }
    this.draw()
  }

  async #readCommon() {
    const [ops, photos, codes, notices, read] = await Promise.all([
      this.store.ops(), this.store.photos(), this.store.list('code'), this.store.list('notice'), this.store.meta('notices_read'),
    ])
    this.notices = notices.sort((a, b) => b.id - a.id).map((notice) => ({ ...notice, read: notice.read || notice.id <= (read ?? 0) }))
    this.outbox = { ops, photos, summary: summarise(ops, photos, Date.now()) }
    this.codes = new Map(codes.map((code) => [`${code.table}/${code.code}`, code]))
  }

  /** The methods by which nobody goes there. */
  get remoteMethods() {
    return new Set([...this.codes.values()].filter((row) => row.table === 'method' && row.extra?.remote).map((row) => row.code))
  }

  /** Households and people, with what was registered and corrected here. @returns {Promise<ReturnType<typeof registryOf>>} */
  async registry() {
    const [households, people, pulledTo] = await Promise.all([this.store.list('household'), this.store.list('person'), this.store.meta('pulled_to')])
    return registryOf({ households, people, ops: this.outbox.ops, pulledTo: pulledTo ?? 0 })
  }

  /** The word of a code in the language in use. @param {string} table @param {string} code @returns {string} */
  word(table, code) {
    const row = this.codes.get(`${table}/${code}`)
    return row ? (row[currentLanguage()] || row.zh) : code
  }

  /** Draw in the next frame. */
  draw() {
    if (this.#drawing) return
    this.#drawing = true
    queueMicrotask(() => {
      this.#drawing = false
      this.#drawNow()
    })
  }

  #drawNow() {
    const root = /** @type {HTMLElement} */ (document.getElementById('app'))
    const screen = this.#screen
    if (!screen) return
    document.documentElement.lang = currentLanguage() === 'zh' ? 'zh-CN' : 'en'
    document.title = t('app.name')
    const { summary } = this.outbox
    if (!this.#drawn) root.replaceChildren()
    this.#drawn = true
    render(html`
      ${this.#ready ? screen.view() : skeleton()}
      ${this.isOpen && screen.tab ? tabs(screen.tab, { to_send: summary.waiting + summary.attention, me: this.notices.filter((notice) => !notice.read).length }) : nothing}
      ${this.#sheet ? sheet({ label: this.#sheet.label, close: () => this.closeSheet(), content: this.#sheet.content() }) : nothing}
      <div class="toast" role="status" aria-live="polite">${this.#toast ? html`<p><b>${this.#toast.title}</b> ${this.#toast.more}</p>` : nothing}</div>`, root)
    const dialog = /** @type {HTMLDialogElement|null} */ (root.querySelector('dialog.sheet:not([open])'))
    dialog?.showModal()
  }

  #drawn = false

  /** @param {string} label @param {() => any} content drawn anew with the screen */
  openSheet(label, content) {
    this.#sheet = { label, content, opener: this.#sheet?.opener ?? document.activeElement }
    this.draw()
  }

  closeSheet() {
    const opener = this.#sheet?.opener
    this.#sheet = null
    this.draw()
    // A sheet that is taken away gives the focus to nobody.
    queueMicrotask(() => { if (opener instanceof HTMLElement && opener.isConnected && document.activeElement === document.body) opener.focus() })
  }

  /** Say something that needs no answer. @param {string} title @param {string} [more] */
  say(title, more = '') {
    this.#toast = { title, more }
    clearTimeout(this.#toastTimer)
    this.#toastTimer = setTimeout(() => { this.#toast = null; this.draw() }, 5000)
    this.draw()
  }
}

/** Ask the browser, once, not to clear this site's storage when the phone runs short. */
async function keepStorage() {
  if (!(await navigator.storage?.persisted?.())) await navigator.storage?.persist?.()
}

export const app = new App()

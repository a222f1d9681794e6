/**
 * The one running app: who is signed in, their store, the screen shown, and how it is drawn anew.
 *
 * Invariant: a screen draws only what it loaded; whatever changes stored things says so through `changed`.
 */
import { html, nothing, render } from 'lit-html'
import { Api } from './api.js'
import { changeDevice } from './device.js'
import { summarise } from './outbox.js'
import { sheet, skeleton, tabs } from './parts.js'
import { Store } from './store.js'
import { Sync } from './sync.js'
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
  /** @type {Record<string, ScreenMaker>} */
  screens = {}
  /** Called when a screen was left or shown. */
  onScreen = () => {}

  /** @type {Screen|null} */
  #screen = null
  #ready = false
  /** @type {{title: string, more: string}|null} */
  #toast = null
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #toastTimer
  /** @type {{label: string, content: () => any}|null} */
  #sheet = null
  #drawing = false
  #reloading = false
  #reloadAgain = false

  get user() {
    return this.device.user
  }

  /** Whether a form is open that a reload would interrupt. */
  get isFormOpen() {
    return this.#screen?.holdsForm === true || this.#sheet !== null
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
    this.sync?.stop()
    this.store?.close()
    this.store = new Store(user.id)
    this.api.userId = user.id
    this.codes = new Map()
    this.sync = new Sync({ store: this.store, api: this.api, changed: (what) => this.changed(what) })
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
    await this.#change({ user: answer.user, is_leaving: false })
    if (!this.device.language) setLanguage(answer.user.language ?? 'zh')
    const isOther = String(before?.id) !== String(answer.user.id)
    if (isOther || !this.sync) this.#openUser(answer.user)
    if (isOther) location.replace('#/today')
    await this.start()
  }

  /** Forget who is signed in; the store stays on the phone untouched. */
  async signOut() {
    this.sync?.stop()
    this.sync = null
    await this.#change({ user: null, is_leaving: true })
    this.api.userId = null
    location.replace('#/today')
    await this.show()
    // Without a network the phone is left all the same, and the server told later.
    await this.api.signOut().then(() => this.#change({ is_leaving: false }), () => {})
  }

  /** @param {'zh'|'en'} language */
  async chooseLanguage(language) {
    setLanguage(language)
    await this.#change({ language })
    await this.reload()
  }

  /** Read what every screen needs, show the screen of the address, then bring phone and server together. */
  async start() {
    if (this.user) {
      await this.#readCommon()
      keepStorage()
    }
    await this.show()
    this.sync?.run()
    this.#refreshAccount().catch(() => {}) // no network: what is known will do
  }

  /** What the server says of the account and of who runs it, when it can be asked; a sign-out it missed is made good. */
  async #refreshAccount() {
    if (this.device.is_leaving) await this.api.signOut().then(() => this.#change({ is_leaving: false }))
    const { user, site } = await this.api.session()
    const isSame = user && String(user.id) === String(this.user?.id)
    await this.#change({ ...(isSame ? { user } : {}), ...(site ? { site } : {}) })
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
    const [name, ...params] = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent)
    const screen = this.user ? (this.screens[name] ?? this.screens.today)(params) : this.screens.sign_in([])
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

  /** @param {string} hash @param {{replace?: boolean}} [options] */
  go(hash, { replace = false } = {}) {
    if (location.hash === hash) this.show()
    else if (replace) location.replace(hash)
    else location.hash = hash
  }

  /** Something changed: "state" of the sync, "records" or "outbox" in the store. @param {string} what */
  changed(what) {
    if (what === 'state') this.draw()
    else this.reload()
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
        if (this.user) await this.#readCommon()
        await this.#screen?.load()
      } while (this.#reloadAgain)
    } finally {
      this.#reloading = false
    }
    this.draw()
  }

  async #readCommon() {
    const [ops, photos, codes] = await Promise.all([this.store.ops(), this.store.photos(), this.store.list('code')])
    this.outbox = { ops, photos, summary: summarise(ops, photos, Date.now()) }
    this.codes = new Map(codes.map((code) => [`${code.table}/${code.code}`, code]))
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
      ${this.user && screen.tab ? tabs(screen.tab, summary.waiting + summary.attention) : nothing}
      ${this.#sheet ? sheet({ label: this.#sheet.label, close: () => this.closeSheet(), content: this.#sheet.content() }) : nothing}
      <div class="toast" role="status" aria-live="polite">${this.#toast ? html`<p><b>${this.#toast.title}</b> ${this.#toast.more}</p>` : nothing}</div>`, root)
    const dialog = /** @type {HTMLDialogElement|null} */ (root.querySelector('dialog.sheet:not([open])'))
    dialog?.showModal()
  }

  #drawn = false

  /** @param {string} label @param {() => any} content drawn anew with the screen */
  openSheet(label, content) {
    this.#sheet = { label, content }
    this.draw()
  }

  closeSheet() {
    this.#sheet = null
    this.draw()
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

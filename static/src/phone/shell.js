/**
 * The page's side of the service worker.
 *
 * Invariant: a new version takes over only while no form is open, here or in another tab, and between two screens or
 * unseen, never under a finger.
 */
import { app } from './app.js'

/** Held by every page with a form open, as far as the browser has such locks. */
const FORM = 'fieldapp-form'

/** Register the worker, and let a new version in when it does not interrupt anybody. */
export async function keepShell() {
  const { serviceWorker, locks } = navigator
  // The first worker of a phone takes an uncontrolled page; only a later one replaces something.
  let isControlled = Boolean(serviceWorker.controller)
  let isNew = false
  serviceWorker.addEventListener('controllerchange', () => {
    isNew = isControlled
    isControlled = true
    if (isNew) offer()
    app.changed('records') // the screen Me says whether the app opens offline
  })
  const registration = await serviceWorker.register('/app/sw.js', { scope: '/app/' }).catch(() => null)
  if (!registration) return
  app.onScreen = offer
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') registration.update().catch(() => {})
    else offer()
  })

  /** The lock, while this page has a form open. @type {{end: () => void, ended: Promise<unknown>}|null} */
  let held = null

  function hold() {
    let end = () => {}
    const open = /** @type {Promise<void>} */ (new Promise((resolve) => { end = resolve }))
    held = { end, ended: locks.request(FORM, { mode: 'shared' }, () => open) }
  }

  async function offer() {
    if (app.isFormOpen) {
      if (locks && !held) hold()
      return
    }
    const before = held
    held = null
    before?.end()
    await before?.ended
    if (app.isFormOpen) return
    if (isNew) location.reload()
    else if (isControlled) takeOver()
  }

  function takeOver() {
    const tell = () => registration?.waiting?.postMessage('take-over')
    return locks ? locks.request(FORM, { ifAvailable: true }, (lock) => lock && tell()) : tell()
  }

  offer()
}

/**
 * The page's side of the service worker.
 *
 * Invariant: a new version takes over only while no form is open, and between two screens or unseen, never under a
 * finger.
 */
import { app } from './app.js'

/** Register the worker, and let a new version in when it does not interrupt anybody. */
export async function keepShell() {
  const { serviceWorker } = navigator
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

  function offer() {
    if (app.isFormOpen) return
    if (isNew) location.reload()
    else if (isControlled) registration?.waiting?.postMessage('take-over')
  }
  offer()
}

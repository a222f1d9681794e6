/**
 * The page's side of the service worker.
 *
 * Invariant: a new version takes over only while no form is open.
 */
import { app } from './app.js'

/** Register the worker, and let a new version in when it does not interrupt anybody. */
export async function keepShell() {
  const { serviceWorker } = navigator
  const isUpdate = Boolean(serviceWorker.controller)
  let isNew = false
  serviceWorker.addEventListener('controllerchange', () => {
    isNew = isUpdate
    offer()
    app.changed('records') // the screen Me says whether the app opens offline
  })
  const registration = await serviceWorker.register('/app/sw.js', { scope: '/app/' }).catch(() => null)
  if (!registration) return
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', offer)
  })
  app.onScreen = offer
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') registration.update().catch(() => {})
  })

  function offer() {
    if (app.isFormOpen) return
    if (isNew) location.reload()
    else if (isUpdate) registration?.waiting?.postMessage('take-over')
  }
  offer()
}

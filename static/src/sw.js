/**
 * The phone app's service worker: keeps the shell, so that the app starts with no network.
 *
 * Invariant: it never touches /api/ and never syncs; it takes over from the one before only when every file of the
 * new shell is in its cache and the page has said that no form is open.
 */
/* global VERSION, PRECACHE */
const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self))
const PREFIX = 'fieldapp-shell-'
const CACHE = PREFIX + VERSION

worker.addEventListener('install', (event) => {
  // Browsers that know it then ask for these without us: a photo on its way up is not held here as well.
  event.addRoutes?.({ condition: { urlPattern: { pathname: '/api/*' } }, source: 'network' })
  // addAll is all or nothing: a half-fetched shell never becomes the active one.
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(
    PRECACHE.map((/** @type {string} */ url) => new Request(url, { cache: 'reload' })),
  )))
})

worker.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys()
    await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)))
    await worker.clients.claim()
  })())
})

worker.addEventListener('message', (event) => {
  if (event.data === 'take-over') worker.skipWaiting()
})

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== worker.location.origin) return
  const key = request.mode === 'navigate' && url.pathname === '/app/' ? '/app/' : url.pathname
  if (!PRECACHE.includes(key)) return
  event.respondWith(caches.open(CACHE).then(async (cache) => (await cache.match(key)) ?? fetch(request)))
})

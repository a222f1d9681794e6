/**
 * The next visit is fetched, with its photos, while this one is read: decided on this one, the next stands there at once.
 *
 * Invariant: what was fetched is shown only when the server, asked with the decision, opens that very visit and says that
 * nothing has happened to it since. Fetching takes no visit: it is claimed when it is shown, as any other.
 */

const KEPT_MS = 5 * 60_000
const MOST_PHOTOS = 6

/** What was fetched: address, text and mark of a page, and when. @type {{ address: string, text: string, mark: string, at: number } | null} */
let ahead = null
/** Fetched just now. */
let asked = ''

/** @param {string} text */
const parse = (text) => new DOMParser().parseFromString(text, 'text/html')

/** Fetch the page the "Next" link leads to, where a decision on this one may open it. */
export async function fetchAhead() {
  const link = document.querySelector('a[data-ahead]')
  const address = link instanceof HTMLAnchorElement ? link.getAttribute('href') ?? '' : ''
  if (!address || asked === address || ahead?.address === address) return
  asked = address
  try {
    const headers = { 'X-After': link instanceof HTMLElement ? link.dataset.ahead ?? '' : '' }
    const answer = await fetch(address, { headers, redirect: 'manual', priority: 'low' })
    const text = answer.status === 200 ? await answer.text() : ''
    const page = parse(text)
    const mark = page.getElementById('visit')?.dataset.mark ?? ''
    ahead = mark ? { address, text, mark, at: Date.now() } : null
    for (const photo of [...page.querySelectorAll('[data-photo]')].slice(0, MOST_PHOTOS)) fetchPhoto(photo)
  } catch {
    // No network for now: the next one is asked for when it is opened.
  } finally {
    asked = ''
  }
}

/** Have the browser keep a photo, small and as large as a screen. @param {Element} photo */
function fetchPhoto(photo) {
  for (const address of [photo.querySelector('img')?.getAttribute('src'), photo.getAttribute('href')])
    if (address) new Image().src = address
}

/** With a decision goes what is here already. @param {any} event */
function offer(event) {
  if (event.detail.verb !== 'post' || !ahead || Date.now() - ahead.at > KEPT_MS) return
  event.detail.headers['X-Ahead'] = ahead.address
  event.detail.headers['X-Ahead-Mark'] = ahead.mark
}

/** Show it, with the menu and the message of the answer. @param {any} event */
function show(event) {
  const { xhr } = event.detail
  if (!ahead || xhr.getResponseHeader('X-Ahead') !== ahead.address) return
  const [page, answer] = [parse(ahead.text), parse(xhr.responseText)]
  for (const part of ['nav', '.messages']) page.querySelector(part)?.replaceWith(answer.querySelector(part) ?? '')
  event.detail.serverResponse = page.documentElement.outerHTML
  ahead = null
}

export function startAhead() {
  document.addEventListener('htmx:configRequest', offer)
  document.addEventListener('htmx:beforeSwap', show)
}

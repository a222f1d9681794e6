/**
 * Photos large: leaf through, turn, enlarge. Without script a photo opens as a picture of its own.
 */

/** @type {HTMLAnchorElement[]} */
let photos = []
let place = 0
let quarterTurns = 0
let isLarge = false

/** @returns {HTMLDialogElement | null} */
function viewer() {
  return /** @type {HTMLDialogElement | null} */ (document.getElementById('viewer'))
}

function show() {
  const dialog = viewer()
  const image = dialog?.querySelector('img')
  const caption = dialog?.querySelector('.viewer-caption')
  if (!dialog || !image || !caption) return
  const link = photos[place]
  image.src = link.href
  image.alt = link.querySelector('img')?.alt ?? ''
  caption.textContent = [photos.length > 1 ? `${place + 1}/${photos.length}` : '', link.dataset.caption ?? ''].join(' ').trim()
  image.dataset.turn = String(quarterTurns % 4)
  dialog.classList.toggle('large', isLarge)
  for (const name of ['previous', 'next']) {
    const button = /** @type {HTMLButtonElement} */ (dialog.querySelector(`[data-view=${name}]`))
    button.hidden = photos.length < 2
  }
}

/** @param {string | undefined} what */
function act(what) {
  if (what === 'close') viewer()?.close()
  if (what === 'turn') quarterTurns += 1
  if (what === 'zoom') isLarge = !isLarge
  if (what === 'previous' || what === 'next') {
    place = (place + (what === 'next' ? 1 : photos.length - 1)) % photos.length
    quarterTurns = 0
    isLarge = false
  }
  show()
}

/** @param {HTMLAnchorElement} link */
function open(link) {
  photos = [...document.querySelectorAll('a[data-photo]')].map((each) => /** @type {HTMLAnchorElement} */ (each))
  place = photos.indexOf(link)
  quarterTurns = 0
  isLarge = false
  show()
  viewer()?.showModal()
}

/** @param {MouseEvent} event */
function click(event) {
  const target = event.target
  if (!(target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return
  const link = target.closest('a[data-photo]')
  if (link instanceof HTMLAnchorElement) {
    event.preventDefault()
    open(link)
    return
  }
  const button = target.closest('[data-view]')
  if (button instanceof HTMLElement) act(button.dataset.view)
  else if (target.matches('#viewer .viewer-stage img')) act('zoom')
  else if (target.matches('#viewer')) act('close')
}

/** @param {KeyboardEvent} event */
function key(event) {
  if (!viewer()?.open) return
  /** @type {Record<string, string>} */
  const keys = { ArrowLeft: 'previous', ArrowRight: 'next', r: 'turn', z: 'zoom' }
  const what = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key]
  if (!what || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  act(what)
}

export function startViewer() {
  document.addEventListener('click', click)
  document.addEventListener('keydown', key)
}

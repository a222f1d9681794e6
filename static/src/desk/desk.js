/**
 * The desk's script: htmx swaps pages without a reload, the rest are conveniences.
 *
 * Invariant: every page works without it, as plain links and forms.
 */
import htmx from 'htmx.org'
import { startDecision } from './parts/decision.js'
import { startKeys } from './parts/keys.js'
import { startViewer } from './parts/viewer.js'

/** Where a kept list was scrolled to, by its name. @type {Record<string, number>} */
const scrolledTo = {}

/** @param {string} selector */
const all = (selector) => /** @type {HTMLElement[]} */ ([...document.querySelectorAll(selector)])

function keepScroll() {
  for (const list of all('[data-keep-scroll]')) scrolledTo[list.dataset.keepScroll ?? ''] = list.scrollTop
}

function restoreScroll() {
  for (const list of all('[data-keep-scroll]')) {
    list.scrollTop = scrolledTo[list.dataset.keepScroll ?? ''] ?? 0
    list.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' })
  }
}

async function drawMaps() {
  for (const place of all('[data-map]')) {
    const { drawMap } = await import(/** @type {string} */ (place.dataset.module))
    drawMap(place)
  }
}

/** What a page needs once it is there, whether loaded or swapped in. */
function prepare() {
  document.documentElement.classList.add('js')
  restoreScroll()
  drawMaps()
  for (const wrong of all('.field.wrong textarea, .field.wrong input, .field.wrong select').slice(0, 1)) wrong.focus()
}

/** @param {Event} event */
function click(event) {
  const target = event.target instanceof Element ? event.target : null
  if (target?.closest('[data-print]')) window.print()
  const opener = target?.closest('[data-open]')
  if (opener instanceof HTMLElement) {
    const dialog = document.getElementById(opener.dataset.open ?? '')
    if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal()
  }
}

/** @param {Event} event */
function change(event) {
  const form = event.target instanceof Element ? event.target.closest('form[data-submit-on-change]') : null
  if (form instanceof HTMLFormElement) form.requestSubmit()
}

document.addEventListener('click', click)
document.addEventListener('change', change)
document.addEventListener('htmx:beforeSwap', keepScroll)
document.addEventListener('htmx:afterSettle', () => {
  prepare()
  // The reader of a screen reader is told where they are now; a key press must not act on what is gone.
  if (document.activeElement === document.body) document.getElementById('main')?.focus({ preventScroll: true })
})
document.addEventListener('htmx:sendError', () => window.location.reload())
startDecision()
startViewer()
startKeys()
// Modules run once the document is there; htmx starts itself on the same occasion.
if (htmx) prepare()

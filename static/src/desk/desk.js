/**
 * The desk's script: htmx swaps pages without a reload, the rest are conveniences.
 *
 * Invariant: every page works without it, as plain links and forms.
 */
import htmx from 'htmx.org'
import { fetchAhead, startAhead } from './parts/ahead.js'
import { watchAlarms } from './parts/alarm.js'
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
  fetchAhead()
  for (const wrong of all('.field.wrong textarea, .field.wrong input, .field.wrong select').slice(0, 1)) wrong.focus()
}

/** @param {Event} event */
function click(event) {
  const target = event.target instanceof Element ? event.target : null
  if (target?.closest('[data-print]')) window.print()
  const copier = target?.closest('[data-copy]')
  if (copier instanceof HTMLElement) copyTable(copier)
  const menu = target?.closest('[data-menu]')
  if (menu) menu.setAttribute('aria-expanded', String(menu.getAttribute('aria-expanded') !== 'true'))
  const opener = target?.closest('[data-open]')
  if (opener instanceof HTMLElement) {
    const dialog = document.getElementById(opener.dataset.open ?? '')
    if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal()
  }
}

/** Put a table on the clipboard as text that a spreadsheet takes; without a clipboard it is selected. @param {HTMLElement} button */
async function copyTable(button) {
  const table = document.getElementById(button.dataset.copy ?? '')
  if (!(table instanceof HTMLTableElement)) return
  const text = [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText).join('\t')).join('\n')
  try {
    await navigator.clipboard.writeText(text)
    button.textContent = button.dataset.done ?? ''
  } catch {
    window.getSelection()?.selectAllChildren(table)
  }
}

/** The answers tried in a preview's frame go along with the form that has them read. @param {SubmitEvent} event */
function submit(event) {
  const form = event.target instanceof HTMLFormElement ? event.target : null
  const frame = form?.dataset.previewAnswers ? /** @type {any} */ (window.frames)[form.dataset.previewAnswers] : null
  if (!form || !frame?.answersTried) return
  const given = { answers: JSON.stringify(frame.answersTried()), sample: frame.location.search }
  for (const [name, value] of Object.entries(given)) {
    const field = form.elements.namedItem(name)
    if (field instanceof HTMLInputElement) field.value = value
  }
}

/** @param {Event} event */
function change(event) {
  const form = event.target instanceof Element ? event.target.closest('form[data-submit-on-change]') : null
  if (form instanceof HTMLFormElement) form.requestSubmit()
}

/** What was typed before htmx listened is searched for as if typed now. @param {Event} event */
function searchTyped(event) {
  const field = event.target instanceof Element ? event.target.querySelector('[role=search] input[type=search]') : null
  if (field instanceof HTMLInputElement && field.value !== field.defaultValue) field.form?.requestSubmit()
}

/** A form's token is no longer good, for somebody signed in anew: it is sent once more with one that is. @param {Event} event */
async function renewToken(event) {
  const form = event.target instanceof Element ? event.target.closest('form') : null
  if (!form || form.dataset.renewed) return
  form.dataset.renewed = 'yes'
  const answer = await fetch('/api/session')
  const { csrf_token: token } = await answer.json()
  for (const field of all('input[name=csrf_token]')) if (field instanceof HTMLInputElement) field.value = token
  form.requestSubmit()
}

/** The session ended while somebody was typing. @param {Event} event */
function askToSignIn(event) {
  const form = event.target instanceof Element ? event.target.closest('form') : null
  // Signed in again, its token will be another one.
  if (form) delete form.dataset.renewed
  const dialog = document.getElementById('signed-out')
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal()
}

/**
 * A page that is being left takes nothing more: what is ticked or pressed on it now would be gone with it, or come second.
 * Searching as one types goes on. @param {Event} event
 */
function leave(event) {
  const { boosted, elt } = /** @type {CustomEvent} */ (event).detail
  if (boosted && (elt instanceof HTMLAnchorElement || elt.method === 'post')) document.body.inert = true
}

document.addEventListener('click', click)
document.addEventListener('change', change)
document.addEventListener('submit', submit, { capture: true })
document.addEventListener('htmx:load', searchTyped)
document.addEventListener('htmx:beforeSwap', keepScroll)
document.addEventListener('htmx:afterSettle', () => {
  prepare()
  // The reader of a screen reader is told where they are now; a key press must not act on what is gone.
  if (document.activeElement === document.body) document.getElementById('main')?.focus({ preventScroll: true })
})
document.addEventListener('htmx:beforeRequest', leave)
document.addEventListener('htmx:afterRequest', () => { document.body.inert = false })
document.addEventListener('htmx:sendError', () => window.location.reload())
document.addEventListener('token-stale', renewToken)
document.addEventListener('signed-out', askToSignIn)
startAhead()
startDecision()
startViewer()
startKeys()
watchAlarms()
// Modules run once the document is there; htmx starts itself on the same occasion.
if (htmx) prepare()

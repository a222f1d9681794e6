/**
 * A worker's visit typed at the desk (代录): the phone's form, sent as one when it is complete.
 *
 * Invariant: what was typed stays on the page until the server has said that it is stored; sent again, it is the same visit.
 */
import { html, nothing } from 'lit-html'
import { mountForm } from '../checklist/view/preview.js'
import { FILE_TYPES, photosIn } from '../phone/attachments.js'
import { controlsInMemory } from '../phone/controls_in_memory.js'

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id))
const root = byId('form')
const said = byId('said')
const signedOut = byId('signed-out')
const button = /** @type {HTMLButtonElement} */ (byId('save'))
const entry = JSON.parse(root.dataset.entry ?? '')

/** Attachments taken here, until they are sent. @type {import('../phone/controls_in_memory.js').Kept} */
const kept = { photos: entry.photos, bytes: new Map(), limits: entry.limits, isBusy: () => false }
/** @type {Set<string>} */
const sent = new Set()
let token = root.dataset.token ?? ''
let isTyped = false

/** No place is measured at the desk. @param {import('../checklist/engine.js').Item} item */
const isPlace = (item) => item.node?.type === 'geopoint'

const mounted = mountForm(root, entry.document, {
  language: entry.language, context: entry.context, answers: entry.answers,
  makeControls: (form, language) => controlsInMemory(form, language, kept),
  isShown: (item) => !isPlace(item), isExcused: isPlace,
  before: (item) => (entry.notes[item.path] ? html`<p class="note red">↩ ${entry.notes[item.path]}</p>` : nothing),
  answered: () => {
    isTyped = true
    said.textContent = ''
  },
})
root.removeAttribute('aria-busy')

/** @param {string} key @param {Record<string, any>} [params] */
function say(key, params = {}) {
  said.textContent = (said.dataset[key] ?? '').replace(/\{(\w+)\}/g, (_, name) => String(params[name] ?? ''))
  said.classList.toggle('wrong', key !== 'sending')
}

/** What keeps the visit from being stored, in words. */
class NotStored extends Error {
  /** @param {string} key of what is said @param {string} [message] the server's */
  constructor(key, message = '') {
    super(message)
    this.key = key
  }
}

/** @param {string} method @param {string} address @param {BodyInit} body @param {string} type @param {string} failed @returns {Promise<any>} */
async function send(method, address, body, type, failed) {
  const ask = () => fetch(address, { method, body, credentials: 'same-origin', headers: { 'Content-Type': type, 'X-CSRFToken': token } }).catch(() => null)
  let answer = await ask()
  let given = await answer?.json().catch(() => null)
  if (given?.error?.code === 'csrf_stale') {
    // Somebody signed in anew: the token is another one now.
    token = (await fetch('/api/session').then((session) => session.json()).catch(() => ({ csrf_token: token }))).csrf_token
    answer = await ask()
    given = await answer?.json().catch(() => null)
  }
  if (answer?.status === 401) throw new NotStored('signed-out')
  if (answer?.ok && given) return given
  throw given?.error ? new NotStored(failed, given.error.message) : new NotStored('failed')
}

/** The attachments of the answers as they stand. */
function attachmentsOf() {
  return mounted.form.items()
    .filter((item) => item.kind === 'question' && FILE_TYPES.has(item.node.type) && item.relevant)
    .flatMap((item) => photosIn(item.value).map((sha256) => {
      const { taken_at = null, size = null, name = null } = kept.photos[sha256] ?? {}
      return { sha256, question: item.path, taken_at, size, name }
    }))
}

async function store() {
  const attachments = attachmentsOf()
  for (const { sha256 } of attachments) {
    const bytes = kept.bytes.get(sha256)
    if (!bytes || sent.has(sha256)) continue
    await send('PUT', `${root.dataset.address}/attachments/${sha256}`, bytes, 'application/octet-stream', 'failedPhoto')
    sent.add(sha256)
  }
  const { visit_uuid, base, worker_id, at, method, people, checklist } = entry
  const visit = { visit_uuid, base, worker_id, at, method, people, checklist, answers: mounted.answers(), attachments }
  return send('POST', root.dataset.address ?? '', JSON.stringify(visit), 'application/json', 'refused')
}

async function save() {
  const problems = mounted.finish()
  if (problems.length) {
    say('open', { n: problems.length })
    mounted.view.jump(problems[0].path)
    return
  }
  if (kept.isBusy()) {
    say('busy')
    return
  }
  button.disabled = true
  signedOut.hidden = true
  say('sending')
  try {
    const { address } = await store()
    isTyped = false
    window.location.assign(address)
  } catch (error) {
    button.disabled = false
    const { key, message } = error instanceof NotStored ? error : new NotStored('failed')
    signedOut.hidden = key !== 'signed-out'
    say(key, { message })
  }
}

button.addEventListener('click', save)
window.addEventListener('beforeunload', (event) => { if (isTyped) event.preventDefault() })

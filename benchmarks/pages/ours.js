/** The product's own form, as the desk's preview shows it: the compiled checklist, the phone's engine and renderer. */
import { mountForm } from '../../static/src/checklist/view/preview.js'

const checklist = await (await fetch(`/forms/${location.pathname.split('/')[2]}.json`)).json()
const root = document.body.appendChild(document.createElement('main'))
const context = { today: '2026-11-24', now: '2026-11-24T09:00:00.000+08:00', language: 'zh', username: 'worker', device_uuid: '', household: {}, people: [] }
const { answers } = mountForm(root, checklist, { language: 'zh', context })

const card = (/** @type {string} */ path) => document.getElementById(`q-${path}`)
window.filled = {
  questions: () => [...root.querySelectorAll('.q')].filter((question) => question.querySelector('input, textarea, select')),
  choice: (path, value) => card(path)?.querySelector(`input[value=${value}]`),
  card,
  value: (path) => path.split('/').reduce((found, name) => found?.[name], answers()) ?? '',
}

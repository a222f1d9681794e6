/**
 * A thin page over enketo-core: the HTML that enketo-transformer made of the form, its own controls.
 *
 * Enketo's servers transform a form once, keep the result, and send HTML and model to the browser: so it is done here.
 */
import { Form } from 'enketo-core'

const { form: html, model } = await (await fetch(`/forms/${location.pathname.split('/')[2]}.enketo.json`)).json()
const view = document.createRange().createContextualFragment(html).querySelector('form')
document.body.append(view)
const form = new Form(view, { modelStr: model })
const errors = form.init()
if (errors.length) throw new Error(errors.join('\n'))

const card = (/** @type {string} */ path) => view.querySelector(`[name="/data/${path}"], [data-name="/data/${path}"]`)?.closest('.question')
window.filled = {
  questions: () => [...view.querySelectorAll('.question')].filter((question) => !question.closest('.disabled') && question.querySelector('input:not([readonly]), textarea')),
  choice: (path, value) => card(path)?.querySelector(`input[value=${value}]`),
  card,
  value: (path) => form.model.node(`/data/${path}`).getVal(),
}

/**
 * The page in the phone's frame of a checklist's preview: the form as a worker fills it in, kept in memory alone.
 *
 * Invariant: nothing is stored and nothing is sent; the page around the frame asks for `answersTried()` when it wants them.
 */
import { mountForm } from '../checklist/view/preview.js'
import { controlsInMemory } from '../phone/controls_in_memory.js'

const root = /** @type {HTMLElement} */ (document.getElementById('form'))
const said = /** @type {HTMLElement} */ (document.getElementById('said'))
const languages = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('button[data-language]')])

async function start() {
  const answer = await fetch(root.dataset.source ?? '', { credentials: 'same-origin' })
  if (!answer.ok) throw new Error(`document: ${answer.status}`)
  const { document: checklist, context } = await answer.json()
  const mounted = mountForm(root, checklist, { language: root.dataset.language ?? 'zh', context, makeControls: controlsInMemory })
  root.removeAttribute('aria-busy')
  for (const button of languages) {
    button.addEventListener('click', () => {
      mounted.language(button.dataset.language ?? 'zh')
      for (const other of languages) other.setAttribute('aria-pressed', String(other === button))
    })
  }
  document.getElementById('finish')?.addEventListener('click', () => {
    const problems = mounted.finish()
    said.textContent = problems.length
      ? (said.dataset.open ?? '').replace('{n}', String(problems.length)) : said.dataset.done ?? ''
    if (problems.length) mounted.view.jump(problems[0].path)
  })
  Object.assign(window, { answersTried: () => mounted.answers() })
}

start().catch(() => { said.textContent = said.dataset.failed ?? '' })

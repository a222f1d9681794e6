/**
 * Reading, returning and voiding are modes of the visit page. Without script each is a page of its own
 * (`?decide=return`); with it the mode changes in place, so that a reviewer keeps their place among the answers.
 */

/** @param {MouseEvent} event */
function changeMode(event) {
  const link = event.target instanceof Element ? event.target.closest('[data-mode-link]') : null
  const visit = document.getElementById('visit')
  if (!(link instanceof HTMLElement) || !visit) return
  event.preventDefault()
  // htmx would follow the link as well.
  event.stopPropagation()
  visit.dataset.mode = link.dataset.modeLink ?? ''
  const field = /** @type {HTMLElement | null} */ (visit.querySelector(`.decide.${visit.dataset.mode || 'none'} textarea`))
  if (field) field.focus({ preventScroll: true })
  else if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
}

export function startDecision() {
  document.addEventListener('click', changeMode, { capture: true })
}

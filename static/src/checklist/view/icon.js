/** Signs drawn as lines. Invariant: they are decoration; what they mean is said beside them or by a label. */
import { html, svg } from 'lit-html'

/** @typedef {import('lit-html').TemplateResult} Template */

/** @param {Template} path */
export const drawn = (path) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${path}</svg>`

/** @type {Record<string, Template>} */
export const SIGNS = {
  back: svg`<path d="M15 5l-7 7 7 7"/>`,
  next: svg`<path d="M9 5l7 7-7 7"/>`,
  check: svg`<path d="M5 13l4 4L19 7"/>`,
  close: svg`<path d="M6 6l12 12M18 6L6 18"/>`,
  search: svg`<circle cx="11" cy="11" r="6"/><path d="M20 20l-4.5-4.5"/>`,
  trash: svg`<path d="M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13"/>`,
  plus: svg`<path d="M12 5v14M5 12h14"/>`,
  minus: svg`<path d="M5 12h14"/>`,
  up: svg`<path d="M12 19V5M6 11l6-6 6 6"/>`,
  down: svg`<path d="M12 5v14M6 13l6 6 6-6"/>`,
}

/** @param {string} name */
export const icon = (name) => drawn(SIGNS[name])

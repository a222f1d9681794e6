/**
 * Keys of the desk: an element with `data-key="a"` is pressed by that key, and shows it itself.
 *
 * Invariant: keys never act while somebody types, nor together with Ctrl, Alt or Meta.
 */

const TYPED_IN = 'input, textarea, select, [contenteditable]'

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof Element && target.closest(TYPED_IN) !== null
}

/** @param {Element} element */
function isShown(element) {
  return element.getClientRects().length > 0
}

/**
 * Whether the element may be pressed now: while a dialog is open only what is in it.
 * @param {Element} element
 */
function isWithinReach(element) {
  const open = document.querySelector('dialog[open]')
  return isShown(element) && (!open || open.contains(element))
}

/** @param {KeyboardEvent} event */
function press(event) {
  if (event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return
  if (event.key === 'Enter' && event.ctrlKey && event.target instanceof HTMLTextAreaElement) {
    event.preventDefault()
    event.target.form?.requestSubmit()
    return
  }
  if (event.ctrlKey || (isTyping(event.target) && event.key !== 'Escape')) return
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  const candidates = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-key]'))
  const pressed = [...candidates].find((element) => element.dataset.key === key && isWithinReach(element))
  if (!pressed) return
  event.preventDefault()
  // A key struck twice must not decide twice: the first stroke is still on its way. What a page asks by itself is not one.
  if (document.querySelector('.htmx-request:not([data-aside])')) return
  pressed.click()
  // What a key opens is written into at once.
  if (pressed instanceof HTMLElement && pressed.matches('summary')) {
    pressed.parentElement?.querySelector('textarea')?.focus()
  }
}

export function startKeys() {
  document.addEventListener('keydown', press)
}

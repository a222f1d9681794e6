/**
 * A thin page over ODK's engine: plain controls with labels, relevance, choices, validation, repeats.
 *
 * The engine is built on Solid and lets its page say what holds its state: here Solid's signals, so that each text,
 * control and message is one effect and after an answer only what changed is touched. Solid is bundled once, for both.
 */
import { loadForm } from '@getodk/xforms-engine'
import { createRenderEffect, createRoot, createSignal, getOwner } from 'solid-js'

/** @param {string} tag @param {Record<string, any>} [properties] @param {...(Node|string)} children */
function element(tag, properties, ...children) {
  const made = document.createElement(tag)
  Object.assign(made, properties)
  made.append(...children)
  return made
}

/** A place whose content is made anew when `key` says so. @param {() => any} key @param {(key: any) => Node|null} make */
function dynamic(key, make) {
  const place = document.createElement('div')
  const owner = getOwner()
  createRenderEffect((/** @type {any} */ before) => {
    const now = key()
    if (now !== before?.now) {
      before?.dispose()
      place.replaceChildren()
      const dispose = createRoot((end) => {
        const made = make(now)
        if (made) place.append(made)
        return end
      }, owner)
      return { now, dispose }
    }
    return before
  })
  return place
}

/** The engine's state with a signal for each property; what the page shows of it follows. @param {object} state */
function signals(state) {
  const followed = {}
  for (const [name, first] of Object.entries(state)) {
    const [get, set] = createSignal(first)
    Object.defineProperty(followed, name, { enumerable: true, get, set: (next) => { set(() => next) } })
  }
  return followed
}

/** @param {any} range @returns {string} */
const words = (range) => range?.asString ?? ''

/** @param {any} node @param {string} tag @param {'label'|'hint'} which */
function said(node, tag, which) {
  const place = element(tag)
  createRenderEffect(() => { place.textContent = words(node.currentState[which]) })
  return place
}

/** @param {any} node the children of a group, shown while relevant */
const children = (node) => node.currentState.children.map((/** @type {any} */ child) => {
  if (child.nodeType === 'model-value') return ''
  return dynamic(() => child.currentState.relevant, (isRelevant) => (isRelevant ? shown(child) : null))
})

/** @param {any} node @returns {Node} */
function shown(node) {
  if (node.nodeType === 'group') {
    const heading = node.currentState.label ? [said(node, 'h2', 'label')] : []
    return element('section', {}, ...heading, ...children(node))
  }
  return node.nodeType.startsWith('repeat-range') ? repeat(node) : question(node)
}

/** @param {any} range */
function repeat(range) {
  const place = element('section')
  /** @type {Map<any, {made: Node, dispose: () => void}>} */
  const parts = new Map()
  const owner = getOwner()
  createRenderEffect(() => {
    const instances = range.currentState.children
    for (const [instance, part] of parts) {
      if (instances.includes(instance)) continue
      part.dispose()
      parts.delete(instance)
    }
    for (const instance of instances) {
      if (parts.has(instance)) continue
      parts.set(instance, createRoot((dispose) => ({
        made: element('section', {}, said(range, 'h3', 'label'), ...children(instance),
          element('button', { type: 'button', textContent: '−', onclick: () => range.removeInstances(range.currentState.children.indexOf(instance)) })),
        dispose,
      }), owner))
    }
    place.replaceChildren(...instances.map((/** @type {any} */ instance) => /** @type {any} */ (parts.get(instance)).made))
  })
  const add = element('button', { type: 'button', textContent: '+', onclick: () => range.addInstances() })
  return element('div', {}, place, add)
}

/** @param {any} node */
function question(node) {
  const card = element('fieldset', { className: node.nodeType === 'note' ? 'note' : 'question', id: node.currentState.reference })
  card.append(said(node, node.nodeType === 'note' ? 'p' : 'legend', 'label'))
  if (node.currentState.hint) card.append(said(node, 'small', 'hint'))
  if (node.nodeType === 'note') return card
  const [isTouched, setTouched] = createSignal(false)
  card.addEventListener('change', () => setTouched(true))
  const message = element('p', { className: 'problem' })
  createRenderEffect(() => {
    const { violation } = node.validationState
    message.textContent = isTouched() && violation ? words(violation.message) || violation.condition : ''
  })
  card.append(node.nodeType === 'select' ? select(node) : input(node), message)
  return card
}

/** @param {any} node */
function select(node) {
  const isMultiple = node.selectType === 'select'
  return dynamic(() => node.currentState.valueOptions, (options) => element('div', {}, ...options.map((/** @type {any} */ option) => {
    const box = element('input', { type: isMultiple ? 'checkbox' : 'radio', name: node.nodeId, value: option.value })
    box.addEventListener('change', () => {
      if (!isMultiple) return node.selectValue(option.value)
      const kept = node.currentState.value.filter((/** @type {string} */ value) => value !== option.value)
      return node.selectValues(box.checked ? [...kept, option.value] : kept)
    })
    createRenderEffect(() => { box.checked = node.currentState.value.includes(option.value) })
    const label = element('span')
    createRenderEffect(() => { label.textContent = words(option.label) })
    return element('label', {}, box, label)
  })))
}

/** @type {Record<string, object>} */
const FIELDS = {
  int: { type: 'text', inputMode: 'numeric' },
  decimal: { type: 'text', inputMode: 'decimal' },
  date: { type: 'date' },
  string: { type: 'text' },
}

/** @param {any} node */
function input(node) {
  const field = node.appearances?.multiline ? element('textarea', { rows: 3 }) : element('input', FIELDS[node.valueType] ?? {})
  field.addEventListener('input', () => node.setValue(field.value === '' ? null : field.value))
  createRenderEffect(() => {
    const value = node.currentState.instanceValue
    if (field.value !== value) field.value = value
    field.disabled = node.currentState.readonly
  })
  return field
}

/** @param {any} node @param {string} reference @returns {any} */
function find(node, reference) {
  if (node.currentState.reference === reference) return node
  for (const child of node.currentState.children ?? []) {
    const found = find(child, reference)
    if (found) return found
  }
  return null
}

const source = await (await fetch(`/forms/${location.pathname.split('/')[2]}.xml`)).text()
const result = await loadForm(source)
if (result.status === 'failure') throw result.error
createRoot((dispose) => {
  const { root } = result.createInstance({ stateFactory: signals })
  document.body.append(...children(root))
  const card = (/** @type {string} */ path) => document.getElementById(`/data/${path}`)
  window.filled = {
    questions: () => document.querySelectorAll('.question'),
    choice: (path, value) => card(path)?.querySelector(`input[value=${value}]`),
    card,
    value: (path) => find(root, `/data/${path}`).currentState.instanceValue,
  }
  return dispose
})

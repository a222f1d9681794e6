/**
 * Fills in one form twice, in our engine and in ODK's own, and says where they differ. Runs in a browser page.
 *
 * A plan is what one person does: {language, steps: [{do: 'set', path, picks, value}, {do: 'wrong', …},
 * {do: 'add' | 'remove', path, picks}, {do: 'language', language}, {do: 'look'}]}. Paths are without positions;
 * `picks` choose an instance of each repeat on the way. Invariant: after every look, all that both engines can say
 * about every node has been compared.
 */
import { loadForm } from '@getodk/xforms-engine'

import { createForm } from '../../static/src/checklist/engine.js'

const PEOPLE = 'people'
// Given by the machine, when it likes.
const NOT_COMPARED = new Set(['end'])
const PHOTOS = new Set(['image', 'audio', 'video', 'file'])

const forms = new Map()

/** @param {Record<string, string>} files texts by file name */
const fetchFrom = (files) => async (/** @type {URL} */ url) => {
  const body = files[decodeURIComponent(url.pathname.split('/').pop() ?? '')]
  return new Response(body ?? '', { status: body === undefined ? 404 : 200, headers: { 'Content-Type': 'text/csv' } })
}

/**
 * Load a form into both; returns "" or why ODK's engine cannot.
 * @param {string} name @param {{document: any, xform: string, files: Record<string, string>}} form
 */
export async function load(name, form) {
  const loaded = await loadForm(form.xform, { fetchFormAttachment: fetchFrom(form.files) })
  if (loaded.status === 'failure') return String(loaded.error)
  try {
    loaded.createInstance()
  } catch (error) {
    return String(error)
  }
  const places = new Map()
  const plant = (nodes, outer, repeats) => {
    for (const node of nodes) {
      const path = outer ? `${outer}/${node.name}` : node.name
      places.set(path, { node, path, repeats })
      plant(node.children ?? [], path, node.kind === 'repeat' ? [...repeats, path] : repeats)
    }
  }
  plant(form.document.nodes, '', [])
  forms.set(name, { ...form, loaded, places })
  return ''
}

/** @param {string} name @param {any[]} plans @param {any} context */
export function run(name, plans, context) {
  const form = forms.get(name)
  const found = { comparisons: 0, leftOff: 0, differences: [], finals: [] }
  for (const plan of plans) {
    const result = follow(form, plan, context)
    found.comparisons += result.comparisons
    found.leftOff += result.leftOff ? 1 : 0
    found.finals.push(result.final)
    if (!result.differences.length) continue
    const smaller = found.differences.length < 20 ? shrink(form, plan, context) : plan
    found.differences.push({ plan: smaller, differences: follow(form, smaller, context).differences.slice(0, 30) })
  }
  return found
}

function shrink(form, plan, context) {
  let best = plan
  for (let n = plan.steps.length - 1; n >= 0; n -= 1) {
    const steps = best.steps.filter((_step, place) => place !== n)
    if (follow(form, { ...plan, steps }, context).differences.length) best = { ...plan, steps }
  }
  return best
}

/** What one person does, in both. */
function follow(form, plan, context) {
  const people = (context.people ?? []).slice(0, plan.people ?? 0)
  const here = { ...context, people, language: plan.language }
  const ours = createForm(form.document, { context: here })
  const { root } = form.loaded.createInstance({
    preloadProperties: { deviceID: context.device_uuid, username: context.username },
    geolocationProvider: { getLocation: async () => '' },
  })
  const both = { form, ours, root, nodes: new Map(), counts: new Map(), context: here }
  const result = { comparisons: 0, leftOff: false, differences: [], final: null }
  // A language that only we name (texts without one) is not switched to.
  const language = (wanted) => {
    const theirs = root.languages.find(({ language }) => language === wanted || language.endsWith(`(${wanted})`))
    if (!theirs && root.languages[0].language) return
    if (theirs) root.setLanguage(theirs)
    ours.setLanguage(wanted)
    here.language = wanted
  }
  form.document.languages.toReversed().forEach(language)
  refresh(both)
  fillFromRegistry(both)
  language(plan.language)
  look(both, result)
  for (const step of plan.steps) {
    if (result.differences.length || result.leftOff) break
    try {
      if (step.do === 'language') language(step.language)
      else if (step.do !== 'look') act(both, step, result)
      if (!step.quiet) look(both, result)
      else refresh(both)
    } catch (error) {
      // A date that does not exist stops ODK's engine (an exception by itself).
      if (/Invalid iso(Year|Month|Day|Hour|Minute)/.test(String(error))) result.leftOff = true
      else result.differences.push({ step, what: 'error', error: String(error?.stack ?? error) })
    }
  }
  result.final = { context: here, typed: ours.typed(), answers: ours.answers(), problems: ours.problems(), full: !result.leftOff }
  return result
}

/** The nodes of ODK's engine by question path; and how many instances our repeats have. */
function refresh(both) {
  both.nodes.clear()
  const visit = (node) => {
    both.nodes.set(pathOf(node), node)
    for (const child of node.currentState.children ?? []) visit(child)
  }
  for (const child of both.root.currentState.children) visit(child)
  const before = new Map(both.counts)
  both.items = both.ours.items()
  both.counts.clear()
  for (const item of both.items) if (item.kind === 'repeat') both.counts.set(item.path, item.instances)
  // What was typed in an instance that the count took away: ours keeps it, ODK's forgets it (an exception by itself).
  let forgot = false
  for (const [path, count] of before) {
    if (!('count' in (both.form.places.get(bare(path))?.node ?? {}))) continue
    for (let n = count; n > (both.counts.get(path) ?? count); n -= 1) {
      both.ours.removeRepeat(path, n)
      forgot = true
    }
  }
  if (forgot) both.items = both.ours.items()
}

const bare = (path) => path.replace(/\[\d+\]/g, '')
const pathOf = (node) => node.currentState.reference.split('/').slice(2).join('/')

/** The registry is ours: what it fills in is written into ODK's form as if its client knew it. */
function fillFromRegistry(both) {
  const { form, context } = both
  const range = both.nodes.get(PEOPLE)
  if (range && form.places.get(PEOPLE)?.node.kind === 'repeat') {
    const wanted = context.people.length
    const there = range.currentState.children.length
    if (there < wanted) range.addInstances(there - 1, wanted - there)
    if (there > wanted) range.removeInstances(wanted, there - wanted)
    refresh(both)
    // Every person begins alike; in ODK's form only the first has an instance of each repeat inside.
    for (const [path, node] of both.nodes) {
      const missing = (both.counts.get(path) ?? 0) - (node.currentState.children?.length ?? 0)
      if (node.nodeType === 'repeat-range:uncontrolled' && missing > 0) node.addInstances(undefined, missing)
    }
    refresh(both)
  }
  for (const [path, node] of both.nodes) {
    const field = form.places.get(bare(path))?.node.prefill
    if (!field) continue
    const [kind, name] = field.split('.')
    const place = Number(path.match(/\[(\d+)\]/)?.[1])
    const found = (kind === 'person' ? context.people[place - 1] : context.household)?.[name] ?? ''
    const value = Array.isArray(found) ? found.join(' ') : String(found)
    if (value === '') continue
    // A hidden value has no control; the method is there though the types do not show it.
    if (node.nodeType === 'model-value') node.setValueState(value)
    else give(node, value)
  }
}

/** Give a step's path its positions; null when a repeat on the way has no instance. */
function locate(both, step, repeats) {
  let found = step.path
  for (const [place, repeat] of repeats.entries()) {
    const outer = found.split('/').slice(0, repeat.split('/').length).join('/')
    const count = both.counts.get(outer) ?? 0
    if (!count) return null
    found = `${outer}[${(step.picks[place] % count) + 1}]${found.slice(outer.length)}`
  }
  return found
}

function act(both, step, result) {
  const place = both.form.places.get(step.path)
  const path = locate(both, step, place.repeats)
  const node = path && both.nodes.get(path)
  if (!node) return
  if (step.do === 'add' && both.counts.get(path) < 5) {
    both.ours.addRepeat(path)
    node.addInstances()
  } else if (step.do === 'remove') {
    const count = both.counts.get(path)
    if (!count) return
    const position = (step.picks.at(-1) % count) + 1
    both.ours.removeRepeat(path, position)
    node.removeInstances(position - 1)
  } else if (step.do === 'set' || step.do === 'wrong') {
    const item = both.items.find((found) => found.path === path)
    if (!item || item.readOnly) return
    // A screen lets nobody choose what is not offered.
    const offered = item.choices.map(({ name }) => name)
    const value = item.node.list && step.do === 'set'
      ? step.value.split(' ').filter((name) => offered.includes(name)).join(' ')
      : step.value
    both.ours.set(path, value)
    give(node, value)
    if (step.do === 'wrong') takeBack(both, path, node, step, result)
  }
}

function give(node, value) {
  const several = value.split(' ').filter(Boolean)
  if (node.nodeType === 'select') node.selectValues(node.selectType === 'select' ? several : several.slice(0, 1))
  else if (node.nodeType === 'rank') node.setValues(several)
  else if (node.nodeType === 'trigger') node.setValue(value === 'OK')
  else if (node.nodeType === 'upload') node.setValue(value ? new File(['x'], value) : null)
  else node.setValue(value)
}

/** ODK's engine blanks what a type does not allow; ours keeps it and says so. Then it is taken back. */
function takeBack(both, path, node, step, result) {
  const item = both.ours.items().find((found) => found.path === path)
  result.comparisons += 1
  const theirs = both.root && valueOf(node)
  if (item.relevant && theirs === '' && !['type', 'choice'].includes(item.problem?.code)) {
    result.differences.push({ step, path, what: 'refused', ours: item.problem, odk: theirs })
  }
  if (item.relevant && theirs !== '') result.differences.push({ step, path, what: 'taken', ours: item.problem, odk: theirs })
  both.ours.set(path, '')
  if (theirs !== '') give(node, '')
}

const valueOf = (node) => (node.instanceState.instanceXML.match(/>([^<]*)</)?.[1] ?? '')

/** Compare all that can be seen. */
function look(both, result) {
  refresh(both)
  const { form, nodes, items } = both
  const differ = (path, what, ours, odk) => {
    result.comparisons += 1
    if (!same(ours, odk)) result.differences.push({ path, what, ours, odk })
  }
  for (const item of items) {
    if (item.kind !== 'repeat' || !('count' in item.node)) continue
    const range = nodes.get(item.path)
    if (!range || range.currentState.children.length === item.instances || item.instances) continue
    // A count that went blank keeps its instances in ODK's engine (an exception by itself).
    if (countIsBlank(both, item.path, range)) {
      result.leftOff = true
      return
    }
  }
  for (const item of items) {
    const node = nodes.get(item.path)
    if (!node) {
      result.differences.push({ path: item.path, what: 'missing', ours: item.kind, odk: null })
      continue
    }
    const state = node.currentState
    differ(item.path, 'relevant', item.relevant, state.relevant)
    if (item.kind === 'repeat') differ(item.path, 'instances', item.instances, state.children.length)
    if (!item.relevant || !state.relevant) continue
    const isPerson = item.kind === 'instance'
    if (!isPerson) differ(item.path, 'label', item.label.trim(), written(state.label))
    if (item.kind !== 'question') continue
    differ(item.path, 'hint', item.hint.trim(), written(state.hint))
    if (item.node.type === 'note') continue
    differ(item.path, 'required', item.required, state.required)
    differ(item.path, 'readOnly', item.readOnly, state.readonly || 'calculate' in item.node)
    if (item.node.list) {
      const theirs = state.valueOptions.map(({ value, label }) => [value, written(label)])
      differ(item.path, 'choices', item.choices.map(({ name, label }) => [name, label.trim()]), theirs)
    }
    const violation = node.validationState.violation
    differ(item.path, 'problem', item.problem?.code ?? '', violation?.condition ?? '')
    if (item.problem && violation) differ(item.path, 'message', item.problem.message.trim(), written(violation.message))
  }
  const [ours, odk] = [flat(both.ours.answers(), ''), submitted(both)]
  for (const path of new Set([...Object.keys(ours), ...Object.keys(odk)])) {
    const type = form.places.get(bare(path))?.node.type
    if (NOT_COMPARED.has(type)) continue
    if (PHOTOS.has(type)) differ(path, 'value', path in ours, path in odk)
    else differ(path, 'value', ours[path] ?? '', odk[path] ?? '')
  }
}

function countIsBlank(both, path, range) {
  const source = range.definition.count?.expression?.trim()
  if (!/^[\w./-]+$/.test(source ?? '')) return false
  const absolute = source.startsWith('/') ? source.split('/').slice(2) : null
  const steps = absolute ?? [...path.split('/'), ...source.split('/')]
  const names = []
  for (const step of steps) {
    if (step === '..') names.pop()
    else if (step !== '.') names.push(step)
  }
  // An absolute path through repeats means the instances the repeat itself stands in.
  const around = path.split('/')
  const full = names.map((name, n) => (around[n] && bare(around[n]) === name ? around[n] : name)).join('/')
  const node = both.nodes.get(full)
  return Boolean(node) && (!node.currentState.relevant || valueOf(node) === '')
}

// What both say differently on purpose: docs/checklists.md, "Compared with ODK's engine".
const EXCEPTIONS = [
  // pyxform's English words for or_other; ours are in the form's language.
  (ours, odk) => odk === 'Other' && ['其他', 'Other'].includes(ours),
  (ours, odk) => odk === 'Specify other.' && ['请说明', 'Please specify'].includes(ours),
  // pyxform's mark for a text that has no translation; ours is then in the form's own language.
  (ours, odk) => odk === '-' && ours !== '',
  (ours, odk) => odk === 'Invalid Date' && ours === '',
]

// pyxform puts a space at both ends of a text that holds an answer.
const written = (range) => (range?.asString ?? '').trim()

/** @returns {boolean} */
const same = (ours, odk) =>
  Array.isArray(ours)
    ? ours.length === odk.length && ours.every((part, n) => same(part, odk[n]))
    : ours === odk || EXCEPTIONS.some((allows) => allows(ours, odk))

/** Nested answers by question path. */
function flat(answers, outer) {
  const found = {}
  for (const [name, value] of Object.entries(answers)) {
    const path = outer ? `${outer}/${name}` : name
    if (Array.isArray(value)) value.forEach((instance, n) => Object.assign(found, flat(instance, `${path}[${n + 1}]`)))
    else if (typeof value === 'object') Object.assign(found, flat(value, path))
    else found[path] = value
  }
  return found
}

/** What ODK's engine would submit, by question path, without what pyxform added. */
function submitted({ root, form }) {
  const found = {}
  const visit = (element, outer) => {
    const seen = new Map()
    for (const child of element.children) {
      const name = child.localName
      const plain = bare(outer ? `${outer}/${name}` : name)
      const place = form.places.get(plain)
      if (!place) continue
      seen.set(name, (seen.get(name) ?? 0) + 1)
      const position = place.node.kind === 'repeat' ? `[${seen.get(name)}]` : ''
      const path = `${outer ? `${outer}/` : ''}${name}${position}`
      if (place.node.kind !== 'question') visit(child, path)
      else if (child.textContent) found[path] = child.textContent
    }
  }
  visit(new DOMParser().parseFromString(root.instanceState.instanceXML, 'text/xml').documentElement, '')
  return found
}

/**
 * What ODK's engine alone makes of a calculation, in every instance; or why it cannot.
 * @param {[string, Record<string, string>, Record<string, any>, string, string]} given XForm, the files beside it, nested
 *   answers, name of the calculation, language
 */
export async function find([xform, files, answers, name, wanted]) {
  const loaded = await loadForm(xform, { fetchFormAttachment: fetchFrom(files) })
  if (loaded.status === 'failure') return [String(loaded.error.cause ?? loaded.error)]
  try {
    const { root } = loaded.createInstance()
    const language = root.languages.find((found) => found.language.endsWith(`(${wanted})`))
    if (language) root.setLanguage(language)
    fill(root, answers)
    const submission = new DOMParser().parseFromString(root.instanceState.instanceXML, 'text/xml')
    return [...submission.querySelectorAll(name)].map((element) => element.textContent)
  } catch (error) {
    return [String(error)]
  }
}

/** Give nested answers to the children of a node of ODK's engine. */
function fill(parent, answers) {
  for (const node of parent.currentState.children) {
    const given = answers[pathOf(node).split('/').pop()]
    if (node.nodeType.startsWith('repeat-range')) {
      const missing = (given ?? []).length - node.currentState.children.length
      if (missing > 0) node.addInstances(undefined, missing)
      else if (missing < 0) node.removeInstances(0, -missing)
      node.currentState.children.forEach((instance, n) => fill(instance, given[n]))
    } else if (node.nodeType === 'group') {
      fill(node, given ?? {})
    } else if (given !== undefined && node.nodeType !== 'model-value') {
      give(node, String(given))
    }
  }
}

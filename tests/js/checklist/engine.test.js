// What the phone's evaluator does beyond the shared verdicts: new forms, drafts, one answer after another.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { createForm } from '../../../static/src/checklist/engine.js'

const { documents, context } = JSON.parse(readFileSync(new URL('../../vectors/forms.json', import.meta.url), 'utf8'))

const item = (form, path) => form.items().find((found) => found.path === path)
const text = (name, more = {}) => ({ kind: 'question', name, type: 'text', label: { zh: name }, ...more })
const documentOf = (nodes, choices = {}) => ({
  key: 't', version: '1', title: {}, languages: ['zh', 'en'], default_language: 'zh', nodes, choices, order: [],
})

test('a new form takes defaults and registry values; an opened draft does not', () => {
  const document = documentOf([
    text('plain', { default: 'x' }),
    text('computed', { default: ['concat', ['today'], '!'] }),
    text('asked', { prefill: 'household.name' }),
    text('emptied', { default: 'y' }),
  ])
  const started = createForm(document, { context })
  assert.deepEqual(started.answers(), { plain: 'x', computed: '2026-11-23!', asked: '刘家', emptied: 'y' })
  started.set('emptied', '')
  const opened = createForm(document, { answers: started.typed(), context })
  assert.deepEqual(opened.answers(), { plain: 'x', computed: '2026-11-23!', asked: '刘家' })
})

test('a person added to a draft starts with defaults, the others keep what they have', () => {
  const document = documentOf([{ kind: 'repeat', name: 'people', children: [text('state', { default: 'same' })] }])
  const form = createForm(document, { answers: { people: [{ state: 'ill' }, {}] }, context })
  assert.deepEqual(form.answers(), { people: [{ state: 'ill' }, { state: 'same' }] })
})

test('people are named in the order of the visit and numbered from one', () => {
  const form = createForm(documents.people, { context })
  form.set('reached', 'yes')
  const lines = form.items().filter(({ path }) => path.startsWith('people'))
  assert.deepEqual(lines.filter(({ kind }) => kind === 'instance').map(({ path, label }) => [path, label]), [
    ['people[1]', '刘玉珍'], ['people[2]', '王海'],
  ])
  assert.equal(item(form, 'people[2]/well').label, '王海好吗？')
  assert.equal(item(form, 'people').instances, 2)
  assert.ok(!form.items().some(({ node }) => node.type === 'hidden'), 'hidden questions are not shown')
})

test('set names exactly the items that look different', () => {
  const form = createForm(documents.rules, { context })
  form.items()
  const changed = form.set('has', 'yes')
  assert.deepEqual([...changed].sort(), ['g', 'g/n', 'g/own', 'has'])
  assert.deepEqual([...form.set('g/n', '3')].sort(), ['g/n', 'shown'])
  assert.deepEqual([...form.set('g/n', '4')].sort(), ['after', 'g/n', 'shown'])
  assert.deepEqual([...form.set('g/n', '4')], [], 'the same answer again changes nothing')
})

test('items that did not change stay the same objects', () => {
  const form = createForm(documents.rules, { context })
  const before = form.items()
  form.set('after', 'x')
  const after = form.items()
  assert.deepEqual(before.filter((line, at) => line !== after[at]).map(({ path }) => path), ['after'])
})

test('an answer asks again only what depends on it', () => {
  const nodes = Array.from({ length: 150 }, (_, n) => text(`q${n}`, {
    relevant: n ? ['!=', ['ref', 0, `q${n - 1}`], ''] : undefined,
    label: { zh: n ? ['after ', ['ref', 0, `q${n - 1}`]] : 'first' },
  }))
  delete nodes[0].relevant
  const form = createForm(documentOf(nodes), { context })
  form.items()
  form.set('q0', 'x')
  assert.deepEqual([...form.set('q0', 'y')].sort(), ['q0', 'q1'])
  const started = performance.now()
  for (let n = 0; n < 200; n += 1) form.set('q0', String(n))
  const each = (performance.now() - started) / 200
  assert.ok(each < 8, `${each} ms for an answer; a phone six times slower has 50`)
})

test('an answer typed and then not relevant is left out, kept, and back when it is relevant again', () => {
  const form = createForm(documents.rules, { context })
  form.set('has', 'yes')
  form.set('g/n', '7')
  form.set('has', 'no')
  assert.equal(form.answers().g, undefined)
  assert.equal(form.typed().g.n, '7')
  form.set('has', 'yes')
  assert.equal(form.answers().g.n, '7')
})

test('answers can be taken back', () => {
  const form = createForm(documents.rules, { context })
  form.set('after', 'x')
  form.set('after', '')
  assert.equal(form.answers().after, undefined)
  assert.equal(item(form, 'after').value, '')
})

test('a required question says so, and what is wrong with an answer, in the language shown', () => {
  const form = createForm(documents.rules, { context })
  assert.equal(item(form, 'has').required, true)
  assert.deepEqual(item(form, 'has').problem, { code: 'required', message: '请选择' })
  form.setLanguage('en')
  assert.deepEqual(item(form, 'has').problem, { code: 'required', message: 'Please choose' })
  form.set('has', 'yes')
  form.set('g/n', '30')
  assert.deepEqual(item(form, 'g/n').problem, { code: 'constraint', message: '30 people cannot be right' })
  form.setLanguage('zh')
  assert.equal(item(form, 'g/n').label, '几口人？')
  assert.equal(item(form, 'has').choices[0].label, '是')
})

test('a calculated answer is read-only and follows', () => {
  const form = createForm(documents.rules, { context })
  form.set('has', 'yes')
  form.set('g/n', '3')
  assert.equal(item(form, 'shown').value, 'n=3')
  assert.equal(item(form, 'shown').readOnly, true)
})

test('choices follow the answer they depend on, and a choice no longer offered is blank', () => {
  const form = createForm(documents.towns, { context })
  form.set('county', 'one')
  assert.deepEqual(item(form, 'town').choices.map(({ name }) => name), ['a', 'b'])
  form.set('town', 'b')
  const changed = form.set('county', 'two')
  assert.ok(changed.has('town') && changed.has('said'))
  assert.deepEqual(item(form, 'town').choices.map(({ name }) => name), ['c'])
  assert.equal(item(form, 'town').value, '')
  form.set('county', 'one')
  assert.equal(item(form, 'town').value, 'b')
})

test('an answer that flags shows it at once, the gravest first', () => {
  const form = createForm(documents.flags, { context })
  form.set('food', 'out')
  assert.deepEqual(item(form, 'food').flag, {
    question: 'food', choice: 'out', severity: 'red', text: { zh: '断粮', en: 'No food' }, followup: 'temporary_relief',
  })
  assert.deepEqual(item(form, 'food').choices.map(({ flag, flagText }) => [flag, flagText]), [['', ''], ['yellow', ''], ['red', '断粮']])
  form.set('food', 'ok')
  assert.equal(item(form, 'food').flag, null)
  assert.deepEqual(form.flags(), [])
})

test('repeats are added, filled, taken out again and renumbered', () => {
  const form = createForm(documents.repeats, { context })
  assert.equal(item(form, 'free').instances, 1, 'a new form starts with one, as ODK does')
  form.set('free[1]/z', 'one')
  form.addRepeat('free')
  form.addRepeat('free')
  form.set('free[2]/z', 'two')
  form.set('free[3]/z', 'three')
  form.removeRepeat('free', 2)
  assert.deepEqual(form.answers().free, [{ z: 'one' }, { z: 'three' }])
  form.removeRepeat('free', 1)
  form.removeRepeat('free', 1)
  assert.equal(form.answers().free, undefined)
})

test('a count makes and unmakes instances, and what was typed comes back with them', () => {
  const form = createForm(documents.repeats, { context })
  const before = item(form, 'r').instances
  assert.equal(before, 0)
  assert.ok(form.set('n', '2').has('r'), 'the repeat shows that its number changed')
  form.set('r[2]/x', 'b')
  form.addRepeat('r[2]/s')
  form.set('r[2]/s[1]/y', '5')
  assert.equal(form.answers().total, undefined, 'a sum over a blank is blank')
  form.set('n', '1')
  assert.equal(form.answers().r.length, 1)
  form.set('n', '2')
  assert.equal(form.answers().r[1].x, 'b')
  assert.equal(form.answers().r[1].subtotal, '5')
})

test('the first instance begins with one of each repeat inside it, an added one with none', () => {
  const inner = { kind: 'repeat', name: 'inner', children: [text('b', { default: 'deep' })] }
  const form = createForm(documentOf([{ kind: 'repeat', name: 'outer', children: [text('a', { default: 'x' }), inner] }]), { context })
  form.addRepeat('outer')
  assert.deepEqual(form.answers().outer, [{ a: 'x', inner: [{ b: 'deep' }] }, { a: 'x' }])
  form.addRepeat('outer[2]/inner')
  assert.deepEqual(form.answers().outer[1], { a: 'x', inner: [{ b: 'deep' }] })
})

test('what the phone wrote once stays when a draft is opened later', () => {
  const first = createForm(documents.kept, { context })
  first.set('a', 'x')
  const later = { ...context, now: '2026-11-24T08:00:00.000+08:00' }
  const opened = createForm(documents.kept, { answers: first.answers(), context: later })
  assert.equal(opened.answers().stamp, '2026-11-23T10:30:00.000+08:00')
  assert.equal(opened.answers().began, '2026-11-23T10:30:00.000+08:00')
  opened.set('a', 'y')
  assert.equal(opened.answers().first, 'x')
})

test('a draft with answers to questions that are gone opens all the same and loses none of them', () => {
  const form = createForm(documents.rules, { answers: { has: 'yes', old: 'z', g: { gone: 'w' } }, context })
  assert.equal(form.answers().has, 'yes')
  assert.deepEqual(form.typed(), { has: 'yes', old: 'z', g: { gone: 'w' } })
})

test('the document and the answers given are never changed', () => {
  const document = structuredClone(documents.people)
  const answers = { reached: 'yes', people: [{ well: 'no' }] }
  const form = createForm(document, { answers, context })
  form.set('people[2]/well', 'no')
  form.answers()
  assert.deepEqual(document, documents.people)
  assert.deepEqual(answers, { reached: 'yes', people: [{ well: 'no' }] })
})

test('a path that leads nowhere is a mistake of the caller', () => {
  const form = createForm(documents.rules, { context })
  assert.throws(() => form.set('nowhere', 'x'), RangeError)
  assert.throws(() => form.set('g', 'x'), RangeError)
})

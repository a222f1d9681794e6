// What the phone's evaluator does beyond the shared verdicts: new forms, drafts, one answer after another.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { createForm } from '../../../static/src/checklist/engine.js'
import { FUNCTIONS } from '../../../static/src/checklist/functions.js'

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

// --- only what depends on an answer is computed again ---

/** Count what each operation of the evaluator is asked for, while `work` runs. */
const computed = (work) => {
  const before = { ...FUNCTIONS }
  const counts = {}
  for (const [name, compute] of Object.entries(before)) {
    FUNCTIONS[name] = (...values) => {
      counts[name] = (counts[name] ?? 0) + 1
      return compute(...values)
    }
  }
  try {
    work()
  } finally {
    Object.assign(FUNCTIONS, before)
  }
  return counts
}

/** Every fifth question decides about the next, is doubled in one, and is named in the label of another. */
const longForm = (size) => documentOf(Array.from({ length: size }, (_, n) => {
  const first = `q${n - (n % 5)}`
  if (n % 5 === 1) return text(`q${n}`, { relevant: ['starts-with', ['ref', 0, first], 'y'], constraint: ['regex', ['ref', 0, `q${n}`], '^a'] })
  if (n % 5 === 2) return { kind: 'question', name: `q${n}`, type: 'calculate', calculate: ['concat', ['ref', 0, first], '!'] }
  if (n % 5 === 3) return text(`q${n}`, { label: { zh: ['关于', ['translate', ['ref', 0, `q${n - 1}`], '!', '?']] } })
  if (n % 5 === 4) return text(`q${n}`, { required: ['contains', ['ref', 0, first], 'yes'] })
  return text(`q${n}`)
}))

for (const size of [150, 1000]) {
  test(`of ${size} questions an answer computes its own dependents again and nothing else`, () => {
    const form = createForm(longForm(size), { context })
    const look = () => [form.items(), form.problems(), form.flags(), form.answers()]
    look()
    const counts = computed(() => {
      form.set('q50', 'y')
      look()
    })
    // One relevance, one calculation, one label and one requirement hang on it.
    assert.deepEqual(counts, { 'starts-with': 1, concat: 1, translate: 1, contains: 1 })
    assert.deepEqual(computed(look), {}, 'looking again computes nothing')
    assert.deepEqual(computed(() => form.set('q53', 'x')), {}, 'nothing hangs on this one')
  })
}

test('what comes out the same goes no further', () => {
  const nodes = [text('a'), { kind: 'question', name: 'is', type: 'calculate', calculate: ['string', ['>', ['ref', 0, 'a'], 5]] },
    ...Array.from({ length: 100 }, (_, n) => text(`q${n}`, { relevant: ['contains', ['ref', 0, 'is'], 'true'] }))]
  const form = createForm(documentOf(nodes), { context })
  form.set('a', '7')
  form.items()
  assert.deepEqual(computed(() => {
    form.set('a', '8')
    form.items()
  }), { '>': 1, string: 1 })
  assert.equal(computed(() => form.set('a', '1')).contains, 100)
})

test('a chain of two thousand calculations in the wrong order is no deep recursion', () => {
  const size = 2000
  const nodes = Array.from({ length: size }, (_, n) => ({
    kind: 'question', name: `c${n}`, type: 'calculate', calculate: ['+', ['ref', 0, n + 1 < size ? `c${n + 1}` : 'a'], 1],
  }))
  const order = nodes.map(({ name }) => name).reverse()
  const form = createForm({ ...documentOf([...nodes, text('a')]), order }, { context })
  form.set('a', '1')
  assert.equal(form.answers().c0, '2001')
  form.set('a', '5')
  assert.equal(form.answers().c0, '2005')
})

test('a cascade over ten thousand places looks only at those that can be meant', () => {
  const places = Array.from({ length: 10000 }, (_, n) => ({ name: `p${n}`, label: { zh: `${n}` }, county: `c${n % 100}` }))
  const nodes = [text('county'), { kind: 'question', name: 'place', type: 'select_one', list: 'places', choice_filter: ['=', ['col', 'county'], ['ref', 0, 'county']] }]
  const form = createForm(documentOf(nodes, { places }), { context })
  form.set('county', 'c7')
  form.items()
  const counts = computed(() => form.set('county', 'c8'))
  assert.equal(counts['='], 100)
  assert.equal(item(form, 'place').choices.length, 100)
  assert.equal(item(form, 'place').choices[0].name, 'p8')
})

// --- repeats that change in the middle ---

test('taking an instance out moves the others up with their paths, positions and answers', () => {
  const nodes = [
    { kind: 'repeat', name: 'r', children: [
      text('v'),
      { kind: 'question', name: 'at', type: 'calculate', calculate: ['position', 0] },
      { kind: 'question', name: 'before', type: 'calculate', calculate: ['ref', 0, 'r/v', [['-', ['position', 0], 1]]] },
      { kind: 'repeat', name: 's', children: [text('w')] },
    ] },
    { kind: 'question', name: 'all', type: 'calculate', calculate: ['join', ',', ['ref', 0, 'r/v']] },
  ]
  const form = createForm(documentOf(nodes), { context })
  form.addRepeat('r')
  form.addRepeat('r')
  ;['a', 'b', 'c'].forEach((given, n) => form.set(`r[${n + 1}]/v`, given))
  form.addRepeat('r[3]/s')
  form.set('r[3]/s[1]/w', 'deep')
  form.items()
  form.removeRepeat('r', 2)
  assert.deepEqual(form.answers(), {
    r: [{ v: 'a', at: '1', s: [{}] }, { v: 'c', at: '2', before: 'a', s: [{ w: 'deep' }] }], all: 'a,c',
  })
  assert.deepEqual(form.items().map(({ path }) => path).filter((path) => path.startsWith('r[2]')), ['r[2]', 'r[2]/v', 'r[2]/s', 'r[2]/s[1]', 'r[2]/s[1]/w'])
  form.set('r[2]/v', 'd')
  assert.equal(form.answers().all, 'a,d')
  assert.deepEqual([...form.set('r[1]/v', 'e')], ['r[1]/v'])
  assert.equal(form.answers().r[1].before, 'e')
})

test('an instance that a count makes begins with its defaults, once', () => {
  const form = createForm(documents.rooms, { context })
  form.set('floors', '1')
  form.set('floor[1]/rooms', '2')
  assert.deepEqual(form.answers().floor[0].room, [{ beds: '1', label: '1-1' }, { beds: '1', label: '1-2' }])
  form.set('floor[1]/room[2]/beds', '')
  form.set('floor[1]/rooms', '3')
  assert.deepEqual(form.answers().floor[0].room.map(({ beds }) => beds), ['1', undefined, '1'])
})

test('what was drawn by lot stays with its instance', () => {
  const nodes = [{ kind: 'repeat', name: 'r', children: [
    text('v'), { kind: 'question', name: 'lot', type: 'calculate', kept: true, calculate: ['uuid'] },
  ] }]
  const form = createForm(documentOf(nodes), { context })
  form.addRepeat('r')
  const [, { lot }] = form.answers().r
  assert.match(lot, /^[0-9a-f-]{36}$/)
  form.set('r[2]/v', 'x')
  form.setLanguage('en')
  form.removeRepeat('r', 1)
  form.addRepeat('r')
  assert.equal(form.answers().r[0].lot, lot)
  assert.notEqual(form.answers().r[1].lot, lot)
  assert.equal(createForm(documentOf(nodes), { answers: form.typed(), context }).answers().r[0].lot, lot)
})

test('once keeps what was first when it first counts', () => {
  const first = { kind: 'question', name: 'first', type: 'calculate', kept: true, calculate: ['once', ['ref', 0, 'n']] }
  const form = createForm(documentOf([text('n'), text('show'), { ...first, relevant: ['=', ['ref', 0, 'show'], 'yes'] }]), { context })
  form.set('n', '1')
  form.items()
  form.set('n', '2')
  form.set('show', 'yes')
  form.set('n', '3')
  assert.equal(form.answers().first, '2')
  form.set('show', 'no')
  assert.equal(form.answers().first, undefined)
  form.set('show', 'yes')
  assert.equal(form.answers().first, '2')
})

test('once keeps what was first, in an added instance too', () => {
  const nodes = [text('n', { default: '5' }), { kind: 'repeat', name: 'r', children: [
    text('v'), { kind: 'question', name: 'first', type: 'calculate', kept: true, calculate: ['once', ['ref', 0, 'n']] },
  ] }]
  const form = createForm(documentOf(nodes), { context })
  form.addRepeat('r')
  form.set('n', '2')
  assert.deepEqual(form.answers().r, [{ first: '5' }, { first: '5' }])
})

// --- answers that set others ---

test('an answer sets another when it changes, in its own instance only, and may be changed by hand', () => {
  const form = createForm(documents.setting, { context })
  form.addRepeat('r')
  form.items()
  assert.ok(form.set('has', 'yes').has('note'))
  assert.equal(form.answers().note, 'now yes')
  form.set('note', 'mine')
  form.set('has', 'yes')
  assert.equal(form.answers().note, 'mine', 'the same answer again sets nothing')
  form.set('has', 'no')
  assert.equal(form.answers().note, 'now no')
  assert.equal(form.answers().times, '2')
  form.set('r[2]/n', '4')
  assert.deepEqual(form.answers().r, [{}, { n: '4', was: '8' }])
  form.set('r[1]/n', '1')
  assert.deepEqual(form.answers().r.map(({ was }) => was), ['2', '8'])
})

test('an answer that was set sets what hangs on it', () => {
  const form = createForm(documents.setting, { context })
  form.set('cleared', 'x')
  form.set('has', 'yes')
  assert.equal(form.answers().cleared, undefined)
})

test('a draft opened again sets nothing', () => {
  const first = createForm(documents.setting, { context })
  first.set('has', 'yes')
  first.set('note', 'mine')
  const opened = createForm(documents.setting, { answers: first.typed(), context })
  assert.equal(opened.answers().note, 'mine')
  assert.equal(opened.answers().times, '1')
})

test('answers that set each other in a circle come to an end', () => {
  const setting = (on) => ({ set_on: { questions: [on], value: ['concat', ['ref', 0, on], '.'] } })
  const form = createForm(documentOf([text('a', setting('b')), text('b', setting('a'))]), { context })
  form.set('a', 'x')
  assert.ok(form.answers().a.length < 100)
})

// --- what a form begins with ---

test('a hidden question takes its default, a chosen one only what is offered', () => {
  const form = createForm(documentOf([
    { kind: 'question', name: 'kept', type: 'hidden', default: 'k' },
    { kind: 'question', name: 'one', type: 'select_one', list: 'yn', default: ['concat', 'n', 'o'] },
    { kind: 'question', name: 'two', type: 'select_one', list: 'yn', default: ['concat', 'no', 'pe'] },
    { kind: 'question', name: 'on', type: 'date', default: ['today'] },
  ], { yn: [{ name: 'yes', label: {} }, { name: 'no', label: {} }] }), { context })
  assert.deepEqual(form.answers(), { kept: 'k', one: 'no', on: '2026-11-23' })
})

test('a choice is named with the answer its words hold', () => {
  const form = createForm(documents.offers, { context })
  form.items()
  assert.ok(form.set('who', '刘家').has('shop'))
  assert.equal(item(form, 'shop').choices[0].label, '刘家的店')
  form.setLanguage('en')
  assert.equal(item(form, 'shop').choices[0].label, "刘家's shop")
})

test('answers of any shape open a form and are kept', () => {
  for (const answers of [{ people: 5 }, { people: [null, 'x', { elder: 3 }] }, { reached: ['yes'] }, { people: { a: 1 } }]) {
    const form = createForm(documents.people, { answers, context })
    form.set('reached', 'yes')
    form.set('people[1]/well', 'no')
    assert.equal(form.answers().people[0].well, 'no')
    form.items()
    form.problems()
  }
})

test('two hundred in each of two hundred are bounded', () => {
  const nodes = [{ kind: 'repeat', name: 'r', count: 200, children: [
    { kind: 'repeat', name: 's', count: 1e9, children: [text('w'), { kind: 'question', name: 'n', type: 'calculate', calculate: ['count', ['ref', 0, 'r/s']] }] },
  ] }]
  const started = performance.now()
  const form = createForm(documentOf(nodes), { context })
  assert.equal(form.answers().r[0].s[0].n, '2000')
  form.items()
  assert.ok(performance.now() - started < 5000)
})

test('texts that double themselves are cut', () => {
  const nodes = Array.from({ length: 40 }, (_, n) => ({
    kind: 'question', name: `c${n}`, type: 'calculate', calculate: n ? ['concat', ['ref', 0, `c${n - 1}`], ['ref', 0, `c${n - 1}`]] : ['ref', 0, 'a'],
  }))
  const form = createForm(documentOf([text('a'), ...nodes]), { context })
  form.set('a', '困难'.repeat(1000))
  assert.equal([...form.answers().c39].length, 100000)
})

// The phone's evaluator answers the shared vectors as they say; tests/checklists/test_vectors.py asks the server's the same.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { createForm } from '../../../static/src/checklist/engine.js'

const read = (name) => JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8'))
const expressions = read('expressions.json')
const forms = read('forms.json')
// A form without a single answer is a new one to the phone, and takes defaults; these cases have none.
const some = (answers) => ({ ...answers })

for (const given of expressions.cases) {
  test(`expression ${given.expression}`, () => {
    const document = structuredClone(expressions.document)
    const nodes = given.at ? document.nodes.find((node) => node.name === given.at).children : document.nodes
    nodes.push({ kind: 'question', name: 'result', type: 'calculate', calculate: given.tree })
    const context = { ...expressions.context, ...given.context }
    const answers = createForm(document, { answers: { r: [], ...given.given }, context }).answers()
    const results = given.at ? answers[given.at].map(({ result }) => result ?? '') : (answers.result ?? '')
    assert.deepEqual(results, given.is)
  })
}

for (const given of forms.cases) {
  test(`form ${given.form}: ${given.name}`, () => {
    const context = { ...forms.context, ...given.context }
    const form = createForm(forms.documents[given.form], { answers: some(given.given), context })
    assert.deepEqual(form.answers(), given.answers)
    assert.deepEqual(form.problems(), given.problems ?? [])
    assert.deepEqual(form.flags(), given.flags ?? [])
  })
}

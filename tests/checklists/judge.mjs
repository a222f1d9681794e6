// The phone's verdicts on the cases that come in as JSON lines, one line each: for test_alike.py.
import { createInterface } from 'node:readline'

import { createForm } from '../../static/src/checklist/engine.js'

let document
for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line)
  if (given.document) {
    document = given.document
    continue
  }
  const form = createForm(document, given)
  console.log(JSON.stringify({ answers: form.answers(), problems: form.problems(), flags: form.flags() }))
}

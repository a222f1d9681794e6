/** The words of a text without its signs are the same on the phone and at the desk. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { plain } from '../../../static/src/checklist/view/markup.js'

const cases = JSON.parse(readFileSync(new URL('../../checklists/markup.json', import.meta.url), 'utf8'))

for (const [text, words] of cases) test(`the words of ${JSON.stringify(text)}`, () => assert.equal(plain(text), words))

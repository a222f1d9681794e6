// Where headings, pages and the ends of repeats stand.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { cutPages, cutSections } from '../../../../static/src/checklist/view/sections.js'

const question = (path) => ({ kind: 'question', path, label: path, node: { type: 'text' } })
const group = (path, label = path, appearance = '') => ({ kind: 'group', path, label, node: { appearance } })
const repeat = (path, instances) => ({ kind: 'repeat', path, label: path, instances, node: {} })
const one = (path, appearance = '') => ({ kind: 'instance', path, label: '', node: { appearance } })
const lines = (sections) => sections.map(({ head, depth, items, ends }) => (
  `${head ? `${'#'.repeat(depth + 1)} ${head.path}: ` : ''}${items.map(({ path }) => path)}${ends.length ? ` +${ends.map(({ path }) => path)}` : ''}`))

test('questions stand under the heading of their group, and not under one that has ended', () => {
  assert.deepEqual(lines(cutSections([question('a'), group('g'), question('g/b'), group('g/h'), question('g/h/c'), question('g/d'), question('e')])), [
    'a', '# g: g/b', '## g/h: g/h/c', 'g/d,e',
  ])
})

test('a group without a label has no heading', () => {
  assert.deepEqual(lines(cutSections([question('a'), group('g', ''), question('g/b')])), ['a,g/b'])
})

test('a repeat ends after its last question, also inside another', () => {
  const items = [repeat('r', 2), one('r[1]'), question('r[1]/a'), repeat('r[1]/s', 1), one('r[1]/s[1]'), question('r[1]/s[1]/b'),
    one('r[2]'), question('r[2]/a'), repeat('r[2]/s', 0), question('end')]
  assert.deepEqual(lines(cutSections(items)), [
    '# r: ', '## r[1]: r[1]/a', '### r[1]/s: ', '#### r[1]/s[1]: r[1]/s[1]/b +r[1]/s', '## r[2]: r[2]/a', '### r[2]/s:  +r[2]/s,r', 'end',
  ])
})

test('a page is a question, or a field list as a whole', () => {
  const items = [question('a'), group('g', 'g', 'field-list'), question('g/b'), group('g/h'), question('g/h/c'), group('k'), question('k/d'), question('k/e'), question('f')]
  assert.deepEqual(cutPages(items).map(lines), [['a'], ['# g: g/b', '## g/h: g/h/c'], ['# k: k/d'], ['k/e'], ['f']])
})

test('one more of a repeat is offered on the page of its last question, or on a page of its own', () => {
  const items = [repeat('r', 2), one('r[1]'), question('r[1]/a'), one('r[2]'), question('r[2]/a'), repeat('s', 0)]
  assert.deepEqual(cutPages(items).map(lines), [['# r: ', '## r[1]: r[1]/a'], ['# r[2]: r[2]/a +r'], ['# s:  +s']])
})

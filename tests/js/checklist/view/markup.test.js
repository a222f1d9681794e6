// Texts of a checklist: what becomes emphasis, links and line breaks, and what stays the words it is.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { markup, parse, plain } from '../../../../static/src/checklist/view/markup.js'

/** What a page would hold of it; texts put into a template are escaped, as lit does. */
const written = (shown) => {
  if (Array.isArray(shown)) return shown.map(written).join('')
  if (typeof shown === 'string') return shown.replace(/&/g, '&amp;').replace(/</g, '&lt;')
  return shown.strings.map((part, n) => part + (n < shown.values.length ? written(shown.values[n]) : '')).join('')
}
const page = (text) => written(markup(text))

test('emphasis, headings, links and line breaks of markdown are shown as such', () => {
  assert.equal(page('*a* _b_ **c** __d__'), '<em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong>')
  assert.equal(page('**a *b* c**'), '<strong>a <em>b</em> c</strong>')
  assert.equal(page('***a***'), '<strong><em>a</em></strong>')
  assert.equal(page('## 告知\n正文'), '<strong class="md-heading">告知</strong>正文')
  assert.equal(page('一\n二'), '一<br>二')
  assert.equal(page('看[这里](https://example.org/a?b=1)'), '看<a class="md-link" href=https://example.org/a?b=1 target="_blank" rel="noopener noreferrer">这里</a>')
})

test('the HTML tags that are allowed are shown, without their attributes', () => {
  assert.equal(page('<b>a</b> <STRONG>b</STRONG> <i>c</i> <u>d</u>'), '<strong>a</strong> <strong>b</strong> <em>c</em> <u>d</u>')
  assert.equal(page('<span style="color:red" onclick="x()">a</span>'), 'a')
  assert.equal(page('a<br/>b'), 'a<br>b')
  assert.equal(page('<h3>a</h3><p>b</p>'), '<strong class="md-heading">a</strong><span class="md-block">b</span>')
  assert.equal(page("<a class='x' href='https://example.org'>a</a>"), '<a class="md-link" href=https://example.org target="_blank" rel="noopener noreferrer">a</a>')
})

test('signs that are no markup stay signs', () => {
  for (const text of ['3 * 4 * 5', 'food_days_left', '2*3', 'a ** b', '* 一', '_', '**', '****', '# ', '#标签', '[a](b)', '1 < 2', '\\*'.slice(1), '<', '<>', '</b>']) {
    assert.equal(page(text), text.replace(/</g, '&lt;'), text)
  }
  assert.equal(page('\\*a\\*'), '*a*')
  assert.equal(page('__name__init'), '__name__init')
})

test('what is left open ends with its line, or is the sign it was', () => {
  assert.equal(page('<b>a'), '<strong>a</strong>')
  assert.equal(page('**a'), '**a')
  assert.equal(page('*a **b*'), '<em>a **b</em>')
  assert.equal(page('<b>a *c</b> d'), '<strong>a *c</strong> d')
})

test('no text puts a script, an address that is not one, or an unknown tag into a page', () => {
  const hostile = [
    '<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '<a href="javascript:alert(1)">a</a>', '[a](javascript:alert(1))',
    '<a href="java\nscript:alert(1)">a</a>', '<a href=" https://x" onclick=alert(1)>a</a>', '<svg onload=alert(1)>', '<iframe src=//x>',
    '<b onmouseover=alert(1)>a</b>', '<B <script>alert(1)</script>', '**<script>**alert(1)', '<style>*{}</style>', '<a href="data:text/html,x">a</a>',
    '<!--', '<![CDATA[x]]>', '<b/onclick=alert(1)>', '[<script>](https://x)', '<a href="https://x&quot; onclick=alert(1)">a</a>', '<constructor>', '<__proto__>',
  ]
  const tags = /<(?!\/?(strong|em|u)>|br>|strong class="md-heading">|span class="md-block">|\/span>|\/a>|a class="md-link" href=https?:\/\/[^ ]* target="_blank" rel="noopener noreferrer">)/
  for (const text of hostile) assert.doesNotMatch(page(text), tags, text)
})

test('ten thousand signs of any kind are shown within a fraction of a second', () => {
  const started = performance.now()
  for (const sign of ['*', '_', '**a', '*a ', '_a_', '<b>', '</b>', '<b ', '[', '[a](', '[a](https://', '<a href="', '<', '# ', '\\', '\n', '<p><b>*a', '*a_b', '`', '['.repeat(3), '](https://x)']) {
    const text = sign.repeat(10_000)
    page(text)
    plain(text)
  }
  assert.ok(performance.now() - started < 5000, `${performance.now() - started} ms`)
})

test('the words alone are what a reader would hear', () => {
  assert.equal(plain('# 告知\n**不收** <b>任何</b> [费用](https://example.org)'), '告知 不收 任何 费用')
  assert.equal(plain('没有符号'), '没有符号')
  assert.deepEqual(parse('a'), ['a'])
})

// Words: the same texts in both languages, dates and distances as people say them.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import en from '../../../static/src/phone/texts/en.js'
import zh from '../../../static/src/phone/texts/zh.js'
import { maskPhone } from '../../../static/src/checklist/view/mask.js'
import { ageOn, dayWords, distanceWords, dueWords, longDate, pick, setLanguage, sinceWords, sizeWords, t } from '../../../static/src/phone/words.js'

const now = new Date('2026-11-23T09:42:00')
const inBoth = (words) => ['zh', 'en'].map((language) => { setLanguage(language); return words() })

test('both languages have the same texts, of the same shape', () => {
  assert.deepEqual(Object.keys(zh), Object.keys(en))
  for (const key of Object.keys(zh)) assert.equal(typeof zh[key], typeof en[key], key)
})

test('no Chinese text is left in English, none is empty', () => {
  const params = new Proxy({}, { get: () => 2 })
  for (const key of Object.keys(en)) {
    const words = typeof en[key] === 'function' ? en[key](params) : en[key]
    assert.ok(words, key)
    assert.doesNotMatch(words, /[\u4e00-\u9fff]/, key)
  }
  for (const key of Object.keys(zh)) assert.ok(zh[key], key)
})

test('Chinese texts use Chinese punctuation', () => {
  const params = new Proxy({}, { get: () => '二' })
  for (const key of Object.keys(zh)) {
    const words = typeof zh[key] === 'function' ? zh[key](params) : zh[key]
    assert.doesNotMatch(words, /[\u4e00-\u9fff][,:;?!()]|[,:;?!()][\u4e00-\u9fff]/, key)
  }
})

test('days are said as people say them, dates further off', () => {
  assert.deepEqual(inBoth(() => dayWords('2026-11-23', now)), ['今天', 'today'])
  assert.deepEqual(inBoth(() => dayWords('2026-11-22', now)), ['昨天', 'yesterday'])
  assert.deepEqual(inBoth(() => dayWords('2026-11-25', now)), ['周三', 'Wednesday'])
  assert.deepEqual(inBoth(() => dayWords('2026-11-09', now)), ['11月9日', '9 Nov'])
  assert.deepEqual(inBoth(() => dayWords('2025-11-09', now)), ['2025年11月9日', '9 Nov 2025'])
  assert.deepEqual(inBoth(() => longDate(now)), ['11月23日 星期一', 'Monday 23 November'])
})

test('what lies behind has a time today and yesterday, a date before', () => {
  assert.deepEqual(inBoth(() => sinceWords('2026-11-23T09:02:00', now)), ['今天 09:02', 'today 09:02'])
  assert.deepEqual(inBoth(() => sinceWords('2026-11-09T09:02:00', now)), ['11月9日', '9 Nov'])
})

test('what is due soon is said in minutes and hours', () => {
  assert.deepEqual(inBoth(() => dueWords('2026-11-23T10:12:00', now)), ['30 分钟内', 'within 30 min'])
  assert.deepEqual(inBoth(() => dueWords('2026-11-23T12:12:00', now)), ['3 小时内', 'within 3 h'])
  assert.deepEqual(inBoth(() => dueWords('2026-11-24T18:00:00', now)), ['明天前', 'by tomorrow'])
  assert.deepEqual(inBoth(() => dueWords('2026-11-23T09:00:00', now)), ['已过期限', 'past due'])
})

test('distances are in metres, then kilometres', () => {
  assert.deepEqual(inBoth(() => distanceWords(35.4)), ['40 米', '40 m'])
  assert.deepEqual(inBoth(() => distanceWords(7)), ['7 米', '7 m'])
  assert.deepEqual(inBoth(() => distanceWords(1234)), ['1.2 公里', '1.2 km'])
  assert.deepEqual(inBoth(() => distanceWords(12_345)), ['12 公里', '12 km'])
})

test('a phone number shows its first three and last four digits', () => {
  assert.equal(maskPhone('13812341234'), '138****1234')
  assert.equal(maskPhone('138 1234 1234'), '138****1234')
  assert.equal(maskPhone('12345'), '***45')
})

test('age counts whole years', () => {
  assert.equal(ageOn('1950-11-23', '2026-11-23'), 76)
  assert.equal(ageOn('1950-11-24', '2026-11-23'), 75)
  assert.equal(ageOn(null, '2026-11-23'), null)
})

test('sizes, one person and two, texts of records in the language there is', () => {
  assert.deepEqual([sizeWords(199_100), sizeWords(2_300_000), sizeWords(10_700_000_000)], ['200 KB', '2.3 MB', '10.7 GB'])
  setLanguage('en')
  assert.equal(t('today.people', { n: 1 }), '1 person')
  assert.equal(t('today.people', { n: 2 }), '2 people')
  assert.equal(pick({ zh: '只有中文' }), '只有中文')
  setLanguage('zh')
})

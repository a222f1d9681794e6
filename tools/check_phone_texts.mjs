/**
 * The phone's texts: both languages have the same keys, none empty, the same places to fill in, and all that the code names.
 *
 * Invariant: prints one line per fault and ends with 1 when there is any.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import en from '../static/src/phone/texts/en.js'
import zh from '../static/src/phone/texts/zh.js'

const source = fileURLToPath(new URL('../static/src', import.meta.url))
const faults = []

/** @param {unknown} text */
const places = (text) => (typeof text === 'string' ? (text.match(/\{\w+\}/g) ?? []).sort().join(' ') : null)

for (const key of new Set([...Object.keys(zh), ...Object.keys(en)])) {
  for (const [language, texts] of Object.entries({ zh, en })) {
    if (!texts[key]) faults.push(`${key}: no text in ${language}.js`)
  }
  if (zh[key] && en[key] && places(zh[key]) !== null && places(en[key]) !== null && places(zh[key]) !== places(en[key])) {
    faults.push(`${key}: {…} differ, "${places(zh[key])}" in zh.js and "${places(en[key])}" in en.js`)
  }
}

for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
  if (!path.endsWith('.js')) continue
  for (const [, key] of readFileSync(join(source, path), 'utf8').matchAll(/\bt\('([a-z_]+\.[a-z_.]+)'/g)) {
    if (!(key in zh)) faults.push(`${key}: named in ${path}, missing in texts/`)
  }
}

for (const fault of faults) console.error(`phone texts: ${fault}`)
process.exit(faults.length ? 1 : 0)

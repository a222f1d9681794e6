import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { chooseOffers } from '../../../static/src/phone/offers.js'

const { cases } = JSON.parse(readFileSync(new URL('../../checklists/offers.json', import.meta.url), 'utf8'))

for (const { what, offers, area_code, day, chosen } of cases) {
  test(what, () => {
    for (const order of [offers, [...offers].reverse()]) {
      const found = Object.fromEntries([...chooseOffers(order, area_code, day)].map(([key, offer]) => [key, offer.id]))
      assert.deepEqual(found, chosen)
    }
  })
}

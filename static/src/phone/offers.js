/**
 * Which version of each checklist is used in a place on a day. Pure.
 *
 * Invariant: phone and server (`fieldapp/checklists/offers.py`) decide alike; both answer tests/checklists/offers.json.
 */

/**
 * A version in force in an area (and below) from one day to another, both included (YYYY-MM-DD).
 * @typedef {{id: number, key: string, version: string, area_code: string, from_on: string, until_on: string|null}} Offer
 */

/** @param {Offer} offer @param {string} areaCode @param {string} day */
const isInForce = (offer, areaCode, day) => (
  areaCode.startsWith(offer.area_code) && offer.from_on <= day && (offer.until_on === null || day <= offer.until_on))

/**
 * Whether `offer` counts before `other`: the more specific area, then the one that began last, then the higher version,
 * then the later publication.
 * @param {Offer} offer @param {Offer} other
 */
function goesBefore(offer, other) {
  const places = [
    offer.area_code.length - other.area_code.length, offer.from_on > other.from_on ? 1 : offer.from_on < other.from_on ? -1 : 0,
    Number(offer.version) - Number(other.version), offer.id - other.id,
  ]
  return (places.find((place) => place !== 0) ?? 0) > 0
}

/**
 * By key, the offer that counts in the area on that day.
 * @template {Offer} T @param {T[]} offers @param {string} areaCode @param {string} day @returns {Map<string, T>}
 */
export function chooseOffers(offers, areaCode, day) {
  /** @type {Map<string, T>} */
  const chosen = new Map()
  for (const offer of offers) {
    const other = chosen.get(offer.key)
    if (isInForce(offer, areaCode, day) && (!other || goesBefore(offer, other))) chosen.set(offer.key, offer)
  }
  return chosen
}

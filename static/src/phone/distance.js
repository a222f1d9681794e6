/**
 * Distances on the ground for the person holding the phone; the server computes its own.
 *
 * Invariant: points are WGS-84 degrees, results metres.
 */

const EARTH_RADIUS_M = 6_371_008.8

/**
 * Great-circle distance in metres.
 * @param {{lat: number, lon: number}} from @param {{lat: number, lon: number}} to
 */
export function distanceM(from, to) {
  const rad = Math.PI / 180
  const dLat = (to.lat - from.lat) * rad
  const dLon = (to.lon - from.lon) * rad
  const a = Math.sin(dLat / 2) ** 2 + Math.cos(from.lat * rad) * Math.cos(to.lat * rad) * Math.sin(dLon / 2) ** 2
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(a)))
}

/**
 * Where a household is registered to be, or null when unknown or in a datum the phone does not compare with
 * (GCJ-02 and BD-09 lie 100–700 m off).
 * @param {{lat?: number|null, lon?: number|null, datum?: string|null}} household
 */
export function homeOf(household) {
  if (household.lat == null || household.lon == null) return null
  if (household.datum && !/^wgs-?84$/i.test(household.datum)) return null
  return { lat: household.lat, lon: household.lon }
}

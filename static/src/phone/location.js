/**
 * Where the phone is, as the browser measures it.
 *
 * Invariant: nothing is measured unless the worker asked for it, or the form on the screen says that it is; nothing is
 * kept running after the answer.
 */

/** Good enough to stop waiting, metres. */
export const GOOD_M = 30
/** Given up after, ms. */
export const PATIENCE_MS = 60_000

/**
 * @typedef {object} Place @property {number} lat @property {number} lon @property {number|null} alt metres
 * @property {number} accuracy_m @property {string} datum @property {string} at ISO instant of the fix
 */

/** @param {GeolocationPosition} position @returns {Place} */
function placeOf({ coords, timestamp }) {
  return {
    lat: Number(coords.latitude.toFixed(7)), lon: Number(coords.longitude.toFixed(7)),
    alt: coords.altitude, accuracy_m: Math.round(coords.accuracy * 10) / 10,
    datum: 'WGS84', at: new Date(timestamp).toISOString(),
  }
}

/** Whether a fix can be taken without waiting for a better one. @param {Place} place @param {number} [goodM] */
export const isGood = (place, goodM = GOOD_M) => place.accuracy_m <= goodM

/** A geopoint as XForms writes it: "lat lon alt accuracy". @param {Place} place */
export const geopointOf = (place) => `${place.lat} ${place.lon} ${place.alt ?? 0} ${place.accuracy_m}`

/**
 * Watch until good enough or given up. `report` gets the best fix so far each time it improves; `end` is called once
 * with "good", "weak" (a fix, but not good), "denied" or "failed" (none). The returned function stops the watch.
 * @param {{report: (place: Place) => void, end: (how: 'good'|'weak'|'denied'|'failed') => void, goodM?: number}} tell
 */
export function watchPlace({ report, end, goodM = GOOD_M }) {
  /** @type {Place|null} */
  let best = null
  let over = false
  const finish = (/** @type {'good'|'weak'|'denied'|'failed'} */ how) => {
    if (over) return
    stop()
    end(how)
  }
  const watch = navigator.geolocation.watchPosition((position) => {
    const place = placeOf(position)
    if (best && place.accuracy_m >= best.accuracy_m) return
    best = place
    report(place)
    if (isGood(place, goodM)) finish('good')
  }, (error) => {
    if (error.code === error.PERMISSION_DENIED) finish('denied')
    // Other errors pass: a first fix may well come after "unavailable" or a time-out.
  }, { enableHighAccuracy: true, maximumAge: 0, timeout: PATIENCE_MS })
  const timer = setTimeout(() => finish(best ? 'weak' : 'failed'), PATIENCE_MS)
  function stop() {
    over = true
    clearTimeout(timer)
    navigator.geolocation.clearWatch(watch)
  }
  return stop
}

/** One rough fix for sorting by distance, or null. @returns {Promise<Place|null>} */
export function askPlace() {
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition(
      (position) => resolve(placeOf(position)), () => resolve(null),
      { enableHighAccuracy: false, maximumAge: 300_000, timeout: 15_000 },
    )
  })
}

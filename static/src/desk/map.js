/**
 * A map of at most two places, or of all that is open. It needs no tile server: see parts/background.js.
 */
import L from 'leaflet'
import { makeMap, shifted } from './parts/background.js'
import { drawPlaces } from './parts/places.js'

/**
 * @typedef {{kind: 'home' | 'visit', lat: number, lon: number, datum: string, accuracy_m?: number | null}} Point
 */

/** @param {HTMLElement} place an empty element; its data-… say what to draw */
export function drawMap(place) {
  if (place.classList.contains('leaflet-container')) return
  if (place.dataset.points) {
    drawPlaces(place)
    return
  }
  const { map: points = '[]', datum = 'WGS84' } = place.dataset
  const map = makeMap(place)
  const bounds = L.latLngBounds([])
  /** @type {[number, number][]} */
  const line = []
  for (const point of /** @type {Point[]} */ (JSON.parse(points))) {
    const at = shifted(point, point.datum, datum)
    line.push(at)
    bounds.extend(at)
    if (point.accuracy_m) {
      const circle = L.circle(at, { radius: point.accuracy_m, className: 'map-accuracy', interactive: false })
      circle.addTo(map)
      // As large as its accuracy, unless that would make the two points one.
      if (point.accuracy_m < 500) bounds.extend(L.latLng(at).toBounds(point.accuracy_m * 2))
    }
    const icon = L.divIcon({ className: `map-dot at-${point.kind}`, iconSize: [16, 16] })
    L.marker(at, { icon, interactive: false, keyboard: false }).addTo(map)
  }
  if (line.length === 2) L.polyline(line, { className: 'map-line', interactive: false }).addTo(map)
  map.fitBounds(bounds, { padding: [24, 24], maxZoom: 17, animate: false })
}

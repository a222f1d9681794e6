/**
 * A map of at most two places. It needs no tile server: without one it draws a plain grid and a scale.
 *
 * Invariant: coordinates are stored raw; they are shifted to the datum of the background here, for display only.
 */
import gcoord from 'gcoord'
import L from 'leaflet'

/**
 * @typedef {{kind: 'home' | 'visit', lat: number, lon: number, datum: string, accuracy_m?: number | null}} Point
 */

/** @type {Record<string, any>} */
const SYSTEMS = { WGS84: gcoord.WGS84, GCJ02: gcoord.GCJ02, BD09: gcoord.BD09 }

/**
 * @param {Point} point
 * @param {string} datum
 * @returns {[number, number]} latitude, longitude
 */
function shifted(point, datum) {
  const from = SYSTEMS[point.datum] ?? gcoord.WGS84
  const [lon, lat] = gcoord.transform([point.lon, point.lat], from, SYSTEMS[datum] ?? gcoord.WGS84)
  return [lat, lon]
}

/** Squares as a background, moving with the map. */
class Squares extends L.GridLayer {
  createTile() {
    const tile = document.createElement('div')
    tile.className = 'map-square'
    return tile
  }
}

/** @param {HTMLElement} place an empty element; its data-… say what to draw */
export function drawMap(place) {
  if (place.classList.contains('leaflet-container')) return
  const { map: points = '[]', tiles = '', datum = 'WGS84', zoomIn = '', zoomOut = '' } = place.dataset
  const map = L.map(place, { attributionControl: false, zoomControl: false, keyboard: false, scrollWheelZoom: false })
  L.control.zoom({ zoomInTitle: zoomIn, zoomOutTitle: zoomOut }).addTo(map)
  L.control.scale({ imperial: false }).addTo(map)
  if (tiles) L.tileLayer(tiles, { maxZoom: 18 }).addTo(map)
  else new Squares({ tileSize: 32 }).addTo(map)

  const bounds = L.latLngBounds([])
  /** @type {[number, number][]} */
  const line = []
  for (const point of /** @type {Point[]} */ (JSON.parse(points))) {
    const at = shifted(point, datum)
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

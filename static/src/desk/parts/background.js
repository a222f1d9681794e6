/**
 * What every map of the desk stands on: tiles where they are set, a plain grid and a scale where they are not.
 *
 * Invariant: coordinates are stored raw; they are shifted to the datum of the background here, for display only.
 */
import gcoord from 'gcoord'
import L from 'leaflet'

/** @type {Record<string, any>} */
const SYSTEMS = { WGS84: gcoord.WGS84, GCJ02: gcoord.GCJ02, BD09: gcoord.BD09 }

/**
 * @param {{lat: number, lon: number}} point
 * @param {string} from
 * @param {string} to
 * @returns {[number, number]} latitude, longitude
 */
export function shifted(point, from, to) {
  const known = /** @param {string} datum */ (datum) => SYSTEMS[datum] ?? gcoord.WGS84
  const [lon, lat] = gcoord.transform([point.lon, point.lat], known(from), known(to))
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

/** @param {HTMLElement} place an empty element; its data-… say what to draw on */
export function makeMap(place) {
  const { tiles = '', zoomIn = '', zoomOut = '' } = place.dataset
  const map = L.map(place, { attributionControl: false, zoomControl: false, keyboard: false, scrollWheelZoom: false })
  L.control.zoom({ zoomInTitle: zoomIn, zoomOutTitle: zoomOut }).addTo(map)
  L.control.scale({ imperial: false }).addTo(map)
  if (tiles) L.tileLayer(tiles, { maxZoom: 18 }).addTo(map)
  else new Squares({ tileSize: 32 }).addTo(map)
  return map
}

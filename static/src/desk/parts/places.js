/**
 * The map of what is open: cells from the server, asked for anew whenever the view changes.
 *
 * Invariant: the list beside it holds the same places, so nothing here is needed to reach one.
 */
import L from 'leaflet'
import { makeMap, shifted } from './background.js'

const DEEPEST = 18
const FAR = 8
/** Between two marks, for their rims. */
const GAP_PX = 4

/**
 * @typedef {{lat: number, lon: number, datum: string, count: number, worst: string, name: string | null,
 *   link: string | null}} Cell
 * @typedef {Cell & {at: [number, number]}} Placed where it is on this map
 */

/** @param {HTMLElement} place its data-… say where the points and the list are, and the box that all points lie in */
export function drawPlaces(place) {
  const { points = '', list = '', box = '', datum = 'WGS84' } = place.dataset
  const map = makeMap(place)
  map.setMaxZoom(DEEPEST)
  const cells = L.layerGroup().addTo(map)
  let asked = 0

  async function load() {
    const mine = ++asked
    const address = addressOf(points, { box: boxOf(map.getBounds()), zoom: String(map.getZoom()) })
    const answer = await fetch(address).catch(() => null)
    // Moved on meanwhile, or signed out: the list still stands.
    if (!answer?.ok || mine !== asked) return
    const { cells: found } = await answer.json()
    cells.clearLayers()
    for (const cell of join(/** @type {Cell[]} */ (found).map((one) => ({ ...one, at: shifted(one, one.datum, datum) })))) draw(cell)
  }

  /** @param {L.LatLngBounds} bounds as drawn @returns {string} south,west,north,east in WGS-84 */
  function boxOf(bounds) {
    const south = shifted({ lat: bounds.getSouth(), lon: bounds.getWest() }, datum, 'WGS84')
    const north = shifted({ lat: bounds.getNorth(), lon: bounds.getEast() }, datum, 'WGS84')
    return [...south, ...north].map((degrees) => degrees.toFixed(5)).join(',')
  }

  /** What would lie on each other is drawn as one. @param {Placed[]} placed the worst first @returns {Placed[]} */
  function join(placed) {
    /** @type {Placed[]} */
    const apart = []
    for (const cell of placed) {
      const point = map.latLngToLayerPoint(cell.at)
      const near = apart.find((one) => point.distanceTo(map.latLngToLayerPoint(one.at)) < (sizeOf(one) + sizeOf(cell)) / 2 + GAP_PX)
      if (near) {
        Object.assign(near, { count: near.count + cell.count, name: null, link: null })
      } else apart.push({ ...cell })
    }
    return apart.length < placed.length ? join(apart) : apart
  }

  /** @param {Placed} cell */
  function draw(cell) {
    const { at } = cell
    const face = document.createElement('span')
    face.textContent = String(cell.count)
    const size = sizeOf(cell)
    const icon = L.divIcon({ className: `map-cell worst-${cell.worst}`, html: face, iconSize: [size, size] })
    const marker = L.marker(at, { icon, keyboard: false, title: cell.name ?? String(cell.count) }).addTo(cells)
    marker.on('click', () => open(cell, at))
  }

  /** @param {Cell} cell @param {[number, number]} at */
  function open(cell, at) {
    if (cell.link) window.location.assign(cell.link)
    else if (map.getZoom() < DEEPEST) map.setView(at, Math.min(DEEPEST, map.getZoom() + 2))
    // Neighbours under one roof do not come apart however near one looks: they stand in the list.
    else window.location.assign(`${addressOf(list, { box: boxOf(L.latLng(at).toBounds(60)) })}#list`)
  }

  map.on('moveend', load)
  if (!box) {
    lookAtAll()
    return
  }
  const [south, west, north, east] = box.split(',').map(Number)
  const corners = [{ lat: south, lon: west }, { lat: north, lon: east }].map((corner) => shifted(corner, 'WGS84', datum))
  map.fitBounds(L.latLngBounds(corners), { padding: [32, 32], maxZoom: 16, animate: false })

  /** Nobody has said where all points lie: look at them from far away first. */
  async function lookAtAll() {
    const answer = await fetch(addressOf(points, { zoom: String(FAR) })).catch(() => null)
    const { cells: found } = answer?.ok ? await answer.json() : { cells: [] }
    const all = /** @type {Cell[]} */ (found).map((one) => shifted(one, one.datum, datum))
    if (all.length) map.fitBounds(L.latLngBounds(all), { padding: [32, 32], maxZoom: 16, animate: false })
    else place.hidden = true
  }
}

/** How wide a mark is drawn, px. @param {{count: number}} cell */
const sizeOf = ({ count }) => Math.min(56, 30 + 8 * Math.floor(Math.log10(count) * 2))

/** @param {string} path @param {Record<string, string>} more */
function addressOf(path, more) {
  const address = new URL(path, window.location.href)
  for (const [name, value] of Object.entries(more)) address.searchParams.set(name, value)
  return address.href
}

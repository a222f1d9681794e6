/**
 * Values that are computed when asked for, remember what they were computed from, and are computed again only after
 * one of those came out different. Invariant: a value read is never out of date.
 *
 * @typedef {{compute: (spot: any) => any, value: any, state: number, sources: Cell[], users: Set<Cell>, spot: any}} Cell
 */

const FRESH = 0
const MAYBE = 1
const STALE = 2

/** @param {any} a @param {any} b */
const same = (a, b) =>
  Object.is(a, b)
  || (Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((value, n) => Object.is(value, b[n])))

/** Cells that know each other. */
export function makeCells() {
  /** @type {Cell | null} the cell being computed, which uses whatever is read meanwhile */
  let asking = null

  /** @param {Cell} cell */
  const update = (cell) => {
    // A source that may have changed is looked at first: when it did not, nothing is computed here.
    for (let n = 0; cell.state === MAYBE && n < cell.sources.length; n += 1) {
      if (cell.sources[n].state) update(cell.sources[n])
    }
    if (cell.state === STALE) compute(cell)
    cell.state = FRESH
  }

  /** @param {Cell} cell */
  const compute = (cell) => {
    for (const source of cell.sources) source.users.delete(cell)
    cell.sources = []
    cell.state = FRESH
    const before = asking
    asking = cell
    let value
    try {
      value = cell.compute(cell.spot)
    } finally {
      asking = before
    }
    if (same(cell.value, value)) return
    cell.value = value
    for (const user of cell.users) user.state = STALE
  }

  return {
    /** A cell; `spot` says whose it is. @param {(spot: any) => any} compute @param {any} [spot] @returns {Cell} */
    make: (compute, spot) => ({ compute, value: undefined, state: STALE, sources: [], users: new Set(), spot }),

    /** @param {Cell} cell */
    read(cell) {
      if (asking && !cell.users.has(asking)) {
        cell.users.add(asking)
        asking.sources.push(cell)
      }
      if (cell.state) update(cell)
      return cell.value
    },

    /**
     * What a cell was computed from has changed; returns the cells that may have to follow, nearest first.
     * @param {Cell} changed
     */
    change(changed) {
      changed.state = STALE
      const spoilt = [changed]
      for (const cell of spoilt) {
        for (const user of cell.users) {
          if (user.state) continue
          user.state = MAYBE
          spoilt.push(user)
        }
      }
      return spoilt
    },
  }
}

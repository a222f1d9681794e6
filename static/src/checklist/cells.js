/**
 * Values that are computed when asked for, remember what they were computed from, and are computed again only after
 * one of those changed. Invariant: a value read is never out of date.
 *
 * @typedef {{value: any, fresh: boolean, users: Set<Cell>, item?: string}} Cell
 */

/** A set of cells by key. */
export function makeCells() {
  /** @type {Map<string, Cell>} */
  let cells = new Map()
  /** @type {Cell | null} the cell being computed, which uses whatever is read meanwhile */
  let asking = null

  /** @param {Cell} changed @param {Cell[]} items */
  const spoil = (changed, items) => {
    const { users } = changed
    changed.users = new Set()
    for (const user of users) {
      if (!user.fresh) continue
      user.fresh = false
      if (user.item !== undefined) items.push(user)
      spoil(user, items)
    }
  }

  return {
    /**
     * The value under `key`, computed when there is none up to date.
     * @param {string} key @param {() => any} compute @param {string} [item] the path of the item it is, if it is one
     */
    read(key, compute, item) {
      let found = cells.get(key)
      if (!found) cells.set(key, (found = { value: undefined, fresh: false, users: new Set(), item }))
      if (asking) found.users.add(asking)
      if (!found.fresh) {
        const before = asking
        asking = found
        found.fresh = true
        try {
          found.value = compute()
        } finally {
          asking = before
        }
      }
      return found.value
    },

    /** What is under `key` has changed; returns the items computed from it, with the values they had. @param {string} key */
    change(key) {
      /** @type {Cell[]} */
      const items = []
      const found = cells.get(key)
      if (found) {
        found.fresh = false
        spoil(found, items)
      }
      return items
    },

    /** Forget everything. */
    reset() {
      cells = new Map()
    },
  }
}

/**
 * A returned visit: opens its correction at once.
 *
 * Invariant: the correction builds on the revision that was returned; a newer one starts anew.
 */
import { app } from '../app.js'
import { startRevision } from '../drafts.js'
import { skeleton } from '../parts.js'
import { notFound } from './household.js'

/** @type {import('../app.js').ScreenMaker} */
export function returnedScreen([visitUuid]) {
  let gone = false
  return {
    load: async () => {
      const visit = await app.store.find('visit', visitUuid)
      if (visit?.state === 'returned' && visit.answers) await startRevision(visit)
      else gone = true
    },
    view: () => (gone ? notFound() : skeleton()),
  }
}

/**
 * What to do next, in the order a good colleague would say it: what came back, what was begun, what burns, who is
 * overdue, who is near. Pure: records in, list out.
 *
 * Invariant: every household of the worker is in exactly one of `overdue`, `soon`, `swept` and `later`.
 */
import { distanceM, homeOf } from './distance.js'

const SOON_DAYS = 3
/** @type {Record<string, number>} */
const WEIGHT = { red: 0, orange: 1, yellow: 2 }

/**
 * Whole days from `from` to `to`, both YYYY-MM-DD.
 * @param {string} from @param {string} to
 */
export function daysBetween(from, to) {
  return Math.round((Date.parse(`${to}T00:00Z`) - Date.parse(`${from}T00:00Z`)) / 86_400_000)
}

/**
 * @param {object} given
 * @param {string} given.today YYYY-MM-DD on the phone
 * @param {any[]} given.households @param {any[]} given.people @param {any[]} given.visits @param {any[]} given.followups
 * @param {any[]} given.drafts not yet finished @param {any[]} given.sweeps
 * @param {Set<string>} given.remote the methods by which nobody goes there
 * @param {{kind: string, state: string, at: string, body: any, base: number|null, finished_on: string}[]} given.ops
 *   everything finished on this phone; finished_on is its date here
 */
export function agendaOf({ today, households, people, visits, followups, drafts, sweeps, remote, ops }) {
  const standing = ops.filter((op) => op.state === 'waiting' || op.state === 'received')
  const byHousehold = new Map(households.map((household) => [household.household_uuid, household]))
  /** @type {Map<string, any[]>} */
  const members = new Map()
  for (const person of people) {
    if (isGone(person)) continue
    members.set(person.household_uuid, [...(members.get(person.household_uuid) ?? []), person])
  }

  const corrected = (/** @type {any} */ visit) => standing.some((op) => (
    op.kind === 'visit.revise' && op.body.visit_uuid === visit.visit_uuid && op.base === visit.revision))
  const dealtWith = (/** @type {any} */ task) => standing.some((op) => (
    op.kind.startsWith('followup.') && op.body.followup_id === task.followup_id
    && (!task.sent_back || op.at > task.sent_back.at)))
  const visitedOn = (/** @type {any} */ household, /** @type {boolean} */ atHome) => standing
    .filter((op) => op.kind === 'visit.submit' && op.body.household_uuid === household.household_uuid
      && op.body.outcome === 'reached' && !(atHome && remote.has(op.body.method)))
    .map((op) => op.finished_on)
    .find((date) => !household.last_visit_on || date > household.last_visit_on) ?? null

  const returned = visits
    .filter((visit) => visit.state === 'returned' && visit.returned && !corrected(visit))
    .sort((a, b) => (a.returned.at < b.returned.at ? -1 : 1))
  const begun = drafts
    .filter((draft) => !returned.some((visit) => draft.kind === 'revision' && visit.visit_uuid === draft.visit_uuid))
    .sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1))
  const tasks = followups
    .filter((task) => task.state === 'open' && !dealtWith(task)
      && !begun.some((draft) => draft.followup_id === task.followup_id))
    .sort((a, b) => (WEIGHT[a.severity] === 0 ? 0 : 1) - (WEIGHT[b.severity] === 0 ? 0 : 1)
      || (a.due_at ?? '9').localeCompare(b.due_at ?? '9') || (WEIGHT[a.severity] ?? 9) - (WEIGHT[b.severity] ?? 9))

  const entries = households.map((household) => {
    const here = members.get(household.household_uuid) ?? []
    const atHome = here.some(mustBeSeen)
    const visited = visitedOn(household, atHome)
    return {
      household, people: here, sweeps: openSweeps({ people: here, sweeps, ops: standing, today }), visited_on: visited, at_home: atHome,
      days: household.due_on && !visited ? daysBetween(today, household.due_on) : null,
      begun: begun.some((draft) => draft.kind === 'visit' && draft.household_uuid === household.household_uuid),
    }
  })
  const byDue = (/** @type {any} */ a, /** @type {any} */ b) => a.days - b.days || compareNames(a, b)
  return {
    returned: returned.map((visit) => ({ visit, household: byHousehold.get(visit.household_uuid) ?? visit.household ?? null,
      draft: drafts.find((draft) => draft.visit_uuid === visit.visit_uuid) ?? null })),
    begun,
    tasks: tasks.map((task) => ({ task, household: byHousehold.get(task.household_uuid) ?? task.household ?? null,
      person: people.find((person) => person.person_uuid === task.person_uuid) ?? null })),
    overdue: entries.filter((entry) => urgency(entry) === 'overdue').sort(byDue),
    soon: entries.filter((entry) => urgency(entry) === 'soon').sort(byDue),
    swept: entries.filter((entry) => urgency(entry) === 'swept').sort((a, b) => compareText(a.sweeps[0].sweep.until_on, b.sweeps[0].sweep.until_on) || compareNames(a, b)),
    later: entries.filter((entry) => urgency(entry) === 'later').sort(compareNames),
  }
}

/** Whether somebody has to go there: the server says that a call would not count this time. @param {any} person */
export const mustBeSeen = (person) => !isGone(person) && person.remote_counts === false

/** @param {any} person */
const isGone = (person) => Boolean(person.died_on || person.moved_away_on)

/** Whether a special period or a sweep holds on that day. @param {{from_on: string, until_on: string|null}} period @param {string} day YYYY-MM-DD */
export const holdsOn = (period, day) => period.from_on <= day && (period.until_on === null || day <= period.until_on)

/**
 * The sweeps of today that have yet to reach some of these people, the one that ends first before the others: the server marks
 * whom, and a visit finished on this phone counts at once.
 * @param {{people: any[], sweeps: any[], ops: {kind: string, body: any, finished_on: string}[], today: string}} given
 */
export function openSweeps({ people, sweeps, ops, today }) {
  const reached = (/** @type {any} */ person, /** @type {any} */ sweep) => ops.some((op) => (
    op.kind.startsWith('visit.') && op.body.outcome === 'reached' && op.body.people?.includes(person.person_uuid)
    && sweep.methods.includes(op.body.method) && holdsOn(sweep, op.finished_on)))
  return sweeps.filter((sweep) => holdsOn(sweep, today))
    .map((sweep) => ({ sweep, people: people.filter((person) => !isGone(person) && person.sweeps?.includes(sweep.sweep_id) && !reached(person, sweep)) }))
    .filter((one) => one.people.length)
    .sort((a, b) => compareText(a.sweep.until_on, b.sweep.until_on) || a.sweep.sweep_id - b.sweep.sweep_id)
}

/**
 * One whose visit is begun stands among the unfinished, not once more among the due; one whom a sweep has yet to reach is
 * no household for later. @param {{days: number|null, begun: boolean, sweeps: any[]}} entry
 */
function urgency({ days, begun, sweeps }) {
  if (begun) return 'later'
  if (days === null || days > SOON_DAYS) return sweeps.length ? 'swept' : 'later'
  return days < 0 ? 'overdue' : 'soon'
}

/** @param {string} a @param {string} b */
const compareText = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

/** @param {{household: any}} a @param {{household: any}} b */
function compareNames(a, b) {
  return a.household.name.localeCompare(b.household.name, 'zh')
}

/**
 * A way past all of these households that begins at `place`: each time to the nearest one left. Those whose place is not
 * known come last, as they stood. Only a suggestion: whoever walks knows the roads.
 * @template {{household: any}} T
 * @param {T[]} entries @param {{lat: number, lon: number}} place
 * @returns {T[]}
 */
export function wayPast(entries, place) {
  const homes = new Map(entries.map((entry) => [entry, homeOf(entry.household)]))
  const left = entries.filter((entry) => homes.get(entry))
  const way = []
  let here = place
  while (left.length) {
    const distances = left.map((entry) => distanceM(here, /** @type {{lat: number, lon: number}} */ (homes.get(entry))))
    const [next] = left.splice(distances.indexOf(Math.min(...distances)), 1)
    here = /** @type {{lat: number, lon: number}} */ (homes.get(next))
    way.push(next)
  }
  return [...way, ...entries.filter((entry) => !homes.get(entry))]
}

/**
 * The households whose name, address or person's name holds every word of `query`.
 * @template {{household: any, people: any[]}} T
 * @param {T[]} entries @param {string} query
 * @returns {T[]}
 */
export function searchHouseholds(entries, query) {
  const words = query.trim().toLowerCase().split(/\s+/).filter(Boolean)
  return entries.filter(({ household, people }) => {
    const text = [household.name, household.address, ...people.map((person) => person.name)].join(' ').toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

/**
 * A checklist being filled in: what is asked, what is offered, what is wrong and what it flags, after each answer.
 *
 * Knows no screen and no clock. The server's fieldapp/checklists/rules.py reaches the same verdict on the same
 * answers (tests/vectors). Invariant: an answer typed in is never dropped, only left out while it is not relevant.
 */
import { makeCells } from './cells.js'
import { AS_TYPE, FUNCTIONS, isDate, isDateTime, isTime, number, point, text, truth, words, ZONED } from './functions.js'

const SEVERITIES = ['red', 'orange', 'yellow']
const PEOPLE = 'people'
const MAX_INSTANCES = 200
/** Of one repeat inside others, over all of those. */
const MAX_NESTED_INSTANCES = 2000
const MAX_TEXT = 100000
/** @type {Record<string, string>} */
const FROM_CONTEXT = {
  start: 'now',
  end: 'now',
  today: 'today',
  username: 'username',
  deviceid: 'device_uuid',
  'start-geopoint': 'start_geopoint',
}
const UNASKED = ['note', 'calculate', 'hidden', ...Object.keys(FROM_CONTEXT)]
const MANY_CHOICES = ['select_multiple', 'rank']
const DECIMAL = /^-?(\d+(\.\d*)?|\.\d+)$/

const isHash = (/** @type {string} */ value) => /^[0-9a-f]{64}( [0-9a-f]{64})*$/.test(value)

/** @type {Record<string, (value: string, node: Json) => boolean>} */
const FITS = {
  integer: (value) => /^-?\d{1,15}$/.test(value),
  decimal: (value) => DECIMAL.test(value),
  range: (value, { parameters }) => {
    const [start, end, step] = ['start', 'end', 'step'].map((name) => number(parameters?.[name] ?? '1'))
    const given = Number(value)
    if (!DECIMAL.test(value) || given < Math.min(start, end) || given > Math.max(start, end)) return false
    const steps = (given - start) / step
    // Steps of 0.1 and the like are not exact in binary.
    return Math.abs(steps - Math.floor(steps + 0.5)) < 1e-9
  },
  date: isDate,
  time: isTime,
  dateTime: isDateTime,
  geopoint: (value) => point(value) !== null,
  image: isHash,
  audio: isHash,
  video: isHash,
  file: isHash,
  acknowledge: (value) => value === 'OK',
}

/**
 * @typedef {any} Tree  an expression, see docs/checklists.md
 * @typedef {Record<string, any>} Json
 * @typedef {import('./cells.js').Cell} Cell
 * @typedef {{node: Json, path: string, parent: Place | null, repeats: Place[], inner: Place[], level: number,
 *   children: Place[], flat: Place[]}} Place
 *   a node of the document; `flat` are the places below that share its instances
 * @typedef {{repeat: Spot | null, n: number, position: Cell, around: Scope[], spots: Map<Place, Spot>, line?: Spot,
 *   lists: Map<Place, Cell>, begun: boolean}} Scope
 *   one instance of a repeat (or the whole form), whatever its position becomes
 * @typedef {{place: Place, scope: Scope, up: Spot | null, scopes: Scope[], cells: Record<string, Cell>, last?: string,
 *   stamped?: boolean}} Spot
 *   a place in a scope: one question, group or repeat; or the line of an instance
 * @typedef {{row?: Json, scope: Scope, index: number, size: number}} Candidate  what a predicate looks at
 * @typedef {{path: string, kind: string, node: Json, level: number, relevant: boolean, required: boolean,
 *   readOnly: boolean, value: string, instances: number, label: string, hint: string,
 *   choices: {name: string, label: string, flag: string, flagText: string}[],
 *   problem: {code: string, message: string} | null,
 *   flag: {severity: string, text: Record<string, string>, followup: string} | null}} Item
 * @typedef {{question: string, choice: string, severity: string, text: Record<string, string>, followup: string}} Flag
 */

/**
 * Start filling in `document`. Without `answers` (or with none in them) the form is new and takes its defaults; with
 * them (a draft, a returned visit) it goes on where it was. The same holds for each person.
 * @param {Json} document compiled checklist
 * @param {{answers?: Json | null, context: Json}} options
 */
export function createForm(document, { answers, context }) {
  /** @type {Map<string, Place>} by path without positions */
  const places = new Map()
  const { make, read, change } = makeCells()
  const people = context.people ?? []
  const zone = /(Z|[-+]\d\d:\d\d)$/.exec(context.now ?? '')?.[1] ?? ''
  let language = context.language
  /** What `items()` gave, until something changes. @type {Item[] | null} */
  let listed = null
  const languageCell = make(() => language)
  /** @type {Json} what was typed, relevant or not */
  const raw = JSON.parse(JSON.stringify(answers ?? {}))
  /** @type {Cell[]} what may have to follow the changes of this call */
  let spoilt = []
  /** @type {Spot[]} calculations whose first value stays */
  const kept = []
  /** @type {Map<Place, Place[]>} which questions another one sets when it changes, and where those stand */
  const setters = new Map()
  /** @type {Spot[]} */
  const watched = []
  /** @type {Spot[]} */
  const counted = []
  const isNew = isEmpty(answers)
  // What a draft comes with has begun already.
  let isOpening = !isNew

  /** @param {Json} node @param {Place | null} parent @param {number} level @returns {Place} */
  const plant = (node, parent, level) => {
    const repeats = parent ? parent.inner : []
    /** @type {Place} */
    const place = { node, parent, path: parent ? join(parent.path, node.name) : '', repeats, inner: repeats, level, children: [], flat: [] }
    const isRepeat = node.kind === 'repeat'
    if (isRepeat) place.inner = [...repeats, place]
    places.set(place.path, place)
    place.children = (node.children ?? []).map((/** @type {Json} */ child) => plant(child, place, level + (isRepeat ? 2 : 1)))
    place.flat = place.children.flatMap((child) => (child.node.kind === 'group' ? [child, ...child.flat] : [child]))
    return place
  }
  const root = plant({ kind: 'group', name: '', children: document.nodes }, null, -1)
  for (const place of places.values()) {
    for (const path of place.node.set_on?.questions ?? []) {
      const trigger = places.get(path)
      if (trigger) setters.set(trigger, [...(setters.get(trigger) ?? []), place])
    }
  }

  // scopes and spots

  /** @param {Spot | null} repeat @param {number} n @returns {Scope} */
  const makeScope = (repeat, n) => {
    /** @type {Scope} */
    const scope = { repeat, n, position: make(() => scope.n), around: [], spots: new Map(), lists: new Map(), begun: isOpening }
    if (repeat) {
      scope.around = [...repeat.scope.around, scope]
      scope.line = makeSpot(repeat.place, scope, repeat)
    }
    for (const place of (repeat ? repeat.place : root).flat) {
      const up = place.parent === root ? null : (scope.spots.get(/** @type {Place} */ (place.parent)) ?? repeat)
      const spot = makeSpot(place, scope, up)
      scope.spots.set(place, spot)
      if (place.node.kept) kept.push(spot)
      if (setters.has(place)) watched.push(spot)
      if ('count' in place.node) counted.push(spot)
    }
    return scope
  }

  /** @param {Place} place @param {Scope} scope @param {Spot | null} up @returns {Spot} */
  const makeSpot = (place, scope, up) => ({ place, scope, up, scopes: [], cells: {} })

  /** A value of a spot that is remembered. @param {Spot} spot @param {string} name @param {(spot: Spot) => any} compute */
  const cell = (spot, name, compute) => read((spot.cells[name] ??= make(compute, spot)))

  /** Something given has changed. @param {Spot} spot @param {string} name */
  const touch = (spot, name) => {
    if (spot.cells[name]) spoilt.push(...change(spot.cells[name]))
  }

  /** @param {Spot} spot */
  const isLine = (spot) => spot.scope.line === spot

  /** The question path, with positions in repeats. @param {Spot} spot @returns {string} */
  const pathOf = (spot) => (spot.scope.repeat ? cell(spot, 'path', findPath) : spot.place.path)

  /** @param {Spot} spot */
  const findPath = (spot) => {
    const repeat = /** @type {Spot} */ (spot.scope.repeat)
    const outer = `${pathOf(repeat)}[${read(spot.scope.position)}]`
    return isLine(spot) ? outer : outer + spot.place.path.slice(repeat.place.path.length)
  }

  /** The n-th instance of a repeat, whether it counts or not. @param {Spot} repeat @param {number} n */
  const scopeAt = (repeat, n) => {
    while (repeat.scopes.length < n) repeat.scopes.push(makeScope(repeat, repeat.scopes.length + 1))
    return repeat.scopes[n - 1]
  }

  /** Whether a scope still counts: neither taken out nor beyond the number of instances. @param {Scope} scope @returns {boolean} */
  const isThere = (scope) => {
    const { repeat, n } = scope
    return !repeat || (isThere(repeat.scope) && n <= instances(repeat) && repeat.scopes[n - 1] === scope)
  }

  /** Where a question path leads. @param {string} path @returns {Spot} */
  const locate = (path) => {
    const place = places.get(path.replace(/\[\d+\]/g, ''))
    if (!place?.parent) throw new RangeError(`no such question: ${path}`)
    let scope = whole
    const at = [...path.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1]))
    place.inner.slice(0, at.length).forEach((repeat, level) => {
      if (at[level] < 1 || at[level] > MAX_INSTANCES) throw new RangeError(`no such instance: ${path}`)
      scope = scopeAt(/** @type {Spot} */ (scope.spots.get(repeat)), at[level])
    })
    const spot = at.length > place.repeats.length ? scope.line : scope.spots.get(place)
    if (!spot) throw new RangeError(`no such question: ${path}`)
    return spot
  }

  /** The object in `raw` that holds a scope's answers. @param {Scope} scope @param {boolean} [making] @returns {any} */
  const objectOf = (scope, making) => {
    if (!scope.repeat) return raw
    const inside = holder(scope.repeat, making)
    const { name } = scope.repeat.place.node
    if (making && !Array.isArray(inside[name])) inside[name] = []
    const list = inside?.[name]
    if (!Array.isArray(list)) return undefined
    if (making && list.length < scope.n) {
      while (list.length < scope.n) list.push({})
      touch(scope.repeat, 'count')
    }
    if (making && !isObject(list[scope.n - 1])) list[scope.n - 1] = {}
    return list[scope.n - 1]
  }

  /** The object in `raw` that holds a spot's answer. @param {Spot} spot @param {boolean} [making] @returns {any} */
  const holder = (spot, making) => {
    const { up } = spot
    if (!up || up.place.node.kind === 'repeat') return objectOf(spot.scope, making)
    const outer = holder(up, making)
    const { name } = up.place.node
    if (making && !isObject(outer[name])) outer[name] = {}
    return isObject(outer?.[name]) ? outer[name] : undefined
  }

  const typed = (/** @type {Spot} */ spot) => cell(spot, 'typed', findTyped)

  const findTyped = (/** @type {Spot} */ spot) => {
    const found = holder(spot)?.[spot.place.node.name]
    return typeof found === 'object' || found === undefined ? '' : String(found)
  }

  // what holds

  /** @param {Spot} spot @returns {boolean} */
  const relevant = (spot) => {
    if ('relevant' in spot.place.node && !isLine(spot)) return cell(spot, 'relevant', findRelevant)
    return !spot.up || relevant(spot.up)
  }

  const findRelevant = (/** @type {Spot} */ spot) =>
    (!spot.up || relevant(spot.up)) && truth(compute(spot.place.node.relevant, spot))

  /** @param {Spot} spot @returns {string} */
  const value = (spot) => {
    const { node } = spot.place
    const isPlain = !('calculate' in node || 'choice_filter' in node || node.type === 'hidden' || FROM_CONTEXT[node.type])
    return isPlain ? typed(spot) : cell(spot, 'value', findValue)
  }

  const seen = (/** @type {Spot} */ spot) => (relevant(spot) ? value(spot) : '')

  /** @param {Spot} spot @returns {string} */
  const findValue = (spot) => {
    const { node } = spot.place
    let given
    if ('calculate' in node) {
      // The first value of what is kept is the one it has when it first counts.
      if (node.kept && !relevant(spot)) return holder(spot)?.[node.name] ?? ''
      const inside = node.kept ? holder(spot, true) : {}
      const before = spot.stamped ? '' : inside[node.name]
      given = before || calculated(node.calculate, spot)
      spot.stamped = true
      inside[node.name] = given
      if (node.kept) return given
    } else {
      given = typed(spot)
    }
    if (given === '') {
      if (FROM_CONTEXT[node.type]) return text(context[FROM_CONTEXT[node.type]] ?? '')
      return node.type === 'hidden' && node.prefill ? prefilled(spot) : ''
    }
    if (!('choice_filter' in node)) return given
    const now = new Set(offered(spot).map((row) => row.name))
    const known = column(node.list, 'name')
    return names(node, given).filter((name) => now.has(name) || !known?.has(name)).join(' ')
  }

  /** What an expression gives a question, as its type holds it. @param {Tree} tree @param {Spot} spot @returns {string} */
  const calculated = (tree, spot) => {
    const { node } = spot.place
    const { type } = node
    const found = cut(text(compute(tree, spot)))
    if (node.list) return names(node, found).filter((one) => column(node.list, 'name')?.has(one)).join(' ')
    return AS_TYPE[type] ? AS_TYPE[type](found) : found
  }

  /** @param {Spot} spot */
  const prefilled = ({ place, scope }) => {
    const [kind, name] = place.node.prefill.split('.')
    const record = kind === 'person' ? scope.around[0] && people[read(scope.around[0].position) - 1] : context[kind]
    const found = record?.[name]
    if (Array.isArray(found)) return found.join(' ')
    return found === undefined || found === null || typeof found === 'object' ? '' : text(found)
  }

  /** @param {string} name @returns {Json[]} */
  const list = (name) => document.choices[name] ?? []

  /** @type {Map<string, Map<string, number[]> | null>} */
  const columns = new Map()
  /** Places of rows by the text in a column; null for a column with texts by language. @param {string} name @param {string} wanted */
  const column = (name, wanted) => {
    const key = `${name} ${wanted}`
    let found = columns.get(key)
    if (found === undefined) {
      found = list(name).some((row) => typeof row[wanted] === 'object') ? null : new Map()
      for (const [at, row] of found ? list(name).entries() : []) {
        const held = String(row[wanted] ?? '')
        if (found?.has(held)) found.get(held)?.push(at)
        else found?.set(held, [at])
      }
      columns.set(key, found)
    }
    return found
  }

  /** The choices a question offers after its choice_filter. @param {Spot} spot @returns {Json[]} */
  const offered = (spot) => {
    const { node } = spot.place
    if (!('choice_filter' in node)) return list(node.list)
    return cell(spot, 'offered', filtered)
  }

  const filtered = (/** @type {Spot} */ spot) => {
    const { node } = spot.place
    const places = placesThat(node.list, node.choice_filter, spot)
    return rowsThat(places ? places.map((at) => list(node.list)[at]) : list(node.list), node.choice_filter, spot)
  }

  /** Rows that meet a condition (a number picks by position). @param {Json[]} rows @param {Tree} tree @param {Spot} spot */
  const rowsThat = (rows, tree, spot) =>
    rows.filter((row, n) => {
      const found = compute(tree, spot, { row, scope: spot.scope, index: n + 1, size: rows.length })
      return typeof found === 'number' ? found === n + 1 : truth(found)
    })

  /**
   * Places outside which no row can meet `column = value`, also as one of several conditions; null for any.
   * @param {string} name @param {Tree} tree @param {Spot} spot @returns {number[] | null}
   */
  const placesThat = (name, tree, spot) => {
    if (isCalled(tree, 'and') && !usesPlace(tree)) {
      return tree.slice(1).reduce((/** @type {any} */ found, /** @type {Tree} */ part) => found ?? placesThat(name, part, spot), null)
    }
    if (!isCalled(tree, '=')) return null
    const [mine, sought] = isCalled(tree[1], 'col') ? [tree[1], tree[2]] : [tree[2], tree[1]]
    if (!isCalled(mine, 'col') || usesRow(sought)) return null
    const held = column(name, mine[1])
    const wanted = compute(sought, spot)
    if (!held || (typeof wanted !== 'string' && !Array.isArray(wanted))) return null
    return [...new Set([wanted].flat().flatMap((one) => held.get(one) ?? []))].sort((a, b) => a - b)
  }

  /** How many instances of a repeat there are: as many as people, as its count says, or as were added. @param {Spot} spot @returns {number} */
  const instances = (spot) => cell(spot, 'count', countInstances)

  const countInstances = (/** @type {Spot} */ spot) => {
    const { node, path } = spot.place
    const came = holder(spot)?.[node.name]
    let found = Array.isArray(came) ? Math.min(came.length, MAX_INSTANCES) : 0
    if (path === PEOPLE) {
      found = Math.max(found, Math.min(people.length, MAX_INSTANCES))
    } else if ('count' in node) {
      const wanted = number(compute(node.count, spot))
      found = wanted > 0 ? Math.floor(Math.min(wanted, MAX_INSTANCES)) : 0
    }
    const outer = spot.scope.around.reduce((all, { repeat }) => all * instances(/** @type {Spot} */ (repeat)), 1)
    return outer > 1 ? Math.min(found, Math.max(1, Math.floor(MAX_NESTED_INSTANCES / outer))) : found
  }

  /** @param {Spot} spot @returns {Scope[]} */
  const scopesOf = (spot) => cell(spot, 'scopes', findScopes)

  const findScopes = (/** @type {Spot} */ spot) => {
    const all = instances(spot)
    read((spot.cells.moved ??= make(() => ({}))))
    scopeAt(spot, all)
    return spot.scopes.slice(0, all)
  }

  // expressions

  /** @param {Tree} tree @param {Spot} spot @param {Candidate} [candidate] @returns {any} */
  const compute = (tree, spot, candidate) => {
    if (!Array.isArray(tree)) return tree
    const part = (/** @type {number} */ n) => compute(tree[n], spot, candidate)
    switch (tree[0]) {
      case 'ref':
        return referred(tree, spot, spot.scope, candidate)
      case 'if':
        return part(truth(part(1)) ? 2 : 3)
      case 'and':
        return tree.every((_, n) => !n || truth(part(n)))
      case 'or':
        return tree.some((_, n) => n && truth(part(n)))
      case 'candidate':
        return candidate && (tree[1][0] === 'ref'
          ? referred(tree[1], spot, candidate.scope, candidate)
          : read(candidate.scope.around[tree[1][1]].position))
      case 'index':
        return candidate?.index
      case 'size':
        return candidate?.size
      case 'col':
        return held(candidate?.row ?? {}, tree[1], spot)
      case 'today':
        return context.today ?? ''
      case 'now':
        return context.now ?? ''
      case 'once':
        return holder(spot)?.[spot.place.node.name] || text(part(1))
      case 'position':
        return read(spot.scope.around[tree[1]].position)
      case 'item':
        return items(tree, spot)
      case 'choice-name': {
        const at = column(tree[2], 'name')?.get(text(part(1)))
        return at ? held(list(tree[2])[at[0]], 'label', spot) : ''
      }
      default: {
        const values = ZONED.includes(tree[0]) ? [zone] : []
        for (let n = 1; n < tree.length; n += 1) values.push(part(n))
        return FUNCTIONS[tree[0]](...values)
      }
    }
  }

  /**
   * The answers at a path, its first `bound` repeats being those around `scope`.
   * @param {any[]} reference @param {Spot} spot where the expression stands @param {Scope} scope
   * @param {Candidate} [candidate] @returns {string[]}
   */
  const referred = ([, bound, path, picks], spot, scope, candidate) => {
    const target = /** @type {Place} */ (places.get(path))
    const base = bound ? scope.around[bound - 1] : whole
    if (!picks) return answersIn(base, target, bound)
    let found = [base]
    target.inner.slice(bound).forEach((repeat, n) => {
      const pick = picks?.[bound + n] ?? null
      const wanted = pick === null || pick[0] === 'where' ? null : number(compute(pick, spot, candidate))
      found = found.flatMap((outer) => {
        const inner = scopesOf(/** @type {Spot} */ (outer.spots.get(repeat)))
        if (pick === null) return inner
        return wanted === null ? where(pick, inner, spot) : (inner[wanted - 1] ?? [])
      })
    })
    if (picks?.length > target.inner.length) found = found.flatMap((at) => where(picks[picks.length - 1], [at], spot))
    return answersOf(found, target)
  }

  /** @param {Scope[]} scopes @param {Place} target @returns {string[]} */
  const answersOf = (scopes, target) =>
    scopes.map((at) => (target.node.kind === 'question' ? seen(/** @type {Spot} */ (at.spots.get(target))) : ''))

  /** The answers at a place in all instances inside a scope. @param {Scope} scope @param {Place} target @param {number} bound @returns {string[]} */
  const answersIn = (scope, target, bound) => {
    const repeats = target.inner.slice(bound)
    if (!repeats.length) return answersOf([scope], target)
    let found = scope.lists.get(target)
    // Remembered, or many sums over many instances would each remember all of them.
    if (!found) scope.lists.set(target, (found = make(() => answersOf(spread(scope, repeats), target))))
    return read(found)
  }

  /** All instances of repeats inside a scope. @param {Scope} scope @param {Place[]} repeats */
  const spread = (scope, repeats) =>
    repeats.reduce((found, repeat) => found.flatMap((outer) => scopesOf(/** @type {Spot} */ (outer.spots.get(repeat)))), [scope])

  /** Those instances that meet one predicate after the other. @param {any[]} pick @param {Scope[]} scopes @param {Spot} spot */
  const where = (pick, scopes, spot) =>
    pick.slice(1).reduce((/** @type {Scope[]} */ found, /** @type {Tree} */ condition) => found.filter((scope, n) => {
      const holds = compute(condition, spot, { scope, index: n + 1, size: found.length })
      return typeof holds === 'number' ? holds === n + 1 : truth(holds)
    }), scopes)

  /** Rows of a choice list that meet one condition after the other, by one column. @param {any[]} item @param {Spot} spot */
  const items = ([, name, wanted, ...conditions], spot) => {
    let rows = list(name)
    conditions.forEach((condition, n) => {
      const places = n ? null : placesThat(name, condition, spot)
      rows = rowsThat(places ? places.map((at) => rows[at]) : rows, condition, spot)
    })
    return rows.map((row) => (wanted ? held(row, wanted, spot) : ''))
  }

  /** What a row holds in a column. @param {Json} row @param {string} name @param {Spot} spot */
  const held = (row, name, spot) =>
    isObject(row[name]) ? written(inLanguage(row[name]), spot) : String(row[name] ?? '')

  // texts

  /** @param {Json} texts @param {string} [wanted] */
  const inLanguage = (texts, wanted) => {
    const first = wanted ?? read(languageCell)
    return texts[first] ?? texts[document.default_language] ?? Object.values(texts)[0] ?? ''
  }

  /** A text with the answers it names put in. @param {any} parts @param {Spot} spot @returns {string} */
  const written = (parts, spot) =>
    Array.isArray(parts)
      ? parts.map((part) => (typeof part === 'string' ? part : text(compute(part, spot)))).join('')
      : String(parts)

  /** @param {Spot} spot @param {string} name @param {string} [wanted] */
  const said = (spot, name, wanted) => {
    const texts = spot.place.node[name]
    return texts ? written(inLanguage(texts, wanted), spot) : ''
  }

  /** The label or hint of a line; one that holds answers is remembered. @param {Spot} spot @param {'label' | 'hint'} name @returns {string} */
  const shownText = (spot, name) => {
    const texts = inLanguage(spot.place.node[name] ?? {})
    return Array.isArray(texts) ? cell(spot, name, name === 'label' ? findLabel : findHint) : String(texts)
  }
  const findLabel = (/** @type {Spot} */ spot) => said(spot, 'label')
  const findHint = (/** @type {Spot} */ spot) => said(spot, 'hint')

  // verdict

  const names = (/** @type {Json} */ node, /** @type {string} */ given) =>
    MANY_CHOICES.includes(node.type) ? split(given) : [given]

  /** @param {Spot} spot @returns {boolean} */
  const isRequired = (spot) => {
    const { required } = spot.place.node
    return required === true || (required !== undefined && cell(spot, 'required', findRequired))
  }

  const findRequired = (/** @type {Spot} */ spot) => truth(compute(spot.place.node.required, spot))

  /** The code of what is wrong with an answer, or "". @param {Spot} spot */
  const wrong = (spot) => {
    const { node } = spot.place
    if (UNASKED.includes(node.type) || 'calculate' in node) return ''
    return cell(spot, 'wrong', findWrong)
  }

  /** @param {Spot} spot */
  const findWrong = (spot) => {
    const { node } = spot.place
    const given = value(spot)
    if (given === '') return isRequired(spot) ? 'required' : ''
    if (node.list) {
      const allowed = 'choice_filter' in node ? new Set(offered(spot).map((row) => row.name)) : column(node.list, 'name')
      const chosen = names(node, given)
      if (!chosen.every((name) => allowed?.has(name))) return 'choice'
      // A ranking orders all that is offered, each once.
      if (node.type === 'rank' && (chosen.length !== allowed?.size || new Set(chosen).size !== chosen.length)) return 'choice'
    } else if (FITS[node.type] && !FITS[node.type](given, node)) {
      return 'type'
    }
    return 'constraint' in node && !truth(compute(node.constraint, spot)) ? 'constraint' : ''
  }

  /** @type {Flag[]} */
  const NONE = []
  /** What an answer flags. @param {Spot} spot @returns {Flag[]} */
  const flagsOf = (spot) => {
    const { node } = spot.place
    return 'flag' in node || flagged(node.list) ? cell(spot, 'flags', findFlags) : NONE
  }

  /** @type {Map<string, Json[]>} */
  const flaggedRows = new Map()
  /** The choices of a list that raise a flag, or null. @param {string | undefined} name */
  const flagged = (name) => {
    if (!name) return null
    if (!flaggedRows.has(name)) flaggedRows.set(name, list(name).filter((row) => row.flag))
    const found = /** @type {Json[]} */ (flaggedRows.get(name))
    return found.length ? found : null
  }

  /** @param {Spot} spot */
  const findFlags = (spot) => {
    const { node } = spot.place
    /** @type {Flag[]} */
    const found = []
    /** @param {string} severity @param {string | undefined} followup @param {Json} choice @param {Json | undefined} texts */
    const raise = (severity, followup, choice, texts) =>
      found.push({
        question: pathOf(spot),
        choice: choice.name ?? '',
        severity,
        text: Object.fromEntries(
          document.languages.map((/** @type {string} */ code) => [code, flagText(spot, choice, texts, code)]),
        ),
        followup: followup ?? '',
      })
    const severity = 'flag' in node ? text(compute(node.flag, spot)) : ''
    if (SEVERITIES.includes(severity)) raise(severity, node.followup, {}, node.flag_text)
    const given = node.list ? names(node, value(spot)) : []
    for (const choice of flagged(node.list) ?? []) {
      if (given.includes(choice.name)) raise(choice.flag, choice.followup, choice, choice.flag_text ?? node.flag_text)
    }
    return found
  }

  /** @param {Spot} spot @param {Json} choice @param {Json | undefined} texts @param {string} code */
  const flagText = (spot, choice, texts, code) => {
    if (texts) return written(inLanguage(texts, code), spot)
    const label = said(spot, 'label', code).replace(/[?？:： ]+$/, '')
    const answer = choice.label ? written(inLanguage(choice.label, code), spot) : ''
    return [label, answer].filter(Boolean).join(code.startsWith('zh') ? '：' : ': ')
  }

  // what a screen shows

  /** @type {Map<string, {language: string, choices: Item['choices']}>} */
  const plainChoices = new Map()
  /** @param {Spot} spot @returns {Item['choices']} */
  const shownChoices = (spot) => offered(spot).map((row) => ({
    name: row.name,
    label: written(inLanguage(row.label ?? {}), spot),
    flag: row.flag ?? '',
    flagText: row.flag_text ? written(inLanguage(row.flag_text), spot) : '',
  }))

  /** The choices of a question as a screen shows them. @param {Spot} spot @returns {Item['choices']} */
  const choicesOf = (spot) => {
    const { node } = spot.place
    if ('choice_filter' in node || list(node.list).some(speaks)) return cell(spot, 'choices', shownChoices)
    // A list that is the same wherever it is offered is made once.
    const now = read(languageCell)
    const before = plainChoices.get(node.list)
    if (before && before.language === now) return before.choices
    const choices = shownChoices(spot)
    plainChoices.set(node.list, { language: now, choices })
    return choices
  }

  /** One line of the form as a screen shows it. @param {Spot} spot @returns {Item} */
  const item = (spot) => cell(spot, 'item', findItem)

  const findItem = (/** @type {Spot} */ spot) => {
    const before = spot.cells.item.value
    const now = spot.place.node.kind === 'question' ? questionItem(spot) : groupItem(spot)
    return before && alike(before, now) ? before : now
  }

  /** @param {Spot} spot @returns {Item} */
  const groupItem = (spot) => {
    const { node, path, level } = spot.place
    const isPerson = isLine(spot) && path === PEOPLE
    return {
      path: pathOf(spot),
      kind: isLine(spot) ? 'instance' : node.kind,
      node,
      level: level + (isLine(spot) ? 1 : 0),
      relevant: relevant(spot),
      required: false,
      readOnly: false,
      value: '',
      instances: node.kind === 'repeat' && !isLine(spot) ? instances(spot) : 0,
      label: isPerson ? (people[read(spot.scope.position) - 1]?.name ?? '') : shownText(spot, 'label'),
      hint: shownText(spot, 'hint'),
      choices: [],
      problem: null,
      flag: null,
    }
  }

  /** @param {Spot} spot @returns {Item} */
  const questionItem = (spot) => {
    const { node, level } = spot.place
    const isRelevant = relevant(spot)
    const code = isRelevant ? wrong(spot) : ''
    const raised = isRelevant ? [...flagsOf(spot)] : []
    raised.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
    return {
      path: pathOf(spot),
      kind: 'question',
      node,
      level,
      relevant: isRelevant,
      required: isRelevant && isRequired(spot),
      readOnly: 'calculate' in node || truth(compute(node.read_only ?? false, spot)),
      value: value(spot),
      instances: 0,
      label: shownText(spot, 'label'),
      hint: shownText(spot, 'hint'),
      choices: node.list && isRelevant ? choicesOf(spot) : [],
      problem: code ? { code, message: said(spot, `${code}_message`) } : null,
      flag: raised[0] ?? null,
    }
  }

  /**
   * Visit the spots of a scope in the document's order, a repeat before each of its instances.
   * @param {Scope} scope @param {(spot: Spot) => void} visit @param {boolean} [all] also instances that are not relevant
   */
  const walk = (scope, visit, all) => {
    for (const spot of scope.spots.values()) {
      visit(spot)
      if (spot.place.node.kind !== 'repeat' || !(all || relevant(spot))) continue
      for (const inner of scopesOf(spot)) {
        visit(/** @type {Spot} */ (inner.line))
        walk(inner, visit, all)
      }
    }
  }

  /** @param {Place} place @param {Scope} scope @returns {Json} */
  const collect = (place, scope) => {
    /** @type {Json} */
    const found = {}
    for (const child of place.children) {
      const spot = /** @type {Spot} */ (scope.spots.get(child))
      if (!relevant(spot)) continue
      const { kind, name } = child.node
      if (kind === 'question') {
        if (value(spot)) found[name] = value(spot)
      } else if (kind === 'group') {
        const inner = collect(child, scope)
        if (Object.keys(inner).length) found[name] = inner
      } else if (scopesOf(spot).length) {
        found[name] = scopesOf(spot).map((inner) => collect(child, inner))
      }
    }
    return found
  }

  // changes

  /** @param {Spot} spot @param {string} given */
  const write = (spot, given) => {
    const inside = holder(spot, true)
    if (given === '') delete inside[spot.place.node.name]
    else inside[spot.place.node.name] = given
    touch(spot, 'typed')
  }

  /**
   * Give the new questions of a scope their registry values and defaults. The first instance of a repeat comes with
   * the form and begins with one of each repeat inside it; later ones begin with none, as in ODK's tools.
   * @param {Scope} scope @param {boolean} isFirst
   */
  const begin = (scope, isFirst) => {
    scope.begun = true
    for (const spot of scope.spots.values()) {
      const { node, path } = spot.place
      if (node.kind === 'repeat') {
        if (path !== PEOPLE && !('count' in node) && isFirst) {
          holder(spot, true)[node.name] ??= [{}]
          touch(spot, 'count')
        }
        for (const inner of scopesOf(spot)) begin(inner, isFirst && (inner.n === 1 || path === PEOPLE))
      } else if (node.kind === 'question') {
        const start = node.prefill ? prefilled(spot) : ''
        const given = start || ('default' in node ? calculated(node.default, spot) : '')
        if (given !== '' && !(start && node.type === 'hidden')) write(spot, given)
      }
    }
  }

  /** Begin the instances that a count has made. */
  const grow = () => {
    for (const spot of counted) {
      if (!isThere(spot.scope)) continue
      for (const scope of scopesOf(spot)) {
        if (!scope.begun) begin(scope, scope.around.every(({ n, repeat }) => n === 1 || repeat?.place.path === PEOPLE))
      }
    }
  }

  /** Set what is set when another answer changes, until nothing does. */
  const follow = () => {
    for (let round = 0; round < 20; round += 1) {
      grow()
      const due = watched.filter((spot) => {
        const before = spot.last
        if (isThere(spot.scope)) spot.last = seen(spot)
        return before !== undefined && spot.last !== before
      })
      if (!due.length) return
      for (const trigger of due) {
        for (const place of /** @type {Place[]} */ (setters.get(trigger.place))) {
          for (const spot of beside(trigger, place)) write(spot, calculated(place.node.set_on.value, spot))
        }
      }
    }
  }

  /** The spots of a place that share the instances around another. @param {Spot} spot @param {Place} place */
  const beside = (spot, place) => {
    const shared = place.repeats.filter((repeat, n) => spot.place.repeats[n] === repeat).length
    const scopes = spread(shared ? spot.scope.around[shared - 1] : whole, place.repeats.slice(shared))
    return scopes.map((scope) => /** @type {Spot} */ (scope.spots.get(place)))
  }

  /** Bring up to date what follows from the changes made; returns the paths of the items that look different now. */
  const settle = () => {
    listed = null
    follow()
    for (const spot of kept) if (isThere(spot.scope)) value(spot)
    /** @type {Set<string>} */
    const changed = new Set()
    const due = spoilt
    spoilt = []
    for (const found of due) {
      const { spot, value: before } = found
      if (!spot || !isThere(spot.scope)) continue
      const { value: answer, relevant: holds, item: line } = spot.cells
      // Nearest first, so that a long chain of calculations is no deep recursion.
      if (found === answer || found === holds) read(found)
      if (found === line && item(spot) !== before) changed.add(pathOf(spot))
    }
    return changed
  }

  const whole = makeScope(null, 0)
  if (isNew) {
    begin(whole, true)
  } else if (places.has(PEOPLE)) {
    const spot = /** @type {Spot} */ (whole.spots.get(/** @type {Place} */ (places.get(PEOPLE))))
    for (const scope of scopesOf(spot)) if (isEmpty(raw[PEOPLE]?.[scope.n - 1])) begin(scope, true)
  }
  for (const path of document.order ?? []) {
    // In the order of dependence, so that a long chain of calculations is no deep recursion.
    const place = /** @type {Place} */ (places.get(path))
    for (const spot of beside(makeSpot(root, whole, null), place)) {
      if (place.node.kind === 'repeat') instances(spot)
      else seen(spot)
    }
  }
  settle()
  isOpening = false

  return {
    /** Everything a screen shows, in order, irrelevant lines included. @returns {Item[]} */
    items() {
      if (listed) return listed
      /** @type {Item[]} */
      const found = []
      walk(whole, (spot) => {
        const { type } = spot.place.node
        if (type === 'note' || !UNASKED.includes(type)) found.push(item(spot))
      }, true)
      listed = found
      return found
    },

    /**
     * Give an answer ("" takes it back); returns the paths of the items that look different now.
     * @param {string} path @param {string} given @returns {Set<string>}
     */
    set(path, given) {
      const spot = locate(path)
      if (spot.place.node.kind !== 'question') throw new RangeError(`not a question: ${path}`)
      write(spot, given)
      return settle()
    },

    /** The answers that count: relevant, not blank, calculations included. @returns {Json} */
    answers: () => collect(root, whole),

    /** Everything typed, relevant or not: what a draft keeps. @returns {Json} */
    typed: () => JSON.parse(JSON.stringify(raw)),

    /** @returns {{path: string, code: string, message: string}[]} what is wrong, in order */
    problems() {
      /** @type {{path: string, code: string, message: string}[]} */
      const found = []
      walk(whole, (spot) => {
        const code = spot.place.node.kind === 'question' && relevant(spot) ? wrong(spot) : ''
        if (code) found.push({ path: pathOf(spot), code, message: said(spot, `${code}_message`) })
      })
      return found
    },

    /** @returns {Flag[]} what the answers flag, in order */
    flags() {
      /** @type {Flag[]} */
      const found = []
      walk(whole, (spot) => {
        if (spot.place.node.kind === 'question' && relevant(spot)) found.push(...flagsOf(spot))
      })
      return found
    },

    /** Add an instance to the repeat at `path`. @param {string} path */
    addRepeat(path) {
      const spot = locate(path)
      const inside = holder(spot, true)
      const { name } = spot.place.node
      const came = Array.isArray(inside[name]) ? inside[name] : []
      inside[name] = [...came, {}]
      touch(spot, 'count')
      begin(scopeAt(spot, inside[name].length), false)
      settle()
    },

    /** Take the instance at `position` (from 1) out of the repeat at `path`. @param {string} path @param {number} position */
    removeRepeat(path, position) {
      const spot = locate(path)
      const came = holder(spot)?.[spot.place.node.name]
      if (Array.isArray(came)) came.splice(position - 1, 1)
      spot.scopes.splice(position - 1, 1)
      for (const scope of spot.scopes.slice(position - 1)) {
        scope.n -= 1
        spoilt.push(...change(scope.position))
      }
      touch(spot, 'count')
      touch(spot, 'moved')
      settle()
    },

    /** Show the form in another language. @param {string} wanted */
    setLanguage(wanted) {
      listed = null
      language = wanted
      change(languageCell)
    },
  }
}

const join = (/** @type {string} */ outer, /** @type {string} */ name) => (outer ? `${outer}/${name}` : name)

const split = (/** @type {string} */ given) => words(given).filter(Boolean)

const isObject = (/** @type {any} */ given) => typeof given === 'object' && given !== null && !Array.isArray(given)

const isEmpty = (/** @type {any} */ given) => !isObject(given) || !Object.keys(given).length

const cut = (/** @type {string} */ long) => (long.length > MAX_TEXT ? [...long].slice(0, MAX_TEXT).join('') : long)

/** Whether a choice's words hold answers. @param {Json} row */
const speaks = (row) => [row.label, row.flag_text].some((texts) => texts && Object.values(texts).some(Array.isArray))

/** @param {Tree} tree @param {string} operation */
const isCalled = (tree, operation) => Array.isArray(tree) && tree[0] === operation

/** Whether a tree looks at the row itself. @param {Tree} tree @returns {boolean} */
const usesRow = (tree) => Array.isArray(tree) && (['col', 'index', 'size'].includes(tree[0]) || tree.some(usesRow))

/** Whether a tree looks at a row's position. @param {Tree} tree @returns {boolean} */
const usesPlace = (tree) => Array.isArray(tree) && (['index', 'size'].includes(tree[0]) || tree.some(usesPlace))

/** Whether two items look the same. @param {Json} a @param {Json} b */
const alike = (a, b) =>
  Object.keys(b).every((key) => a[key] === b[key] || (['choices', 'problem', 'flag'].includes(key) && JSON.stringify(a[key]) === JSON.stringify(b[key])))

/**
 * A checklist being filled in: what is asked, what is offered, what is wrong and what it flags, after each answer.
 *
 * Knows no screen and no clock. The server's fieldapp/checklists/rules.py reaches the same verdict on the same
 * answers (tests/vectors). Invariant: an answer typed in is never dropped, only left out while it is not relevant.
 */
import { makeCells } from './cells.js'
import { FUNCTIONS, isDate, number, text, truth, words } from './functions.js'

const SEVERITIES = ['red', 'orange', 'yellow']
const PEOPLE = 'people'
const MAX_INSTANCES = 200
const UNASKED = ['note', 'calculate', 'hidden', 'start', 'end', 'today', 'username', 'deviceid']
/** @type {Record<string, string>} */
const FROM_CONTEXT = { start: 'now', end: 'now', today: 'today', username: 'username', deviceid: 'device_uuid' }
const SHA256S = /^[0-9a-f]{64}( [0-9a-f]{64})*$/
const DECIMAL = /^-?(\d+(\.\d*)?|\.\d+)$/

/** @type {Record<string, (value: string) => boolean>} */
const FITS = {
  integer: (value) => /^-?\d{1,15}$/.test(value),
  decimal: (value) => DECIMAL.test(value),
  date: isDate,
  geopoint: (value) => {
    const parts = value.split(' ')
    if (parts.length < 2 || parts.length > 4 || !parts.every((part) => DECIMAL.test(part))) return false
    return Math.abs(Number(parts[0])) <= 90 && Math.abs(Number(parts[1])) <= 180
  },
  image: (value) => SHA256S.test(value),
  acknowledge: (value) => value === 'OK',
}

/**
 * @typedef {any} Tree  an expression, see docs/checklists.md
 * @typedef {Record<string, any>} Json
 * @typedef {{node: Json, path: string, parent: Place | null, repeats: Place[], inner: Place[], children: Place[]}} Place
 * @typedef {{path: string, kind: string, node: Json, level: number, relevant: boolean, required: boolean,
 *   readOnly: boolean, value: string, instances: number, label: string, hint: string,
 *   choices: {name: string, label: string, flag: string, flagText: string}[],
 *   problem: {code: string, message: string} | null,
 *   flag: {severity: string, text: Record<string, string>, followup: string} | null}} Item
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
  const cells = makeCells()
  const cell = cells.read
  /** @type {Set<string>} kept calculations already looked at since the form was opened */
  const opened = new Set()
  const people = context.people ?? []
  let language = context.language
  /** @type {Json} what was typed, relevant or not */
  const raw = JSON.parse(JSON.stringify(answers ?? {}))

  const plant = (/** @type {Json} */ node, /** @type {Place | null} */ parent) => {
    const repeats = parent ? parent.inner : []
    /** @type {Place} */
    const place = {
      node,
      parent,
      path: parent ? join(parent.path, node.name) : '',
      repeats,
      inner: repeats,
      children: [],
    }
    if (node.kind === 'repeat') place.inner = [...repeats, place]
    places.set(place.path, place)
    place.children = (node.children ?? []).map((/** @type {Json} */ child) => plant(child, place))
    return place
  }
  const root = plant({ kind: 'group', name: '', children: document.nodes }, null)

  // places

  /** @param {Place} place @param {number[]} at @returns {string} the question path, with positions */
  const pathAt = (place, at) => {
    if (!place.parent) return ''
    const position = place.node.kind === 'repeat' && at.length > place.repeats.length ? `[${at[place.repeats.length]}]` : ''
    return join(pathAt(place.parent, at), place.node.name) + position
  }

  /** Where a question path leads. @param {string} path @returns {[Place, number[]]} */
  const locate = (path) => {
    const at = [...path.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1]))
    const place = places.get(path.replace(/\[\d+\]/g, ''))
    if (!place) throw new RangeError(`no such question: ${path}`)
    return [place, at]
  }

  /**
   * The object in `raw` that holds a place's answer; made where it is missing and `make` is given.
   * @param {Place} place @param {number[]} at @param {boolean} [make] @returns {any}
   */
  const holder = (place, at, make) => {
    const { parent } = place
    if (!parent?.parent) return raw
    let outer = holder(parent, at, make)
    if (outer === undefined || outer === null) return undefined
    const { name, kind } = parent.node
    if (make) outer[name] ??= kind === 'repeat' ? [] : {}
    outer = outer[name]
    if (kind !== 'repeat') return outer
    const position = at[parent.repeats.length] - 1
    if (make) while (outer.length <= position) outer.push({})
    return outer?.[position]
  }

  const typed = (/** @type {Place} */ place, /** @type {number[]} */ at) =>
    cell(`raw ${pathAt(place, at)}`, () => {
      const found = holder(place, at)?.[place.node.name]
      return typeof found === 'object' || found === undefined ? '' : String(found)
    })

  // what holds

  /** @param {Place} place @param {number[]} at @returns {boolean} */
  const relevant = (place, at) => {
    const { node, parent } = place
    if (!parent) return true
    return cell(`relevant ${pathAt(place, at)}`, () => {
      if (!relevant(parent, at.slice(0, parent.inner.length))) return false
      return !('relevant' in node) || truth(compute(node.relevant, place, at))
    })
  }

  const value = (/** @type {Place} */ place, /** @type {number[]} */ at) =>
    cell(`value ${pathAt(place, at)}`, () => findValue(place, at))

  const seen = (/** @type {Place} */ place, /** @type {number[]} */ at) => (relevant(place, at) ? value(place, at) : '')

  /** @param {Place} place @param {number[]} at @returns {string} */
  const findValue = (place, at) => {
    const { node } = place
    if ('calculate' in node) {
      const path = pathAt(place, at)
      const inside = node.kept ? holder(place, at, true) : null
      const before = inside?.[node.name]
      const found = text(compute(node.calculate, place, at))
      if (!inside) return found
      const keeps = before && !opened.has(path)
      opened.add(path)
      return (inside[node.name] = keeps ? before : found)
    }
    const given = typed(place, at)
    if (given === '' && FROM_CONTEXT[node.type]) return text(context[FROM_CONTEXT[node.type]] ?? '')
    if (given === '' && node.type === 'hidden' && node.prefill) return prefilled(node.prefill, at)
    if ('choice_filter' in node) {
      const names = offered(place, at).map((row) => row.name)
      const known = list(node).map((row) => row.name)
      return split(given).filter((name) => names.includes(name) || !known.includes(name)).join(' ')
    }
    return given
  }

  /** @param {string} field @param {number[]} at */
  const prefilled = (field, at) => {
    const [kind, name] = field.split('.')
    const record = kind === 'person' ? people[at[0] - 1] : context.household
    const found = record?.[name]
    if (Array.isArray(found)) return found.join(' ')
    return found === undefined || found === null || typeof found === 'object' ? '' : text(found)
  }

  /** @param {Json} node @returns {Json[]} */
  const list = (node) => document.choices[node.list] ?? []

  /** The choices a question offers after its choice_filter. @param {Place} place @param {number[]} at @returns {Json[]} */
  const offered = (place, at) => {
    const { node } = place
    if (!('choice_filter' in node)) return list(node)
    return cell(`offered ${pathAt(place, at)}`, () => (
      list(node).filter((row) => truth(compute(node.choice_filter, place, at, row)))))
  }

  /**
   * How many instances of a repeat there are: as many as people, as its count says, or as were added.
   * @param {Place} place @param {number[]} at
   */
  const instances = (place, at) =>
    cell(`count ${pathAt(place, at)}`, () => {
      const { node } = place
      const given = Math.min(holder(place, at)?.[node.name]?.length ?? 0, MAX_INSTANCES)
      if (place.path === PEOPLE) return Math.max(given, Math.min(people.length, MAX_INSTANCES))
      if (!('count' in node)) return given
      const wanted = number(compute(node.count, place, at))
      return wanted > 0 ? Math.floor(Math.min(wanted, MAX_INSTANCES)) : 0
    })

  // expressions

  /** @param {Tree} tree @param {Place} place @param {number[]} at @param {Json} [choice] @returns {any} */
  const compute = (tree, place, at, choice) => {
    if (!Array.isArray(tree)) return tree
    const [operation, ...operands] = tree
    const part = (/** @type {Tree} */ operand) => compute(operand, place, at, choice)
    switch (operation) {
      case 'ref':
        return referred(operands, at, part)
      case 'if':
        return part(operands[truth(part(operands[0])) ? 1 : 2])
      case 'and':
        return operands.every((operand) => truth(part(operand)))
      case 'or':
        return operands.some((operand) => truth(part(operand)))
      case 'today':
        return context.today ?? ''
      case 'now':
        return context.now ?? ''
      case 'once':
        return holder(place, at)?.[place.node.name] || text(part(operands[0]))
      case 'position':
        return at[operands[0]]
      case 'col':
        return column(choice ?? {}, operands[0])
      case 'item':
        return items(operands, place, at)
      case 'choice-name': {
        const name = text(part(operands[0]))
        const row = document.choices[operands[1]]?.find((/** @type {Json} */ found) => found.name === name)
        return row ? inLanguage(row.label) : ''
      }
      default:
        return FUNCTIONS[operation](...operands.map(part))
    }
  }

  /**
   * The answers at a path, its first `bound` repeats being those of `at`.
   * @param {any[]} reference @param {number[]} at @param {(tree: Tree) => any} part @returns {string[]}
   */
  const referred = ([bound, path, indexes], at, part) => {
    const target = /** @type {Place} */ (places.get(path))
    let found = [at.slice(0, bound)]
    target.inner.slice(bound).forEach((repeat, level) => {
      const index = indexes?.[bound + level] ?? null
      const wanted = index === null ? null : number(part(index))
      found = found.flatMap((outer) => {
        const all = Array.from({ length: instances(repeat, outer) }, (_, n) => n + 1)
        return all.filter((n) => wanted === null || n === wanted).map((n) => [...outer, n])
      })
    })
    return found.map((where) => (target.node.kind === 'question' ? seen(target, where) : ''))
  }

  /**
   * Rows of a choice list that meet the conditions (a number picks by position), by one column.
   * @param {any[]} item @param {Place} place @param {number[]} at
   */
  const items = ([name, wanted, ...conditions], place, at) => {
    let rows = document.choices[name] ?? []
    for (const condition of conditions) {
      rows = rows.filter((/** @type {Json} */ row, /** @type {number} */ n) => {
        const found = compute(condition, place, at, row)
        return typeof found === 'number' ? found === n + 1 : truth(found)
      })
    }
    return rows.map((/** @type {Json} */ row) => (wanted ? column(row, wanted) : ''))
  }

  const column = (/** @type {Json} */ row, /** @type {string} */ name) =>
    typeof row[name] === 'object' ? inLanguage(row[name]) : String(row[name] ?? '')

  // texts

  /** @param {Json} texts @param {string} [wanted] */
  const inLanguage = (texts, wanted) => {
    const first = wanted ?? cell('language', () => language)
    return texts[first] ?? texts[document.default_language] ?? Object.values(texts)[0] ?? ''
  }

  /** A text with the answers it names put in. @param {any} parts @param {Place} place @param {number[]} at @returns {string} */
  const written = (parts, place, at) =>
    Array.isArray(parts)
      ? parts.map((part) => (typeof part === 'string' ? part : text(compute(part, place, at)))).join('')
      : String(parts)

  /** @param {Place} place @param {number[]} at @param {string} name @param {string} [wanted] */
  const said = (place, at, name, wanted) => (place.node[name] ? written(inLanguage(place.node[name], wanted), place, at) : '')

  // verdict

  const names = (/** @type {Json} */ node, /** @type {string} */ given) =>
    node.type === 'select_multiple' ? split(given) : [given]

  /** @param {Place} place @param {number[]} at */
  const isRequired = (place, at) => {
    const required = place.node.required ?? false
    return required === true || truth(compute(required, place, at))
  }

  /** The code of what is wrong with an answer, or "". @param {Place} place @param {number[]} at */
  const wrong = (place, at) => {
    const { node } = place
    if (UNASKED.includes(node.type) || 'calculate' in node) return ''
    const given = value(place, at)
    if (given === '') return isRequired(place, at) ? 'required' : ''
    if (node.list) {
      const allowed = offered(place, at).map((row) => row.name)
      if (!names(node, given).every((name) => allowed.includes(name))) return 'choice'
    } else if (FITS[node.type] && !FITS[node.type](given)) {
      return 'type'
    }
    return 'constraint' in node && !truth(compute(node.constraint, place, at)) ? 'constraint' : ''
  }

  /** What an answer flags. @param {Place} place @param {number[]} at */
  const flagsOf = (place, at) => {
    const { node } = place
    /** @type {{question: string, choice: string, severity: string, text: Record<string, string>, followup: string}[]} */
    const found = []
    /** @param {string} severity @param {string | undefined} followup @param {Json} choice @param {Json | undefined} texts */
    const raise = (severity, followup, choice, texts) =>
      found.push({
        question: pathAt(place, at),
        choice: choice.name ?? '',
        severity,
        text: Object.fromEntries(
          document.languages.map((/** @type {string} */ code) => [code, flagText(place, at, choice, texts, code)]),
        ),
        followup: followup ?? '',
      })
    const severity = 'flag' in node ? text(compute(node.flag, place, at)) : ''
    if (SEVERITIES.includes(severity)) raise(severity, node.followup, {}, node.flag_text)
    const given = node.list ? names(node, value(place, at)) : []
    for (const choice of list(node)) {
      if (!choice.flag || !given.includes(choice.name)) continue
      raise(choice.flag, choice.followup, choice, choice.flag_text ?? node.flag_text)
    }
    return found
  }

  /** @param {Place} place @param {number[]} at @param {Json} choice @param {Json | undefined} texts @param {string} code */
  const flagText = (place, at, choice, texts, code) => {
    if (texts) return written(inLanguage(texts, code), place, at)
    const label = said(place, at, 'label', code).replace(/[?？:： ]+$/, '')
    const answer = choice.label ? inLanguage(choice.label, code) : ''
    return [label, answer].filter(Boolean).join(code.startsWith('zh') ? '：' : ': ')
  }

  /**
   * Walk the places in the document's order, a repeat before each of its instances.
   * @param {(place: Place, at: number[], level: number) => void} visit @param {boolean} [all] also what is not relevant
   */
  const walk = (visit, all, /** @type {Place} */ place = root, /** @type {number[]} */ at = [], level = 0) => {
    for (const child of place.children) {
      if (!all && !relevant(child, at)) continue
      visit(child, at, level)
      if (child.node.kind === 'group') walk(visit, all, child, at, level + 1)
      if (child.node.kind !== 'repeat') continue
      for (let n = 1; n <= instances(child, at); n += 1) {
        visit(child, [...at, n], level + 1)
        walk(visit, all, child, [...at, n], level + 2)
      }
    }
  }

  /**
   * One line of the form as a screen shows it.
   * @param {Place} place @param {number[]} at @param {number} level @returns {Item}
   */
  const item = (place, at, level) => {
    const path = pathAt(place, at)
    return cell(`item ${path}`, () => build(place, at, level, path), path)
  }

  /** @param {Place} place @param {number[]} at @param {number} level @param {string} path @returns {Item} */
  const build = (place, at, level, path) => {
    const { node } = place
    const isQuestion = node.kind === 'question'
    const isInstance = node.kind === 'repeat' && at.length > place.repeats.length
    const isRelevant = relevant(place, at)
    const code = isQuestion && isRelevant ? wrong(place, at) : ''
    const raised = isQuestion && isRelevant ? flagsOf(place, at) : []
    raised.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
    return {
      path,
      kind: isInstance ? 'instance' : node.kind,
      node,
      level,
      relevant: isRelevant,
      required: isQuestion && isRelevant && isRequired(place, at),
      readOnly: isQuestion && ('calculate' in node || truth(compute(node.read_only ?? false, place, at))),
      value: isQuestion ? value(place, at) : '',
      instances: node.kind === 'repeat' && !isInstance ? instances(place, at) : 0,
      label: isInstance && place.path === PEOPLE ? (people[at[0] - 1]?.name ?? '') : said(place, at, 'label'),
      hint: said(place, at, 'hint'),
      choices: isQuestion && node.list
        ? offered(place, at).map((row) => ({
            name: row.name,
            label: inLanguage(row.label),
            flag: row.flag ?? '',
            flagText: row.flag_text ? inLanguage(row.flag_text) : '',
          }))
        : [],
      problem: code ? { code, message: said(place, at, `${code}_message`) } : null,
      flag: raised[0] ?? null,
    }
  }

  /** @param {Place} place @param {number[]} at @returns {Json} */
  const collect = (place, at) => {
    /** @type {Json} */
    const found = {}
    for (const child of place.children) {
      if (!relevant(child, at)) continue
      const { kind, name } = child.node
      if (kind === 'question') {
        if (value(child, at)) found[name] = value(child, at)
      } else if (kind === 'group') {
        const inner = collect(child, at)
        if (Object.keys(inner).length) found[name] = inner
      } else {
        const all = Array.from({ length: instances(child, at) }, (_, n) => collect(child, [...at, n + 1]))
        if (all.length) found[name] = all
      }
    }
    return found
  }

  /** Give new questions their registry values and defaults. @param {Place} place @param {number[]} at */
  const begin = (place, at) => {
    for (const child of place.children) {
      const { node } = child
      if (node.kind === 'group') begin(child, at)
      if (node.kind === 'repeat') {
        if (child.path !== PEOPLE && !('count' in node)) holder(child, at, true)[node.name] ??= [{}]
        for (let n = 1; n <= instances(child, at); n += 1) begin(child, [...at, n])
      }
      const start = node.prefill ? prefilled(node.prefill, at) : ''
      const given = start || ('default' in node ? text(compute(node.default, child, at)) : '')
      if (node.kind === 'question' && given !== '' && node.type !== 'hidden') write(child, at, given)
    }
  }

  /** @param {Place} place @param {number[]} at @param {string} given items to look at again */
  const write = (place, at, given) => {
    const { name } = place.node
    const inside = holder(place, at, true)
    if (given === '') delete inside[name]
    else inside[name] = given
    return cells.change(`raw ${pathAt(place, at)}`)
  }

  const isEmpty = (/** @type {Json | null | undefined} */ given) => !given || !Object.keys(given).length
  if (isEmpty(answers)) {
    begin(root, [])
  } else if (places.has(PEOPLE)) {
    const people = /** @type {Place} */ (places.get(PEOPLE))
    const inOrder = Array.from({ length: instances(people, []) }, (_, n) => n + 1)
    for (const n of inOrder.filter((n) => isEmpty(raw[PEOPLE]?.[n - 1]))) begin(people, [n])
  }
  walk((place, at) => place.node.kind === 'question' && value(place, at), true)

  return {
    /** Everything a screen shows, in order, irrelevant lines included. @returns {Item[]} */
    items() {
      /** @type {Item[]} */
      const found = []
      walk((place, at, level) => {
        const { type } = place.node
        if (type === 'note' || !UNASKED.includes(type)) found.push(item(place, at, level))
      }, true)
      return found
    },

    /**
     * Give an answer ("" takes it back); returns the paths of the items that look different now.
     * @param {string} path @param {string} given @returns {Set<string>}
     */
    set(path, given) {
      const [place, at] = locate(path)
      if (place.node.kind !== 'question') throw new RangeError(`not a question: ${path}`)
      /** @type {Set<string>} */
      const changed = new Set()
      for (const stale of write(place, at, given)) {
        const itemPath = /** @type {string} */ (stale.item)
        const before = stale.value
        const after = item(...locate(itemPath), before.level)
        if (JSON.stringify(before) === JSON.stringify(after)) stale.value = before
        else changed.add(itemPath)
      }
      return changed
    },

    /** The answers that count: relevant, not blank, calculations included. @returns {Json} */
    answers: () => collect(root, []),

    /** Everything typed, relevant or not: what a draft keeps. @returns {Json} */
    typed: () => JSON.parse(JSON.stringify(raw)),

    /** @returns {{path: string, code: string, message: string}[]} what is wrong, in order */
    problems() {
      /** @type {{path: string, code: string, message: string}[]} */
      const found = []
      walk((place, at) => {
        const code = place.node.kind === 'question' ? wrong(place, at) : ''
        if (code) found.push({ path: pathAt(place, at), code, message: said(place, at, `${code}_message`) })
      })
      return found
    },

    /** @returns {{question: string, choice: string, severity: string, text: Record<string, string>, followup: string}[]} */
    flags() {
      /** @type {ReturnType<typeof flagsOf>} */
      const found = []
      walk((place, at) => place.node.kind === 'question' && found.push(...flagsOf(place, at)))
      return found
    },

    /** Add an instance to the repeat at `path`. @param {string} path */
    addRepeat(path) {
      const [place, at] = locate(path)
      const inside = holder(place, at, true)
      inside[place.node.name] = [...(inside[place.node.name] ?? []), {}]
      cells.reset()
      begin(place, [...at, inside[place.node.name].length])
    },

    /** Take the instance at `position` (from 1) out of the repeat at `path`. @param {string} path @param {number} position */
    removeRepeat(path, position) {
      const [place, at] = locate(path)
      holder(place, at)?.[place.node.name]?.splice(position - 1, 1)
      cells.reset()
    },

    /** Show the form in another language. @param {string} wanted */
    setLanguage(wanted) {
      language = wanted
      cells.reset()
    },
  }
}

const join = (/** @type {string} */ outer, /** @type {string} */ name) => (outer ? `${outer}/${name}` : name)

const split = (/** @type {string} */ given) => words(given).filter(Boolean)

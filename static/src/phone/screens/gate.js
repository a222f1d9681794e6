/**
 * What stands before the store: choosing a PIN, typing it, and what to do when it was forgotten.
 *
 * Invariant: nothing of people or work is shown here, and nothing here can lose any of it.
 */
import { html, nothing } from 'lit-html'
import { app } from '../app.js'
import { changePin, waitForPin } from '../pin.js'
import { icon } from '../parts.js'
import { PIN_DIGITS, WrongPin, isEasyPin } from '../vault.js'
import { t } from '../words.js'
import { openHandover } from './handover.js'
import { signInWords } from './sign_in.js'

const SECOND_MS = 1000

/**
 * Digits to tap, or to type on a keyboard; calls `done` with the PIN as soon as it is whole.
 * @param {(pin: string) => unknown} done
 */
export function pinPad(done) {
  let typed = ''
  let isBusy = false

  /** @param {string} digit */
  async function add(digit) {
    if (isBusy || typed.length === PIN_DIGITS) return
    typed += digit
    app.draw()
    if (typed.length < PIN_DIGITS) return
    isBusy = true
    try {
      await done(typed)
    } finally {
      typed = ''
      isBusy = false
      app.draw()
    }
  }

  function takeBack() {
    if (isBusy) return
    typed = typed.slice(0, -1)
    app.draw()
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (/^\d$/.test(event.key)) add(event.key)
    else if (event.key === 'Backspace') takeBack()
  }

  /** @param {{label: string, isOff?: boolean}} shown */
  return ({ label, isOff = false }) => html`
    <div class="pin" role="group" aria-label=${label} @keydown=${onKey}>
      <p class="dots" role="status" aria-label=${t('pin.typed', { n: typed.length, of: PIN_DIGITS })}>
        ${Array.from({ length: PIN_DIGITS }, (_, index) => html`<i class=${index < typed.length ? 'on' : ''}></i>`)}</p>
      <div class="keys">${[...'123456789'].map((digit) => key(digit, isOff))}<span></span>${key('0', isOff)}
        <button class="key" type="button" aria-label=${t('pin.delete')} ?disabled=${isOff || !typed} @click=${takeBack}>${icon('erase')}</button></div>
    </div>`

  /** @param {string} digit @param {boolean} isOff */
  function key(digit, isOff) {
    return html`<button class="key" type="button" ?disabled=${isBusy || isOff} @click=${() => add(digit)}>${digit}</button>`
  }
}

/** What is said over a pad; "checking" takes a second or two on a slow phone. @param {{title: string, hint: any, problem: string}} words */
const head = ({ title, hint, problem }) => html`
  <header>${icon('lock')}<h1 tabindex="-1">${title}</h1></header>
  <p class="quiet center">${hint}</p>
  <div class="said" role="alert">${problem ? html`<p class="problem center">${problem}</p>` : nothing}</div>`

/** Choose a PIN, twice the same. @type {import('../app.js').ScreenMaker} */
export function pinScreen() {
  let first = ''
  let problem = ''
  const pad = pinPad(async (pin) => {
    problem = ''
    if (!first) {
      if (isEasyPin(pin)) problem = t('pin.easy')
      else first = pin
      return
    }
    if (pin !== first) {
      first = ''
      problem = t('pin.differ')
      return
    }
    try {
      await app.choosePin(pin)
    } catch (error) {
      first = ''
      problem = signInWords(error)
    }
  })
  return {
    holdsForm: true,
    load: async () => {},
    view: () => html`<main class="gate">
      ${head({ title: t(first ? 'pin.again' : 'pin.choose'), hint: t(first ? 'pin.again_hint' : 'pin.choose_hint'), problem })}
      ${pad({ label: t(first ? 'pin.again' : 'pin.choose') })}
      ${first ? nothing : html`<p class="quiet center">${t('pin.why')}</p>`}</main>`,
  }
}

/** Type the PIN. @type {import('../app.js').ScreenMaker} */
export function lockScreen() {
  let problem = ''
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer
  let wait = 0

  async function countDown() {
    clearTimeout(timer)
    wait = await waitForPin(app.store)
    if (wait) timer = setTimeout(countDown, Math.min(wait, SECOND_MS))
    else if (problem) problem = t('pin.wrong')
    app.draw()
  }

  const pad = pinPad(async (pin) => {
    if (wait) return
    problem = ''
    try {
      await app.unlock(pin)
    } catch (error) {
      if (!(error instanceof WrongPin)) throw error
      problem = t('pin.wrong')
      await countDown()
    }
  })
  return {
    load: countDown,
    leave: () => clearTimeout(timer),
    view: () => html`<main class="gate">
      ${head({ title: t('pin.type'), hint: app.user?.username ?? '', problem: wait >= SECOND_MS ? t('pin.wait', { s: Math.ceil(wait / SECOND_MS) }) : problem })}
      ${pad({ label: t('pin.type'), isOff: wait > 0 })}
      <div class="row wrap center"><button class="link" @click=${() => app.goTo('forgot')}>${t('pin.forgot')}</button>
        <button class="link" @click=${() => app.goTo('sign_in')}>${t('pin.other_account')}</button></div></main>`,
  }
}

/** The PIN was forgotten: the supervisor's code, or the file for the desk. @type {import('../app.js').ScreenMaker} */
export function forgotScreen() {
  let going = false
  let problem = ''

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault()
    if (going) return
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.target))
    const password = String(fields.get('password'))
    const code = String(fields.get('code')).replace(/\s/g, '')
    problem = password && code ? '' : t('forgot.fill')
    if (!problem) {
      going = true
      app.draw()
      try {
        await app.openByCode(password, code)
      } catch (error) {
        problem = signInWords(error)
      }
      going = false
    }
    app.draw()
  }

  return {
    holdsForm: true,
    load: async () => {},
    view: () => html`
      <header class="bar inner"><button class="back" aria-label=${t('app.back')} @click=${() => app.goTo('lock')}>${icon('back')}</button>
        <div><h1 tabindex="-1">${t('forgot.title')}</h1><p class="quiet">${t('forgot.kept')}</p></div></header>
      <main class="stack">
        <form class="card" @submit=${submit}>
          <p>${t('forgot.how')}</p>
          <label class="field"><span>${t('forgot.code')}</span><input name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="12"></label>
          <label class="field"><span>${t('forgot.password', { username: app.user?.username ?? '' })}</span><input name="password" type="password" autocomplete="current-password"></label>
          ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
          <button class="btn go" ?disabled=${going}>${t(going ? 'sign_in.going' : 'forgot.go')}</button>
        </form>
        <section class="card"><h2>${t('forgot.no_network')}</h2><p class="quiet">${t('handover.hint')}</p>
          <button class="btn" @click=${openHandover}>${t('handover.make')}</button></section>
      </main>`,
  }
}

/** Change the PIN: the old one, then a new one twice, in a sheet. */
export function openChangePin() {
  /** @type {'old'|'new'|'again'} */
  let step = 'old'
  let old = ''
  let chosen = ''
  let problem = ''
  const titles = { old: 'pin.old', new: 'pin.choose', again: 'pin.again' }

  /** @type {Record<'old'|'new'|'again', (pin: string) => unknown>} */
  const steps = {
    old: async (pin) => {
      const wait = await waitForPin(app.store)
      if (wait) {
        problem = t('pin.wait', { s: Math.ceil(wait / SECOND_MS) })
        return
      }
      old = pin
      step = 'new'
    },
    new: (pin) => {
      if (isEasyPin(pin)) problem = t('pin.easy')
      else [chosen, step] = [pin, 'again']
    },
    again: async (pin) => {
      step = 'new'
      if (pin !== chosen) {
        problem = t('pin.differ')
        return
      }
      try {
        await changePin(app.store, old, pin)
        app.closeSheet()
        app.say(t('pin.changed'))
      } catch (error) {
        if (!(error instanceof WrongPin)) throw error
        step = 'old'
        problem = t('pin.old_wrong')
      }
    },
  }
  const pad = pinPad((pin) => {
    problem = ''
    return steps[step](pin)
  })
  app.openSheet(t('pin.change'), () => html`
    <h2>${t(titles[step])}</h2>${step === 'new' ? html`<p class="quiet">${t('pin.choose_hint')}</p>` : nothing}
    <div class="said" role="alert">${problem ? html`<p class="problem center">${problem}</p>` : nothing}</div>${pad({ label: t(titles[step]) })}
    <button class="btn plain" @click=${() => app.closeSheet()}>${t('app.cancel')}</button>`)
}

/**
 * Starts the phone app: checks that this browser can hold it, then shows the screen of the address.
 *
 * Invariant: nothing here needs the network.
 */
import { html, render } from 'lit-html'
import { app } from './app.js'
import { readDevice } from './device.js'
import { forgotScreen, lockScreen, pinScreen } from './screens/gate.js'
import { aidScreen } from './screens/aid.js'
import { correctScreen } from './screens/correct.js'
import { handInScreen } from './screens/hand_in.js'
import { householdScreen } from './screens/household.js'
import { meScreen } from './screens/me.js'
import { registerScreen } from './screens/register.js'
import { returnedScreen } from './screens/returned.js'
import { sendScreen } from './screens/send.js'
import { signInScreen } from './screens/sign_in.js'
import { taskScreen } from './screens/task.js'
import { householdsScreen, todayScreen } from './screens/today.js'
import { visitScreen } from './screens/visit.js'
import { keepShell } from './shell.js'
import { setLanguage, t } from './words.js'

app.screens = {
  today: (params) => (app.device.hand_in ? handInScreen : todayScreen)(params), households: householdsScreen, household: householdScreen, visit: visitScreen, returned: returnedScreen,
  aid: aidScreen, task: taskScreen, register: registerScreen, correct: correctScreen, send: sendScreen, me: meScreen, sign_in: signInScreen,
  pin: pinScreen, lock: lockScreen, forgot: forgotScreen,
}

/** A page that says why the app cannot run here, in both languages. @param {string} key @param {string[]} [parts] */
function block(key, parts = ['', '_why', '_do']) {
  const root = /** @type {HTMLElement} */ (document.getElementById('app'))
  root.replaceChildren()
  render(html`<main class="blocked">${/** @type {const} */ (['zh', 'en']).map((language) => {
    setLanguage(language)
    return html`<section class="card" lang=${language}><h1>${t(`${key}${parts[0]}`)}</h1>${parts.slice(1).map((part) => html`<p>${t(`${key}${part}`)}</p>`)}</section>`
  })}</main>`, root)
}

async function start() {
  if (!window.isSecureContext) return block('block.insecure')
  if (!navigator.serviceWorker || !crypto.subtle || !window.indexedDB || !window.HTMLDialogElement) return block('block.old')
  let device
  try {
    device = await readDevice()
  } catch {
    return block('app.storage_failed', [''])
  }
  app.begin(device)
  await app.start()
  keepShell()
  addEventListener('online', () => app.sync?.run())
  addEventListener('offline', () => app.draw())
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') app.seen()
    else app.unseen()
  })
}

addEventListener('unhandledrejection', () => app.say(t('app.error')))
start()

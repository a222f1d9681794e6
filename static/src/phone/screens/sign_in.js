/**
 * Signing in: the first screen, and the sheet that asks again without leaving the page one is on.
 *
 * Invariant: signing in never clears anything; whoever else used this phone keeps their store.
 */
import { html, nothing } from 'lit-html'
import { Fault } from '../api.js'
import { app } from '../app.js'
import { currentLanguage, faultWords, t } from '../words.js'

/** What to say to a sign-in, or what came with it, that did not work. @param {unknown} error */
export function signInWords(error) {
  if (!(error instanceof Fault)) return t('app.error')
  if (error.kind === 'network' || error.kind === 'portal') return faultWords(error)
  if (error.code === 'sign_in_wrong') return t('sign_in.wrong')
  if (error.status === 429) return t('sign_in.often')
  if (error.kind === 'busy') return t('sign_in.busy') // nobody tries again by himself here
  return error.words || t('app.error')
}

/** A sign-in form with a state of its own. @param {() => void} done */
export function signInForm(done) {
  let going = false
  let shown = false
  let problem = ''

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault()
    if (going) return
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.target))
    const username = String(fields.get('username')).trim()
    const password = String(fields.get('password'))
    problem = username && password ? '' : t('sign_in.fill')
    if (!problem) {
      going = true
      app.draw()
      try {
        await app.signIn(username, password)
        done()
      } catch (error) {
        problem = signInWords(error)
      }
      going = false
    }
    app.draw()
  }

  return () => html`
    <form class="stack" @submit=${submit}>
      <label class="field"><span>${t('sign_in.username')}</span>
        <input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" .defaultValue=${app.gate ? '' : app.user?.username ?? ''}></label>
      <label class="field"><span>${t('sign_in.password')}</span>
        <input name="password" type=${shown ? 'text' : 'password'} autocomplete="current-password"></label>
      <label class="check"><input type="checkbox" @change=${(/** @type {Event} */ event) => {
        shown = /** @type {HTMLInputElement} */ (event.target).checked
        app.draw()
      }}><span>${t('sign_in.show')}</span></label>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
      <button class="btn go" ?disabled=${going}>${going ? t('sign_in.going') : t('sign_in.go')}</button>
    </form>`
}

/** How to leave WeChat's own browser, whose storage is cleared with WeChat's cache. */
function wechatCard() {
  const copy = async () => {
    await navigator.clipboard.writeText(location.href)
    app.say(t('wechat.copied'))
  }
  return html`
    <section class="card warn">
      <h2>${t('wechat.title')}</h2>
      <p>${t('wechat.why')}</p>
      <ol>${[1, 2, 3].map((step) => html`<li>${t(`wechat.step${step}`)}</li>`)}</ol>
      <p class="quiet selectable">${location.origin}/app/</p>
      ${navigator.clipboard ? html`<button class="btn" @click=${copy}>${t('wechat.copy')}</button>` : nothing}
    </section>`
}

/** @type {import('../app.js').ScreenMaker} */
export function signInScreen() {
  const form = signInForm(() => {})
  return {
    holdsForm: true,
    load: async () => {},
    view: () => html`
      <main class="sign-in">
        <header><img src="${/** @type {HTMLLinkElement} */ (document.querySelector('link[rel=icon]')).href}" alt="" width="72" height="72">
          <h1>${t('app.name')}</h1></header>
        ${/MicroMessenger/i.test(navigator.userAgent) ? wechatCard() : nothing}
        <section class="card">${form()}</section>
        ${app.gate ? html`<p class="center"><button class="link" @click=${() => app.goTo('lock')}>${t('pin.back', { username: app.user?.username ?? '' })}</button></p>` : nothing}
        <p class="quiet center">${t('sign_in.first_online')}</p>
        ${languageChoice()}
        ${app.device.site?.operator ? html`<p class="quiet center">${app.device.site.operator}${app.device.site.filing ? ` · ${app.device.site.filing}` : ''}</p>` : nothing}
      </main>`,
  }
}

/** The two languages as one choice, each in its own words. */
export const languageChoice = () => html`
  <div class="seg medium" role="group" aria-label="${t('me.language')}">
    ${/** @type {const} */ ([['zh', '中文'], ['en', 'English']]).map(([code, name]) => html`
      <button class="opt" type="button" lang=${code} aria-pressed=${currentLanguage() === code ? 'true' : 'false'}
        @click=${() => app.chooseLanguage(code)}>${name}</button>`)}
  </div>`

/** Ask again in place. */
export function openSignIn() {
  const form = signInForm(() => app.closeSheet())
  const isOther = app.sync?.state.fault?.kind === 'wrong_account'
  app.openSheet(t('sign_in.again'), () => html`
    <h2>${t('sign_in.again')}</h2><p>${t(isOther ? 'sign_in.other' : 'sign_in.again_why')}</p>${form()}
    <button class="btn plain" @click=${() => app.closeSheet()}>${t('visit.later')}</button>`)
}

/** A line on top of the main screens when nothing can be sent until someone signs in. */
export function signInBanner() {
  const kind = app.sync?.state.fault?.kind
  if (kind !== 'signed_out' && kind !== 'wrong_account') return nothing
  return html`<div class="banner"><p>${t(`fault.${kind}`)}</p><button class="btn" @click=${openSignIn}>${t('sign_in.go')}</button></div>`
}

/**
 * The PIN of one worker's store: choosing it, changing it, trying it.
 *
 * Invariant: the data key is made once and sealed to the installation before any PIN wraps it, so no PIN is ever the only
 * way to it; a try is counted before it is made, so that ending the page does not take it back (docs/decisions/0004).
 */
import { isFull } from './room.js'
import { WrongPin, newDataKey, openByPin, sealToInstallation, waitAfter, wrapByPin } from './vault.js'

/** @typedef {import('./store.js').Store} Store */
/** @typedef {import('./vault.js').Bytes} Bytes */

/** How long the next try has to wait, ms. @param {Store} store */
export async function waitForPin(store) {
  const { wrong, until } = await tries(store)
  // A clock set back must not lock anybody out for longer than the wait itself.
  return wrong ? Math.max(0, Math.min(until - Date.now(), waitAfter(wrong))) : 0
}

/** The bytes of the data key; throws WrongPin. @param {Store} store @param {string} pin */
export async function dataKeyByPin(store, pin) {
  const vault = await store.vault()
  if (!vault || (await waitForPin(store))) throw new WrongPin()
  const wrong = (await tries(store)).wrong + 1
  await noteTries(store, { wrong, until: Date.now() + waitAfter(wrong) })
  const dataKey = await openByPin(vault, pin)
  await forgetTries(store)
  return dataKey
}

/**
 * A new data key, sealed to the installation and wrapped by the first PIN.
 * @param {Store} store @param {string} pin @param {number|string} userId @param {string} publicKey the installation's
 */
export async function chooseFirstPin(store, pin, userId, publicKey) {
  const dataKey = newDataKey()
  const sealed = await sealToInstallation(dataKey, publicKey, userId)
  await store.keepVault({ user_id: userId, sealed, ...(await wrapByPin(dataKey, pin, userId)) })
  return dataKey
}

/** Wrap the data key by another PIN. @param {Store} store @param {Bytes} dataKey @param {string} pin */
export async function chooseNewPin(store, dataKey, pin) {
  const vault = /** @type {import('./vault.js').Vault} */ (await store.vault())
  await store.keepVault({ ...vault, ...(await wrapByPin(dataKey, pin, vault.user_id)) })
  await forgetTries(store)
}

/** The same by the PIN there was; throws WrongPin. @param {Store} store @param {string} old @param {string} pin */
export async function changePin(store, old, pin) {
  const dataKey = await dataKeyByPin(store, old)
  await chooseNewPin(store, dataKey, pin)
  dataKey.fill(0)
}

/** @param {Store} store @returns {Promise<{wrong: number, until: number}>} */
const tries = async (store) => (await store.meta('pin_tries')) ?? { wrong: 0, until: 0 }

/** @param {Store} store */
const forgetTries = (store) => noteTries(store, { wrong: 0, until: 0 })

/** A full phone must not keep its worker out of what is to be sent: there a try is not counted. @param {Store} store @param {{wrong: number, until: number}} now */
const noteTries = (store, now) => store.setMeta('pin_tries', now).catch((error) => {
  if (!isFull(error)) throw error
})

/**
 * The little this phone knows before anyone unlocks it: its own uuid, the language, which account was signed in last.
 *
 * Invariant: nothing about people or work is ever kept here; of the user only what `known` lets through.
 */
import { openDB } from 'idb'
import { newUuid } from './uuid.js'

/** @typedef {{id: number|string, username: string, language: 'zh'|'en'}} KnownUser */
/**
 * @typedef {KnownUser & {display_name?: string, role?: string, grids?: {code: string, name: string}[]}} User all of it is
 *   known only while unlocked
 */
/**
 * @typedef {object} Device @property {string} device_uuid @property {'zh'|'en'|null} language chosen on this phone
 * @property {KnownUser|null} user @property {boolean} is_leaving signed out here, the server not told yet
 * @property {boolean} has_erased of that sign-out: all it held of the account is erased
 * @property {'account_ended'|'device_revoked'|null} hand_in why this account may only hand in what it has here
 * @property {string|null} public_key the installation's, base64
 * @property {{operator: string, filing: string, limits?: Record<string, number>}|null} site limits: largest attachments, bytes by kind
 */

const connection = () => openDB('fieldapp-device', 1, { upgrade: (db) => { db.createObjectStore('device') } })

/** What is known, made on first use. @returns {Promise<Device>} */
export async function readDevice() {
  const db = await connection()
  try {
    const kept = await db.get('device', 'device')
    const device = {
      device_uuid: newUuid(), language: null, is_leaving: false, has_erased: false, hand_in: null, public_key: null, site: null,
      ...kept, user: known(kept?.user ?? null),
    }
    // An earlier version of the app kept the name and the grids here too.
    if (!kept || kept.user?.display_name) await db.put('device', device, 'device')
    return device
  } finally {
    db.close()
  }
}

/** What may be read of an account while locked. @param {User|null} user @returns {KnownUser|null} */
const known = (user) => user && { id: user.id, username: user.username, language: user.language }

/** Keep `changes` beside what is known. @param {Partial<Omit<Device, 'user'>> & {user?: User|null}} changes @returns {Promise<Device>} */
export async function changeDevice(changes) {
  const before = await readDevice()
  const device = { ...before, ...changes, user: known(changes.user === undefined ? before.user : changes.user) }
  const db = await connection()
  try {
    await db.put('device', device, 'device')
  } finally {
    db.close()
  }
  return device
}

/**
 * The little this phone knows before anyone signs in: its own uuid, the language, who was signed in last.
 *
 * Invariant: nothing about a household or a visit is ever kept here.
 */
import { openDB } from 'idb'
import { newUuid } from './uuid.js'

/**
 * @typedef {object} User @property {number|string} id @property {string} username @property {string} display_name
 * @property {string} role @property {'zh'|'en'} language @property {{code: string, name: string}[]} grids
 */
/**
 * @typedef {object} Device @property {string} device_uuid @property {'zh'|'en'|null} language chosen on this phone
 * @property {User|null} user @property {boolean} is_leaving signed out here, the server not told yet
 * @property {{operator: string, filing: string, limits?: Record<string, number>}|null} site limits: largest attachments, bytes by kind
 */

const connection = () => openDB('fieldapp-device', 1, { upgrade: (db) => { db.createObjectStore('device') } })

/** What is known, made on first use. @returns {Promise<Device>} */
export async function readDevice() {
  const db = await connection()
  try {
    const known = await db.get('device', 'device')
    if (known) return known
    const device = { device_uuid: newUuid(), language: null, user: null, is_leaving: false, site: null }
    await db.put('device', device, 'device')
    return device
  } finally {
    db.close()
  }
}

/** Keep `changes` beside what is known. @param {Partial<Device>} changes @returns {Promise<Device>} */
export async function changeDevice(changes) {
  const device = { ...(await readDevice()), ...changes }
  const db = await connection()
  try {
    await db.put('device', device, 'device')
  } finally {
    db.close()
  }
  return device
}

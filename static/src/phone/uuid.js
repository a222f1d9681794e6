/**
 * Identifiers made on this phone.
 *
 * Invariant: random, version 4; also where crypto.randomUUID is missing (Chromium 90 and 91).
 */

/** A new uuid, lower case. */
export function newUuid() {
  if (crypto.randomUUID) return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6] & 0x0f) | 0x40
  bytes[8] = (bytes[8] & 0x3f) | 0x80
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** SHA-256 of `bytes`, hex. @param {ArrayBuffer} bytes */
export async function sha256(bytes) {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}

/** 48 bits that stand for one record under one number (docs/sync.md). @param {string} text "<kind>/<uuid>/<rev>" */
export async function entryHash(text) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return new DataView(digest).getBigUint64(0) >> 16n
}

/** @param {Uint8Array} bytes */
function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

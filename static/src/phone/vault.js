/**
 * The key to a worker's data on this phone: made once, wrapped by the PIN, sealed to the installation; and what it seals.
 *
 * Invariant: the data key never changes and is never stored bare. In use it is a CryptoKey that gives nothing away; its
 * bytes exist only while it is made, wrapped or opened, and are wiped then.
 */
const { subtle } = crypto
const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder()

/** First byte of everything sealed: 1 = AES-256-GCM with a nonce of 12 bytes. */
const SCHEME = 1
const NONCE_BYTES = 12
const HEAD_BYTES = 1 + NONCE_BYTES
const POINT_BYTES = 65
/** OWASP's count for PBKDF2-SHA256 (2023): about a third of a second on a computer, two on a cheap phone. */
const ITERATIONS = 600_000
export const PIN_DIGITS = 6
const MINUTE_MS = 60_000
/** The wait after the first, second, … wrong PIN, ms; the last one for all after. A slip costs nothing. */
const WAITS_MS = [0, 0, 5_000, 15_000, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS]

/**
 * @typedef {object} Vault what is stored of the key; all but the count in base64
 * @property {string} salt @property {number} iterations @property {string} wrapped by the PIN
 * @property {string} sealed to the installation's public key @property {number|string} user_id
 */
/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/** The data is locked: whoever wants it has to wait for the PIN. */
export class Locked extends Error {}
/** This PIN does not open the key. */
export class WrongPin extends Error {}

/** A new data key. @returns {Bytes} */
export const newDataKey = () => crypto.getRandomValues(new Uint8Array(32))

/** The data key as it is used: it seals and opens, and cannot be read out. @param {Bytes} dataKey */
export const keyInUse = (dataKey) => subtle.importKey('raw', dataKey, 'AES-GCM', false, ['encrypt', 'decrypt'])

// The PIN

/**
 * The data key wrapped by a PIN.
 * @param {Bytes} dataKey @param {string} pin @param {number|string} userId
 * @returns {Promise<Pick<Vault, 'salt'|'iterations'|'wrapped'>>}
 */
export async function wrapByPin(dataKey, pin, userId) {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const wrapped = await sealBytes(await keyOfPin(pin, salt, ITERATIONS), dataKey, `vault/${userId}`)
  return { salt: toBase64(salt), iterations: ITERATIONS, wrapped: toBase64(new Uint8Array(wrapped)) }
}

/** The data key again; throws WrongPin. @param {Vault} vault @param {string} pin @returns {Promise<Bytes>} */
export async function openByPin(vault, pin) {
  const key = await keyOfPin(pin, fromBase64(vault.salt), vault.iterations)
  try {
    return new Uint8Array(await openBytes(key, fromBase64(vault.wrapped).buffer, `vault/${vault.user_id}`))
  } catch {
    throw new WrongPin()
  }
}

/** @param {string} pin @param {Bytes} salt @param {number} iterations */
async function keyOfPin(pin, salt, iterations) {
  const material = await subtle.importKey('raw', utf8.encode(pin), 'PBKDF2', false, ['deriveKey'])
  return subtle.deriveKey({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

/** Whether a PIN is among the first anybody would try: one or two digits over and over, a run, a half repeated. @param {string} pin */
export function isEasyPin(pin) {
  const digits = [...pin].map(Number)
  const steps = new Set(digits.slice(1).map((digit, index) => digit - digits[index]))
  const isRun = steps.size === 1 && [1, -1].includes([...steps][0])
  return new Set(digits).size <= 2 || isRun || pin.slice(0, 3) === pin.slice(3)
}

/** How long the next try has to wait after `wrong` wrong ones, ms. @param {number} wrong at least 1 */
export const waitAfter = (wrong) => WAITS_MS[Math.min(wrong, WAITS_MS.length) - 1]

// The installation

/**
 * The data key sealed to the installation's public key, which alone opens it again (docs/sync.md, "Keys").
 * @param {Bytes} dataKey @param {string} publicKey base64 of the raw P-256 point @param {number|string} userId
 * @returns {Promise<string>} base64
 */
export async function sealToInstallation(dataKey, publicKey, userId) {
  const curve = { name: 'ECDH', namedCurve: 'P-256' }
  const point = fromBase64(publicKey)
  const theirs = await subtle.importKey('raw', point, curve, false, [])
  const own = await subtle.generateKey(curve, false, ['deriveBits'])
  const ownPoint = new Uint8Array(await subtle.exportKey('raw', own.publicKey))
  const shared = await subtle.importKey('raw', await subtle.deriveBits({ name: 'ECDH', public: theirs }, own.privateKey, 256), 'HKDF', false, ['deriveKey'])
  const salt = joined(ownPoint, point)
  const key = await subtle.deriveKey({ name: 'HKDF', hash: 'SHA-256', salt, info: utf8.encode('fieldapp/phone-key') }, shared, { name: 'AES-GCM', length: 256 }, false, ['encrypt'])
  const sealed = new Uint8Array(await sealBytes(key, dataKey, String(userId)))
  if (ownPoint.length !== POINT_BYTES) throw new Error('not an uncompressed point')
  return toBase64(joined(sealed.subarray(0, 1), ownPoint, sealed.subarray(1)))
}

// Values

/** @param {CryptoKey} key @param {any} value any JSON @param {string} place "<store>/<key>": it opens nowhere else */
export const sealValue = (key, value, place) => sealBytes(key, utf8.encode(JSON.stringify(value)), place)

/** @param {CryptoKey} key @param {ArrayBuffer} sealed @param {string} place @returns {Promise<any>} */
export const openValue = async (key, sealed, place) => JSON.parse(fromUtf8.decode(await openBytes(key, sealed, place)))

/** @param {CryptoKey} key @param {ArrayBuffer|Bytes} bytes @param {string} place @returns {Promise<ArrayBuffer>} */
export async function sealBytes(key, bytes, place) {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const body = new Uint8Array(await subtle.encrypt({ name: 'AES-GCM', iv, additionalData: utf8.encode(place) }, key, bytes))
  return joined(Uint8Array.of(SCHEME), iv, body).buffer
}

/** The bytes again; throws when key, place or bytes are not the ones sealed. @param {CryptoKey} key @param {ArrayBuffer} sealed @param {string} place */
export async function openBytes(key, sealed, place) {
  if (new Uint8Array(sealed)[0] !== SCHEME) throw new Error('sealed by a scheme this version does not know')
  const iv = new Uint8Array(sealed, 1, NONCE_BYTES)
  return subtle.decrypt({ name: 'AES-GCM', iv, additionalData: utf8.encode(place) }, key, new Uint8Array(sealed, HEAD_BYTES))
}

// Bytes

/** @param {...Uint8Array} parts @returns {Bytes} */
function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** @param {Uint8Array} bytes */
const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes))

/** @param {string} text @returns {Bytes} */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0))

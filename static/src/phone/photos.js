/**
 * Photos made ready to be kept and sent: time read, shrunk, upright, hashed.
 *
 * Invariant: a picture the browser can decode leaves without its metadata (place included); one it cannot decode goes
 * unchanged within the server's limit; a damaged one is refused in words and nothing else is touched.
 */
import { takenAt } from './exif.js'
import { hasRoom } from './room.js'
import { sha256 } from './uuid.js'

const LONGEST_SIDE_PX = 1600
/** More than a phone's canvas can hold is of no use to anyone. */
const MOST_PX = 4096
/** For a picture of the usual size; a larger or smaller one is aimed at as much more or less. */
const AIM_BYTES = 260_000
const QUALITIES = [0.82, 0.72, 0.6]
/** What the server accepts of a photo, bytes (FIELDAPP_PHOTO_MAX_BYTES by default). */
export const LIMIT_BYTES = 10_000_000

/** Why a photo was not taken in: "not_photo", "damaged", "too_large", "no_room". */
export class PhotoRefused extends Error {
  /** @param {'not_photo'|'damaged'|'too_large'|'no_room'} reason */
  constructor(reason) {
    super(reason)
    this.reason = reason
  }
}

/**
 * A file from camera or gallery, ready for the store. Raises PhotoRefused.
 * @param {File} file @param {{longestPx?: number, limitBytes?: number}} [options] longest side as the question asks for it
 * @returns {Promise<{photo: {sha256: string, type: string, size: number, taken_at: string|null}, bytes: ArrayBuffer, unchanged: boolean}>}
 */
export async function preparePhoto(file, { longestPx = LONGEST_SIDE_PX, limitBytes = LIMIT_BYTES } = {}) {
  if (!(await hasRoom())) throw new PhotoRefused('no_room')
  const original = await file.arrayBuffer()
  const kind = kindOf(new Uint8Array(original, 0, Math.min(16, original.byteLength)))
  if (kind === null) throw new PhotoRefused('not_photo')
  // A file whose end is missing decodes to a picture that is grey below.
  if (kind === 'image/jpeg' && !hasEnd(new Uint8Array(original))) throw new PhotoRefused('damaged')
  const taken = takenAt(original)
  const url = URL.createObjectURL(new Blob([original], { type: kind }))
  try {
    const picture = await decode(url)
    if (picture) return await ready(await shrink(picture, Math.min(longestPx, MOST_PX)), 'image/jpeg', taken, false)
  } finally {
    URL.revokeObjectURL(url)
  }
  if (kind !== 'image/heic') throw new PhotoRefused('damaged')
  if (original.byteLength > limitBytes) throw new PhotoRefused('too_large')
  return ready(original, kind, taken, true)
}

/** @param {ArrayBuffer} bytes @param {string} type @param {string|null} taken @param {boolean} unchanged */
async function ready(bytes, type, taken, unchanged) {
  return { photo: { sha256: await sha256(bytes), type, size: bytes.byteLength, taken_at: taken }, bytes, unchanged }
}

/**
 * The kind of picture by its first bytes (a name or a type given by another app proves nothing), null for none.
 * @param {Uint8Array} head
 */
export function kindOf(head) {
  const text = String.fromCharCode(...head)
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'image/jpeg'
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'image/webp'
  if (text.slice(4, 8) === 'ftyp' && /^(hei[cxms]|hev[cx]|mif1|msf1)/.test(text.slice(8, 12))) return 'image/heic'
  return null
}

/**
 * Whether a JPEG's picture data has an end marker after it (what a camera appends behind does no harm; the thumbnail
 * inside the EXIF block has an end of its own and does not count).
 * @param {Uint8Array} bytes
 */
export function hasEnd(bytes) {
  let start = 2
  while (start + 4 < bytes.length && bytes[start] === 0xff && bytes[start + 1] !== 0xda) {
    start += 2 + bytes[start + 2] * 256 + bytes[start + 3]
  }
  for (let at = bytes.length - 2; at > start; at -= 1) if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return true
  return false
}

/**
 * The picture as an <img>, which every browser served draws upright by its EXIF orientation, once; null when it
 * cannot be decoded. (createImageBitmap differs between versions in whether it turns.)
 * @param {string} url @returns {Promise<HTMLImageElement|null>}
 */
async function decode(url) {
  const picture = new Image()
  picture.src = url
  return picture.decode().then(() => picture, () => null)
}

/** @param {HTMLImageElement} picture @param {number} longestPx @returns {Promise<ArrayBuffer>} a JPEG, about 200 KB of the usual size */
async function shrink(picture, longestPx) {
  const aim = AIM_BYTES * (longestPx / LONGEST_SIDE_PX) ** 2
  const scale = Math.min(1, longestPx / Math.max(picture.naturalWidth, picture.naturalHeight))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(picture.naturalWidth * scale))
  canvas.height = Math.max(1, Math.round(picture.naturalHeight * scale))
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
  context.fillStyle = '#fff' // a transparent picture would turn black
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(picture, 0, 0, canvas.width, canvas.height)
  let blob = null
  for (const quality of QUALITIES) {
    blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality))
    if (blob && blob.size <= aim) break
  }
  canvas.width = 0 // phones hold on to a canvas's memory otherwise
  if (!blob) throw new PhotoRefused('damaged')
  return blob.arrayBuffer()
}

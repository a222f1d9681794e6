/**
 * When a photo was taken, read from the EXIF block of a JPEG.
 *
 * Invariant: reads only; a block that is cut off or nonsense gives null, never an error.
 */

const DATE_TIME_ORIGINAL = 0x9003
const OFFSET_TIME_ORIGINAL = 0x9011
const EXIF_IFD = 0x8769
const ASCII = 2

/**
 * The instant in DateTimeOriginal as ISO 8601, with the photo's own offset when it has one, else as the phone's
 * local time; null when the file is no JPEG or says nothing.
 * @param {ArrayBuffer} bytes
 * @returns {string|null}
 */
export function takenAt(bytes) {
  const view = new DataView(bytes)
  try {
    const tiff = findTiff(view)
    if (tiff === null) return null
    const little = view.getUint16(tiff) === 0x4949
    const exif = readEntry(view, tiff, tiff + view.getUint32(tiff + 4, little), EXIF_IFD, little)
    if (exif === null) return null
    const folder = tiff + /** @type {number} */ (exif)
    const text = readEntry(view, tiff, folder, DATE_TIME_ORIGINAL, little)
    const offset = readEntry(view, tiff, folder, OFFSET_TIME_ORIGINAL, little)
    return toInstant(String(text ?? ''), String(offset ?? ''))
  } catch (error) {
    if (error instanceof RangeError) return null // an offset in the file points outside it
    throw error
  }
}

/** Where the TIFF header of the Exif segment starts, or null. @param {DataView} view */
function findTiff(view) {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return null
  let at = 2
  while (at + 10 < view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1)
    if (marker === 0xda) return null // picture data starts: no Exif before it
    if (marker === 0xe1 && view.getUint32(at + 4) === 0x45786966) return at + 10 // "Exif"
    at += 2 + view.getUint16(at + 2)
  }
  return null
}

/**
 * The value of `tag` in the folder at `folder`: text for ASCII, else a number; null when absent.
 * @param {DataView} view @param {number} tiff @param {number} folder @param {number} tag @param {boolean} little
 * @returns {string|number|null}
 */
function readEntry(view, tiff, folder, tag, little) {
  const count = view.getUint16(folder, little)
  for (let index = 0; index < count; index += 1) {
    const entry = folder + 2 + index * 12
    if (view.getUint16(entry, little) !== tag) continue
    if (view.getUint16(entry + 2, little) !== ASCII) return view.getUint32(entry + 8, little)
    const length = view.getUint32(entry + 4, little)
    const start = length > 4 ? tiff + view.getUint32(entry + 8, little) : entry + 8
    let text = ''
    for (let at = start; at < start + length && view.getUint8(at) !== 0; at += 1) text += String.fromCharCode(view.getUint8(at))
    return text
  }
  return null
}

/** @param {string} text "2026:11:23 09:42:11" @param {string} offset "+08:00" or "" */
function toInstant(text, offset) {
  const parts = /^(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)/.exec(text)
  if (!parts) return null
  const zone = /^[+-]\d\d:\d\d$/.test(offset) ? offset : ''
  const instant = new Date(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}${zone}`)
  return Number.isNaN(instant.getTime()) ? null : instant.toISOString()
}

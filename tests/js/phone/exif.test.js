// When a photo was taken, from bytes as cameras write them.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { takenAt } from '../../../static/src/phone/exif.js'
import { hasEnd, kindOf } from '../../../static/src/phone/photos.js'

/** A JPEG of nothing but an EXIF block with DateTimeOriginal and, if given, its offset. */
function jpegWith(date, { little = true, offset = '', before = [] } = {}) {
  const view = new DataView(new ArrayBuffer(200))
  const u16 = (at, value) => view.setUint16(at, value, little)
  const u32 = (at, value) => view.setUint32(at, value, little)
  const entry = (at, tag, type, count, value) => { u16(at, tag); u16(at + 2, type); u32(at + 4, count); u32(at + 8, value) }
  const text = (at, words) => [...words].forEach((char, index) => view.setUint8(at + index, char.charCodeAt(0)))
  view.setUint16(0, little ? 0x4949 : 0x4d4d)
  u16(2, 42)
  u32(4, 8)
  u16(8, 1)
  entry(10, 0x8769, 4, 1, 26)
  u16(26, offset ? 2 : 1)
  entry(28, 0x9003, 2, 20, 100)
  if (offset) entry(40, 0x9011, 2, 7, 130)
  text(100, date)
  text(130, offset)
  const tiff = new Uint8Array(view.buffer)
  const length = tiff.length + 8
  return new Uint8Array([0xff, 0xd8, ...before, 0xff, 0xe1, length >> 8, length & 255, 0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff, 0xff, 0xda, 0, 2, 1, 2, 3, 0xff, 0xd9]).buffer
}

const local = (text) => new Date(text).toISOString()

test('the time is read in both byte orders, as the local time of the phone', () => {
  for (const little of [true, false]) assert.equal(takenAt(jpegWith('2026:11:23 09:42:11', { little })), local('2026-11-23T09:42:11'))
})

test('the offset of the photo is honoured', () => {
  assert.equal(takenAt(jpegWith('2026:11:23 09:42:11', { offset: '+08:00' })), '2026-11-23T01:42:11.000Z')
})

test('the block is found behind another one', () => {
  assert.equal(takenAt(jpegWith('2026:11:23 09:42:11', { before: [0xff, 0xe0, 0, 4, 1, 2] })), local('2026-11-23T09:42:11'))
})

test('nonsense gives no time and no error', () => {
  assert.equal(takenAt(jpegWith('0000:00:00 00:00:00')), null)
  assert.equal(takenAt(jpegWith('no time at all here')), null)
  assert.equal(takenAt(new ArrayBuffer(0)), null)
  assert.equal(takenAt(new TextEncoder().encode('not a picture at all').buffer), null)
  const whole = new Uint8Array(jpegWith('2026:11:23 09:42:11'))
  for (let length = 0; length < whole.length; length += 1) takenAt(whole.slice(0, length).buffer)
})

test('every single wrong byte is survived', () => {
  const whole = new Uint8Array(jpegWith('2026:11:23 09:42:11', { offset: '+08:00' }))
  for (let at = 0; at < whole.length; at += 1) {
    const wrong = whole.slice()
    wrong[at] = 0xff
    takenAt(wrong.buffer)
  }
})

test('a picture is known by its first bytes', () => {
  const bytes = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0))
  assert.equal(kindOf(bytes('\xff\xd8\xff\xe0')), 'image/jpeg')
  assert.equal(kindOf(bytes('\x89PNG\r\n\x1a\n')), 'image/png')
  assert.equal(kindOf(bytes('RIFF....WEBPVP8 ')), 'image/webp')
  assert.equal(kindOf(bytes('\0\0\0 ftypheic')), 'image/heic')
  for (const other of ['', '%PDF-1.7', 'GIF89a', '\0\0\0 ftypisom', '<html>']) assert.equal(kindOf(bytes(other)), null)
})

test('a JPEG cut off behind its thumbnail is known to be incomplete', () => {
  const whole = new Uint8Array(jpegWith('2026:11:23 09:42:11'))
  assert.equal(hasEnd(whole), true)
  assert.equal(hasEnd(whole.slice(0, -2)), false)
  const thumbnail = [0xff, 0xe1, 0, 6, 0xff, 0xd8, 0xff, 0xd9]
  assert.equal(hasEnd(new Uint8Array([0xff, 0xd8, ...thumbnail, 0xff, 0xda, 0, 2, 1, 2, 3])), false)
  assert.equal(hasEnd(new Uint8Array([0xff, 0xd8, ...thumbnail, 0xff, 0xda, 0, 2, 1, 0xff, 0xd9, 0, 0, 0])), true)
})

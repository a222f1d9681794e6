/**
 * A pad to write and draw on with a finger, a pen or a mouse.
 *
 * Invariant: lines are kept as points in parts of the pad's width, so turning the phone or another screen changes
 * nothing; the picture made of them is dark on white, whatever the phone's colours are.
 */

/** @typedef {[number, number][]} Stroke points from the upper left, in widths of the pad */

const INK = '#17201d'
/** How wide a line is, in widths of the pad. */
const PEN = 0.008
/** The picture made of it is so wide, pixels. */
const PICTURE_PX = 900

export class Pad {
  /** @type {HTMLCanvasElement|null} */
  #canvas = null
  /** @type {Stroke|null} */
  #drawing = null
  /** @type {ResizeObserver|null} */
  #resized = null

  /** @param {number} shape height in widths @param {() => void} changed a line was added or taken back */
  constructor(shape, changed) {
    this.shape = shape
    this.changed = changed
    /** @type {Stroke[]} */
    this.strokes = []
  }

  /** Whether nothing is on it. */
  get isBlank() {
    return this.strokes.length === 0
  }

  /** Draw on this canvas from now on, or on none. @param {Element|undefined} canvas */
  attach(canvas) {
    this.#resized?.disconnect()
    this.#canvas = canvas instanceof HTMLCanvasElement ? canvas : null
    this.#drawing = null
    if (!this.#canvas) return
    this.#resized = new ResizeObserver(() => this.#redraw())
    this.#resized.observe(this.#canvas)
  }

  undo() {
    this.strokes.pop()
    this.#redraw()
    this.changed()
  }

  clear() {
    this.strokes = []
    this.#redraw()
    this.changed()
  }

  /** Pointer events of the canvas. @param {PointerEvent} event */
  handle(event) {
    if (event.type === 'pointerdown') {
      if (this.#drawing || (event.pointerType === 'mouse' && event.button !== 0)) return // a second finger draws nothing
      event.preventDefault()
      this.#canvas?.setPointerCapture(event.pointerId)
      this.#drawing = [this.#pointOf(event)]
      this.strokes.push(this.#drawing)
      this.pointer = event.pointerId
      this.changed()
    } else if (this.#drawing && event.pointerId === this.pointer) {
      if (event.type === 'pointermove') {
        const events = event.getCoalescedEvents?.() ?? []
        for (const one of events.length ? events : [event]) this.#drawing.push(this.#pointOf(one))
      } else {
        this.#drawing = null // lifted, or taken over by the system: what is drawn stays
      }
    }
    this.#redraw()
  }

  /** @type {number|undefined} */
  pointer

  /** @param {PointerEvent} event @returns {[number, number]} */
  #pointOf(event) {
    const box = /** @type {HTMLCanvasElement} */ (this.#canvas).getBoundingClientRect()
    const part = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(Math.max(value / box.width, 0), most)
    return [part(event.clientX - box.left, 1), part(event.clientY - box.top, this.shape)]
  }

  #redraw() {
    const canvas = this.#canvas
    if (!canvas || !canvas.clientWidth) return
    const width = Math.round(canvas.clientWidth * Math.min(devicePixelRatio || 1, 3))
    if (canvas.width !== width) {
      canvas.width = width
      canvas.height = Math.round(width * this.shape)
    }
    this.#paint(canvas)
  }

  /** @param {HTMLCanvasElement} canvas */
  #paint(canvas) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
    const { width } = canvas
    context.fillStyle = '#fff'
    context.fillRect(0, 0, width, canvas.height)
    context.strokeStyle = INK
    context.lineWidth = width * PEN
    context.lineCap = 'round'
    context.lineJoin = 'round'
    for (const points of this.strokes) {
      context.beginPath()
      context.moveTo(points[0][0] * width, points[0][1] * width)
      // Through the middle between two points each time: corners of a quick hand become round.
      for (let at = 1; at < points.length - 1; at += 1) {
        const [x, y] = points[at]
        const [nextX, nextY] = points[at + 1]
        context.quadraticCurveTo(x * width, y * width, (x + nextX) / 2 * width, (y + nextY) / 2 * width)
      }
      const [x, y] = points[points.length - 1]
      context.lineTo(x * width, y * width) // of a single point: a dot
      context.stroke()
    }
  }

  /** What is drawn as a PNG file of some ten KB. @returns {Promise<ArrayBuffer>} */
  async picture() {
    const canvas = document.createElement('canvas')
    canvas.width = PICTURE_PX
    canvas.height = Math.round(PICTURE_PX * this.shape)
    this.#paint(canvas)
    const blob = await new Promise((/** @type {(blob: Blob|null) => void} */ resolve) => canvas.toBlob(resolve, 'image/png'))
    canvas.width = 0
    if (!blob) throw new Error('the browser made no picture')
    return blob.arrayBuffer()
  }
}

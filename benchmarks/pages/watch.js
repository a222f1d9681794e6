/**
 * What is measured inside a page, the same for every engine; runs in it before anything of its own.
 *
 * A page sets `window.filled` once its engine takes answers. Invariant: a time ends when the frame that shows the thing
 * has been painted, as far as the page's main thread has a part in it.
 */
{
  const CONTROLS = 'input:not([type=hidden], [readonly], [disabled]), textarea:not([readonly], [disabled]), select:not([disabled])'

  /** Ends when the next frame has been painted. */
  const painted = () => new Promise((done) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = done
      port2.postMessage(null)
    })
  })

  /** @param {() => any} holds asked before each frame; ends when the first frame in which it holds is painted */
  const shown = async (holds) => {
    while (!(await new Promise((done) => requestAnimationFrame(() => done(holds()))))) { /* next frame */ }
    await new Promise((done) => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = done
      port2.postMessage(null)
    })
    return performance.now()
  }

  /** @param {Element|null|undefined} element */
  const isVisible = (element) => !!element && element.getClientRects().length > 0

  /** Questions that can be answered: seen, with a control that is not locked. */
  const answerable = () => [...window.filled.questions()]
    .filter((card) => isVisible(card) && [...card.querySelectorAll(CONTROLS)].some((control) => isVisible(control.closest('label') ?? control)))

  window.watch = {
    /**
     * Milliseconds since navigation began: the first question, and all `asked`, can be answered. What is timed is that
     * they are there; whether they can be seen and answered is looked at afterwards, so that looking takes no time.
     * @param {number} asked
     */
    async ready(asked) {
      const count = () => (window.filled ? window.filled.questions().length : -1)
      const first = await shown(() => count() >= Math.min(asked, 1))
      const all = count() >= asked ? first : await shown(() => count() >= asked)
      return { first, all }
    },

    answerable: () => answerable().length,

    /** Bring a choice to the middle of the screen; where to click, when the page has come to rest. */
    async aim({ question, value }) {
      const control = window.filled.choice(question, value)
      const target = control.closest('label') ?? control
      target.scrollIntoView({ block: 'center', behavior: 'instant' })
      await painted()
      await new Promise((done) => setTimeout(done, 100))
      await painted()
      const { left, top, width, height } = target.getBoundingClientRect()
      return { x: left + width / 2, y: top + height / 2 }
    },

    /** From the click to the painted frame in which the question it calls for, and both calculations, have changed. */
    expect({ appears, isThere, texts }) {
      const clicked = new Promise((done) => {
        addEventListener('pointerup', (event) => done(event.timeStamp), { capture: true, once: true })
      })
      const changed = shown(() => isVisible(window.filled.card(appears)) === isThere
        && Object.entries(texts).every(([note, words]) => window.filled.card(note)?.textContent.includes(words)))
      window.watch.answer = (async () => (await changed) - (await clicked))()
    },

    /** @type {Promise<number>|null} */
    answer: null,
  }
}

/**
 * What turns red while a page lies open: asked for by itself, shown at the top and in the title.
 *
 * Invariant: it only shows. A session that ended stays ended, and what is being typed stays where it is.
 */
import htmx from 'htmx.org'

const EVERY_MS = 30_000
const MARK = '❗'

/** @param {HTMLElement} place @param {string} line */
function show(place, line) {
  const said = place.textContent?.trim()
  place.innerHTML = line
  place.hidden = !line
  place.closest('.frame')?.classList.toggle('alarmed', Boolean(line))
  htmx.process(place)
  const now = place.textContent?.trim()
  const title = document.title.replace(new RegExp(`^${MARK}.*?${MARK} `), '')
  // Once it was seen on the page, another page's title need not say it.
  if (now !== said) document.title = now ? `${MARK} ${now} ${MARK} ${title}` : title
}

async function look() {
  const place = document.getElementById('alarm')
  if (!place?.dataset.poll) return
  try {
    const answer = await fetch(place.dataset.poll, { redirect: 'manual' })
    const line = answer.status === 200 ? await answer.text() : ''
    if ((answer.status === 200 || answer.status === 204) && line.trim() !== place.innerHTML.trim()) show(place, line)
  } catch {
    // No network for now: asked again the next time.
  }
}

/** Ask now and then, whether or not the page is looked at: its title is seen among others. */
export function watchAlarms() {
  setInterval(look, EVERY_MS)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') look()
  })
}

/**
 * Many visits on one phone, made through the app's own modules but without its screens: to tap two hundred forms takes hours.
 *
 * Invariant: every visit is begun, answered, finished and stored by the app's own code; only who answers is not a person.
 */
import { isAsked } from '../../static/src/phone/answers.js'
import { app } from '../../static/src/phone/app.js'
import { readDevice } from '../../static/src/phone/device.js'
import { finishedOf, formOf, peopleOf, startVisit } from '../../static/src/phone/drafts.js'
import { dataKeyByPin } from '../../static/src/phone/pin.js'
import { Store } from '../../static/src/phone/store.js'
import { sha256 } from '../../static/src/phone/uuid.js'
import { keyInUse } from '../../static/src/phone/vault.js'

/** Something to take a photo of, or an answer like any other day's. */
const WATER = { photo: 'no_water', fine: 'ok' }

/**
 * Visit the households of the phone's worker by turns, with `photos` among the first visits, two each.
 * @param {{pin: string, visits: number, photos: number, longestPx: number}} wanted
 */
export async function makeVisits({ pin, visits, photos, longestPx }) {
  app.device = await readDevice()
  app.store = new Store(app.device.user.id)
  app.store.unlock(await keyInUse(await dataKeyByPin(app.store, pin)))
  app.go = () => {} // nobody looks
  const households = await app.store.list('household')
  for (let number = 0; number < visits; number += 1) {
    const household = households[number % households.length]
    await startVisit({ household, people: await peopleOf(household.household_uuid) })
    const [draft] = (await app.store.drafts()).filter((one) => one.household.household_uuid === household.household_uuid)
    const form = formOf(draft, await app.store.findChecklist(draft.checklist))
    const own = Math.min(2, Math.max(0, photos - 2 * number))
    answer(form, own ? WATER.photo : WATER.fine)
    const shas = []
    for (let index = 0; index < own; index += 1) shas.push(await addPhoto(draft, 2 * number + index, longestPx))
    if (own) form.set('photo', shas.join(' '))
    draft.answers = form.typed()
    await app.store.finish(finishedOf(draft, form, new Date()))
  }
  app.store.close()
}

/** The first answer that raises no flag to all that has to be answered. */
function answer(form, water) {
  const open = () => form.items().find((item) => isAsked(item) && item.required && !item.value)
  for (let item = open(); item; item = open()) {
    const fine = item.choices.find(({ flag }) => !flag)
    form.set(item.path, item.node.name === 'utilities' ? water : fine?.name ?? '无')
  }
}

/** A photo of the draft, unlike any other. */
async function addPhoto(draft, number, longestPx) {
  const canvas = new OffscreenCanvas(longestPx, (longestPx * 3) / 4)
  const context = canvas.getContext('2d')
  // As hard to compress as a real picture: blocks of any colour.
  const block = 10
  for (let x = 0; x < canvas.width; x += block) {
    for (let y = 0; y < canvas.height; y += block) {
      context.fillStyle = `hsl(${(x * 7 + y * 13 + number * 31) % 360} ${Math.random() * 60}% ${40 + Math.random() * 20}%)`
      context.fillRect(x, y, block, block)
    }
  }
  const bytes = await (await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.8 })).arrayBuffer()
  const photo = { sha256: await sha256(bytes), type: 'image/jpeg', size: bytes.byteLength }
  await app.store.addPhoto(photo, bytes, draft.draft_uuid)
  draft.photos[photo.sha256] = { taken_at: new Date().toISOString(), size: photo.size, here: true, type: photo.type }
  return photo.sha256
}

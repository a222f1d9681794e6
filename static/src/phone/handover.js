/**
 * The file of everything that waits, for a phone whose network never works: the desk takes it in (docs/sync.md).
 *
 * Invariant: what goes into it is sealed already, so it is made without the PIN; nothing is marked as sent by making it.
 */
import { localDate } from './words.js'

const FORMAT = 'fieldapp-handover 1'

/**
 * The file and how many items it holds; null when nothing waits.
 * @param {import('./store.js').Store} store @param {{username: string, device_uuid: string, now: Date}} about
 * @returns {Promise<{file: File, items: number}|null>}
 */
export async function makeHandover(store, { username, device_uuid, now }) {
  const vault = await store.vault()
  if (!vault) return null
  const head = { user_id: vault.user_id, username, device_uuid, sealed: vault.sealed, exported_at: now.toISOString() }
  /** @type {BlobPart[]} */
  const parts = [`${FORMAT}\n${JSON.stringify(head)}\n`]
  let items = 0
  for await (const { store: name, key, row, bytes } of store.sealedWork()) {
    // As a Blob of its own each: the browser may put it aside, the whole need not fit into memory.
    parts.push(`${JSON.stringify({ store: name, key, size: bytes.byteLength, row })}\n`, new Blob([bytes]), '\n')
    items += 1
  }
  parts.push(`${JSON.stringify({ end: true, items })}\n`)
  return items ? { file: new File(parts, `fieldapp-${username}-${localDate(now)}.fieldapp`, { type: 'application/octet-stream' }), items } : null
}

/** Whether the phone's own "share" takes a file. @param {File} file */
export const canShare = (file) => navigator.canShare?.({ files: [file] }) ?? false

/** Keep the file among the phone's downloads. @param {File} file */
export function download(file) {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = file.name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** Copies of a prepared database, because most tests do not care how it was created. For tests only. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const made = new Map<string, Uint8Array>()

/**
 * A database at `path`, which `make` creates at the first call with this `kind`. Each gets its own identity: the id of
 * its first audit row, from which nothing else in the file is derived.
 */
export async function fromTemplate(kind: string, path: string, make: () => Promise<void>): Promise<void> {
  const bytes = made.get(kind)
  if (bytes === undefined) {
    await make()
    made.set(kind, readFileSync(path))
    return
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, renamed(Buffer.from(bytes)), { mode: 0o600 })
}

/** Replaces the end of the id. Its length stays, so nothing around it moves. */
function renamed(bytes: Buffer): Buffer {
  const id = /aud_[0-9a-z]{26}/.exec(bytes.toString('latin1'))?.[0].slice(-16)
  if (id === undefined) throw new Error('the database that was made has no audit trail')
  // Sorts before all other ids of the same time, as the replaced id did.
  const other = Buffer.from(`0000${crypto.randomUUID().slice(-12)}`)
  for (let at = bytes.indexOf(id); at !== -1; at = bytes.indexOf(id, at)) bytes.set(other, at)
  return bytes
}

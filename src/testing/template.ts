/** Copies of a prepared database, because most tests do not care how it was created. For tests only. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

interface Template {
  readonly bytes: Buffer
  /** Where the end of the id stands that is the identity. */
  readonly places: readonly number[]
}

const made = new Map<string, Template>()

/**
 * A database at `path`, which `make` creates at the first call with this `kind`. Each gets its own identity: the id of
 * its first audit row, from which nothing else in the file is derived.
 */
export async function fromTemplate(kind: string, path: string, make: () => Promise<void>): Promise<void> {
  const template = made.get(kind)
  if (template === undefined) {
    await make()
    made.set(kind, templateOf(readFileSync(path)))
    return
  }
  const { bytes, places } = template
  // Sorts before all other ids of the same time, as the replaced id did.
  const other = Buffer.from(`0000${crypto.randomUUID().slice(-12)}`)
  for (const place of places) bytes.set(other, place)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, bytes, { mode: 0o600 })
}

function templateOf(bytes: Buffer): Template {
  const id = /aud_[0-9a-z]{26}/.exec(bytes.toString('latin1'))?.[0].slice(-16)
  if (id === undefined) throw new Error('the database that was made has no audit trail')
  const places: number[] = []
  for (let at = bytes.indexOf(id); at !== -1; at = bytes.indexOf(id, at + 1)) places.push(at)
  return { bytes, places }
}

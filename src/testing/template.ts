/** Copies of a prepared database, because most tests do not care how it was created. For tests only. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Chainable, hashOf, type Link, start } from '../db/chain.ts'
import { Client } from '../db/sqlite/client.ts'

interface Template {
  readonly bytes: Buffer
  /** The end of the id that is the identity. */
  readonly id: string
  /** Oldest first. */
  readonly rows: readonly (Chainable & Link)[]
}

const made = new Map<string, Template>()

/**
 * A database at `path`, which `make` creates at the first call with this `kind`. Each gets its own identity: the id of
 * its first audit row, from which nothing else in the file is derived but the chain of the log.
 */
export async function fromTemplate(kind: string, path: string, make: () => Promise<void>): Promise<void> {
  const template = made.get(kind)
  if (template === undefined) {
    await make()
    made.set(kind, templateOf(path))
    return
  }
  const bytes = Buffer.from(template.bytes)
  // Sorts before all other ids of the same time, as the replaced id did.
  const id = `0000${crypto.randomUUID().slice(-12)}`
  replace(bytes, template.id, id)
  let previous = start.hash
  for (const row of template.rows) {
    const hash = hashOf({ ...row, id: row.id.replace(template.id, id), previous })
    replace(bytes, row.hash, hash)
    previous = hash
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, bytes, { mode: 0o600 })
}

function templateOf(path: string): Template {
  using client = new Client(path, { readonly: true })
  const rows = client
    .query(
      `SELECT *, target_type AS targetType, target_id AS targetId, target_name AS targetName FROM audit ORDER BY seq`,
    )
    .all() as (Chainable & Link)[]
  const id = rows[0]?.id.slice(-16)
  if (id === undefined) throw new Error('the database that was made has no audit trail')
  return { bytes: readFileSync(path), id, rows }
}

function replace(bytes: Buffer, text: string, other: string): void {
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) bytes.write(other, at)
}

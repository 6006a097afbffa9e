/** The migrations of this program, oldest first. A test compares them with the folder and with the journal of drizzle-kit. */
import { chainsAudit, type Step } from '../history.ts'
import { chainRows } from './chain.ts'
import type { Client } from './client.ts'
import { migrationTexts } from './migration-texts.ts'

export interface MigrationSource extends Step {
  readonly up: string
  readonly down: string
}

export const migrations: readonly MigrationSource[] = migrationTexts.map(([name, up, down], index) => ({
  version: index + 1,
  name,
  up,
  down,
  get hash() {
    return new Bun.CryptoHasher('sha256').update(up).digest('hex')
  },
}))

/** Runs the statements of one migration file, and what a file can only ask for. */
export function applySource(client: Client, source: string): void {
  for (const statement of source.split('--> statement-breakpoint')) {
    if (statement.trim() === chainsAudit) chainRows(client)
    else if (statement.trim() !== '') client.run(statement)
  }
}

/** What the leading comments of a migration say that it loses, or keeps elsewhere: tables, and columns as `table.column`. */
export function declared(what: 'loses' | 'moves', source: string): readonly string[] {
  const leading = /^(?:\s*--[^\n]*(?:\n|$))*/.exec(source)?.[0] ?? ''
  return [...leading.matchAll(/^\s*-- (loses|moves): (.+)$/gm)].flatMap(([, verb, names = '']) =>
    verb === what ? names.split(',').map(name => name.trim()) : [],
  )
}

/**
 * The migrations of this program, oldest first, as text that a compiled binary carries along. A test compares
 * this list with the folder and with drizzle-kit's journal.
 */
import foundationDown from '../../../drizzle/0000_foundation.down.sql' with { type: 'text' }
import foundationUp from '../../../drizzle/0000_foundation.sql' with { type: 'text' }
import quotasDown from '../../../drizzle/0001_quotas.down.sql' with { type: 'text' }
import quotasUp from '../../../drizzle/0001_quotas.sql' with { type: 'text' }
import importsDown from '../../../drizzle/0002_imports.down.sql' with { type: 'text' }
import importsUp from '../../../drizzle/0002_imports.sql' with { type: 'text' }
import trustDown from '../../../drizzle/0003_trust.down.sql' with { type: 'text' }
import trustUp from '../../../drizzle/0003_trust.sql' with { type: 'text' }
import type { Client } from './client.ts'

export interface MigrationSource {
  /** From 1: the schema version that it leads to. */
  readonly version: number
  readonly name: string
  readonly up: string
  readonly down: string
  /** SHA-256 of the text of `up`, in hex: what a database remembers of it. */
  readonly hash: string
}

export const migrations: readonly MigrationSource[] = [
  ['0000_foundation', foundationUp, foundationDown] as const,
  ['0001_quotas', quotasUp, quotasDown] as const,
  ['0002_imports', importsUp, importsDown] as const,
  ['0003_trust', trustUp, trustDown] as const,
].map(([name, up, down], index) => ({
  version: index + 1,
  name,
  up,
  down,
  get hash() {
    return new Bun.CryptoHasher('sha256').update(up).digest('hex')
  },
}))

/** Runs the statements of one migration file. */
export function applySource(client: Client, source: string): void {
  for (const statement of source.split('--> statement-breakpoint')) {
    if (statement.trim() !== '') client.run(statement)
  }
}

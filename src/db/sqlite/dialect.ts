/** Translates drizzle's queries to the SQL of SQLite. */
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core/dialect'
import { type Spelling, spelled } from '../words.ts'

const spelling: Spelling = {
  items: 'json_each',
  // GLOB has two more special characters. In brackets they stand for themselves.
  fitsItem: "GLOB replace(replace(pattern.value, '[', '[[]'), '?', '[?]')",
  fits: pattern => `GLOB '${pattern}'`,
  position: 'instr',
  total: 'total',
  asNumber: '',
  quoted: 'json_quote',
  asJson: '',
  byBytes: '',
  isJson: 'json_valid',
  jsonType: 'json_type',
}

export class SqliteDialect extends SQLiteSyncDialect {
  override escapeName(name: string): string {
    return spelled(spelling, name)
  }
}

/**
 * What only a database file can do, and what serves instead on a PostgreSQL server. `docs/postgres.md` has the same
 * sentences, and a test compares them.
 */
import { LatchkeyError } from '../contract/errors.ts'

/** By group of operations: what is so on PostgreSQL, and the next step. */
export const instead = {
  vacuum: ['the server frees space by itself', 'free it at once in psql with: VACUUM'],
  info: ['there is no file to describe', 'see the sizes of the tables in psql with: \\dt+'],
  query: ['psql runs SQL', 'run it with psql, as a role that may only read'],
  studio: ['there is no file to copy', 'connect Drizzle Studio, or another tool, to the server itself'],
} as const

/** @throws invalid */
export function refuse(group: keyof typeof instead, name: string): never {
  const [why, next] = instead[group]
  throw new LatchkeyError('invalid', `${name} is on PostgreSQL, where ${why}`, next)
}

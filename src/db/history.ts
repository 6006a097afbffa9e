/** The migrations that a database has, beside those of this program: what all engines store and say of them alike. */
import { LatchkeyError } from '../contract/errors.ts'

/** A step of this program, and what a database stores of it. */
export interface Step {
  /** The schema version after it. */
  readonly version: number
  readonly name: string
  /** SHA-256 of the text, in hex. */
  readonly hash: string
}

/** A step as stored in the database. */
export interface AppliedMigration extends Step {
  readonly appliedAt: number
  /** Version of the Latchkey that applied it. */
  readonly programVersion: string
}

/** Whether a database has the very step of this program. */
export const isSameStep = (applied: Step | undefined, source: Step): boolean =>
  applied?.name === source.name && applied.hash === source.hash

/** What differs between a step of a database and the one of this program, as a sentence. */
export function stepProblem(applied: Step, source: Step): string | undefined {
  if (isSameStep(applied, source)) return undefined
  return applied.name === source.name
    ? `migration ${applied.name} is not the one that was applied: its text has changed`
    : `migration ${applied.version} is ${applied.name} here, ${source.name} in this program`
}

/** @param name the database, for people */
export const drifted = (name: string, problem: string): LatchkeyError =>
  new LatchkeyError(
    'drift',
    `the migration history of ${name} does not fit this program: ${problem}`,
    'see all of it with: latchkey migrate check; use the Latchkey that made it, or restore a backup',
  )

/** In place of a statement, in a migration: the rows of the audit log get their chain, which SQL has no words for. */
export const chainsAudit = '-- chains: audit'

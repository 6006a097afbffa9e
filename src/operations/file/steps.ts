/** Migrations as people see them, of a database on any engine. */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Migration, MigrationPlan } from '../../contract/views.ts'
import { type AppliedMigration, isSameStep, type Step } from '../../db/history.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { Migrate } from './input.ts'

/** The steps of this program, then those that only the database has. */
export function stepStates(
  applied: readonly AppliedMigration[],
  sources: readonly Step[],
): readonly Migration[] {
  const steps = new Map(applied.map(step => [step.version, step]))
  const own = sources.map((source): Migration => {
    const { version, name } = source
    const step = steps.get(version)
    if (step === undefined) return { version, name, state: 'pending', appliedAt: null }
    const state = isSameStep(step, source) ? 'applied' : 'changed'
    return { version, name, state, appliedAt: new Date(step.appliedAt) }
  })
  const unknown = [...steps.values()]
    .filter(({ version }) => !sources.some(source => source.version === version))
    .map(
      ({ version, name, appliedAt }): Migration => ({
        version,
        name,
        state: 'unknown',
        appliedAt: new Date(appliedAt),
      }),
    )
  return [...own, ...unknown]
}

/** The steps of a plan. */
export const planned = <D extends Migrate['direction']>(
  steps: readonly (Pick<Step, 'version' | 'name'> & Readonly<Record<D, string>>)[],
  direction: D,
): MigrationPlan['steps'] =>
  steps.map(step => ({
    version: step.version,
    name: step.name,
    direction,
    sql: shownSql(step[direction]),
  }))

/** The SQL of a migration, without the marks that drizzle-kit puts between statements. */
const shownSql = (text: string): string => text.replaceAll(/\s*--> statement-breakpoint\s*/g, '\n').trim()

/**
 * The schema version that a migration leads to.
 *
 * @param least the oldest that there is
 * @param told which there are, to end a sentence
 * @throws usage
 */
export function targetVersion(
  { direction, to, steps }: Migrate,
  current: number,
  { least, latest, told }: { readonly least: number; readonly latest: number; readonly told: string },
): number {
  if (to !== undefined && steps !== undefined) {
    throw new LatchkeyError(
      'usage',
      'both a version and a number of steps were given',
      'give --to or --steps, not both',
    )
  }
  const up = direction === 'up'
  const target = to ?? (up ? (steps === undefined ? latest : current + steps) : current - (steps ?? 1))
  if (target < least || target > latest) {
    throw new LatchkeyError(
      'usage',
      `there is no schema version ${target}${told}`,
      'list them with: latchkey migrate status',
    )
  }
  if (up ? target < current : target > current) {
    throw new LatchkeyError(
      'usage',
      `the database has schema version ${current}: ${direction} does not lead to ${target}`,
      `use the other direction: ${lineOf(`migrate ${up ? 'down' : 'up'} --to`, String(target))}`,
    )
  }
  return target
}

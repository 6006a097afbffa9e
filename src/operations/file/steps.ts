/** Migrations as people see them, of a database on any engine. */
import type { Migration } from '../../contract/views.ts'
import { type AppliedMigration, isSameStep, type Step } from '../../db/history.ts'

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

/** The SQL of a migration, without the marks that drizzle-kit puts between statements. */
export const shownSql = (text: string): string =>
  text.replaceAll(/\s*--> statement-breakpoint\s*/g, '\n').trim()

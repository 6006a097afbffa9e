/** How the schema of a database came to be what it is, on any engine. */
import type { SchemaEvent } from '../../contract/views.ts'
import type { AppliedMigration } from '../../db/history.ts'
import { isRecord } from '../../formats/fields.ts'

/** What moves the schema, in the audit log. */
export const moveActions = ['database.init', 'database.migrate', 'database.restore'] as const

/** A row of the audit log about one of them. */
export interface AuditedMove {
  readonly at: number
  readonly actor: string
  readonly action: string
  /** JSON. */
  readonly before: string | null
  /** JSON. */
  readonly after: string | null
}

/**
 * Every move of the schema, the newest first. Of steps that no row tells of, the row is gone or was never written.
 *
 * @param moves the newest first
 */
export function schemaEvents(
  applied: readonly AppliedMigration[],
  moves: readonly AuditedMove[],
): readonly SchemaEvent[] {
  const told = moves.map((row): SchemaEvent => {
    const event = eventOf(row)
    const own = applied.find(step => isPartOf(step, event))
    return { ...event, programVersion: own?.programVersion ?? null }
  })
  const untold = applied
    .filter(step => !told.some(event => isPartOf(step, event)))
    .map(
      (step): SchemaEvent => ({
        at: new Date(step.appliedAt),
        event: 'up',
        from: step.version - 1,
        to: step.version,
        steps: [step.name],
        actor: null,
        backup: null,
        programVersion: step.programVersion,
      }),
    )
  // The sort is stable, so steps with the same time stay in the order of their versions.
  return [...told, ...untold.toReversed()].sort((a, b) => b.at.getTime() - a.at.getTime())
}

function eventOf({ at, actor, action, before, after }: AuditedMove): SchemaEvent {
  const [was, is] = [objectIn(before), objectIn(after)]
  const steps = Array.isArray(is['steps']) ? is['steps'].map(String) : []
  const version = Number(is['schemaVersion'])
  const restored = action === 'database.restore'
  const from = action === 'database.init' ? 0 : restored ? version : numberIn(was['schemaVersion'])
  const to = restored ? version + steps.length : version
  const event = restored ? 'restore' : action === 'database.init' ? 'init' : to < (from ?? 0) ? 'down' : 'up'
  const backup = typeof is['backup'] === 'string' ? is['backup'] : null
  return { at: new Date(at), event, from, to, steps, actor, backup, programVersion: null }
}

function objectIn(text: string | null): Readonly<Record<string, unknown>> {
  const value: unknown = text === null ? null : JSON.parse(text)
  return isRecord(value) ? value : {}
}

const numberIn = (value: unknown): number | null => (typeof value === 'number' ? value : null)

/** The most milliseconds between a step and its audit row, which are written in the same transaction. */
const oneRunMs = 60_000

const isPartOf = (step: AppliedMigration, event: SchemaEvent): boolean =>
  event.event !== 'down' &&
  step.version <= event.to &&
  step.version > (event.event === 'init' ? 0 : (event.from ?? 0)) &&
  Math.abs(step.appliedAt - event.at.getTime()) <= oneRunMs

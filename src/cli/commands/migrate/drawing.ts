/** Shows migrations, what they lose, and problems of the schema. */
import type { Migrated, SchemaCheck } from '../../../contract/views.ts'
import { isServerUrl } from '../../../text/address.ts'
import { many } from '../../../text/quantity.ts'
import { lineOf } from '../../../text/shell-word.ts'
import type { Brush } from '../../declare/brush.ts'

export function migratedLines(run: Migrated): string {
  if (run.steps.length === 0) return `${run.path} already has schema version ${run.to}`
  return [
    `Migrated ${run.path} from schema version ${run.from} to ${run.to}`,
    ...run.steps.map(step => `  ${step}`),
    ...(Object.keys(run.lost).length === 0 ? [] : [`Lost: ${lossLine(run.lost)}`]),
    ...(run.backup === null ? [] : [`Safety copy: ${run.backup}. Undo: ${undoLine(run, run.backup)}`]),
  ].join('\n')
}

/** A restore brings the backup of an older schema to the newest one again. */
const undoLine = ({ from, to }: Migrated, backup: string): string =>
  from < to ? lineOf('migrate down --to', String(from)) : lineOf('restore', backup)

/** The text of a dry run, after "Would". */
export const migrationPlanLines = (run: Migrated): string =>
  run.steps.length === 0
    ? `change nothing: ${run.path} already has schema version ${run.to}`
    : [
        `migrate ${run.path} from schema version ${run.from} to ${run.to}${isServerUrl(run.path) ? '' : ', after a backup'}`,
        ...run.steps.map(step => `  ${step}`),
        ...(Object.keys(run.lost).length === 0 ? [] : [`and lose ${lossLine(run.lost)}`]),
      ].join('\n')

/** `usage (3 rows), limits.reset_at (1 value)`; empty if nothing is lost. */
export const lossLine = (lost: Readonly<Record<string, number>>): string =>
  Object.entries(lost)
    .map(([name, count]) => `${name} (${lossOf(name, count)})`)
    .join(', ')

const lossOf = (name: string, count: number): string => many(count, name.includes('.') ? 'value' : 'row')

/** All findings of a check, one per line. */
export const schemaCheckLines = (check: SchemaCheck, brush: Brush): string =>
  check.ok
    ? `${brush.good('ok')}: the schema of ${check.path} matches its migrations`
    : [
        ...check.problems.map(problem => `${brush.bad(problem.kind)}: ${problem.detail}`),
        'Nothing was changed. To return to a good backup: latchkey restore --latest --dry-run',
      ].join('\n')

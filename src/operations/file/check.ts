/** The results of health checks, and their overall status. */
import type { HealthReport, SettingsCheck } from '../../contract/views.ts'
import { latestVersion } from '../../db/schema/version.ts'

export type Check = HealthReport['checks'][number]
type Name = Check['name']

/** @param path the absolute path of the database, or its name */
export const reportOn = (path: string, checks: readonly Check[]): HealthReport => ({
  path,
  status: worst(checks),
  damaged: checks.some(isDamage),
  checks,
})

function worst(checks: readonly Check[]): HealthReport['status'] {
  if (checks.some(check => check.status === 'failed')) return 'failed'
  return checks.some(check => check.status === 'warning') ? 'warning' : 'ok'
}

/** Whether the file, its schema, its totals or its audit log are wrong, and not just unusable for now. */
const isDamage = (check: Check): boolean =>
  check.status === 'failed' &&
  (['integrity', 'usage', 'audit'].includes(check.name) || (check.name === 'schema' && hasDrifted(check)))

const hasDrifted = (check: Check): boolean =>
  typeof check.value === 'object' && check.value !== null && 'drift' in check.value

export const ok = (name: Name, value: unknown): Check => found(name, 'ok', value, null, null)
export const skipped = (name: Name): Check => found(name, 'skipped', null, null, null)

export const failed = (name: Name, value: unknown, problem: string, mend: string): Check =>
  found(name, 'failed', value, problem, mend)

/** It works, but something needs attention. */
export const warning = (name: Name, value: unknown, problem: string, mend: string): Check =>
  found(name, 'warning', value, problem, mend)

const found = (
  name: Name,
  status: Check['status'],
  value: unknown,
  problem: string | null,
  mend: string | null,
): Check => ({ name, status, value, problem, mend })

/**
 * @param driftOf what differs from the schema of that version; only asked for one that this program knows
 * @param way what else leads out of it, to end a sentence
 */
export function checkVersion(current: number, driftOf: () => readonly string[], way = ''): Check {
  const value = { current, latest: latestVersion }
  if (current > latestVersion) {
    return failed('schema', value, 'it was written by a newer Latchkey', 'use the newer version')
  }
  const drift = driftOf()
  const [first] = drift
  if (first !== undefined) {
    return failed('schema', { ...value, drift }, first, `see all problems with: latchkey migrate check${way}`)
  }
  return current === latestVersion
    ? ok('schema', value)
    : failed('schema', value, `it needs schema version ${latestVersion}`, 'run latchkey migrate up')
}

/** @param found the keys whose totals differ */
export function checkTotals(found: readonly { readonly key: { readonly name: string } }[]): Check {
  const keys = found.map(({ key }) => key.name)
  const [first] = keys
  if (first === undefined) return ok('usage', null)
  const others = keys.length > 1 ? ` and ${keys.length - 1} more` : ''
  return failed(
    'usage',
    { keys },
    `the totals of ${first}${others} do not match the recorded usage`,
    'see them with: latchkey usage check, and repair them with: latchkey usage check --repair',
  )
}

export function checkSettings(files: readonly SettingsCheck[]): Check {
  const value = { files: files.filter(file => file.exists).map(file => file.path) }
  const bad = files.find(file => !file.ok)
  if (bad === undefined) return ok('settings', value)
  return failed('settings', value, bad.problem ?? bad.path, 'check them with: latchkey config validate')
}

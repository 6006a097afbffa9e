/** The results of health checks, and their overall status. */
import type { HealthReport, SettingsCheck } from '../../contract/views.ts'

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

/** Whether the file, its schema or its totals are wrong, and not just unusable for now. */
const isDamage = (check: Check): boolean =>
  check.status === 'failed' &&
  (check.name === 'integrity' || check.name === 'usage' || (check.name === 'schema' && hasDrifted(check)))

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

export function checkSettings(files: readonly SettingsCheck[]): Check {
  const value = { files: files.filter(file => file.exists).map(file => file.path) }
  const bad = files.find(file => !file.ok)
  if (bad === undefined) return ok('settings', value)
  return failed('settings', value, bad.problem ?? bad.path, 'check them with: latchkey config validate')
}

/** Requirements of tests besides Bun. For tests only. */
import { test } from 'bun:test'
import { join } from 'node:path'
import { temporaryFolder } from './folder.ts'

/** What is missing there is a failure. */
export const inCi: boolean = !['', '0', 'false', undefined].includes(process.env['CI'])

type Body = () => void | Promise<void>

/**
 * `requireTool('jq')('a name', body)`: a test that is skipped with a reason if the program is missing. In CI it fails
 * instead, so that no check is lost unnoticed.
 */
export function requireTool(name: string): (label: string, body: Body) => void {
  if (Bun.which(name) !== null) return test
  return requirement(`${name} is not installed`, inCi)
}

/** The same for files that only some machines have. Also skipped in CI. */
export function requirePresent(present: boolean, what: string): (label: string, body: Body) => void {
  return present ? test : requirement(`${what} is not here`, false)
}

/** The same for tests that mount a small or read-only file system, which needs root. CI also has a run as root. */
export function requireMounts(): (label: string, body: Body) => void {
  const failing = inCi && process.getuid?.() === 0
  return canMount() ? test : requirement('this user cannot mount file systems', failing)
}

/** The same for tests that create files of other users. */
export function requireRoot(): (label: string, body: Body) => void {
  return process.getuid?.() === 0 ? test : requirement('this user cannot make files of others', false)
}

function canMount(): boolean {
  using folder = temporaryFolder()
  const mounted = Bun.spawnSync(['mount', '-t', 'tmpfs', 'tmpfs', folder.path], { stderr: 'ignore' }).success
  if (mounted) Bun.spawnSync(['umount', folder.path])
  return mounted
}

/** A test that is skipped for a reason, or fails for it. */
export function requirement(reason: string, failing: boolean): (label: string, body: Body) => void {
  if (!failing) return (label, body) => test.skip(`${label} (skipped: ${reason})`, body)
  return label =>
    test(label, () => {
      throw new Error(`${reason}, and CI must not skip this`)
    })
}

/** Words before a command that root runs as a user without write access. */
export const stepDown = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] as const

/** Whether this is root and such a user can read the project. A clone in a private folder cannot be run by others. */
export function canStepDown(): boolean {
  if (process.getuid?.() !== 0 || Bun.which('setpriv') === null) return false
  const words = [...stepDown, process.execPath, join(import.meta.dir, '../../bin/latchkey.ts'), '--version']
  return Bun.spawnSync(words, { cwd: '/', stderr: 'ignore' }).success
}

/** Who runs this process, by the system's account. The environment is not used, because anybody can set it. */
import { readFileSync } from 'node:fs'

/** The name of the real user id in passwd, or `uid 1000` if it is not there (usual in containers). */
export function systemUser(): string {
  const uid = process.getuid?.()
  return uid === undefined ? 'unknown' : nameOfUser(uid)
}

/** The same of any user id. */
export function nameOfUser(uid: number): string {
  const entry = passwd()
    .split('\n')
    .map(line => line.split(':'))
    .find(([, , id]) => id === String(uid))
  return entry?.[0] || `uid ${uid}`
}

function passwd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8')
  } catch {
    return ''
  }
}

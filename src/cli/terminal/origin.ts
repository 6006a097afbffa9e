/** Who runs the program and from where, for the audit log. Not for access decisions, because it can be forged. */

import type { Origin } from '../../contract/views.ts'
import type { Actor } from '../../index.ts'
import type { Environment } from '../../system/home.ts'
import { type ProcessStat, readStat } from '../../system/processes.ts'
import { systemUser } from '../../system/user.ts'

type Stat = (pid: number | 'self') => Pick<ProcessStat, 'command' | 'parent'> | undefined

/** Getters, because a command that changes nothing needs neither. */
export function whoAndWhence(env: Environment, atTerminal: boolean): Actor {
  let name: string | undefined
  let origin: Origin | undefined
  return {
    get name() {
      name ??= actorName(env)
      return name
    },
    get origin() {
      origin ??= originOf(env, atTerminal)
      return origin
    },
  }
}

/** LATCHKEY_ACTOR, or the operating system's user (`alice (sudo)` for root through sudo). */
export function actorName(env: Environment, user: string = systemUser()): string {
  if (env['LATCHKEY_ACTOR']) return env['LATCHKEY_ACTOR']
  const invoker = env['SUDO_USER']
  return invoker && user === 'root' && invoker !== 'root' ? `${invoker} (sudo)` : user
}

/** Cron is checked before systemd, because cron is a service itself and its jobs inherit INVOCATION_ID. */
export function originOf(env: Environment, atTerminal: boolean, stat: Stat = readStat): Origin {
  if (atTerminal) return 'terminal'
  if (hasCronAncestor(stat)) return 'cron'
  return env['INVOCATION_ID'] ? 'service' : 'script'
}

const cronNames = new Set(['cron', 'crond', 'anacron', 'fcron', 'CRON', 'CROND', 'busybox-crond'])
const mostAncestors = 32

function hasCronAncestor(stat: Stat): boolean {
  let process = stat('self')
  for (let step = 0; step < mostAncestors && process !== undefined && process.parent > 0; step++) {
    process = stat(process.parent)
    if (process !== undefined && cronNames.has(process.command)) return true
  }
  return false
}

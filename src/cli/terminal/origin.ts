/** Who runs the program and from where, for the audit log. Not for access decisions, because it can be forged. */

import { readFileSync } from 'node:fs'
import type { Origin } from '../../contract/views.ts'
import type { Actor } from '../../index.ts'
import type { Environment } from '../../system/home.ts'
import { systemUser } from '../../system/user.ts'

/** A process as in /proc. */
export interface ProcessStat {
  readonly command: string
  readonly parent: number
}

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
export function originOf(
  env: Environment,
  atTerminal: boolean,
  stat: (pid: number | 'self') => ProcessStat | undefined = readStat,
): Origin {
  if (atTerminal) return 'terminal'
  if (hasCronAncestor(stat)) return 'cron'
  return env['INVOCATION_ID'] ? 'service' : 'script'
}

const cronNames = new Set(['cron', 'crond', 'anacron', 'fcron', 'CRON', 'CROND', 'busybox-crond'])
const mostAncestors = 32

function hasCronAncestor(stat: (pid: number | 'self') => ProcessStat | undefined): boolean {
  let process = stat('self')
  for (let step = 0; step < mostAncestors && process !== undefined && process.parent > 0; step++) {
    process = stat(process.parent)
    if (process !== undefined && cronNames.has(process.command)) return true
  }
  return false
}

/** The command may contain blanks and brackets, so the last bracket ends it. See proc_pid_stat(5). */
export function parseStat(text: string): ProcessStat | undefined {
  const [, command, parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(text) ?? []
  return command === undefined ? undefined : { command, parent: Number(parent) }
}

function readStat(pid: number | 'self'): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

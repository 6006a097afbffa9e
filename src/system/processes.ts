/** This process and others, also those that see other process ids, as in containers that share a folder. */
import { readFileSync, readlinkSync } from 'node:fs'
import { codeOf } from '../contract/failure.ts'

/** A process as in /proc. */
export interface ProcessStat {
  readonly command: string
  readonly parent: number
  /** When it began, in ticks since the machine did. */
  readonly began: string
}

/** undefined if it has ended, or without /proc. */
export function readStat(pid: number | 'self'): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** The command may contain blanks and brackets, so the last bracket ends it. See proc_pid_stat(5). */
export function parseStat(text: string): ProcessStat | undefined {
  const [, command, parent, began] = /^\d+ \((.*)\) \S (\d+)(?: \S+){17} (\d+)/s.exec(text) ?? []
  return command === undefined || began === undefined ? undefined : { command, parent: Number(parent), began }
}

/** Whether a process with this id is running, whoever owns it. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/**
 * What names of temporary files say about their process, `123-1a2b3c4d-5678`: its id, which machine and namespace that id
 * is from, and when the process began; 0 if this is not known.
 */
export function ownMark(): string {
  const began = seesOwnProcesses() ? readStat('self')?.began : undefined
  return `${process.pid}-${place()}-${began ?? 0}`
}

/** The source of a regular expression for a mark. Earlier versions wrote the id alone. */
export const markSource = String.raw`\d+(?:-[0-9a-f]{8}-\d+)?(?=-)`

/** What has become of the process of a mark; unknown if it cannot be seen from here. */
export function fateOf(text: string): 'running' | 'ended' | 'unknown' {
  const [pid = '', where = place(), began] = text.split('-')
  if (where !== place()) return 'unknown'
  const id = Number(pid)
  if (began === undefined && id === process.pid) return 'ended'
  if (!isRunning(id)) return 'ended'
  const now = seesOwnProcesses() ? readStat(id)?.began : undefined
  // The id of a process that has ended is given to another: in a container often the same one each time.
  const isAnother = now !== undefined && ![undefined, '0', now].includes(began)
  return isAnother ? 'ended' : 'running'
}

/** A name for the machine and the namespace of process ids, on Linux. */
function place(): string {
  if (knownPlace === undefined) {
    const machine = orNothing(() => readFileSync('/proc/sys/kernel/hostname', 'utf8'))
    const namespace = orNothing(() => readlinkSync('/proc/self/ns/pid'))
    knownPlace = Bun.CryptoHasher.hash('sha256', machine + namespace, 'hex').slice(0, 8)
  }
  return knownPlace
}

let knownPlace: string | undefined

function orNothing(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

/** /proc may be that of another namespace, where the same ids are those of other processes. */
const seesOwnProcesses = (): boolean => orNothing(() => readlinkSync('/proc/self')) === String(process.pid)

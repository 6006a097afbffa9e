/**
 * The process that keeps the server that all test files of a checkout share. Whoever uses the server holds a connection to
 * the keeper, which the system closes however that process ends. Soon after the last one the keeper stops the server, removes
 * its folder and ends. `postgres.ts` starts it. For tests only.
 */
import { Database } from 'bun:sqlite'
import { closeSync, openSync, rmSync, statSync } from 'node:fs'
import { Cluster } from './postgres-cluster.ts'

/** How long the server waits for the next user, in milliseconds: test files follow one another. */
const patienceMs = 3000

/** Where the keeper listens, and what holds its lock; the system releases that too. */
export const keeperFiles = (base: string) => ({ socket: `${base}.sock`, lock: `${base}.lock`, folder: base })

if (import.meta.main) await keep(Bun.argv[2] ?? '')

async function keep(base: string): Promise<void> {
  const { socket, lock, folder } = keeperFiles(base)
  closeSync(openSync(lock, 'a'))
  const { ino } = statSync(lock)
  const holder = new Database(lock)
  holder.run('PRAGMA busy_timeout = 0')
  try {
    holder.run('BEGIN EXCLUSIVE')
  } catch {
    return // Another keeper has it.
  }
  // Of one that has ended meanwhile, and removed it.
  if (statSync(lock, { throwIfNoEntry: false })?.ino !== ino) return
  // What a keeper left that was killed.
  for (const path of [socket, folder]) rmSync(path, { recursive: true, force: true })
  const started = Cluster.start(folder, { durable: false })
  const users = new Set<unknown>()
  let timer = setTimeout(() => {}, 0)
  const listener = Bun.listen({
    unix: socket,
    socket: {
      open: async user => {
        users.add(user)
        clearTimeout(timer)
        const answer = await started.then(
          cluster => ({ url: cluster.url('postgres') }),
          error => ({ problem: String(error) }),
        )
        user.write(`${JSON.stringify(answer)}\n`)
      },
      data: () => {},
      close: user => {
        users.delete(user)
        wait()
      },
    },
  })
  const end = async () => {
    if (users.size > 0) return
    listener.stop(true)
    rmSync(socket, { force: true })
    await started.then(
      cluster => cluster[Symbol.asyncDispose](),
      () => rmSync(folder, { recursive: true, force: true }),
    )
    rmSync(lock, { force: true })
    // Named here, or it would be collected before, and its lock with it.
    holder.close()
    process.exit(0)
  }
  const wait = () => {
    clearTimeout(timer)
    timer = setTimeout(end, patienceMs)
  }
  wait()
}

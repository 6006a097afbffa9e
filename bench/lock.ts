/** How long others cannot write to a database: a process that begins a transaction again and again, and notes the longest wait. */
import { Database } from 'bun:sqlite'
import { nextLine } from '../src/testing/lines.ts'

/** Starts it; `stop` returns the longest wait in milliseconds. */
export async function watchLock(database: string): Promise<{ readonly stop: () => Promise<number> }> {
  const child = Bun.spawn([process.execPath, import.meta.path, database], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const reader = child.stdout.getReader()
  await nextLine(reader)
  return {
    stop: async () => {
      child.stdin.end()
      const longest = await nextLine(reader)
      await child.exited
      return Number(longest)
    },
  }
}

async function watch(path: string): Promise<void> {
  const db = new Database(path, { readwrite: true })
  db.run('PRAGMA busy_timeout = 0')
  let isOver = false
  const ended = Bun.stdin.text().then(() => {
    isOver = true
  })
  console.log('ready')
  let longest = 0
  for (let since = performance.now(); !isOver; await Bun.sleep(1)) {
    try {
      db.run('BEGIN IMMEDIATE')
      db.run('ROLLBACK')
      since = performance.now()
    } catch {
      longest = Math.max(longest, performance.now() - since)
    }
  }
  await ended
  console.log(longest)
}

if (import.meta.main) await watch(Bun.argv[2] ?? '')

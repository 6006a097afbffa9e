/**
 * `bun peer.ts DB LEDGER`: commits one row after another until stdin ends, and records them in a ledger. A commit is
 * acknowledged when its ledger line is on disk.
 */
import { fsyncSync, openSync, writeSync } from 'node:fs'
import { Client } from '../src/db/sqlite/client.ts'

const [path = '', ledger = ''] = Bun.argv.slice(2)
const client = new Client(path, { readwrite: true })
client.run('PRAGMA busy_timeout = 30000')
client.run('PRAGMA synchronous = NORMAL')
const insert = client.query(
  "INSERT INTO users (id, username, role, service, created_at, updated_at) VALUES ('usr_' || hex(randomblob(13)), ?, 'member', 0, 0, 0)",
)
const acknowledgedAtOnce = 8
const book = openSync(ledger, 'a')
let running = true
Bun.stdin
  .text()
  .catch(() => '')
  .then(() => {
    running = false
  })
const started = performance.now()
let commits = 0
let errors = 0
let worstMs = 0
process.stdout.write('ready\n')
let written: string[] = []
while (running) {
  const before = performance.now()
  try {
    insert.run(`w${commits}`)
    worstMs = Math.max(worstMs, performance.now() - before)
    written.push(`w${commits++}\n`)
  } catch (error) {
    errors++
    process.stderr.write(`a writer met ${error}\n`)
  }
  if (written.length < acknowledgedAtOnce) continue
  acknowledge()
  await new Promise(resolve => setImmediate(resolve))
}
acknowledge()
const seconds = (performance.now() - started) / 1000
process.stdout.write(JSON.stringify({ commits, seconds, worstMs: Math.round(worstMs), errors }))
client.close()

function acknowledge(): void {
  writeSync(book, written.join(''))
  fsyncSync(book)
  written = []
}

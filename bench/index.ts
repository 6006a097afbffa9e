/** `bun run bench [NAME…] [--only PART] [--buckets N] [--rows N]`: a table of ratios, each to a reference in the same run. Exits 1 if a bound is missed. */
import { parseArgs } from 'node:util'
import type { Row } from './rounds.ts'

interface Bench {
  /** @param how for `postgres`: one of its parts, and the rows of its copies; the buckets of a report there and for `report` */
  readonly rows: (how: {
    readonly only?: string | undefined
    readonly buckets?: string | undefined
    readonly rows?: string | undefined
  }) => Promise<readonly Row[]>
}

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  verify: () => import('./verify.ts'),
  windows: () => import('./windows.ts'),
  record: () => import('./record.ts'),
  ingest: () => import('./ingest.ts'),
  size: () => import('./size.ts'),
  list: () => import('./list.ts'),
  chats: () => import('./chats.ts'),
  stats: () => import('./stats.ts'),
  report: () => import('./report.ts'),
  backup: () => import('./backup.ts'),
  startup: () => import('./startup.ts'),
  http: () => import('./http.ts'),
  postgres: () => import('./postgres/rows.ts'),
}

const { positionals: asked, values: how } = parseArgs({
  args: Bun.argv.slice(2),
  allowPositionals: true,
  options: { only: { type: 'string' }, buckets: { type: 'string' }, rows: { type: 'string' } },
})
const unknown = asked.find(name => !Object.hasOwn(benches, name))
if (unknown !== undefined) {
  console.error(`there is no benchmark called ${unknown}: choose from ${Object.keys(benches).join(', ')}`)
  process.exit(2)
}

let missed = false
for (const [name, load] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  for (const row of await (await load()).rows(how)) {
    const good = row.better === 'higher' ? row.ratio >= row.bound : row.ratio <= row.bound
    missed ||= !good
    const bound = `${row.better === 'higher' ? '≥' : '≤'} ${row.bound}`
    console.log(
      `${good ? 'ok    ' : 'MISSED'}  ${row.name.padEnd(48)}  ${row.ratio.toFixed(2).padStart(5)}  ${bound.padEnd(6)}  ${row.detail}`,
    )
  }
}
process.exitCode = missed ? 1 : 0

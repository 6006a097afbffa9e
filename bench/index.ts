/** `bun run bench [NAME…]`: a table of ratios, each to a reference in the same run. Exits 1 if a bound is missed. */
import type { Row } from './rounds.ts'

const benches: Readonly<Record<string, () => Promise<{ readonly rows: () => Promise<readonly Row[]> }>>> = {
  verify: () => import('./verify.ts'),
  record: () => import('./record.ts'),
  ingest: () => import('./ingest.ts'),
  list: () => import('./list.ts'),
  stats: () => import('./stats.ts'),
  backup: () => import('./backup.ts'),
  startup: () => import('./startup.ts'),
  http: () => import('./http.ts'),
}

const asked = Bun.argv.slice(2)
const unknown = asked.find(name => !Object.hasOwn(benches, name))
if (unknown !== undefined) {
  console.error(`there is no benchmark called ${unknown}: choose from ${Object.keys(benches).join(', ')}`)
  process.exit(2)
}

let missed = false
for (const [name, load] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  for (const row of await (await load()).rows()) {
    const good = row.better === 'higher' ? row.ratio >= row.bound : row.ratio <= row.bound
    missed ||= !good
    const bound = `${row.better === 'higher' ? '≥' : '≤'} ${row.bound}`
    console.log(
      `${good ? 'ok    ' : 'MISSED'}  ${row.name.padEnd(48)}  ${row.ratio.toFixed(2).padStart(5)}  ${bound.padEnd(6)}  ${row.detail}`,
    )
  }
}
process.exitCode = missed ? 1 : 0

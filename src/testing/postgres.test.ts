import { expect } from 'bun:test'
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SQL } from 'bun'
import { temporaryFolder } from './folder.ts'
import { emptyDatabase, requirePostgres, serverOf, temporaryServer } from './postgres.ts'
import { keeperFiles } from './postgres-keeper.ts'

requirePostgres()('each test has a database of its own, on one server', async () => {
  await using one = await emptyDatabase()
  await using other = await emptyDatabase()
  await using sql = new SQL(one.url, { max: 1 })
  await sql.unsafe('CREATE TABLE t (x text); INSERT INTO t VALUES (1)').simple()
  await using beside = new SQL(other.url, { max: 1 })
  expect([...(await beside`SELECT count(*)::int AS n FROM pg_tables WHERE tablename = 't'`)]).toEqual([
    { n: 0 },
  ])
  expect(other.name).not.toBe(one.name)
})

requirePostgres()(
  "a server of one's own is stopped and started again, and keeps what was committed",
  async () => {
    await using server = await temporaryServer()
    const connect = () => new SQL(server.url('postgres'), { max: 1 })
    {
      await using sql = connect()
      await sql.unsafe('CREATE TABLE t (x int); INSERT INTO t VALUES (1)').simple()
    }
    await server.stop('immediate')
    await server.start()
    await using sql = connect()
    expect([...(await sql`SELECT x FROM t`)]).toEqual([{ x: 1 }])
  },
)

requirePostgres()('a killed keeper takes its server along, and the next one begins afresh', async () => {
  using folder = temporaryFolder()
  chmodSync(folder.path, 0o711)
  const base = folder.file('shared')
  const keep = () =>
    Bun.spawn([process.execPath, join(import.meta.dir, 'postgres-keeper.ts'), base], {
      stdio: ['ignore', 'ignore', 'ignore'],
    })
  const first = keep()
  const found = await until(() => serverOf(keeperFiles(base).socket))
  expect(await keep().exited).toBe(0)
  first.kill('SIGKILL')
  await first.exited
  const sql = new SQL(found.url, { max: 1 })
  while (await sql`SELECT 1`.then(Boolean, () => false)) await Bun.sleep(20)
  await sql.close()
  const second = keep()
  const again = await Promise.race([until(() => serverOf(keeperFiles(base).socket)), second.exited])
  expect(again).toMatchObject({ url: expect.stringContaining('postgres://') })
  if (typeof again === 'object') again.hold.destroy()
  await second.exited
  expect(readdirSync(folder.path)).toEqual([])
})

async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== null) return found
    await Bun.sleep(50)
  }
}

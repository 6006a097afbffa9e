/** Whose usage a batch is, when others change that between two batches. */
import { expect, setDefaultTimeout } from 'bun:test'
import { SQL } from 'bun'
import { connectLatchkey } from '../../index.ts'
import { failure } from '../../testing/failure.ts'
import { latchkeyDatabase, requirePostgres } from '../../testing/postgres.ts'

setDefaultTimeout(600_000)

/** A key in the project `a` beside a project `b`; each call of `record` is a batch. */
async function scene() {
  const stack = new AsyncDisposableStack()
  const { url } = stack.use(await latchkeyDatabase())
  const open = () => {
    const latchkey = connectLatchkey({ path: url, actor: { name: 'tester', origin: 'script' } })
    stack.defer(() => latchkey.close())
    return latchkey
  }
  const [one, other] = [open(), open()]
  await one.users.create({ username: 'ann' })
  for (const name of ['a', 'b']) await one.projects.create({ name, owner: 'ann' })
  const { id } = await one.keys.create({ name: 'ci', project: 'a' })
  const recorder = await one.usage.createRecorder({ maxPending: 1 })
  stack.defer(() => recorder.close())
  const record = (model = 'gpt-x') => recorder.record(id, { model })
  const counted = async () =>
    Object.fromEntries(
      (await other.usage.report({ by: ['project'] })).map(row => [row.project?.slug, row.requests]),
    )
  const sql = stack.use(new SQL(url, { max: 1, tls: false }))
  return { id, other, record, counted, sql, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

requirePostgres()(
  'a key that another machine has moved or deleted is that from the next batch on',
  async () => {
    await using it = await scene()
    await it.record()
    await it.record()
    expect(await it.counted()).toEqual({ a: 2 })
    await it.other.keys.update(it.id, { project: 'b' })
    await it.record()
    expect(await it.counted()).toEqual({ a: 2, b: 1 })
    await it.other.keys.delete(it.id)
    expect(await failure(it.record())).toMatchObject({ code: 'not_found' })
  },
)

requirePostgres()('a key that somebody has moved by SQL has moved a second later', async () => {
  await using it = await scene()
  await it.record()
  await it.sql`UPDATE keys SET project_id = (SELECT id FROM projects WHERE slug = 'b')`
  const moved = performance.now()
  while (performance.now() - moved <= 1000) await it.record()
  const before = await it.counted()
  await it.record()
  expect(await it.counted()).toEqual({ ...before, b: (before['b'] ?? 0) + 1 })
})

requirePostgres()('what a batch counts for is made if it is gone since the last one', async () => {
  await using it = await scene()
  await it.record()
  await it.sql.unsafe('DELETE FROM minutes; DELETE FROM hours; DELETE FROM days; DELETE FROM series').simple()
  await it.record()
  await it.record('gpt-y')
  expect(await it.counted()).toEqual({ a: 2 })
})

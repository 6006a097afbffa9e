// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryLatchkey } from '../../../testing/latchkey.ts'
import { run } from '../../../testing/run.ts'

async function home() {
  const made = await temporaryLatchkey('2026-11-20T12:00:00Z')
  const at = (line: string) => run(line, { db: made.path, cwd: made.folder, now: made.clock.now })
  const leave = (...names: readonly string[]) => {
    const keys = names.map(name => ({ key: `pk_secret_of_${name}`, name, token_limit_per_5h: 1_000 }))
    writeFileSync(join(made.folder, 'apikeys.json'), JSON.stringify({ keys }))
  }
  return { ...made, at, leave, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
}

test.each(['import glm-proxy apikeys.json', 'key import keys.ndjson'])(
  '%s: an id is printed only if there is something to undo',
  async line => {
    await using there = await home()
    there.leave('ci')
    writeFileSync(join(there.folder, 'keys.ndjson'), '{"name":"ci","secret":"sk-0123456789abcdef"}\n')
    const summary = /: 1 created, 0 updated, 0 unchanged, 0 refused \((imp_\w+)\)\n$/
    const [, id = ''] = summary.exec((await there.at(line)).out) ?? []
    expect(await there.at('import list -q')).toMatchObject({ code: 0, out: `${id}\n` })
    for (const flag of ['', ' --dry-run']) {
      expect((await there.at(`${line}${flag} --json`)).json()).toMatchObject({ id: null, unchanged: 1 })
      expect(await there.at(`${line}${flag} -q`)).toMatchObject({ code: 0, out: '' })
    }
    expect((await there.at(line)).out).toEndWith(': 0 created, 0 updated, 1 unchanged, 0 refused\n')
    expect((await there.at('import list -q')).out).toBe(`${id}\n`)
  },
)

test('the list tells of keys that were gone or revoked, if there are any', async () => {
  await using there = await home()
  const columns = async () => (await there.at('import list')).out.split('\n').map(line => line.split(/ {2,}/))
  there.leave('ci', 'old')
  await there.at('import glm-proxy apikeys.json')
  expect((await columns())[0]).toEqual(['AT', 'SOURCE', 'CREATED', 'UPDATED', 'UNCHANGED', 'REFUSED', 'ID'])
  there.leave('ci')
  await there.at('import glm-proxy apikeys.json --revoke-gone')
  const [head, latest] = await columns()
  expect(head).toEqual(['AT', 'SOURCE', 'CREATED', 'UPDATED', 'UNCHANGED', 'REFUSED', 'REVOKED', 'ID'])
  expect(latest?.slice(2, -1)).toEqual(['0', '0', '1', '0', '1'])
  const [{ gone, revoked }] = (await there.at('import list --json')).json<
    [{ gone: number; revoked: number }]
  >()
  expect({ gone, revoked }).toEqual({ gone: 0, revoked: 1 })
})

/** A blank text never selects everything: not in a list, not in a change of many, not in a report. */
import { expect, test } from 'bun:test'
import type { Latchkey } from '../index.ts'
import { failure } from '../testing/failure.ts'
import { temporaryLatchkey } from '../testing/latchkey.ts'

/** Everything that takes a text which selects, with the fields that do. */
const selecting: Readonly<
  Record<string, readonly [readonly string[], (home: Latchkey, filter: object) => Promise<unknown>]>
> = {
  'keys.list': [['search', 'user', 'project', 'model', 'scope', 'after'], ({ keys }, it) => keys.list(it)],
  'keys.matching': [
    ['search', 'user', 'project', 'model', 'scope'],
    ({ keys }, it) => keys.matching(it, 'delete', { count: 1 }),
  ],
  'keys.changeMatching': [
    ['search', 'user', 'project', 'model', 'scope'],
    ({ keys }, it) => keys.changeMatching(it, { verb: 'delete' }, { count: 1 }),
  ],
  'keys.export': [['search', 'user', 'project'], ({ keys }, it) => Array.fromAsync(keys.export(it))],
  'users.list': [['search'], ({ users }, it) => users.list(it)],
  'projects.list': [['search', 'owner', 'member'], ({ projects }, it) => projects.list(it)],
  'audit.list': [['actor', 'action', 'target'], ({ audit }, it) => audit.list(it)],
  'usage.report': [['key', 'user', 'project', 'model'], ({ usage }, it) => usage.report(it)],
  'usage.overview': [['key', 'user', 'project', 'model'], ({ usage }, it) => usage.overview(it)],
  'prices.list': [['model'], ({ usage }, it) => usage.prices.list(it)],
  'backups.restore': [
    ['key', 'user', 'project'],
    ({ backups }, it) => backups.restore({ latest: true, ...it }),
  ],
}

test.each(Object.keys(selecting))('%s refuses a blank text, and does nothing', async name => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.keys.create({ name: 'ci' })
  await latchkey.backups.create()
  const [fields, call] = selecting[name]!
  for (const field of fields) {
    for (const blank of ['', ' ', '\t\n', '\u00a0'])
      expect(
        await failure(call(latchkey, { [field]: blank })),
        `${field} ${JSON.stringify(blank)}`,
      ).toMatchObject({
        code: 'invalid',
        exit: 2,
        message: expect.stringMatching(/must not be (blank|empty)|must look like/),
      })
  }
  expect(await latchkey.keys.list()).toHaveLength(1)
})

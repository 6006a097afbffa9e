import { expect, test } from 'bun:test'
import { Client } from '../../../../db/sqlite/client.ts'
import { rowCounts, schemaHash } from '../../../../db/sqlite/inspect.ts'
import { backupScene } from '../../../../testing/backups.ts'
import { failure } from '../../../../testing/failure.ts'
import { recheck } from './swap.ts'

test('rows that went with the swap are damage, unless somebody else may have taken them', async () => {
  using scene = await backupScene()
  const { path } = scene.context
  const client = new Client(path, { readwrite: true })
  try {
    const expected = { schemaHash: schemaHash(client), rows: rowCounts(client) }
    const look = async (isAlone: boolean) => recheck(client, path, expected, 'quick', () => isAlone)
    expect(await look(true)).toEqual(expected.rows)
    client.run('DELETE FROM users WHERE rowid < 3')
    expect(await failure(look(true))).toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('users has 98 rows in place of 100'),
    })
    expect((await look(false))['users']).toBe(98)
  } finally {
    client.close()
  }
})

test('a schema that is not that of the backup is damage', async () => {
  using scene = await backupScene()
  const { path } = scene.context
  const client = new Client(path, { readwrite: true })
  try {
    const expected = { schemaHash: schemaHash(client), rows: rowCounts(client) }
    client.run('CREATE TRIGGER stray AFTER INSERT ON users BEGIN DELETE FROM keys; END')
    for (const depth of ['quick', 'contents'] as const) {
      const look = async () => recheck(client, path, expected, depth, () => true)
      expect(await failure(look())).toMatchObject({
        code: 'corrupt',
        message: expect.stringContaining('its schema does not match the backup'),
      })
    }
  } finally {
    client.close()
  }
})

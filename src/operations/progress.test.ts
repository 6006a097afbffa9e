import { expect, test } from 'bun:test'
import { connectLatchkey } from '../index.ts'
import { temporaryFolder } from '../testing/folder.ts'

test('an import, and undoing it, let other work of the process have its turn at every step', async () => {
  using folder = temporaryFolder()
  let step = 'nothing'
  const latchkey = connectLatchkey({
    path: folder.file('l.db'),
    onProgress: progress => {
      step = progress.step
    },
  })
  await latchkey.initialize()
  const seen = new Set<string>()
  let next: NodeJS.Immediate | undefined
  const look = (): void => {
    seen.add(step)
    next = setImmediate(look)
  }
  look()
  const rows = [{ name: 'ours', secret: `sk-${'x'.repeat(40)}` }].map(row => JSON.stringify(row)).join('\n')
  await latchkey.keys.import({ file: folder.write('keys.ndjson', rows) })
  expect([...seen]).toEqual(expect.arrayContaining(['checking', 'importing']))
  seen.clear()
  const key = {
    key: `pk_${'z'.repeat(40)}`,
    name: 'theirs',
    token_limit_per_5h: 100,
    expiry_date: '2099-01-01T00:00:00Z',
    created_at: '2026-01-01T00:00:00Z',
    last_used: '2026-11-01T00:00:00Z',
    total_lifetime_tokens: 5,
    usage_windows: [],
  }
  const file = folder.write('apikeys.json', JSON.stringify({ keys: [key] }))
  const { id } = await latchkey.imports.glmProxy({ file })
  expect([...seen]).toEqual(expect.arrayContaining(['checking', 'importing', 'recording']))
  seen.clear()
  await latchkey.imports.undo(id!)
  expect([...seen]).toEqual(expect.arrayContaining(['checking', 'undoing', 'recording']))
  clearImmediate(next)
  await latchkey.close()
})

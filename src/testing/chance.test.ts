import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }

const root = join(import.meta.dir, '../..')

test('test:long runs every file that tries more there, and no other', () => {
  const named = manifest.scripts['test:long'].split(' ').filter(word => word.endsWith('.test.ts'))
  const reading = [...new Bun.Glob('src/**/*.test.ts').scanSync(root)].filter(file =>
    /testing\/chance\.ts'|\[.LATCHKEY_\w+S.\] \?\?/.test(readFileSync(join(root, file), 'utf8')),
  )
  expect(named.toSorted()).toEqual(reading.map(file => `./${file}`).toSorted())
})

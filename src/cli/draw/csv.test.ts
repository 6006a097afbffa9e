/** Names that a spreadsheet would run as formulas, written to CSV and read back. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import type { ExportedKey } from '../../contract/views.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'
import { guarded, unguarded } from '../../text/csv-cell.ts'

const formulas = ['=1+1', '+1', '@SUM(A1)', "'=x", "''@x", '=cmd|"/c calc"!A1', '=a,b']

test.each([...formulas, '-x', '\tx', '\rx', "'", "'x", '', 'x=', '5'])('%j comes back as it was', text => {
  expect(unguarded(guarded(text))).toBe(text)
  expect(guarded(text)).not.toMatch(/^[=+\-@\t\r]/)
})

test('no text in CSV begins like a formula, numbers stay numbers, and an export comes back whole', async () => {
  await using home = await temporaryLatchkey()
  await using other = await temporaryLatchkey()
  for (const name of formulas) await home.latchkey.keys.create({ name, metadata: { note: '=x' } })
  const csv = await run('key export -o csv', { db: home.path })
  expect(csv.out).not.toMatch(/(^|,)"?[=+\-@\t\r]/m)
  expect(csv.out).toContain(`"'=a,b"`)
  const file = join(home.folder, 'keys.csv')
  await Bun.write(file, csv.out)
  expect(await run(['key', 'import', file], { db: other.path })).toMatchObject({ code: 0 })
  const names = async (latchkey: typeof home.latchkey) =>
    (await Array.fromAsync<ExportedKey>(latchkey.keys.export())).map(({ name, hash }) => [name, hash])
  expect(await names(other.latchkey)).toEqual(await names(home.latchkey))
})

test('with --csv-verbatim cells are written and read as they are', async () => {
  await using home = await temporaryLatchkey()
  await using other = await temporaryLatchkey()
  for (const name of formulas) await home.latchkey.keys.create({ name })
  const csv = await run('key export -o csv --csv-verbatim', { db: home.path })
  expect(csv.out).toContain('\n')
  expect(csv.out).toContain(',=1+1,')
  const file = join(home.folder, 'keys.csv')
  await Bun.write(file, csv.out)
  expect(await run(['key', 'import', file, '--csv-verbatim'], { db: other.path })).toMatchObject({ code: 0 })
  const names = (await other.latchkey.keys.list()).map(({ name }) => name)
  expect(names.toSorted()).toEqual(formulas.toSorted())
})

test('a number below zero is one, and the name of a column is guarded too', async () => {
  await using home = await temporaryLatchkey()
  const ran = await run(['db', 'query', 'SELECT -5 AS "=low", \'-5\' AS text', '-o', 'csv'], {
    db: home.path,
  })
  expect(ran.out).toBe("'=low,text\n-5,'-5\n")
})

import { expect, test } from 'bun:test'
import { references, rulesOfDeleting } from '../testing/deleting.ts'

test('docs/deleting.md has a row for each reference of the schema, which says what the database does', () => {
  const sorted = (all: readonly string[]) => all.toSorted()
  const shown = ({ parent, child, database }: (typeof references)[number]) =>
    `${parent} | ${child} | ${database}`
  expect(sorted(rulesOfDeleting().map(shown))).toEqual(sorted(references.map(shown)))
})

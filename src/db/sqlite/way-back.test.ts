import { expect, test } from 'bun:test'
import { wayBack } from './way-back.ts'

const between = '--> statement-breakpoint\n'
const table = (name: string) => `CREATE TABLE \`${name}\` (\n\t\`id\` text\n) STRICT;\n`
const index = (name: string, on: string, kind = 'INDEX') =>
  `CREATE ${kind} \`${name}\` ON \`${on}\` (\`id\`);`

test.each<[string, readonly string[], readonly string[]]>([
  ['tables, in reverse', [table('a'), table('b')], ['DROP TABLE `b`;\n', 'DROP TABLE `a`;\n']],
  ['an index of a new table goes with it', [table('a'), index('a_id', 'a')], ['DROP TABLE `a`;\n']],
  [
    'an index of a table that stays is dropped',
    [table('a'), index('keys_id', 'keys'), index('users_id', 'users', 'UNIQUE INDEX')],
    ['DROP INDEX `users_id`;\n', 'DROP INDEX `keys_id`;\n', 'DROP TABLE `a`;\n'],
  ],
  ['a new column is written by hand', [table('a'), 'ALTER TABLE `keys` ADD `x` text;'], []],
  ['a table that is rebuilt is written by hand', [table('__new_keys')], []],
])('the way back of a migration: %s', (_, up, down) => {
  expect(wayBack(up.join(between))).toBe(down.join(between))
})

/**
 * The SQL that undoes a migration which only adds tables and indexes. Empty for any other, whose way back is written by
 * hand.
 */
export function wayBack(up: string): string {
  const added = up
    .split('--> statement-breakpoint')
    .map(statement =>
      /^\s*CREATE (TABLE|(?:UNIQUE )?INDEX) `(?!__new_)(\w+)`(?: ON `(\w+)`)?/.exec(statement),
    )
  if (added.includes(null)) return ''
  const tables = new Set(added.flatMap(found => (found?.[1] === 'TABLE' ? found[2] : [])))
  return added
    .flatMap(found => {
      const [, kind, name, table = ''] = found ?? []
      // Dropping a table also drops its indexes.
      return tables.has(table) ? [] : [`DROP ${kind === 'TABLE' ? 'TABLE' : 'INDEX'} \`${name}\`;\n`]
    })
    .toReversed()
    .join('--> statement-breakpoint\n')
}

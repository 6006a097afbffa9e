/**
 * What operations return and `--json` prints. Fields are only ever added, because scripts rely on their names. Import types
 * from here, but shapes from their own file, so that a command loads only those it prints.
 */
export * from './views/audit.ts'
export * from './views/backups.ts'
export type * from './views/changes.ts'
export * from './views/database.ts'
export * from './views/exports.ts'
export * from './views/imports.ts'
export * from './views/keys.ts'
export * from './views/limits.ts'
export * from './views/people.ts'
export * from './views/program.ts'
export * from './views/refs.ts'
export * from './views/usage.ts'
export * from './views/words.ts'

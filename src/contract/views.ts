/**
 * The types of what operations return and `--json` prints. Fields are only ever added, because scripts rely on their names.
 * Shapes are imported from their own file, so that a command loads only those it prints.
 */
export type * from './views/accounts.ts'
export type * from './views/audit.ts'
export type * from './views/auth.ts'
export type * from './views/backups.ts'
export type * from './views/changes.ts'
export type * from './views/chats.ts'
export type * from './views/content.ts'
export type * from './views/database.ts'
export type * from './views/exports.ts'
export type * from './views/imports.ts'
export type * from './views/keys.ts'
export type * from './views/limits.ts'
export type * from './views/organizations.ts'
export type * from './views/people.ts'
export type * from './views/program.ts'
export type * from './views/refs.ts'
export type * from './views/usage.ts'
export type * from './views/words.ts'

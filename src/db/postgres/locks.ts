/**
 * Locks that all programs on one database share: numbers for advisory locks, which other programs there must not use for
 * anything else.
 */

/**
 * Of whoever changes anything but usage, and of migrations: what BEGIN IMMEDIATE is on SQLite. The commit is then on disk when
 * it is acknowledged, even if the server, the database or the role says by default that nobody waits for that.
 */
export const lockWrites = `SELECT pg_advisory_xact_lock(${0x4c4b_4559_0001}), ${waits()}`

/** For a transaction that another one has that lock for. */
export const waitForDisk = `SELECT ${waits()}`

function waits(): string {
  return "CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END"
}

/** Of whoever counts a large log. */
export const aloneLock = 0x4c4b_4559_0002

/** Of the key, user or project in $1: for who adds up what it may still reserve, or what it ever used. */
export const lockSubject = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))'

/** Of the key in $1: for who counts its end users. */
export const lockRoom = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 1))'

/**
 * Locks that all programs on one database share: numbers for `pg_advisory_xact_lock`, which other programs there must not
 * use for anything else.
 */

/** Of whoever changes anything but usage, and of migrations: what BEGIN IMMEDIATE is on SQLite. */
export const writeLock = 0x4c4b_4559_0001

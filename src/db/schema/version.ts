/** The schema version that this program works with: one for each migration, whose text only a migration needs. */
export const latestVersion: number = 4

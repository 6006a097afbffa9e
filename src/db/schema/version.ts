/** Written by `bun run generate`: the schema version that this program works with, one for each migration. */
export const latestVersion: number = 17

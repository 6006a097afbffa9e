/**
 * Options with which Bun takes nothing from the folder it is started in: no `bunfig.toml` with its preloads, no `.env`, and
 * no `tsconfig.json`, whose `paths` decide what an import loads. The second line of `bin/latchkey.ts` has the same.
 */
export const bunAlone = [
  '--config=/dev/null',
  '--env-file=/dev/null',
  '--tsconfig-override=/dev/null',
] as const

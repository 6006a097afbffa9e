import type { Mutation } from './mutation.ts'

const started = { tests: ['src/binary.test.ts'] }

/** Mistakes that let a foreign folder affect the program. */
export const start: readonly Mutation[] = [
  {
    what: 'the preloads of a foreign bunfig.toml are run',
    file: 'bin/latchkey.ts',
    text: ' --config=/dev/null',
    instead: '',
    ...started,
  },
  {
    what: 'a foreign .env is read',
    file: 'bin/latchkey.ts',
    text: ' --env-file=/dev/null',
    instead: '',
    ...started,
  },
  {
    what: 'a foreign tsconfig.json says what imports load',
    file: 'bin/latchkey.ts',
    text: ' --tsconfig-override=/dev/null',
    instead: '',
    ...started,
  },
  {
    what: "another user's latchkey.toml is followed",
    file: 'src/cli/settings/file.ts',
    text: 'if (owners?.includes(uid) === false) throw foreign(path, uid)',
    instead: 'if (owners?.length === 0) throw foreign(path, uid)',
    tests: ['src/cli/settings/config.test.ts'],
  },
  {
    what: 'arguments that are not UTF-8 are stored as something else',
    file: 'src/cli/line/program.ts',
    text: '  requireText(argv)\n',
    instead: '',
    tests: ['src/main.test.ts'],
    only: 'is not UTF-8',
  },
]

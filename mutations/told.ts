import type { Mutation } from './mutation.ts'

/** Mistakes in what a command says of what it has done, and of what to do next. */
export const told: readonly Mutation[] = [
  {
    what: 'a change whose result could not be written is reported as none',
    file: 'src/cli/run/execute.ts',
    text: 'return changed ? untold(',
    instead: 'return !changed ? untold(',
    tests: ['src/main.test.ts'],
    only: 'could be told',
  },
  {
    what: 'what a dry run would do is reported as done',
    file: 'src/cli/run/execute.ts',
    text: "if (context.dryRun || declaration.effect === 'read') return cause",
    instead: "if (declaration.effect === 'read') return cause",
    tests: ['src/main.test.ts'],
    only: 'could be told',
  },
  {
    what: 'what already existed is reported as done',
    file: 'src/cli/run/execute.ts',
    text: ' !== undefined && !isSame(result)',
    instead: ' !== undefined',
    tests: ['src/main.test.ts'],
    only: 'could be told',
  },
  {
    what: 'a lost secret that was never created is to be replaced',
    file: 'src/cli/run/undelivered.ts',
    text: '.filter(row => Object(row)[field] != null)',
    instead: '',
    tests: ['src/main.test.ts'],
    only: 'nobody could read',
  },
  {
    what: 'what was done is looked for with a secret that was on stdin',
    file: 'src/cli/run/undelivered.ts',
    text: " && word !== '-'",
    instead: '',
    tests: ['src/main.test.ts'],
    only: 'could be told',
  },
  {
    what: 'what was done is looked for only in lists that need nothing',
    file: 'src/cli/run/undelivered.ts',
    text: "kind === 'one' || args[name]?.kind === 'many'",
    instead: "kind === 'any'",
    tests: ['src/acceptance/nobody.test.ts'],
    only: 'nobody can be told',
  },
  {
    what: 'a secret is to be written with an option that its command does not have',
    file: 'src/cli/run/execute.ts',
    text: "'out' in options ? `",
    instead: "'out' in { out: options } ? `",
    tests: ['src/cli/run/quiet.test.ts'],
  },
  {
    what: 'the token of an invitation cannot be asked for by name',
    file: 'src/cli/draw/present.ts',
    text: 'fields?.includes(secret) === false',
    instead: "fields?.includes('secret') === false",
    tests: ['src/cli/run/quiet.test.ts'],
  },
]

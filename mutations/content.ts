import type { Mutation } from './mutation.ts'

const files = { tests: ['src/operations/content/files.test.ts'] }
const state = { tests: ['src/operations/content/state.test.ts'] }

const local = {
  file: 'src/cli/commands/project/folder.ts',
  tests: ['src/cli/commands/project/file.test.ts'],
}

/** Mistakes in the files of projects, and in the state of agents. */
export const ofContent: readonly Mutation[] = [
  {
    what: 'a file that changed since it was read is overwritten',
    file: 'src/operations/content/files.ts',
    text: 'if (ifMatch === undefined || row?.sha256 === ifMatch) return',
    instead: 'if (ifMatch === undefined || row !== undefined) return',
    ...files,
  },
  {
    what: 'a path leads out of the project',
    file: 'src/operations/content/paths.ts',
    text: "name === '.' || name === '..'",
    instead: "name === '.'",
    ...files,
  },
  {
    what: 'a content that a file has is removed',
    file: 'src/operations/content/contents.ts',
    text: '.where(notInArray(fileContents.sha256, db.select({ sha256: projectFiles.sha256 }).from(projectFiles)))',
    instead: '',
    ...files,
  },
  {
    what: 'a damaged content is given out',
    file: 'src/operations/content/contents.ts',
    text: "if (hash.digest('hex') === sha256) return",
    instead: 'if (sha256.length === 64) return',
    ...files,
  },
  {
    what: 'a sync removes files without being told to',
    file: 'src/operations/content/sync.ts',
    text: 'isDeleting ? rows.filter(({ path }) => !wanted.has(path)) : []',
    instead: 'rows.filter(({ path }) => !wanted.has(path))',
    ...files,
  },
  {
    what: 'a sync does other things than it has shown',
    file: 'src/operations/content/sync.ts',
    text: 'JSON.stringify(asked.toSorted()) === JSON.stringify(paths)',
    instead: 'asked.length >= 0',
    ...files,
  },
  {
    what: 'the second message of an agent gets the position of the first',
    file: 'src/operations/content/state.ts',
    text: 'coalesce(max(${table.position}), 0) + 1',
    instead: 'coalesce(min(${table.position}), 0) + 1',
    ...state,
  },
  {
    what: 'an undo of an import removes a file that was changed since',
    file: 'src/operations/import/files.ts',
    text: "row.sha256 === sha256 ? item('removed', null)",
    instead: "row.sha256 !== '' ? item('removed', null)",
    tests: ['src/operations/import/files.test.ts'],
  },
  {
    what: 'a file that an undo of an import removed never comes again',
    file: 'src/operations/import/files.ts',
    text: "(item.outcome === 'kept' ? [] : [foreignId])",
    instead: "(item.outcome !== 'gone' ? [] : [foreignId])",
    tests: ['src/operations/import/files.test.ts'],
  },
  {
    what: 'an undo of an import forgets a file that it keeps',
    file: 'src/operations/import/files.ts',
    text: "(item.outcome === 'kept' ? [] : [foreignId])",
    instead: '[foreignId]',
    tests: ['src/operations/import/files.test.ts'],
  },
  {
    what: 'what a file holds does not come back with its project',
    file: 'src/operations/file/backup/restore/bring-back.ts',
    text: "new Set(['imports', 'file_contents'])",
    instead: "new Set(['imports'])",
    tests: ['src/operations/file/backup/restore/one-thing.test.ts'],
    only: 'a deleted project comes back',
  },
  {
    what: 'a terminal gets bytes that are no text',
    file: 'src/cli/draw/present.ts',
    text: 'if (!isTerminal || isText(bytes)) return bytes',
    instead: 'if (bytes.length >= 0) return bytes',
    tests: ['src/cli/commands/project/file.test.ts'],
  },
  {
    what: 'a sync follows a link that takes the place of a file',
    text: 'readAs(join(folder, name), constants.O_NOFOLLOW, join(root, inner))',
    instead: 'readAs(join(folder, name), 0, join(root, inner))',
    ...local,
  },
  {
    what: 'a sync follows a link that takes the place of a folder',
    text: 'constants.O_DIRECTORY | constants.O_NOFOLLOW',
    instead: 'constants.O_DIRECTORY',
    ...local,
  },
  {
    what: 'a pipe in the place of a file is waited for',
    text: 'constants.O_RDONLY | constants.O_NONBLOCK | flags',
    instead: 'constants.O_RDONLY | flags',
    ...local,
  },
  {
    what: 'a device in the place of a file is read',
    text: 'if (!stat.isFile() && !stat.isDirectory()) throw special(path)\n',
    instead: '',
    ...local,
  },
]

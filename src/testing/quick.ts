/** `bun run test:quick`: runs the tests that a change since main may affect, according to git and the imports. */
import { dirname, join } from 'node:path'

const root = join(import.meta.dir, '../..')
const typescript = new Bun.Transpiler({ loader: 'ts' })

/**
 * The tests that import a changed file, directly or not; that are in its folder; or that name it or its folder as a
 * text, or import a file that does. Late imports are not followed, because the tables of commands and operations would
 * lead everywhere. What they load has tests in its folder.
 *
 * @param changed paths from the root of the project, like the keys of `sources`
 * @param sources the text of each file that may import another
 */
export function touchedTests(
  changed: readonly string[],
  sources: ReadonlyMap<string, string>,
): readonly string[] {
  const importers = new Map<string, string[]>()
  for (const [file, text] of sources) {
    for (const { kind, path } of typescript.scanImports(text.replace(/^#!.*/, ''))) {
      if (kind === 'dynamic-import' || !path.startsWith('.')) continue
      const to = join(file, '..', path)
      importers.set(to, [...(importers.get(to) ?? []), file])
    }
  }
  const reached = new Set([...changed, ...naming(changed, sources)])
  // Files that are added during the loop are visited too.
  for (const file of reached) for (const importer of importers.get(file) ?? []) reached.add(importer)
  const folders = new Set(changed.filter(file => file.endsWith('.ts')).map(file => join(file, '..')))
  return [...sources]
    .filter(([file]) => {
      const isNear = reached.has(file) || folders.has(join(file, '..'))
      return file.endsWith('.test.ts') && (isNear || readsAll.includes(file))
    })
    .map(([file]) => file)
    .sort()
}

/** Sources that contain the path of a changed file, or of its folder, as a text. */
function naming(changed: readonly string[], sources: ReadonlyMap<string, string>): readonly string[] {
  const names = new Set(changed.flatMap(file => [file, dirname(file)]))
  names.delete('.')
  const quoted = [...sources].map(([file, text]) => [file, text.matchAll(/'(?:\.\.\/)*([^'\n]+)'/g)] as const)
  return quoted.flatMap(([file, found]) => (found.some(([, name = '']) => names.has(name)) ? [file] : []))
}

/** These read every source. */
const readsAll = ['src/architecture.test.ts', 'src/mutations.test.ts']

/** All tests and the files that they import. */
async function readSources(): Promise<ReadonlyMap<string, string>> {
  const files = [...new Bun.Glob('{src,bin,bench,docs,faults,mutations,packaging}/**/*.ts').scanSync(root)]
  return new Map(
    await Promise.all(files.map(async file => [file, await Bun.file(join(root, file)).text()] as const)),
  )
}

/** Files changed in commits since main or in the working tree, or new and not ignored. */
async function changedFiles(): Promise<readonly string[]> {
  const git = async (...words: string[]) => (await Bun.$`git -C ${root} ${words}`.quiet()).text()
  const base = await git('merge-base', 'HEAD', 'main').catch(() => 'HEAD')
  const said = [
    await git('diff', '--name-only', base.trim()),
    await git('ls-files', '--others', '--exclude-standard'),
  ]
  return said.flatMap(names => names.split('\n')).filter(name => name !== '')
}

if (import.meta.main) {
  const tests = touchedTests(await changedFiles(), await readSources())
  console.error(tests.length === 0 ? 'No test is touched.' : `${tests.length} files of tests are touched.`)
  if (tests.length > 0) {
    const words = ['run', 'test', ...tests.map(file => `./${file}`), ...process.argv.slice(2)]
    const child = Bun.spawn([process.execPath, ...words], {
      cwd: root,
      stdio: ['inherit', 'inherit', 'inherit'],
    })
    process.exitCode = await child.exited
  }
}

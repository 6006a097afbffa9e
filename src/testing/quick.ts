/** `bun run test:quick`: git says what has changed since main, and the imports say which tests notice. */
import { dirname, join, relative } from 'node:path'

const root = join(import.meta.dir, '../..')
const typescript = new Bun.Transpiler({ loader: 'ts' })

/**
 * The tests that import a file that has changed, by however many steps; that lie beside one; or that name one or its
 * folder, as what they read or start, or import a file that does. Late imports are not followed: the tables of commands and of operations lead
 * everywhere by them, and what they load has its tests beside it.
 *
 * @param changed paths from the root of the project, as are the keys of `sources`
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
  // What is added on the way is visited too.
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

/** The sources that have the path of a changed file, or of its folder, as a text. */
function naming(changed: readonly string[], sources: ReadonlyMap<string, string>): readonly string[] {
  const names = new Set(changed.flatMap(file => [file, dirname(file)]))
  names.delete('.')
  const quoted = [...sources].map(([file, text]) => [file, text.matchAll(/'(?:\.\.\/)*([^'\n]+)'/g)] as const)
  return quoted.flatMap(([file, found]) => (found.some(([, name = '']) => names.has(name)) ? [file] : []))
}

/** They read every source. */
const readsAll = ['src/architecture.test.ts', 'src/mutations.test.ts']

/** Every source of the tests and of what they import. */
async function readSources(): Promise<ReadonlyMap<string, string>> {
  const files = [...new Bun.Glob('{src,bin,bench,docs,faults,mutations,packaging}/**/*.ts').scanSync(root)]
  return new Map(
    await Promise.all(files.map(async file => [file, await Bun.file(join(root, file)).text()] as const)),
  )
}

/** In the commits since main, in the working tree, or new and not ignored. */
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
    const paths = tests.map(file => `./${relative(process.cwd(), join(root, file))}`)
    const words = ['test', '--parallel', '--timeout', '600000', ...paths, ...process.argv.slice(2)]
    const child = Bun.spawn([process.execPath, ...words], { stdio: ['inherit', 'inherit', 'inherit'] })
    process.exitCode = await child.exited
  }
}

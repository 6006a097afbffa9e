/** Whole files on file systems that do not support everything or that refuse. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { failure } from '../testing/failure.ts'
import { type TemporaryFolder, temporaryFolder } from '../testing/folder.ts'
import { nextLine } from '../testing/lines.ts'
import { processEnvironment, program } from '../testing/process.ts'
import { run } from '../testing/run.ts'
import { canStepDown, requireMounts, requirePresent, requireTool, stepDown } from '../testing/tools.ts'
import { splitWords } from '../testing/words.ts'
import { PrivateFile, place, replaceFile, sweep, syncFolder, withNewFile } from './files.ts'
import { readStat } from './processes.ts'

setDefaultTimeout(600_000)

let folder: TemporaryFolder
let db: string
beforeAll(async () => {
  folder = temporaryFolder()
  db = folder.file('data', 'latchkey.db')
  for (const line of ['init --admin alice', 'backup create']) await run(line, { db })
})
afterAll(() => folder.remove())

/** Makes system calls fail for files in `folder`. SQLite's own files are elsewhere. */
const limits: Readonly<Record<string, (folder: string) => readonly string[]>> = {
  'cannot sync a folder': folder => ['-P', folder, '-e', 'inject=fsync,fdatasync:error=EINVAL'],
  'has no hard links': () => ['-e', 'inject=link,linkat:error=EPERM'],
}

/** One writer of each kind of whole file, and what it must have written. */
const writers = (home: string): readonly (readonly [line: string, file: string])[] => [
  ['init --db new/latchkey.db', 'new/latchkey.db'],
  ['backup create --to copies', 'copies/latchkey-*.json'],
  ['restore --latest --to back/latchkey.db --yes', 'back/latchkey.db'],
  [`key create ${basename(home)} --out secrets/filed`, 'secrets/filed'],
  ['config set tz UTC --here', 'latchkey.toml'],
  ['usage report --html pages/usage.html', 'pages/usage.html'],
  ['completion install bash --dir completions', 'completions/latchkey'],
]

const strace = requireTool('strace')
for (const [limit, inject] of Object.entries(limits)) {
  strace(
    `on a file system that ${limit} every file is made all the same, and nothing is left beside it`,
    () => {
      const home = folder.file(limit.replaceAll(' ', '-'))
      for (const [line, file] of writers(home)) {
        const own = join(home, dirname(file))
        mkdirSync(own, { recursive: true })
        const words = ['strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', ...inject(own), ...program]
        const ran = Bun.spawnSync([...words, ...splitWords(line)], {
          cwd: home,
          env: {
            PATH: process.env['PATH'],
            HOME: home,
            LATCHKEY_DB: db,
            BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0',
          },
          stdin: 'ignore',
        })
        expect([line, ran.exitCode, ran.stderr.toString()]).toEqual([line, 0, expect.any(String)])
        expect([line, [...new Bun.Glob(file).scanSync({ cwd: home })].length]).toEqual([line, 1])
        const names = readdirSync(`${home}/${dirname(file)}`)
        expect(names.filter(name => /tmp/.test(name))).toEqual([])
      }
    },
  )
}

requirePresent(readStat('self') !== undefined, '/proc')(
  'a private file is swept as soon as its process has ended, or after a day if that cannot be seen',
  () => {
    const own = folder.file('marks')
    mkdirSync(own)
    using used = new PrivateFile(own)
    const [, mark = ''] = /-tmp-(.*)-/.exec(used.path) ?? []
    const [pid, where, began] = mark.split('-')
    expect([mark, pid]).toEqual([expect.stringMatching(/^\d+-[0-9a-f]{8}-[1-9]\d*$/), String(process.pid)])
    const parent = readStat(process.ppid)?.began
    const dead = Bun.spawnSync(['true']).pid
    const kept = {
      'of this process, which runs': mark,
      'of another that runs': `${process.ppid}-${where}-${parent}`,
      'of another that runs, since when is not known': `${process.ppid}-${where}-0`,
      'of a process of an earlier version that runs': `${process.ppid}`,
      'of a process that cannot be seen': `${dead}-0badcafe-${began}`,
    }
    const gone = {
      'of an earlier process with this id': `${pid}-${where}-${Number(began) - 1}`,
      'of an earlier process with the id of one that runs': `${process.ppid}-${where}-1`,
      'of a process that has ended': `${dead}-${where}-${began}`,
      'of a process of an earlier version that has ended': `${dead}`,
      'of an earlier version with this id': `${pid}`,
      'of a process that cannot be seen, from before yesterday': `${pid}-0badcafe-${began}`,
    }
    const named = (marks: object, random: string) =>
      Object.values(marks).flatMap((each, at) =>
        ['', '-journal'].map(suffix => `.latchkey-tmp-${each}-${at}${random}${suffix}`),
      )
    const [stay, go] = [named(kept, 'aaaaaaaaaaaaaaa'), named(gone, 'bbbbbbbbbbbbbbb')]
    for (const name of [...stay, ...go]) writeFileSync(join(own, name), '')
    const longAgo = Date.now() / 1000 - 86_500
    for (const name of go.slice(-2)) utimesSync(join(own, name), longAgo, longAgo)
    sweep(own)
    expect(readdirSync(own).sort()).toEqual([basename(used.path), ...stay].sort())
  },
)

/** A process that is the first of a namespace of its own, as in a container. */
const contained = ['unshare', '--pid', '--fork', '--mount-proc'] as const
const contains = Bun.which('unshare') !== null && Bun.spawnSync([...contained, 'true']).success
requirePresent(contains, 'a user who may make namespaces')(
  'in containers that share a folder, no run removes the files of another',
  async () => {
    const shared = folder.file('shared')
    mkdirSync(shared)
    const script = `
      import { existsSync } from 'node:fs'
      import { PrivateFile } from '${join(import.meta.dir, 'files.ts')}'
      using file = new PrivateFile('${shared}')
      console.log(process.pid)
      await Bun.stdin.text()
      console.log(existsSync(file.path))`
    const first = Bun.spawn([...contained, process.execPath, '-e', script], {
      stdin: 'pipe',
      stdout: 'pipe',
    })
    const reader = first.stdout.getReader()
    expect(await nextLine(reader)).toBe('1\n')
    const second = Bun.spawnSync([...contained, ...program, 'init', '--db', join(shared, 'other.db')], {
      env: processEnvironment({}),
    })
    expect([second.exitCode, second.stderr.toString()]).toEqual([0, expect.any(String)])
    first.stdin.end()
    expect(await nextLine(reader)).toBe('true\n')
    expect(await first.exited).toBe(0)
    expect(readdirSync(shared)).toEqual(['other.db'])
  },
)

test('a folder that the system refuses to sync is as good as it gets', () => {
  // A real EINVAL from the kernel.
  syncFolder('/proc/self')
})

const readable = requirePresent(process.getuid?.() !== 0 || canStepDown(), 'a user who can read the project')
readable('a folder that may be written and not read takes files too', () => {
  const own = folder.file('drop')
  mkdirSync(own)
  const isRoot = process.getuid?.() === 0
  if (isRoot) for (const path of [folder.path, own]) chmodSync(path, 0o755)
  if (isRoot) chownSync(own, 65534, 65534)
  chmodSync(own, 0o300)
  const script = `import { replaceFile } from '${join(import.meta.dir, 'files.ts')}'; replaceFile('${own}/a', 'small')`
  const words = [...(isRoot ? stepDown : []), process.execPath, '-e', script]
  expect(Bun.spawnSync(words, { cwd: '/' }).stderr.toString()).toBe('')
  chmodSync(own, 0o755)
  expect(readFileSync(`${own}/a`, 'utf8')).toBe('small')
})

requireMounts()('files that are replaced and files that are new, on a file system of their own', async () => {
  const mounted = folder.file('mounted')
  mkdirSync(mounted)
  expect(Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mounted]).exitCode).toBe(0)
  try {
    replaceFile(`${mounted}/a`, 'small')
    chmodSync(`${mounted}/a`, 0o640)
    symlinkSync('a', `${mounted}/link`)
    replaceFile(`${mounted}/link`, 'other')
    expect([readFileSync(`${mounted}/a`, 'utf8'), statSync(`${mounted}/a`).mode & 0o777]).toEqual([
      'other',
      0o640,
    ])
    // On a full disk the old file stays, and nothing is left of the new one.
    const tooMuch = 'x'.repeat(100_000)
    const attempts = [
      async () => replaceFile(`${mounted}/a`, tooMuch),
      () => withNewFile(`${mounted}/b`, 'name another', async write => write(tooMuch)),
    ]
    for (const attempt of attempts) {
      const error = await failure(attempt())
      expect([error.code, error.message]).toEqual(['disk_full', expect.stringContaining(mounted)])
    }
    expect(readdirSync(mounted).sort()).toEqual(['a', 'link'])
    expect(readFileSync(`${mounted}/a`, 'utf8')).toBe('other')
    expect(Bun.spawnSync(['mount', '-o', 'remount,ro', mounted]).exitCode).toBe(0)
    for (const attempt of attempts) {
      const error = await failure(attempt())
      expect(error).toMatchObject({
        code: 'permission',
        message: expect.stringMatching(
          new RegExp(`${mounted}(/b)? cannot be written: its disk is read-only`),
        ),
        hint: expect.stringContaining('findmnt --target'),
      })
    }
  } finally {
    Bun.spawnSync(['umount', mounted])
  }
})

test('a new file overwrites nothing, and one that is replaced must be a file in a folder that is there', async () => {
  const own = folder.file('own')
  mkdirSync(own)
  writeFileSync(`${own}/a`, 'kept')
  const write = (path: string) => withNewFile(path, 'name another', async fill => fill('new'))
  expect(await failure(write(`${own}/a`))).toMatchObject({ code: 'conflict', hint: 'name another' })
  expect(await failure(write(`${own}/none/a`))).toMatchObject({ code: 'usage' })
  const late = withNewFile(`${own}/late`, 'name another', async fill => {
    writeFileSync(`${own}/late`, 'kept')
    fill('new')
  })
  expect(await failure(late)).toMatchObject({ code: 'conflict' })
  expect(await failure((async () => replaceFile(own, 'new'))())).toMatchObject({ code: 'conflict' })
  expect(await failure((async () => replaceFile(`${own}/none/a`, 'new'))())).toMatchObject({ code: 'usage' })
  using file = new PrivateFile(own)
  expect(await failure((async () => place(file.path, `${own}/a`))())).toMatchObject({ code: 'conflict' })
  for (const name of ['a', 'late']) expect(readFileSync(`${own}/${name}`, 'utf8')).toBe('kept')
})

/**
 * `bun run build [PLATFORM…]`: compiled programs in dist/, one for each platform, and their SHA-256 sums. What runs needs
 * nothing else: the migrations are inside. It reads no `.env` and no `bunfig.toml` from the folder it is started in.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { programVersion } from '../src/system/version.ts'
import { compileWords } from './compile.ts'

/** Windows is left out: file modes, hard links and locks are what backups rely on. */
const platforms = [
  'linux-x64',
  'linux-arm64',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
]

const root = join(import.meta.dir, '..')
const dist = join(root, 'dist')
const asked = Bun.argv.slice(2)
const unknown = asked.find(name => !platforms.includes(name))
if (unknown !== undefined) {
  console.error(`there is no build for ${unknown}: choose from ${platforms.join(', ')}`)
  process.exit(2)
}

mkdirSync(dist, { recursive: true })
const files: string[] = []
for (const platform of asked.length > 0 ? asked : platforms) {
  const name = `latchkey-${programVersion}-${platform}`
  rmSync(join(dist, name), { force: true })
  const child = Bun.spawn([...compileWords(join(dist, name), platform)], {
    cwd: root,
    stdout: 'ignore',
    stderr: 'inherit',
  })
  if ((await child.exited) !== 0) {
    console.error(
      `the build for ${platform} failed; its Bun comes from the npm registry, which must be in reach`,
    )
    process.exit(1)
  }
  files.push(name)
}

const sums = await Promise.all(
  files.map(async name => {
    const hash = new Bun.CryptoHasher('sha256')
    for await (const chunk of Bun.file(join(dist, name)).stream()) hash.update(chunk)
    return `${hash.digest('hex')}  ${name}\n`
  }),
)
await Bun.write(join(dist, 'SHA256SUMS'), sums.join(''))
for (const name of files) console.log(join('dist', name))

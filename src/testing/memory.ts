/**
 * Tests make their temporary files in memory if the system has such a folder, as Linux does: waiting for a disk proves
 * nothing. Nor does collecting garbage in long loops, which takes longer the more files a process has run.
 * `bunfig.toml` loads this before each test file.
 */
import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'

const folder = '/dev/shm'

/** In a container it is often small, or mounted noexec. */
function isUsable(): boolean {
  try {
    accessSync(folder, constants.W_OK)
    const { bavail, bsize } = statfsSync(folder)
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .find(line => line.split(' ')[1] === folder)
    return bavail * bsize >= 2 ** 31 && mount !== undefined && !/\bnoexec\b/.test(mount)
  } catch {
    return false
  }
}

if (process.env['TMPDIR'] === undefined && isUsable()) process.env['TMPDIR'] = folder

Bun.gc = () => 0

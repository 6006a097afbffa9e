/**
 * Temporary files of tests are made in memory where there is such a folder, as on Linux: what they claim, no disk has to
 * be waited for. `bunfig.toml` loads this before each file of tests.
 */
import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'

const folder = '/dev/shm'

/** A container's is often small, or runs no programs. */
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

/** A MariaDB server of one's own in a folder that does not exist, with an empty database. For tests only. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SQL } from 'bun'

export async function temporaryMariadb(folder: string) {
  mkdirSync(folder)
  const data = join(folder, 'data')
  // Root must say that it means it; others cannot.
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : []
  const words = [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    ...asRoot,
    '--skip-test-db',
  ]
  const made = Bun.spawnSync(['mariadb-install-db', ...words], { stdout: 'pipe', stderr: 'pipe' })
  if (!made.success) throw new Error(`mariadb-install-db failed: ${made.stdout}${made.stderr}`)
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } })
  const { port } = listener
  listener.stop(true)
  const child = Bun.spawn(
    [
      'mariadbd',
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${join(folder, 's')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      ...asRoot,
    ],
    { stdout: 'ignore', stderr: 'ignore' },
  )
  const admin = `mysql://root@127.0.0.1:${port}`
  for (let tries = 0; ; tries++) {
    const sql = new SQL(`${admin}/mysql`, { max: 1 })
    try {
      await sql.unsafe('CREATE DATABASE app')
      await sql.close()
      break
    } catch (error) {
      await sql.close().catch(() => {})
      if (tries === 1200 || child.exitCode !== null) throw error
      await Bun.sleep(100)
    }
  }
  return {
    url: `${admin}/app`,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}

/** A folder prepared by an attacker who wants to run code as the user who starts a program there. For tests only. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Fills a folder with everything that Bun and npm read from the current folder. */
export function layTraps(folder: string): { readonly sprung: () => string } {
  const marker = join(folder, 'sprung')
  const put = (name: string, text: string): void => {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text, { mode: 0o755 })
  }
  const trap = `require('node:fs').appendFileSync(${JSON.stringify(marker)}, process.argv.join(' ') + '\\n')\n`
  put('trap.ts', trap)
  put('bunfig.toml', 'preload = ["./trap.ts"]\n[run]\npreload = ["./trap.ts"]\n')
  for (const name of ['.env', '.env.local', '.env.production', '.env.development']) {
    put(
      name,
      'LATCHKEY_DB=/trap/latchkey.db\nLATCHKEY_BACKUP_DIR=/trap/backups\nBUN_OPTIONS=--preload=./trap.ts\n',
    )
  }
  put('tsconfig.json', '{"compilerOptions": {"baseUrl": ".", "paths": {"*": ["./trap.ts"]}}}')
  put('package.json', '{"name": "trap", "version": "9.9.9", "private": true, "imports": {"#*": "./trap.ts"}}')
  for (const name of ['commander', 'valibot', 'drizzle-orm']) {
    put(`node_modules/${name}/package.json`, `{"name": "${name}", "version": "9.9.9", "main": "index.js"}`)
    put(`node_modules/${name}/index.js`, trap)
  }
  put('node_modules/.bin/bun', `#!/bin/sh\necho "$0 $*" >> '${marker}'\n`)
  return { sprung: () => (existsSync(marker) ? readFileSync(marker, 'utf8') : '') }
}

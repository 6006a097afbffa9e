/** Bun runs what is tested as it is; only the suites themselves go through vitest. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['suites.ts'],
    watch: false,
    server: { deps: { external: [/\/src\/(?!testing\/better-auth\/)/] } },
  },
})

import type { Mutation } from './mutation.ts'

const app = { tests: ['src/server/app.test.ts'] }

/** What the server answers, and to whom. */
export const server: readonly Mutation[] = [
  {
    what: 'whoever may ask for verdicts may charge keys',
    file: 'src/server/routes.ts',
    text: "post('/v1/usage', 'latchkey:usage',",
    instead: "post('/v1/usage', 'latchkey:verify',",
    ...app,
  },
  {
    what: 'whoever may charge keys may ask for verdicts',
    file: 'src/server/routes.ts',
    text: "post('/v1/verify', 'latchkey:verify',",
    instead: "post('/v1/verify', 'latchkey:usage',",
    ...app,
  },
  {
    what: 'whoever may ask for verdicts may reserve',
    file: 'src/server/routes.ts',
    text: "post('/v1/reservations', 'latchkey:usage',",
    instead: "post('/v1/reservations', 'latchkey:verify',",
    ...app,
  },
  {
    what: 'whoever may ask for verdicts may settle',
    file: 'src/server/routes.ts',
    text: "post('/v1/reservations/ID/settle', 'latchkey:usage',",
    instead: "post('/v1/reservations/ID/settle', 'latchkey:verify',",
    ...app,
  },
  {
    what: 'whoever may ask for verdicts may release',
    file: 'src/server/routes.ts',
    text: "post('/v1/reservations/ID/release', 'latchkey:usage',",
    instead: "post('/v1/reservations/ID/release', 'latchkey:verify',",
    ...app,
  },
  {
    what: 'whoever may ask for verdicts sees the metrics',
    file: 'src/server/routes.ts',
    text: "path: '/metrics', scope: 'latchkey:metrics',",
    instead: "path: '/metrics', scope: 'latchkey:verify',",
    ...app,
  },
  {
    what: 'any key may do anything',
    file: 'src/server/app.ts',
    text: 'await latchkey.keys.verify(secret, { scope })',
    instead: 'await latchkey.keys.verify(secret)',
    ...app,
  },
  {
    what: 'a connection goes on after a body in chunks',
    file: 'src/server/app.ts',
    text: 'state.stopping || inChunks(request) ?',
    instead: 'state.stopping ?',
    tests: ['src/server/serve.test.ts'],
    only: 'a body in chunks',
  },
  {
    what: 'usage is counted that was answered with 400',
    file: 'src/server/body.ts',
    text: '        await requireEnd(request)\n',
    instead: '',
    tests: ['src/server/serve.test.ts'],
    only: 'a body in chunks',
  },
  {
    what: 'bodies of any size are read',
    file: 'src/server/body.ts',
    text: 'if (size > mostBytes) throw tooLarge()',
    instead: 'if (size > Number.MAX_SAFE_INTEGER) throw tooLarge()',
    ...app,
  },
  {
    what: 'bytes that are no text are taken for others',
    file: 'src/server/body.ts',
    text: "new TextDecoder('utf-8', { fatal: true })",
    instead: "new TextDecoder('utf-8')",
    ...app,
  },
  {
    what: 'a misspelt limit is no limit',
    file: 'src/server/input.ts',
    text: 'v.strictObject({ secret: text, ...wanted })',
    instead: 'v.object({ secret: text, ...wanted })',
    ...app,
  },
  {
    what: 'secrets cross a network unencrypted, unasked',
    file: 'src/server/listen.ts',
    text: 'if (!allowRemote && !isLoopback(host)) {',
    instead: 'if (allowRemote && !isLoopback(host)) {',
    tests: ['src/server/listen.test.ts'],
    only: 'listen|address|remote|loopback',
  },
  {
    what: 'everybody on the machine reaches the socket',
    file: 'src/server/listen.ts',
    text: 'chmodSync(own, 0o660)',
    instead: 'chmodSync(own, 0o666)',
    tests: ['src/server/listen.test.ts'],
    only: 'socket|unix',
  },
]

/**
 * Makes `toMatchObject` compare everything. Bun's takes any date, set or map for any other, and what is wanted in two places it
 * compares in the first alone, so a test of such would prove nothing. `bunfig.toml` loads this before each test file.
 */
import { expect } from 'bun:test'

const { toMatchObject } = Object.getPrototypeOf(expect(0))

expect.extend({
  toMatchObject: (received: unknown, wanted: object) => {
    try {
      toMatchObject.call(expect(received), copied(wanted))
    } catch (error) {
      return { pass: false, message: () => String(error instanceof Error ? error.message : error) }
    }
    const found = differences(received, wanted, 'it')
    return { pass: found.length === 0, message: () => found.join('\n') }
  },
})

/** The same, with an object of its own in each place. */
function copied<T>(wanted: T): T {
  if (Array.isArray(wanted)) return wanted.map(copied) as T
  if (!isPlain(wanted)) return wanted
  return Object.fromEntries(Object.entries(wanted).map(([key, each]) => [key, copied(each)])) as T
}

/** Of two that Bun takes for a match. */
function differences(received: unknown, wanted: unknown, name: string): readonly string[] {
  if (wanted instanceof Date || wanted instanceof Set || wanted instanceof Map)
    return Bun.deepEquals(received, wanted)
      ? []
      : [`${name} is ${Bun.inspect(received)}, not ${Bun.inspect(wanted)}`]
  // What a matcher like `expect.any` compares is its own.
  if (!isPlain(wanted)) return []
  return Object.keys(wanted).flatMap(key =>
    differences(Reflect.get(Object(received), key), Reflect.get(wanted, key), `${name}.${key}`),
  )
}

const isPlain = (value: unknown): value is object =>
  Array.isArray(value) ||
  (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)

/**
 * `bun packaging/types.ts`: writes `types/`, the declarations that the package ships. tsc knows the fields of what
 * operations return; what each means is in the shapes, and is added here as the comments that editors show.
 */
import { join, resolve } from 'node:path'
import { Glob } from 'bun'
import type { JsonSchema } from '../src/contract/shape.ts'

const root = join(import.meta.dir, '..')
const outDir = resolve(root, process.argv[2] ?? 'types')

const tsc = Bun.spawnSync(
  ['node_modules/.bin/tsc', '-p', 'packaging/tsconfig.types.json', '--outDir', outDir, '--singleThreaded'],
  {
    cwd: root,
    stdout: 'inherit',
    stderr: 'inherit',
  },
)
if (!tsc.success) process.exit(1)

const views = join('src', 'contract', 'views')
for (const name of new Glob('*.d.ts').scanSync(join(outDir, views))) {
  const declaration = Bun.file(join(outDir, views, name))
  const shapes = await import(join(root, views, name.replace('.d.ts', '.ts')))
  await declaration.write(commented(await declaration.text(), shapes))
}

/** The declaration of a file of views with the description of each field above it. */
function commented(declaration: string, shapes: Readonly<Record<string, unknown>>): string {
  // The schemas of the objects whose fields follow, the innermost last.
  const open: (JsonSchema | undefined)[] = []
  return declaration
    .split('\n')
    .flatMap(line => {
      const [, indent = '', name = '', type = ''] =
        /^(\s*)(?:readonly |export declare const )(\w+): (.*)$/.exec(line) ?? []
      const schema = indent === '' ? shapeOf(shapes[name]) : open.at(-1)?.properties?.[name]
      if (/^\s*\}/.test(line) && !/& \{$/.test(line)) open.pop()
      if (type.endsWith('{')) open.push(schema && objectOf(schema))
      const { description } = indent === '' ? {} : (schema ?? {})
      return description === undefined ? [line] : [`${indent}/** ${description}. */`, line]
    })
    .join('\n')
}

function shapeOf(value: unknown): JsonSchema | undefined {
  return typeof value === 'object' && value !== null && 'schema' in value
    ? (value.schema as JsonSchema)
    : undefined
}

/** The object that a list, a map or what may be null is of. */
function objectOf(schema: JsonSchema): JsonSchema {
  const inner =
    schema.items ??
    schema.anyOf?.find(each => each.type !== 'null') ??
    (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined)
  return inner === undefined ? schema : objectOf(inner)
}

/**
 * The shared operations module: every rule, audit row and invariant of Latchkey. The command line and the backends
 * that embed the library call the same functions, so they cannot disagree.
 */
import { Store } from '../db/sqlite/transaction.ts'
import type { FileContext, OperationContext } from './context.ts'
import type { KeyFilter } from './keys/filter.ts'
import type { KeyPage } from './keys/page.ts'
import { atOneMoment, LateBinding } from './late.ts'
import type { Recorder, RecorderOptions } from './usage/recorder.ts'
import type { ReportOptions } from './usage/report.ts'

/** Everything the operations depend on; `src/index.ts` has the defaults. */
export interface Wiring extends FileContext {
  readonly access: 'read' | 'write'
  readonly busyTimeoutMs: number
  readonly onReplaced: (() => void) | undefined
}

export type Operations = ReturnType<typeof createOperations>

/** All operations on one database, which is opened by the first that needs it. */
export function createOperations(wiring: Wiring) {
  const { path, access, dryRun, busyTimeoutMs, onReplaced, now, actor, onProgress } = wiring
  const store = new Store({ path, access, dryRun, busyTimeoutMs, onReplaced })
  const lasting: OperationContext = { store, now, actor, onProgress }
  const context = () => atOneMoment(lasting)
  const files = () => atOneMoment<FileContext>(wiring)
  const recorders = new Set<Recorder>()
  const late = new LateBinding()
  const recording = late.bind(
    () => lasting,
    () => import('./usage/recorder.ts'),
    { create: 'createRecorder' },
  )
  late.include(() => import('./keys/page.ts'))
  return {
    path,
    /** Opens the database now instead of at first use. */
    open: () => store.open(),
    /** Loads every operation now instead of at its first use. */
    load: () => late.loadAll(),
    /** Waits for what is under way, recorders included, then closes the database. */
    close: async () => {
      await late.settled()
      const closed = await Promise.allSettled([...recorders].map(recorder => recorder.close()))
      await store.close()
      for (const each of closed) if (each.status === 'rejected') throw each.reason
    },
    users: late.bind(context, () => import('./people/users.ts'), {
      create: 'createUser',
      list: 'listUsers',
      get: 'getUser',
      update: 'updateUser',
      setPassword: 'setPassword',
      verifyPassword: 'verifyPassword',
      disable: 'disableUser',
      enable: 'enableUser',
      delete: 'deleteUser',
    }),
    projects: late.bind(context, () => import('./people/projects.ts'), {
      create: 'createProject',
      list: 'listProjects',
      get: 'getProject',
      update: 'updateProject',
      archive: 'archiveProject',
      unarchive: 'unarchiveProject',
      delete: 'deleteProject',
    }),
    keys: {
      ...late.bind(context, () => import('./keys/list.ts'), { list: 'listKeys' }),
      ...late.bind(context, () => import('./keys/get.ts'), { get: 'getKey' }),
      ...late.bind(context, () => import('./keys/activity.ts'), { activity: 'keyActivity' }),
      ...late.bind(context, () => import('./keys/standing.ts'), { standing: 'keyStanding' }),
      ...late.bind(context, () => import('./keys/create.ts'), {
        create: 'createKey',
        createMany: 'createKeys',
      }),
      ...late.bind(context, () => import('./keys/change.ts'), {
        update: 'updateKey',
        revoke: 'revokeKey',
        disable: 'disableKey',
        enable: 'enableKey',
        delete: 'deleteKey',
      }),
      ...late.bind(context, () => import('./keys/bulk.ts'), {
        matching: 'matchingKeys',
        changeMatching: 'changeMatching',
      }),
      ...late.bind(context, () => import('./keys/verify.ts'), { verify: 'verifySecret' }),
      ...late.bind(context, () => import('./keys/stats.ts'), { stats: 'keyStats' }),
      ...late.bind(context, () => import('./keys/rotate.ts'), { rotate: 'rotateKey' }),
      ...late.bind(context, () => import('./keys/import.ts'), { import: 'importKeyFile' }),
      ...late.bind(context, () => import('./keys/identify.ts'), { identify: 'identifySecrets' }),
      /** The keys of `list`, one after another, in constant memory. */
      async *stream(page?: KeyPage) {
        yield* (await import('./keys/list.ts')).streamKeys(context(), page)
      },
      async *export(filter?: KeyFilter) {
        yield* (await import('./keys/export.ts')).exportKeys(context(), filter)
      },
    },
    limits: late.bind(context, () => import('./limits/manage.ts'), {
      add: 'addLimits',
      remove: 'removeLimits',
      list: 'listLimits',
      reset: 'resetLimits',
    }),
    usage: {
      ...late.bind(context, () => import('./usage/record.ts'), { record: 'recordUsage' }),
      ...late.bind(context, () => import('./usage/ingest.ts'), { ingest: 'ingestUsage' }),
      ...late.bind(context, () => import('./usage/report.ts'), { report: 'usageReport' }),
      ...late.bind(context, () => import('./usage/overview.ts'), { overview: 'usageOverview' }),
      ...late.bind(context, () => import('./usage/reconcile.ts'), { check: 'checkUsage' }),
      ...late.bind(context, () => import('./usage/compact.ts'), { compact: 'compactUsage' }),
      ...late.bind(context, () => import('./usage/reserve.ts'), {
        reserve: 'reserve',
        settle: 'settle',
        release: 'release',
      }),
      /** The rows of `report`, one after another, from one snapshot. */
      async *streamReport(options?: ReportOptions) {
        yield* (await import('./usage/report.ts')).streamReport(context(), options)
      },
      /** A recorder on this database; `close` closes it too. */
      createRecorder: async (options?: RecorderOptions): Promise<Recorder> => {
        const recorder = await recording.create(options)
        recorders.add(recorder)
        return recorder
      },
      prices: late.bind(context, () => import('./usage/prices.ts'), {
        set: 'setPrice',
        list: 'listPrices',
        remove: 'removePrices',
      }),
    },
    audit: late.bind(context, () => import('./audit.ts'), { list: 'listAudit', get: 'getAuditEntry' }),
    ...late.bind(context, () => import('./file/inventory.ts'), { inventory: 'takeInventory' }),
    imports: {
      ...late.bind(context, () => import('./import/glm-proxy.ts'), { glmProxy: 'importGlmProxy' }),
      ...late.bind(context, () => import('./import/ccluster.ts'), { ccluster: 'importCcluster' }),
      ...late.bind(context, () => import('./import/dokify.ts'), { dokify: 'importDokify' }),
      ...late.bind(context, () => import('./import/list.ts'), { list: 'listImports', get: 'getImport' }),
      ...late.bind(context, () => import('./import/undo.ts'), { undo: 'undoImport' }),
    },
    backups: {
      ...late.bind(files, () => import('./file/backup/create.ts'), { create: 'createBackup' }),
      ...late.bind(files, () => import('./file/backup/list.ts'), { list: 'listBackups', get: 'getBackup' }),
      ...late.bind(files, () => import('./file/backup/verify.ts'), { verify: 'verifyBackups' }),
      ...late.bind(files, () => import('./file/backup/prune.ts'), {
        planPrune: 'planPrune',
        prune: 'pruneBackups',
      }),
      ...late.bind(files, () => import('./file/backup/status.ts'), { status: 'backupStatus' }),
      ...late.bind(files, () => import('./file/backup/schedule.ts'), {
        planSchedule: 'planSchedule',
        schedule: 'scheduleBackups',
        unschedule: 'unscheduleBackups',
      }),
      ...late.bind(files, () => import('./file/backup/restore/restore.ts'), {
        restore: 'restore',
        restorable: 'restorable',
      }),
    },
    migrations: late.bind(files, () => import('./file/migrations.ts'), {
      state: 'schemaState',
      check: 'checkSchema',
      plan: 'planMigration',
      history: 'migrationHistory',
      migrate: 'migrate',
    }),
    database: {
      ...late.bind(files, () => import('./file/database.ts'), {
        info: 'databaseInfo',
        vacuum: 'vacuumDatabase',
        optimize: 'optimizeDatabase',
        query: 'queryDatabase',
        copy: 'copyDatabase',
      }),
      ...late.bind(files, () => import('./file/migrations.ts'), { check: 'checkSchema' }),
    },
    ...late.bind(files, () => import('./file/init.ts'), { initialize: 'initialize' }),
    ...late.bind(files, () => import('./file/health.ts'), { health: 'checkHealth' }),
    ...late.bind(files, () => import('./file/diagnosis.ts'), { diagnose: 'diagnose' }),
  }
}

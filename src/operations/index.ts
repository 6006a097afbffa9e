/**
 * The shared operations module: every rule, audit row and invariant of Latchkey. The command line and the backends
 * that embed the library call the same functions, so they cannot disagree.
 */
import { Store } from '../db/transaction.ts'
import { listAudit } from './audit.ts'
import { createBackup } from './backup/create.ts'
import { getBackup, listBackups } from './backup/list.ts'
import { planPrune, pruneBackups } from './backup/prune.ts'
import { restorable } from './backup/restore/choose.ts'
import { restore } from './backup/restore/restore.ts'
import { planSchedule, scheduleBackups, unscheduleBackups } from './backup/schedule.ts'
import { backupStatus } from './backup/status.ts'
import { verifyBackups } from './backup/verify.ts'
import type { FileContext, OperationContext } from './context.ts'
import { databaseInfo, optimizeDatabase, queryDatabase, vacuumDatabase } from './database.ts'
import { checkHealth } from './health.ts'
import { importCcluster } from './import/ccluster.ts'
import { importDokify } from './import/dokify.ts'
import { importGlmProxy } from './import/glm-proxy.ts'
import { getImport, listImports } from './import/list.ts'
import { undoImport } from './import/undo.ts'
import { initialize } from './init.ts'
import { takeInventory } from './inventory.ts'
import { changeMatching, matchingKeys } from './keys/bulk.ts'
import { deleteKey, disableKey, enableKey, revokeKey, updateKey } from './keys/change.ts'
import { createKey, createKeys } from './keys/create.ts'
import { exportKeys } from './keys/export.ts'
import { getKey, type KeyFilter, type KeyPage, keyActivity, listKeys, streamKeys } from './keys/find.ts'
import { identifySecrets } from './keys/identify.ts'
import { importKeyFile } from './keys/import.ts'
import { rotateKey } from './keys/rotate.ts'
import { keyStats } from './keys/stats.ts'
import { verifySecret } from './keys/verify.ts'
import { addLimits, listLimits, removeLimits, resetLimits } from './limits/manage.ts'
import { checkSchema, migrate, migrationHistory, planMigration, schemaState } from './migrations.ts'
import {
  archiveProject,
  createProject,
  deleteProject,
  getProject,
  listProjects,
  unarchiveProject,
  updateProject,
} from './projects.ts'
import { compactUsage } from './usage/compact.ts'
import { ingestUsage } from './usage/ingest.ts'
import { usageOverview } from './usage/overview.ts'
import { listPrices, removePrices, setPrice } from './usage/prices.ts'
import { checkUsage } from './usage/reconcile.ts'
import { recordUsage } from './usage/record.ts'
import { createRecorder, type Recorder, type RecorderOptions } from './usage/recorder.ts'
import { type ReportOptions, streamReport, usageReport } from './usage/report.ts'
import { release, reserve, settle } from './usage/reserve.ts'
import {
  createUser,
  deleteUser,
  disableUser,
  enableUser,
  getUser,
  listUsers,
  setPassword,
  updateUser,
  verifyPassword,
} from './users.ts'

/** Everything the operations depend on; `src/index.ts` has the defaults. */
export interface Wiring extends FileContext {
  readonly access: 'read' | 'write'
  readonly busyTimeoutMs: number
}

export type Operations = ReturnType<typeof createOperations>

/** All operations on one database, which is opened by the first that needs it. */
export function createOperations(wiring: Wiring) {
  const { path, access, dryRun, busyTimeoutMs, now, actor, onProgress } = wiring
  const store = new Store({ path, access, dryRun, busyTimeoutMs })
  const context: OperationContext = { store, now, actor, onProgress }
  const recorders = new Set<Recorder>()
  return {
    path,
    /** Opens the database now instead of at first use. */
    open: () => store.open(),
    /** Waits for what is under way, recorders included, then closes the database. */
    close: async () => {
      const closed = await Promise.allSettled([...recorders].map(recorder => recorder.close()))
      await store.close()
      for (const each of closed) if (each.status === 'rejected') throw each.reason
    },
    users: bind(context, {
      create: createUser,
      list: listUsers,
      get: getUser,
      update: updateUser,
      setPassword,
      verifyPassword,
      disable: disableUser,
      enable: enableUser,
      delete: deleteUser,
    }),
    projects: bind(context, {
      create: createProject,
      list: listProjects,
      get: getProject,
      update: updateProject,
      archive: archiveProject,
      unarchive: unarchiveProject,
      delete: deleteProject,
    }),
    keys: {
      ...bind(context, {
        create: createKey,
        createMany: createKeys,
        list: listKeys,
        get: getKey,
        update: updateKey,
        verify: verifySecret,
        stats: keyStats,
        revoke: revokeKey,
        disable: disableKey,
        enable: enableKey,
        rotate: rotateKey,
        delete: deleteKey,
        activity: keyActivity,
        import: importKeyFile,
        identify: identifySecrets,
        matching: matchingKeys,
        changeMatching,
      }),
      /** The keys of `list`, one after another, in constant memory. */
      stream: (page?: KeyPage) => streamKeys(context, page),
      export: (filter?: KeyFilter) => exportKeys(context, filter),
    },
    limits: bind(context, {
      add: addLimits,
      remove: removeLimits,
      list: listLimits,
      reset: resetLimits,
    }),
    usage: {
      ...bind(context, {
        record: recordUsage,
        ingest: ingestUsage,
        report: usageReport,
        overview: usageOverview,
        check: checkUsage,
        compact: compactUsage,
        reserve,
        settle,
        release,
      }),
      /** The rows of `report`, one after another, from one snapshot. */
      streamReport: (options?: ReportOptions) => streamReport(context, options),
      /** A recorder on this database; `close` closes it too. */
      createRecorder: (options?: RecorderOptions): Recorder => {
        const recorder = createRecorder(context, options)
        recorders.add(recorder)
        return recorder
      },
      prices: bind(context, { set: setPrice, list: listPrices, remove: removePrices }),
    },
    audit: bind(context, { list: listAudit }),
    inventory: () => takeInventory(context),
    imports: bind(context, {
      glmProxy: importGlmProxy,
      ccluster: importCcluster,
      dokify: importDokify,
      list: listImports,
      get: getImport,
      undo: undoImport,
    }),
    backups: bind(wiring as FileContext, {
      create: createBackup,
      list: listBackups,
      get: getBackup,
      verify: verifyBackups,
      planPrune,
      prune: pruneBackups,
      status: backupStatus,
      planSchedule,
      schedule: scheduleBackups,
      unschedule: unscheduleBackups,
      restorable,
      restore,
    }),
    migrations: bind(wiring as FileContext, {
      state: schemaState,
      check: checkSchema,
      plan: planMigration,
      history: migrationHistory,
      migrate,
    }),
    database: bind(wiring as FileContext, {
      info: databaseInfo,
      check: checkSchema,
      vacuum: vacuumDatabase,
      optimize: optimizeDatabase,
      query: queryDatabase,
    }),
    ...bind(wiring as FileContext, { initialize, health: checkHealth }),
  }
}

type Bound<C, F> = {
  readonly [K in keyof F]: F[K] extends (context: C, ...rest: infer R) => infer O ? (...rest: R) => O : never
}

/** The same functions with their first argument given. */
function bind<C, F extends Record<string, (context: C, ...rest: never[]) => unknown>>(
  context: C,
  functions: F,
): Bound<C, F> {
  return Object.fromEntries(
    Object.entries(functions).map(([name, run]) => [name, async (...rest: never[]) => run(context, ...rest)]),
  ) as Bound<C, F>
}

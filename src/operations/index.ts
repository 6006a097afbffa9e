/**
 * The shared operations module, with every rule, audit row and invariant of Latchkey. The command line and backends that
 * embed the library call the same functions.
 */

import type { RestorePlan, TransferredDatabase, UnpricedRule } from '../contract/views.ts'
import type { Store } from '../db/engine.ts'
import { lateStore } from '../db/late-store.ts'
import { SqliteStore } from '../db/sqlite/transaction.ts'
import type { ServerReader } from '../formats/source.ts'
import { besideOf, withSchedule } from '../system/scheduled.ts'
import { isServerUrl, placeOfUrl, shownUrl, withPassword } from '../text/address.ts'
import type { FileContext, OperationContext, ServerDatabase, UnscheduledContext } from './context.ts'
import type { Restore } from './file/backup/input.ts'
import type { TransferDatabase } from './file/input.ts'
import { type instead, refuse } from './instead.ts'
import { atOneMoment, LateBinding } from './late.ts'
import type { Recorder, RecorderOptions } from './usage/input.ts'

/** Everything the operations depend on; `src/index.ts` has the defaults. */
export interface Wiring extends Omit<UnscheduledContext, 'server'> {
  readonly access: 'read' | 'write'
  readonly busyTimeoutMs: number
  readonly maxEndUsers: number | undefined
  readonly verdictsByTurn: boolean | undefined
  readonly onReplaced: (() => void) | undefined
  readonly onWarning: ((text: string) => void) | undefined
  readonly unpriced: UnpricedRule
}

const contexts = new WeakMap<object, () => OperationContext>()

/** What the operations of an open Latchkey depend on, for another door to the same database. */
export function contextOf(operations: object): () => OperationContext {
  const context = contexts.get(operations)
  if (context === undefined) throw new TypeError('this is no Latchkey of openLatchkey or connectLatchkey')
  return context
}

/** All operations on one database. The first that needs it opens it. */
export function createOperations(wiring: Wiring) {
  const {
    path,
    access,
    dryRun,
    busyTimeoutMs,
    maxEndUsers,
    verdictsByTurn,
    onReplaced,
    now,
    actor,
    unpriced,
    onProgress,
    onWarning,
  } = wiring
  const isServer = isServerUrl(path)
  const storing = { access, dryRun, busyTimeoutMs, mostEndUsers: maxEndUsers }
  const store: Store = isServer
    ? lateStore(
        async () => new (await import('../db/postgres/store.ts')).PostgresStore({ ...storing, url: path }),
        { dryRun, isWritable: access === 'write' },
      )
    : new SqliteStore({ ...storing, path, onReplaced, verdictsByTurn })
  const lasting: OperationContext = { store, now, actor, unpriced, onProgress, onWarning }
  const context = () => atOneMoment(lasting)
  const name = isServer ? shownUrl(path) : path
  const beside = () => ({ ...context(), path: name })
  /** The URL of another system's server loads what reads it. */
  const foreign: ServerReader = {
    tablesAt: async (url, choose) => (await import('./postgres/files/foreign.ts')).tablesAt(url, choose),
  }
  const withForeign = () => ({ ...beside(), foreign })
  const onServer = () => ({ ...context(), url: path, path: name, dryRun, busyTimeoutMs, files })
  const late = new LateBinding()
  const serverFiles = isServer ? late.from(onServer, () => import('./postgres/files/server.ts')) : undefined
  const server: ServerDatabase | undefined = serverFiles && {
    place: placeOfUrl(path),
    beside: besideOf(path, wiring.env ?? {}),
    size: serverFiles(m => m.size),
    identity: serverFiles(m => m.identity),
    copyTo: serverFiles(m => m.copyTo),
    lastAudited: serverFiles(m => m.lastAudited),
    change: serverFiles(m => m.change),
  }
  const unscheduled = { ...wiring, path: name, server }
  function files(): FileContext {
    return atOneMoment<FileContext>(withSchedule(unscheduled))
  }
  /** The context of operations that only a file has. */
  const fileAlone = (group: keyof typeof instead) => (isServer ? () => refuse(group, name) : files)
  const recorders = new Set<Recorder>()
  const plans = new Set<RestorePlan>()
  /** What takes the place of operations on a whole file. */
  const whole = isServer ? late.from(onServer, () => import('./postgres/whole.ts')) : undefined
  /** For what reads the clock once anyway. */
  const always = () => lasting
  const recording = late.from(always, () => import('./usage/recorder.ts'))(m => m.createRecorder)
  // Loaded by lists with a filter.
  late.from(context, () => import('./keys/page.ts'))
  const users = late.from(context, () => import('./people/users.ts'))
  const userExport = late.from(context, () => import('./people/export.ts'))
  const passwords = late.from(context, () => import('./people/check-password.ts'))
  const offboarding = late.from(context, () => import('./people/offboard.ts'))
  const erasing = late.from(context, () => import('./people/erase.ts'))
  const sessions = late.from(context, () => import('./people/sessions.ts'))
  const accounts = late.from(context, () => import('./people/accounts.ts'))
  const projects = late.from(context, () => import('./people/projects.ts'))
  const projectMembers = late.from(context, () => import('./people/project-members.ts'))
  const organizations = late.from(context, () => import('./organizations/organizations.ts'))
  const members = late.from(context, () => import('./organizations/members.ts'))
  const invitations = late.from(context, () => import('./organizations/invitations.ts'))
  const teams = late.from(context, () => import('./organizations/teams.ts'))
  const roles = late.from(context, () => import('./organizations/roles.ts'))
  const accessing = late.from(context, () => import('./organizations/access.ts'))
  const chats = late.from(context, () => import('./chats/chats.ts'))
  const messages = late.from(context, () => import('./chats/messages.ts'))
  const search = late.from(context, () => import('./chats/search.ts'))
  const fileRows = late.from(context, () => import('./content/files.ts'))
  const sync = late.from(context, () => import('./content/sync.ts'))
  const agents = late.from(context, () => import('./content/state.ts'))
  const listing = late.from(context, () => import('./keys/list.ts'))
  const getting = late.from(context, () => import('./keys/get.ts'))
  const activity = late.from(context, () => import('./keys/activity.ts'))
  const standing = late.from(context, () => import('./keys/standing.ts'))
  const creating = late.from(context, () => import('./keys/create.ts'))
  const changing = late.from(context, () => import('./keys/change.ts'))
  const bulk = late.from(context, () => import('./keys/bulk.ts'))
  const verifying = late.from(always, () => import('./keys/verify.ts'))
  const explaining = late.from(context, () => import('./keys/explain.ts'))
  const stats = late.from(context, () => import('./keys/stats.ts'))
  const rotate = late.from(context, () => import('./keys/rotate.ts'))
  const keyImport = late.from(context, () => import('./keys/import.ts'))
  const keyExport = late.from(context, () => import('./keys/export.ts'))
  const identify = late.from(context, () => import('./keys/identify.ts'))
  const manage = late.from(context, () => import('./limits/manage.ts'))
  const record = late.from(always, () => import('./usage/record.ts'))
  const ingest = late.from(context, () => import('./usage/ingest.ts'))
  const report = late.from(context, () => import('./usage/report.ts'))
  const overview = late.from(context, () => import('./usage/overview.ts'))
  const reconcile = late.from(context, () => import('./usage/reconcile.ts'))
  const compact = late.from(context, () => import('./usage/compact.ts'))
  const reserve = late.from(context, () => import('./usage/reserve.ts'))
  const prices = late.from(context, () => import('./usage/prices.ts'))
  const priceImport = late.from(context, () => import('./usage/import-prices.ts'))
  const door = late.from(context, () => import('./door/authorize.ts'))
  const self = late.from(context, () => import('./door/self.ts'))
  const audit = late.from(context, () => import('./audit.ts'))
  const auditExport = late.from(context, () => import('./audit/export.ts'))
  const withBackups = () => ({ ...context(), files })
  const auditCheck = late.from(withBackups, () => import('./audit/verify.ts'))
  const auditPrune = late.from(withBackups, () => import('./audit/prune.ts'))
  const inventory = late.from(context, () => import('./file/inventory.ts'))
  const importing = late.from(withForeign, () => import('./import/pipeline.ts'))
  const authChecking = late.from(withForeign, () => import('./import/check-auth.ts'))
  const importList = late.from(context, () => import('./import/list.ts'))
  const undo = late.from(context, () => import('./import/undo.ts'))
  const backingUp = late.from(files, () => import('./file/backup/create.ts'))
  const backupList = late.from(files, () => import('./file/backup/list.ts'))
  const checking = late.from(files, () => import('./file/backup/verify.ts'))
  const prune = late.from(files, () => import('./file/backup/prune.ts'))
  const status = late.from(files, () => import('./file/backup/status.ts'))
  const schedule = late.from(files, () => import('./file/backup/schedule.ts'))
  const restore = late.from(files, () => import('./file/backup/restore/restore.ts'))
  const planning = restore(m => m.planRestore)
  const migrations = late.from(files, () => import('./file/migrations.ts'))
  const info = late.from(fileAlone('info'), () => import('./file/database.ts'))
  const vacuum = late.from(fileAlone('vacuum'), () => import('./file/database.ts'))
  const query = late.from(fileAlone('query'), () => import('./file/database.ts'))
  const copy = late.from(fileAlone('studio'), () => import('./file/database.ts'))
  const upkeep = late.from(beside, () => import('./file/database.ts'))
  /** A server keeps its statistics by itself. */
  const expiring = isServer ? late.from(beside, () => import('./people/expired.ts')) : undefined
  const seeding = late.from(beside, () => import('./seed/seed.ts'))
  const init = late.from(files, () => import('./file/init.ts'))
  const health = late.from(files, () => import('./file/health.ts'))
  const diagnosis = late.from(
    () => atOneMoment<UnscheduledContext>(unscheduled),
    () => import('./file/diagnosis.ts'),
  )
  /** What users do themselves too, by the context that says who does it. */
  const together = (by: () => OperationContext) => ({
    projects: {
      create: projects(m => m.createProject, by),
      list: projects(m => m.projectList.page, by),
      get: projects(m => m.project.get, by),
      update: projects(m => m.updateProject, by),
      transfer: projectMembers(m => m.transferProject, by),
      archive: projects(m => m.archiveProject, by),
      unarchive: projects(m => m.unarchiveProject, by),
      delete: projects(m => m.deleteProject, by),
      stream: projects.stream(m => m.projectList.stream, by),
      members: {
        add: projectMembers(m => m.addProjectMember, by),
        list: projectMembers(m => m.projectMemberList.page, by),
        setRole: projectMembers(m => m.setProjectRole, by),
        remove: projectMembers(m => m.removeProjectMember, by),
        stream: projectMembers.stream(m => m.projectMemberList.stream, by),
      },
    },
    files: {
      put: fileRows(m => m.putFile, by),
      putMany: fileRows(m => m.putFiles, by),
      get: fileRows(m => m.getFile, by),
      open: fileRows(m => m.openFile, by),
      list: fileRows(m => m.fileList.page, by),
      move: fileRows(m => m.moveFile, by),
      remove: fileRows(m => m.removeFile, by),
      removeAll: fileRows(m => m.removeFiles, by),
      history: fileRows(m => m.fileChanges.page, by),
      sync: sync(m => m.syncFiles, by),
      planSync: sync(m => m.planSync, by),
      stream: fileRows.stream(m => m.fileList.stream, by),
    },
    agents: {
      get: agents(m => m.getState, by),
      set: agents(m => m.setState, by),
      reset: agents(m => m.resetState, by),
      addPhase: agents(m => m.addPhase, by),
      completePhase: agents(m => m.completePhase, by),
      addFile: agents(m => m.addAgentFile, by),
      addMessage: agents(m => m.addAgentMessage, by),
      messages: agents(m => m.agentMessageList.page, by),
    },
    limits: {
      set: manage(m => m.setLimits, by),
      remove: manage(m => m.removeLimits, by),
      list: manage(m => m.listLimits, by),
      listOfMembers: manage(m => m.listMemberLimits, by),
      reset: manage(m => m.resetLimits, by),
    },
    organizations: {
      create: organizations(m => m.createOrganization, by),
      list: organizations(m => m.organizationList.page, by),
      get: organizations(m => m.organization.get, by),
      update: organizations(m => m.updateOrganization, by),
      delete: organizations(m => m.deleteOrganization, by),
      stream: organizations.stream(m => m.organizationList.stream, by),
      members: {
        add: members(m => m.addMember, by),
        list: members(m => m.memberList.page, by),
        setRole: members(m => m.setMemberRole, by),
        remove: members(m => m.removeMember, by),
        stream: members.stream(m => m.memberList.stream, by),
      },
    },
    invitations: {
      create: invitations(m => m.createInvitation, by),
      list: invitations(m => m.invitationList.page, by),
      get: invitations(m => m.getInvitation, by),
      accept: invitations(m => m.acceptInvitation, by),
      cancel: invitations(m => m.cancelInvitation, by),
      stream: invitations.stream(m => m.invitationList.stream, by),
    },
    teams: {
      create: teams(m => m.createTeam, by),
      list: teams(m => m.teamList.page, by),
      get: teams(m => m.team.get, by),
      update: teams(m => m.updateTeam, by),
      delete: teams(m => m.deleteTeam, by),
      stream: teams.stream(m => m.teamList.stream, by),
      members: {
        add: teams(m => m.addTeamMember, by),
        list: teams(m => m.teamMemberList.page, by),
        remove: teams(m => m.removeTeamMember, by),
        stream: teams.stream(m => m.teamMemberList.stream, by),
      },
    },
    roles: {
      create: roles(m => m.createRole, by),
      list: roles(m => m.roleList.page, by),
      get: roles(m => m.role.get, by),
      update: roles(m => m.updateRole, by),
      delete: roles(m => m.deleteRole, by),
      stream: roles.stream(m => m.roleList.stream, by),
    },
  })
  const operations = {
    path: name,
    /** Opens the database now instead of at first use. */
    open: () => store.open(),
    /** Loads every operation now instead of at its first use. */
    load: () => late.loadAll(),
    /** Waits for running work, recorders included, then closes the database. */
    close: async () => {
      await late.settled()
      for (const plan of plans) plan[Symbol.dispose]()
      const closed = await Promise.allSettled([...recorders].map(recorder => recorder.close()))
      await store.close()
      for (const each of closed) if (each.status === 'rejected') throw each.reason
    },
    users: {
      create: users(m => m.createUser),
      list: users(m => m.userList.page),
      get: users(m => m.user.get),
      update: users(m => m.updateUser),
      setPassword: passwords(m => m.setPassword),
      generatePassword: passwords(m => m.generatePassword),
      verifyPassword: passwords(m => m.verifyPassword),
      checkPassword: passwords(m => m.checkPassword),
      disable: users(m => m.disableUser),
      enable: users(m => m.enableUser),
      delete: users(m => m.deleteUser),
      offboard: offboarding(m => m.offboardUser),
      erase: erasing(m => m.eraseUser),
      export: userExport.stream(m => m.exportUser),
      stream: users.stream(m => m.userList.stream),
    },
    sessions: {
      create: sessions(m => m.createSession),
      verify: sessions(m => m.verifySession),
      extend: sessions(m => m.extendSession),
      revoke: sessions(m => m.revokeSession),
      revokeMatching: sessions(m => m.revokeSessions),
      list: sessions(m => m.sessionList.page),
      get: sessions(m => m.getSession),
      stream: sessions.stream(m => m.sessionList.stream),
    },
    accounts: {
      list: accounts(m => m.accountList.page),
      get: accounts(m => m.getAccount),
      unlink: accounts(m => m.unlinkAccount),
      stream: accounts.stream(m => m.accountList.stream),
    },
    ...together(context),
    access: {
      check: accessing(m => m.checkAccess),
      authorize: accessing(m => m.requireAccess),
      list: accessing(m => m.accessList.page),
      stream: accessing.stream(m => m.accessList.stream),
    },
    as: (user: string) => {
      const acting = { ...lasting, actor: { ...actor, name: user, user } }
      return together(() => atOneMoment(acting))
    },
    chats: {
      create: chats(m => m.createChat),
      list: chats(m => m.chatList.page),
      get: chats(m => m.chat.get),
      rename: chats(m => m.renameChat),
      setSession: chats(m => m.setChatSession),
      append: messages(m => m.appendMessage),
      messages: messages(m => m.messageList.page),
      message: messages(m => m.getMessage),
      search: search(m => m.searchMessages),
      delete: chats(m => m.deleteChat),
      prune: chats(m => m.pruneChats),
      stream: chats.stream(m => m.chatList.stream),
      export: messages.stream(m => m.exportMessages),
    },
    keys: {
      list: listing(m => m.listKeys),
      get: getting(m => m.getKey),
      activity: activity(m => m.keyActivity),
      standing: standing(m => m.keyStanding),
      create: creating(m => m.createKey),
      createMany: creating(m => m.createKeys),
      update: changing(m => m.updateKey),
      revoke: changing(m => m.revokeKey),
      disable: changing(m => m.disableKey),
      enable: changing(m => m.enableKey),
      delete: changing(m => m.deleteKey),
      matching: bulk(m => m.matchingKeys),
      changeMatching: bulk(m => m.changeMatching),
      verify: verifying(m => m.verifySecret),
      explain: explaining(m => m.explainKey),
      stats: stats(m => m.keyStats),
      rotate: rotate(m => m.rotateKey),
      import: keyImport(m => m.importKeyFile),
      identify: identify(m => m.identifySecrets),
      stream: listing.stream(m => m.streamKeys),
      export: keyExport.stream(m => m.exportKeys),
    },
    usage: {
      record: record(m => m.recordUsage),
      ingest: ingest(m => m.ingestUsage),
      report: report(m => m.usageReport),
      overview: overview(m => m.usageOverview),
      check: reconcile(m => m.checkUsage),
      compact: compact(m => m.compactUsage),
      reserve: reserve(m => m.reserve),
      settle: reserve(m => m.settle),
      release: reserve(m => m.release),
      streamReport: report.stream(m => m.streamReport),
      /** A recorder on this database; `close` closes it too. */
      createRecorder: async (options?: RecorderOptions): Promise<Recorder> => {
        const recorder = await recording(options)
        recorders.add(recorder)
        return recorder
      },
      prices: {
        set: prices(m => m.setPrice),
        list: prices(m => m.listPrices),
        remove: prices(m => m.removePrices),
        import: priceImport(m => m.importPrices),
        planImport: priceImport(m => m.planPriceImport),
      },
    },
    audit: {
      list: audit(m => m.auditList.page),
      get: audit(m => m.getAuditEntry),
      verify: auditCheck(m => m.verifyAudit),
      planPrune: auditPrune(m => m.planAuditPrune),
      prune: auditPrune(m => m.pruneAudit),
      export: auditExport.stream(m => m.exportAudit),
    },
    inventory: inventory(m => m.takeInventory),
    auth: { check: authChecking(m => m.checkAuth) },
    imports: {
      glmProxy: importing(m => m.importGlmProxy),
      ccluster: importing(m => m.importCcluster),
      dokify: importing(m => m.importDokify),
      betterAuth: importing(m => m.importBetterAuth),
      list: importList(m => m.listImports),
      get: importList(m => m.getImport),
      undo: undo(m => m.undoImport),
    },
    backups: {
      create: backingUp(m => m.createBackup),
      list: backupList(m => m.listBackups),
      get: backupList(m => m.getBackup),
      verify: checking(m => m.verifyBackups),
      planPrune: prune(m => m.planPrune),
      prune: prune(m => m.pruneBackups),
      status: status(m => m.backupStatus),
      planSchedule: schedule(m => m.planSchedule),
      schedule: schedule(m => m.scheduleBackups),
      unschedule: schedule(m => m.unscheduleBackups),
      restorable: restore(m => m.restorable),
      /** `close` disposes of it. */
      planRestore: async (options: Restore): Promise<RestorePlan> => {
        const plan = await planning(options)
        plans.add(plan)
        return plan
      },
      restore: restore(m => m.restore),
    },
    migrations: {
      state: whole?.(m => m.schemaState) ?? migrations(m => m.schemaState),
      check: whole?.(m => m.checkSchema) ?? migrations(m => m.checkSchema),
      plan: whole?.(m => m.planMigration) ?? migrations(m => m.planMigration),
      history: whole?.(m => m.migrationHistory) ?? migrations(m => m.migrationHistory),
      migrate: whole?.(m => m.migrate) ?? migrations(m => m.migrate),
    },
    database: {
      info: info(m => m.databaseInfo),
      vacuum: vacuum(m => m.vacuumDatabase),
      optimize: expiring?.(m => m.dropExpired) ?? upkeep(m => m.optimizeDatabase),
      query: query(m => m.queryDatabase),
      copy: copy(m => m.copyDatabase),
      transfer: async ({ from, to, ...rest }: TransferDatabase): Promise<TransferredDatabase> => {
        const { transferDatabase } = await import('./postgres/files/copy.ts')
        const withOwnPassword = (database: string) =>
          isServerUrl(database) ? withPassword(database, wiring.env?.['PGPASSWORD']) : database
        return transferDatabase(
          { ...context(), dryRun, beside: besideOf(to, wiring.env ?? {}) },
          { ...rest, from: withOwnPassword(from), to: withOwnPassword(to) },
        )
      },
      seed: seeding(m => m.seedDatabase),
      check: whole?.(m => m.checkSchema) ?? migrations(m => m.checkSchema),
    },
    authorize: door(m => m.authorize),
    guard: door(m => m.guard),
    self: self(m => m.self),
    initialize: whole?.(m => m.initialize) ?? init(m => m.initialize),
    health: whole?.(m => m.checkHealth) ?? health(m => m.checkHealth),
    diagnose: whole?.(m => m.diagnose) ?? diagnosis(m => m.diagnose),
  }
  contexts.set(operations, context)
  return operations
}

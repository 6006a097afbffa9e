PRAGMA foreign_keys = OFF;
PRAGMA application_id = 1280001369;
PRAGMA user_version = 4;
CREATE TABLE `audit` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`origin` text NOT NULL,
	`action` text NOT NULL,
	`target_type` text NOT NULL,
	`target_id` text NOT NULL,
	`target_name` text,
	`before` text,
	`after` text,
	CONSTRAINT "audit_id" CHECK("id" GLOB 'aud_*' AND length("id") = 30),
	CONSTRAINT "audit_origin" CHECK("audit"."origin" IN ('terminal', 'cron', 'service', 'script', 'library')),
	CONSTRAINT "audit_json" CHECK(("audit"."before" IS NULL OR json_valid("audit"."before")) AND ("audit"."after" IS NULL OR json_valid("audit"."after")))
) STRICT;
CREATE TABLE `carried_usage` (
	`key_id` text PRIMARY KEY NOT NULL,
	`requests` integer NOT NULL,
	`tokens` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
CREATE TABLE `counted_events` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	CONSTRAINT "counted_events_id" CHECK(length("counted_events"."id") BETWEEN 1 AND 200)
) STRICT, WITHOUT ROWID;
CREATE TABLE `counted_files` (
	`sha256` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`events` integer NOT NULL,
	CONSTRAINT "counted_files_hash" CHECK(length("counted_files"."sha256") = 64 AND "counted_files"."sha256" NOT GLOB '*[^0-9a-f]*')
) STRICT, WITHOUT ROWID;
CREATE TABLE `denials` (
	`key_id` text NOT NULL,
	`start` integer NOT NULL,
	`code` text NOT NULL,
	`count` integer NOT NULL,
	`last_at` integer NOT NULL,
	PRIMARY KEY(`key_id`, `start`, `code`),
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "denials_count" CHECK("denials"."count" > 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE `identity` (
	`single` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`created_at` integer NOT NULL,
	CONSTRAINT "identity_single" CHECK("identity"."single" = 1),
	CONSTRAINT "identity_id" CHECK("identity"."id" GLOB 'dbs_*' AND length("identity"."id") = 30)
) STRICT;
CREATE TABLE "import_changes" (
	`import_id` text NOT NULL,
	`type` text NOT NULL,
	`target_id` text NOT NULL,
	`action` text NOT NULL,
	`before` text,
	`after` text,
	PRIMARY KEY(`import_id`, `type`, `target_id`),
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "import_changes_type" CHECK("import_changes"."type" IN ('user', 'project', 'key')),
	CONSTRAINT "import_changes_action" CHECK("import_changes"."action" IN ('created', 'updated', 'linked')),
	CONSTRAINT "import_changes_json" CHECK(("import_changes"."before" IS NULL OR json_valid("import_changes"."before")) AND ("import_changes"."after" IS NULL OR json_valid("import_changes"."after")))
) STRICT, WITHOUT ROWID;
CREATE TABLE `imported_keys` (
	`source` text NOT NULL,
	`hash` text NOT NULL,
	`key_id` text NOT NULL,
	`import_id` text NOT NULL,
	`state` text NOT NULL,
	PRIMARY KEY(`source`, `hash`),
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "imported_keys_state_json" CHECK(json_valid("imported_keys"."state"))
) STRICT, WITHOUT ROWID;
CREATE TABLE `imported_projects` (
	`source` text NOT NULL,
	`foreign_id` text NOT NULL,
	`project_id` text NOT NULL,
	`import_id` text NOT NULL,
	`state` text NOT NULL,
	PRIMARY KEY(`source`, `foreign_id`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "imported_projects_state_json" CHECK(json_valid("imported_projects"."state"))
) STRICT, WITHOUT ROWID;
CREATE TABLE `imported_users` (
	`source` text NOT NULL,
	`foreign_id` text NOT NULL,
	`user_id` text NOT NULL,
	`import_id` text NOT NULL,
	`state` text NOT NULL,
	PRIMARY KEY(`source`, `foreign_id`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "imported_users_state_json" CHECK(json_valid("imported_users"."state"))
) STRICT, WITHOUT ROWID;
CREATE TABLE `imports` (
	`id` text PRIMARY KEY NOT NULL,
	`source` text NOT NULL,
	`at` integer NOT NULL,
	`report` text NOT NULL, `undone_at` integer,
	CONSTRAINT "imports_id" CHECK("id" GLOB 'imp_*' AND length("id") = 30),
	CONSTRAINT "imports_report_json" CHECK(json_valid("imports"."report"))
) STRICT;
CREATE TABLE `keys` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`user_id` text,
	`project_id` text,
	`model` text,
	`allowed_models` text,
	`scopes` text NOT NULL,
	`metadata` text,
	`expires_at` integer,
	`disabled_at` integer,
	`revoked_at` integer,
	`revoked_reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`last_used_at` integer,
	`requests` integer DEFAULT 0 NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`other_tokens` integer DEFAULT 0 NOT NULL,
	`cost_micros` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE restrict,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "keys_id" CHECK("id" GLOB 'key_*' AND length("id") = 30),
	CONSTRAINT "keys_name_form" CHECK(length("keys"."name") BETWEEN 1 AND 100 AND "keys"."name" NOT GLOB 'key_*' AND "keys"."name" <> '-'),
	CONSTRAINT "keys_allowed_models_json" CHECK("keys"."allowed_models" IS NULL OR json_type("keys"."allowed_models") = 'array'),
	CONSTRAINT "keys_scopes_json" CHECK(json_type("keys"."scopes") = 'array'),
	CONSTRAINT "keys_metadata_json" CHECK("keys"."metadata" IS NULL OR json_valid("keys"."metadata")),
	CONSTRAINT "keys_revoked_reason" CHECK("keys"."revoked_reason" IS NULL OR "keys"."revoked_at" IS NOT NULL)
) STRICT;
CREATE TABLE `limits` (
	`id` text PRIMARY KEY NOT NULL,
	`key_id` text,
	`user_id` text,
	`project_id` text,
	`metric` text NOT NULL,
	`amount` integer NOT NULL,
	`window_ms` integer NOT NULL, `reset_at` integer, `reset_used` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "limits_id" CHECK("id" GLOB 'lim_*' AND length("id") = 30),
	CONSTRAINT "limits_subject" CHECK(("limits"."key_id" IS NOT NULL) + ("limits"."user_id" IS NOT NULL) + ("limits"."project_id" IS NOT NULL) = 1),
	CONSTRAINT "limits_metric" CHECK("limits"."metric" IN ('tokens', 'requests', 'usd')),
	CONSTRAINT "limits_amount" CHECK("limits"."amount" >= 0),
	CONSTRAINT "limits_window" CHECK("limits"."window_ms" BETWEEN 60000 AND 31622400000)
) STRICT;
CREATE TABLE migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  applied_at INTEGER NOT NULL,
  program_version TEXT NOT NULL
) STRICT;
CREATE TABLE `prices` (
	`model` text NOT NULL,
	`starts_at` integer NOT NULL,
	`input_micros` integer NOT NULL,
	`output_micros` integer NOT NULL,
	PRIMARY KEY(`model`, `starts_at`),
	CONSTRAINT "prices_amounts" CHECK("prices"."input_micros" >= 0 AND "prices"."output_micros" >= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE `project_members` (
	`project_id` text NOT NULL,
	`user_id` text NOT NULL,
	`role` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`project_id`, `user_id`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "project_members_role" CHECK("project_members"."role" IN ('admin', 'member', 'viewer'))
) STRICT, WITHOUT ROWID;
CREATE TABLE `projects` (
	`id` text PRIMARY KEY NOT NULL,
	`slug` text NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`key_prefix` text,
	`owner_id` text NOT NULL,
	`archived_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`owner_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE restrict,
	CONSTRAINT "projects_id" CHECK("id" GLOB 'prj_*' AND length("id") = 30),
	CONSTRAINT "projects_slug_form" CHECK(length("projects"."slug") BETWEEN 1 AND 64 AND "projects"."slug" NOT GLOB '*[^a-z0-9-]*' AND "projects"."slug" NOT GLOB 'prj_*'),
	CONSTRAINT "projects_name_form" CHECK(length("projects"."name") BETWEEN 1 AND 100),
	CONSTRAINT "projects_key_prefix_form" CHECK("projects"."key_prefix" IS NULL OR length("projects"."key_prefix") BETWEEN 2 AND 12 AND "projects"."key_prefix" NOT GLOB '*[^a-z0-9]*')
) STRICT;
CREATE TABLE `reservations` (
	`id` text PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`requests` integer NOT NULL,
	`tokens` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "reservations_id" CHECK("id" GLOB 'res_*' AND length("id") = 30),
	CONSTRAINT "reservations_counts" CHECK("reservations"."requests" >= 0 AND "reservations"."tokens" >= 0 AND "reservations"."cost_micros" >= 0)
) STRICT;
CREATE TABLE `secrets` (
	`hash` text PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`start` text NOT NULL,
	`created_at` integer NOT NULL,
	`ends_at` integer, `request_id` text,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "secrets_hash_form" CHECK(length("secrets"."hash") = 64 AND "secrets"."hash" NOT GLOB '*[^0-9a-f]*')
) STRICT, WITHOUT ROWID;
CREATE TABLE `usage` (
	`key_id` text NOT NULL,
	`start` integer NOT NULL,
	`model` text NOT NULL,
	`width_ms` integer DEFAULT 60000 NOT NULL,
	`requests` integer DEFAULT 0 NOT NULL,
	`input_tokens` integer DEFAULT 0 NOT NULL,
	`output_tokens` integer DEFAULT 0 NOT NULL,
	`other_tokens` integer DEFAULT 0 NOT NULL,
	`cost_micros` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`key_id`, `start`, `model`),
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "usage_width" CHECK("usage"."width_ms" IN (60000, 3600000, 86400000)),
	CONSTRAINT "usage_start" CHECK("usage"."start" % "usage"."width_ms" = 0),
	CONSTRAINT "usage_counts" CHECK("usage"."requests" >= 0 AND "usage"."input_tokens" >= 0 AND "usage"."output_tokens" >= 0 AND "usage"."other_tokens" >= 0 AND "usage"."cost_micros" >= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`username` text NOT NULL,
	`email` text,
	`name` text,
	`role` text NOT NULL,
	`service` integer NOT NULL,
	`password_hash` text,
	`disabled_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "users_id" CHECK("id" GLOB 'usr_*' AND length("id") = 30),
	CONSTRAINT "users_username_form" CHECK(length("users"."username") BETWEEN 1 AND 64 AND "users"."username" NOT GLOB 'usr_*' AND "users"."username" NOT GLOB '*@*'),
	CONSTRAINT "users_email_form" CHECK("users"."email" IS NULL OR "users"."email" GLOB '?*@?*'),
	CONSTRAINT "users_role" CHECK("users"."role" IN ('admin', 'member', 'viewer')),
	CONSTRAINT "users_service" CHECK("users"."service" IN (0, 1))
) STRICT;
CREATE INDEX `audit_at` ON `audit` (`at`);
CREATE INDEX `audit_target` ON `audit` (`target_id`);
CREATE INDEX `counted_events_at` ON `counted_events` (`at`);
CREATE INDEX `import_changes_target` ON `import_changes` (`target_id`);
CREATE INDEX `imported_keys_import` ON `imported_keys` (`import_id`);
CREATE INDEX `imported_keys_key` ON `imported_keys` (`key_id`);
CREATE INDEX `imported_projects_import` ON `imported_projects` (`import_id`);
CREATE UNIQUE INDEX `imported_projects_project` ON `imported_projects` (`project_id`,`source`);
CREATE INDEX `imported_users_import` ON `imported_users` (`import_id`);
CREATE UNIQUE INDEX `imported_users_user` ON `imported_users` (`user_id`,`source`);
CREATE UNIQUE INDEX `keys_name` ON `keys` (lower("name"));
CREATE INDEX `keys_project` ON `keys` (`project_id`);
CREATE INDEX `keys_user` ON `keys` (`user_id`);
CREATE UNIQUE INDEX `limits_key` ON `limits` (`key_id`,`metric`,`window_ms`);
CREATE UNIQUE INDEX `limits_project` ON `limits` (`project_id`,`metric`,`window_ms`);
CREATE UNIQUE INDEX `limits_user` ON `limits` (`user_id`,`metric`,`window_ms`);
CREATE INDEX `project_members_user` ON `project_members` (`user_id`);
CREATE INDEX `projects_owner` ON `projects` (`owner_id`);
CREATE UNIQUE INDEX `projects_slug` ON `projects` (`slug`);
CREATE INDEX `reservations_expiry` ON `reservations` (`expires_at`);
CREATE INDEX `reservations_key` ON `reservations` (`key_id`,`expires_at`);
CREATE UNIQUE INDEX `secrets_current` ON `secrets` (`key_id`) WHERE "secrets"."ends_at" IS NULL;
CREATE INDEX `secrets_key` ON `secrets` (`key_id`);
CREATE UNIQUE INDEX `secrets_request` ON `secrets` (`key_id`,`request_id`);
CREATE INDEX `secrets_start` ON `secrets` (`start`);
CREATE INDEX `usage_start` ON `usage` (`start`);
CREATE UNIQUE INDEX `users_email` ON `users` (lower("email"));
CREATE UNIQUE INDEX `users_username` ON `users` (lower("username"));
INSERT INTO "audit" VALUES ('aud_01jwn82d00e00va4y6crjqdcq0', 1748764800000, 'release', 'script', 'database.init', 'database', 'g.db', NULL, NULL, '{"schemaVersion":4}');
INSERT INTO "audit" VALUES ('aud_01jwn82d00e00va4y6d4bwrj37', 1748764800000, 'release', 'script', 'user.create', 'user', 'usr_01jwn82d00e00va4y6cwhf8fhw', 'alice', NULL, '{"id":"usr_01jwn82d00e00va4y6cwhf8fhw","username":"alice","email":"alice@example.org","name":"Alice A","role":"admin","service":false,"status":"active","hasPassword":true,"limits":[{"metric":"tokens","amount":5000000,"windowMs":2592000000}],"disabledAt":null,"createdAt":"2025-06-01T08:00:00.000Z","updatedAt":"2025-06-01T08:00:00.000Z"}');
INSERT INTO "audit" VALUES ('aud_01jwn82d00e00va4y6dfgcbrgn', 1748764800000, 'release', 'script', 'user.create', 'user', 'usr_01jwn82d00e00va4y6dbwzbawm', 'bot', NULL, '{"id":"usr_01jwn82d00e00va4y6dbwzbawm","username":"bot","email":null,"name":null,"role":"viewer","service":true,"status":"active","hasPassword":false,"limits":[],"disabledAt":null,"createdAt":"2025-06-01T08:00:00.000Z","updatedAt":"2025-06-01T08:00:00.000Z"}');
INSERT INTO "audit" VALUES ('aud_01jwn82d00e00va4y6dwwmswca', 1748764800000, 'release', 'script', 'project.create', 'project', 'prj_01jwn82d00e00va4y6dh2181vt', 'shop', NULL, '{"id":"prj_01jwn82d00e00va4y6dh2181vt","slug":"shop","name":"Shop","description":"A shop","status":"active","keyPrefix":null,"owner":{"id":"usr_01jwn82d00e00va4y6cwhf8fhw","username":"alice"},"members":[],"limits":[{"metric":"requests","amount":1000,"windowMs":31622400000},{"metric":"usd","amount":50,"windowMs":2592000000}],"createdAt":"2025-06-01T08:00:00.000Z","updatedAt":"2025-06-01T08:00:00.000Z","archivedAt":null}');
INSERT INTO "audit" VALUES ('aud_01jwn82d00e00va4y6e3r2w9ez', 1748764800000, 'release', 'script', 'project.update', 'project', 'prj_01jwn82d00e00va4y6dh2181vt', 'shop', '{"members":[]}', '{"members":[{"user":{"id":"usr_01jwn82d00e00va4y6dbwzbawm","username":"bot"},"role":"viewer"}]}');
INSERT INTO "audit" VALUES ('aud_01jwn82d00e00va4y6e6emman2', 1748764800000, 'release', 'script', 'price.set', 'price', 'gpt-*', 'gpt-*', NULL, '{"inputUsd":1,"outputUsd":3,"startsAt":null}');
INSERT INTO "audit" VALUES ('aud_01jwn82d00e00va4y6ewnh5cpf', 1748764800000, 'release', 'script', 'key.create', 'key', 'key_01jwn82d00e00va4y6e9wexryw', 'ci', NULL, '{"id":"key_01jwn82d00e00va4y6e9wexryw","name":"ci","start":"lk_NJG0WR","status":"active","user":{"id":"usr_01jwn82d00e00va4y6cwhf8fhw","username":"alice"},"project":{"id":"prj_01jwn82d00e00va4y6dh2181vt","slug":"shop"},"model":null,"allowedModels":null,"scopes":[],"limits":[{"metric":"tokens","amount":100000,"windowMs":18000000},{"metric":"tokens","amount":900000,"windowMs":2592000000},{"metric":"requests","amount":100,"windowMs":31622400000},{"metric":"usd","amount":20,"windowMs":2592000000}],"createdAt":"2025-06-01T08:00:00.000Z","updatedAt":"2025-06-01T08:00:00.000Z","expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":null,"metadata":null}');
INSERT INTO "audit" VALUES ('aud_01jwn82d00e00va4y6f6z173gh', 1748764800000, 'release', 'script', 'key.create', 'key', 'key_01jwn82d00e00va4y6f38hbwyg', 'bare', NULL, '{"id":"key_01jwn82d00e00va4y6f38hbwyg","name":"bare","start":"lk_aHVBxE","status":"active","user":null,"project":null,"model":null,"allowedModels":null,"scopes":[],"limits":[],"createdAt":"2025-06-01T08:00:00.000Z","updatedAt":"2025-06-01T08:00:00.000Z","expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":null,"metadata":null}');
INSERT INTO "audit" VALUES ('aud_01jwn82d00e00va4y6fdnp1dvw', 1748764800000, 'release', 'script', 'key.create', 'key', 'key_01jwn82d00e00va4y6fb9pkbkg', 'idle', NULL, '{"id":"key_01jwn82d00e00va4y6fb9pkbkg","name":"idle","start":"lk_qWcU0J","status":"active","user":{"id":"usr_01jwn82d00e00va4y6dbwzbawm","username":"bot"},"project":null,"model":null,"allowedModels":null,"scopes":[],"limits":[],"createdAt":"2025-06-01T08:00:00.000Z","updatedAt":"2025-06-01T08:00:00.000Z","expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":null,"metadata":null}');
INSERT INTO "audit" VALUES ('aud_01jwn82d00e00va4y6ftt8yr36', 1748764800000, 'release', 'script', 'key.create', 'key', 'key_01jwn82d00e00va4y6fgd0p8vp', 'gateway', NULL, '{"id":"key_01jwn82d00e00va4y6fgd0p8vp","name":"gateway","start":"lk_57AWri","status":"active","user":null,"project":{"id":"prj_01jwn82d00e00va4y6dh2181vt","slug":"shop"},"model":null,"allowedModels":null,"scopes":[],"limits":[{"metric":"requests","amount":10,"windowMs":3600000}],"createdAt":"2025-06-01T08:00:00.000Z","updatedAt":"2025-06-01T08:00:00.000Z","expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":null,"metadata":null}');
INSERT INTO "audit" VALUES ('aud_01m8e20yb0e00va4y6fz5v9cyz', 1795768220000, 'release', 'script', 'key.reset', 'key', 'key_01jwn82d00e00va4y6e9wexryw', 'ci', '{"limits":[{"metric":"tokens","amount":100000,"windowMs":18000000,"used":3300},{"metric":"tokens","amount":900000,"windowMs":2592000000,"used":4950},{"metric":"requests","amount":100,"windowMs":31622400000,"used":8},{"metric":"usd","amount":20,"windowMs":2592000000,"used":0.00585}]}', '{"limits":[{"metric":"tokens","amount":100000,"windowMs":18000000,"used":0},{"metric":"tokens","amount":900000,"windowMs":2592000000,"used":0},{"metric":"requests","amount":100,"windowMs":31622400000,"used":0},{"metric":"usd","amount":20,"windowMs":2592000000,"used":0}]}');
INSERT INTO "audit" VALUES ('aud_01m8e20yb0e00va4y6g2d4rnsh', 1795768220000, 'release', 'script', 'project.reset', 'project', 'prj_01jwn82d00e00va4y6dh2181vt', 'shop', '{"limits":[{"metric":"requests","amount":1000,"windowMs":31622400000,"used":12}]}', '{"limits":[{"metric":"requests","amount":1000,"windowMs":31622400000,"used":0}]}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6gp1921kb', 1795768240000, 'release', 'script', 'user.import', 'user', 'usr_01m8e21hw0e00va4y6gbgbhq34', 'ivy', NULL, '{"id":"usr_01m8e21hw0e00va4y6gbgbhq34","username":"ivy","email":"ivy@example.org","name":"Ivy","role":"member","service":false,"status":"active","hasPassword":false,"limits":[],"disabledAt":null,"createdAt":"2025-10-09T08:53:20.000Z","updatedAt":"2026-11-27T08:30:40.000Z"}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6gr1nyfdq', 1795768240000, 'release', 'script', 'project.import', 'project', 'prj_01m8e21hw0e00va4y6gd3rqqsb', 'atlas', NULL, '{"id":"prj_01m8e21hw0e00va4y6gd3rqqsb","slug":"atlas","name":"Atlas","description":null,"status":"active","keyPrefix":null,"owner":{"id":"usr_01m8e21hw0e00va4y6gbgbhq34","username":"ivy"},"members":[],"limits":[],"createdAt":"2025-10-09T08:53:20.000Z","updatedAt":"2026-11-27T08:30:40.000Z","archivedAt":null}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6gyfh2g9x', 1795768240000, 'release', 'script', 'key.import', 'key', 'key_01m8e21hw0e00va4y6gjq38hhr', 'atlas-ci', NULL, '{"id":"key_01m8e21hw0e00va4y6gjq38hhr","name":"atlas-ci","start":"dok_012345","status":"active","user":{"id":"usr_01m8e21hw0e00va4y6gbgbhq34","username":"ivy"},"project":null,"model":null,"allowedModels":null,"scopes":[],"limits":[],"createdAt":"2025-10-09T08:53:20.000Z","updatedAt":"2026-11-27T08:30:40.000Z","expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":"2025-10-09T09:53:20.000Z","metadata":null,"tokens":1200,"requests":5,"costUsd":0.25}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6h07xc9w2', 1795768240000, 'release', 'script', 'import.dokify', 'import', 'imp_01m8e21hw0e00va4y6g6gd9pfj', NULL, NULL, '{"created":3,"updated":0,"unchanged":1,"refused":0,"gone":0,"revoked":0}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6hg72e2wd', 1795768240000, 'release', 'script', 'key.import', 'key', 'key_01m8e21hw0e00va4y6ha1tv7m5', 'glm', NULL, '{"id":"key_01m8e21hw0e00va4y6ha1tv7m5","name":"glm","start":"pk_glm_sec","status":"active","user":null,"project":null,"model":"glm-4.7","allowedModels":null,"scopes":[],"limits":[{"metric":"tokens","amount":100000,"windowMs":18000000}],"createdAt":"2026-01-18T00:00:00.000Z","updatedAt":"2026-11-27T08:30:40.000Z","expiresAt":"2027-12-31T00:00:00.000Z","disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":"2026-11-27T05:20:00.000Z","metadata":null,"tokens":900,"requests":0,"costUsd":0}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6hqx7zw8j', 1795768240000, 'release', 'script', 'import.glm-proxy', 'import', 'imp_01m8e21hw0e00va4y6h4fyd3gc', NULL, NULL, '{"created":1,"updated":0,"unchanged":0,"refused":0,"gone":0,"revoked":0}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6hw8be1ws', 1795768240000, 'release', 'script', 'key.import', 'key', 'key_01m8e21hw0e00va4y6ha1tv7m5', 'glm', '{"tokens":900}', '{"tokens":990}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6j0zr4v5t', 1795768240000, 'release', 'script', 'import.glm-proxy', 'import', 'imp_01m8e21hw0e00va4y6hrgzaayb', NULL, NULL, '{"created":0,"updated":1,"unchanged":0,"refused":0,"gone":0,"revoked":0}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6jfp595gt', 1795768240000, 'release', 'script', 'key.rotate', 'key', 'key_01jwn82d00e00va4y6e9wexryw', 'ci', '{"start":"lk_NJG0WR","previousSecretEndsAt":null}', '{"start":"lk_JJH5Ex","previousSecretEndsAt":"2026-11-28T08:30:40.000Z"}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6jg15za92', 1795768240000, 'release', 'script', 'key.disable', 'key', 'key_01jwn82d00e00va4y6fb9pkbkg', 'idle', '{"status":"active","disabledAt":null}', '{"status":"disabled","disabledAt":"2026-11-27T08:30:40.000Z"}');
INSERT INTO "audit" VALUES ('aud_01m8e21hw0e00va4y6jph42gxk', 1795768240000, 'release', 'script', 'usage.compact', 'database', 'usage', NULL, NULL, '{"rowsBefore":24,"rowsAfter":22,"foldedIntoHours":8,"foldedIntoDays":6,"reservationsRemoved":0,"eventsForgotten":0,"filesForgotten":0,"denialsForgotten":0}');
INSERT INTO "carried_usage" VALUES ('key_01m8e21hw0e00va4y6gjq38hhr', 5, 1200, 250000);
INSERT INTO "carried_usage" VALUES ('key_01m8e21hw0e00va4y6ha1tv7m5', 0, 560, 0);
INSERT INTO "counted_events" VALUES ('evt-1', 1795768240000);
INSERT INTO "counted_files" VALUES ('3b35960e954dea39b7d308e541a4a2d2815977aefb1b5737adab97008769aa9b', 1795768240000, 1);
INSERT INTO "denials" VALUES ('key_01jwn82d00e00va4y6fb9pkbkg', 1795737600000, 'disabled', 1, 1795768240000);
INSERT INTO "identity" VALUES (1, 'dbs_01jwn82d00e00va4y6crjqdcq0', 1748764800000);
INSERT INTO "import_changes" VALUES ('imp_01m8e21hw0e00va4y6g6gd9pfj', 'key', 'key_01m8e21hw0e00va4y6gjq38hhr', 'created', NULL, '{"name":"atlas-ci","userId":"usr_01m8e21hw0e00va4y6gbgbhq34","projectId":null,"model":null,"allowedModels":null,"scopes":[],"metadata":null,"expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"createdAt":1760000000000,"updatedAt":1795768240000,"lastUsedAt":1760003600000,"requests":5,"inputTokens":1000,"outputTokens":200,"otherTokens":0,"costMicros":250000,"limits":{},"secrets":[["1c4df1b9ef2024dada5990dbda73bd467f479797dafbea785955d6692de5fd20",null]]}');
INSERT INTO "import_changes" VALUES ('imp_01m8e21hw0e00va4y6g6gd9pfj', 'project', 'prj_01m8e21hw0e00va4y6gd3rqqsb', 'created', NULL, '{"slug":"atlas","name":"Atlas","description":null,"keyPrefix":null,"ownerId":"usr_01m8e21hw0e00va4y6gbgbhq34","archivedAt":null,"createdAt":1760000000000,"updatedAt":1795768240000,"limits":{},"members":[]}');
INSERT INTO "import_changes" VALUES ('imp_01m8e21hw0e00va4y6g6gd9pfj', 'user', 'usr_01jwn82d00e00va4y6cwhf8fhw', 'linked', NULL, NULL);
INSERT INTO "import_changes" VALUES ('imp_01m8e21hw0e00va4y6g6gd9pfj', 'user', 'usr_01m8e21hw0e00va4y6gbgbhq34', 'created', NULL, '{"username":"ivy","email":"ivy@example.org","name":"Ivy","role":"member","service":false,"passwordHash":null,"disabledAt":null,"createdAt":1760000000000,"updatedAt":1795768240000,"limits":{},"memberships":[]}');
INSERT INTO "import_changes" VALUES ('imp_01m8e21hw0e00va4y6h4fyd3gc', 'key', 'key_01m8e21hw0e00va4y6ha1tv7m5', 'created', NULL, '{"name":"glm","userId":null,"projectId":null,"model":"glm-4.7","allowedModels":null,"scopes":[],"metadata":null,"expiresAt":1830211200000,"disabledAt":null,"revokedAt":null,"revokedReason":null,"createdAt":1768694400000,"updatedAt":1795768240000,"lastUsedAt":1795756800000,"requests":0,"inputTokens":0,"outputTokens":0,"otherTokens":900,"costMicros":0,"limits":{"tokens/18000000":[100000,null]},"secrets":[["80a396c4f620e353085cceea807d93764aa7a3fc690a405bf040ad6390dab841",null]]}');
INSERT INTO "import_changes" VALUES ('imp_01m8e21hw0e00va4y6hrgzaayb', 'key', 'key_01m8e21hw0e00va4y6ha1tv7m5', 'updated', '{"snapshot":{"name":"glm","userId":null,"projectId":null,"model":"glm-4.7","allowedModels":null,"scopes":[],"metadata":null,"expiresAt":1830211200000,"disabledAt":null,"revokedAt":null,"revokedReason":null,"createdAt":1768694400000,"updatedAt":1795768240000,"lastUsedAt":1795756800000,"requests":0,"inputTokens":0,"outputTokens":0,"otherTokens":900,"costMicros":0,"limits":{"tokens/18000000":[100000,null]},"secrets":[["80a396c4f620e353085cceea807d93764aa7a3fc690a405bf040ad6390dab841",null]]},"imported":{"importId":"imp_01m8e21hw0e00va4y6h4fyd3gc","state":{"name":"glm","model":"glm-4.7","tokenLimit":100000,"userId":null,"revokedAt":null,"expiresAt":1830211200000,"createdAt":1768694400000,"lastUsedAt":1795756800000,"counted":{"tokens":900,"requests":0,"costMicros":0,"inputTokens":0,"outputTokens":0},"windows":[{"start":1790913600000,"model":"glm-4.7","tokens":300,"requests":0,"costMicros":0},{"start":1795744830000,"model":"glm-4.7","tokens":60,"requests":0,"costMicros":0}]}},"moved":{"windows":[{"start":1795744830000,"model":"glm-4.7","tokens":30,"requests":0,"costMicros":0},{"start":1795756200000,"model":"glm-4.7","tokens":40,"requests":0,"costMicros":0}],"total":{"tokens":90,"requests":0,"costMicros":0},"split":{"inputTokens":0,"outputTokens":0}}}', '{"name":"glm","userId":null,"projectId":null,"model":"glm-4.7","allowedModels":null,"scopes":[],"metadata":null,"expiresAt":1830211200000,"disabledAt":null,"revokedAt":null,"revokedReason":null,"createdAt":1768694400000,"updatedAt":1795768240000,"lastUsedAt":1795756800000,"requests":0,"inputTokens":0,"outputTokens":0,"otherTokens":990,"costMicros":0,"limits":{"tokens/18000000":[100000,null]},"secrets":[["80a396c4f620e353085cceea807d93764aa7a3fc690a405bf040ad6390dab841",null]]}');
INSERT INTO "imported_keys" VALUES ('dokify', '1c4df1b9ef2024dada5990dbda73bd467f479797dafbea785955d6692de5fd20', 'key_01m8e21hw0e00va4y6gjq38hhr', 'imp_01m8e21hw0e00va4y6g6gd9pfj', '{"name":"atlas-ci","model":null,"tokenLimit":null,"userId":"u1","revokedAt":null,"expiresAt":null,"createdAt":1760000000000,"lastUsedAt":1760003600000,"counted":{"tokens":1200,"requests":5,"costMicros":250000,"inputTokens":1000,"outputTokens":200},"windows":[]}');
INSERT INTO "imported_keys" VALUES ('glm-proxy', '80a396c4f620e353085cceea807d93764aa7a3fc690a405bf040ad6390dab841', 'key_01m8e21hw0e00va4y6ha1tv7m5', 'imp_01m8e21hw0e00va4y6hrgzaayb', '{"name":"glm","model":"glm-4.7","tokenLimit":100000,"userId":null,"revokedAt":null,"expiresAt":1830211200000,"createdAt":1768694400000,"lastUsedAt":1795756800000,"counted":{"tokens":990,"requests":0,"costMicros":0,"inputTokens":0,"outputTokens":0},"windows":[{"start":1790913600000,"model":"glm-4.7","tokens":300,"requests":0,"costMicros":0},{"start":1795744830000,"model":"glm-4.7","tokens":90,"requests":0,"costMicros":0},{"start":1795756200000,"model":"glm-4.7","tokens":40,"requests":0,"costMicros":0}]}');
INSERT INTO "imported_projects" VALUES ('dokify', 'p1', 'prj_01m8e21hw0e00va4y6gd3rqqsb', 'imp_01m8e21hw0e00va4y6g6gd9pfj', '{"name":"Atlas","slug":"atlas","ownerId":"u1"}');
INSERT INTO "imported_users" VALUES ('dokify', 'u1', 'usr_01m8e21hw0e00va4y6gbgbhq34', 'imp_01m8e21hw0e00va4y6g6gd9pfj', '{"username":"ivy","email":"ivy@example.org","name":"Ivy","password":null,"linked":false}');
INSERT INTO "imported_users" VALUES ('dokify', 'u2', 'usr_01jwn82d00e00va4y6cwhf8fhw', 'imp_01m8e21hw0e00va4y6g6gd9pfj', '{"username":"alice","email":"alice@example.org","name":null,"password":null,"linked":true}');
INSERT INTO "imports" VALUES ('imp_01m8e21hw0e00va4y6g6gd9pfj', 'dokify', 1795768240000, '{"id":"imp_01m8e21hw0e00va4y6g6gd9pfj","source":"dokify","created":3,"updated":0,"unchanged":1,"refused":0,"gone":0,"revoked":0,"items":[{"type":"user","name":"ivy","outcome":"created","reason":"no password in the source"},{"type":"user","name":"alice","outcome":"unchanged","reason":"linked to the user of the same email address here (usr_01jwn82d00e00va4y6cwhf8fhw), who is not changed"},{"type":"project","name":"atlas","outcome":"created","reason":null},{"type":"key","name":"atlas-ci","outcome":"created","reason":null}],"ignoredFields":[],"leftBehind":[],"notes":[]}', NULL);
INSERT INTO "imports" VALUES ('imp_01m8e21hw0e00va4y6h4fyd3gc', 'glm-proxy', 1795768240000, '{"id":"imp_01m8e21hw0e00va4y6h4fyd3gc","source":"glm-proxy","created":1,"updated":0,"unchanged":0,"refused":0,"gone":0,"revoked":0,"items":[{"type":"key","name":"glm","outcome":"created","reason":null}],"ignoredFields":[],"leftBehind":[],"notes":[]}', NULL);
INSERT INTO "imports" VALUES ('imp_01m8e21hw0e00va4y6hrgzaayb', 'glm-proxy', 1795768240000, '{"id":"imp_01m8e21hw0e00va4y6hrgzaayb","source":"glm-proxy","created":0,"updated":1,"unchanged":0,"refused":0,"gone":0,"revoked":0,"items":[{"type":"key","name":"glm","outcome":"updated","reason":"changed in the source: usage"}],"ignoredFields":[],"leftBehind":[],"notes":[]}', NULL);
INSERT INTO "keys" VALUES ('key_01jwn82d00e00va4y6e9wexryw', 'ci', 'usr_01jwn82d00e00va4y6cwhf8fhw', 'prj_01jwn82d00e00va4y6dh2181vt', NULL, NULL, '[]', NULL, NULL, NULL, NULL, NULL, 1748764800000, 1795768240000, 1795768240000, 12, 7100, 710, 0, 9230);
INSERT INTO "keys" VALUES ('key_01jwn82d00e00va4y6f38hbwyg', 'bare', NULL, NULL, NULL, NULL, '[]', NULL, NULL, NULL, NULL, NULL, 1748764800000, 1748764800000, 1795766400000, 3, 1007, 103, 0, 16);
INSERT INTO "keys" VALUES ('key_01jwn82d00e00va4y6fb9pkbkg', 'idle', 'usr_01jwn82d00e00va4y6dbwzbawm', NULL, NULL, NULL, '[]', NULL, NULL, 1795768240000, NULL, NULL, 1748764800000, 1795768240000, NULL, 0, 0, 0, 0, 0);
INSERT INTO "keys" VALUES ('key_01jwn82d00e00va4y6fgd0p8vp', 'gateway', NULL, 'prj_01jwn82d00e00va4y6dh2181vt', NULL, NULL, '[]', NULL, NULL, NULL, NULL, NULL, 1748764800000, 1748764800000, 1795768210000, 6, 3000, 0, 0, 0);
INSERT INTO "keys" VALUES ('key_01m8e21hw0e00va4y6gjq38hhr', 'atlas-ci', 'usr_01m8e21hw0e00va4y6gbgbhq34', NULL, NULL, NULL, '[]', NULL, NULL, NULL, NULL, NULL, 1760000000000, 1795768240000, 1760003600000, 5, 1000, 200, 0, 250000);
INSERT INTO "keys" VALUES ('key_01m8e21hw0e00va4y6ha1tv7m5', 'glm', NULL, NULL, 'glm-4.7', NULL, '[]', NULL, 1830211200000, NULL, NULL, NULL, 1768694400000, 1795768240000, 1795759200000, 1, 5, 6, 990, 2000);
INSERT INTO "limits" VALUES ('lim_01jwn82d00e00va4y6d328mgmg', NULL, 'usr_01jwn82d00e00va4y6cwhf8fhw', NULL, 'tokens', 5000000, 2592000000, NULL, 0);
INSERT INTO "limits" VALUES ('lim_01jwn82d00e00va4y6dpz5kmd0', NULL, NULL, 'prj_01jwn82d00e00va4y6dh2181vt', 'usd', 50000000, 2592000000, NULL, 0);
INSERT INTO "limits" VALUES ('lim_01jwn82d00e00va4y6drcw8qf7', NULL, NULL, 'prj_01jwn82d00e00va4y6dh2181vt', 'requests', 1000, 31622400000, 1795768220000, 2);
INSERT INTO "limits" VALUES ('lim_01jwn82d00e00va4y6edp1t8tg', 'key_01jwn82d00e00va4y6e9wexryw', NULL, NULL, 'tokens', 100000, 18000000, 1795768220000, 1210);
INSERT INTO "limits" VALUES ('lim_01jwn82d00e00va4y6eksf6wd5', 'key_01jwn82d00e00va4y6e9wexryw', NULL, NULL, 'tokens', 900000, 2592000000, 1795768220000, 1210);
INSERT INTO "limits" VALUES ('lim_01jwn82d00e00va4y6eqxq4nb3', 'key_01jwn82d00e00va4y6e9wexryw', NULL, NULL, 'usd', 20000000, 2592000000, 1795768220000, 1430);
INSERT INTO "limits" VALUES ('lim_01jwn82d00e00va4y6evkmz919', 'key_01jwn82d00e00va4y6e9wexryw', NULL, NULL, 'requests', 100, 31622400000, 1795768220000, 1);
INSERT INTO "limits" VALUES ('lim_01jwn82d00e00va4y6fp3a8nxj', 'key_01jwn82d00e00va4y6fgd0p8vp', NULL, NULL, 'requests', 10, 3600000, NULL, 0);
INSERT INTO "limits" VALUES ('lim_01m8e21hw0e00va4y6he1t3hk1', 'key_01m8e21hw0e00va4y6ha1tv7m5', NULL, NULL, 'tokens', 100000, 18000000, NULL, 0);
INSERT INTO "migrations" VALUES (1, '0000_foundation', '3191bbcdef80c24e3477a28d9fe988597799c65d7c87f2c591321cd3dbd634b4', 1748764800000, '0.1.0');
INSERT INTO "migrations" VALUES (2, '0001_quotas', '821af289b84b29415da75075444b8e50e5430fc01e69b43684dc3e9e6aeeeb5a', 1748764800000, '0.1.0');
INSERT INTO "migrations" VALUES (3, '0002_imports', '0cff04575e26bc4c30c51142fce55526cf85e37d2afae29bc0364c20e631ba44', 1748764800000, '0.1.0');
INSERT INTO "migrations" VALUES (4, '0003_trust', 'ec8696cbcf60c46e05746aaac78813103d832fe583c1a71bb86d59a8663a9966', 1748764800000, '0.1.0');
INSERT INTO "prices" VALUES ('gpt-*', 0, 1000000, 3000000);
INSERT INTO "project_members" VALUES ('prj_01jwn82d00e00va4y6dh2181vt', 'usr_01jwn82d00e00va4y6dbwzbawm', 'viewer', 1748764800000);
INSERT INTO "projects" VALUES ('prj_01jwn82d00e00va4y6dh2181vt', 'shop', 'Shop', 'A shop', NULL, 'usr_01jwn82d00e00va4y6cwhf8fhw', NULL, 1748764800000, 1748764800000);
INSERT INTO "projects" VALUES ('prj_01m8e21hw0e00va4y6gd3rqqsb', 'atlas', 'Atlas', NULL, NULL, 'usr_01m8e21hw0e00va4y6gbgbhq34', NULL, 1760000000000, 1795768240000);
INSERT INTO "reservations" VALUES ('res_01m8e21hw0e00va4y6j4r885t2', 'key_01jwn82d00e00va4y6e9wexryw', 1795768240000, 1795771840000, 1, 4000, 0);
INSERT INTO "reservations" VALUES ('res_01m8e21hw0e00va4y6jax5ccw3', 'key_01jwn82d00e00va4y6fgd0p8vp', 1795768240000, 1795771840000, 1, 0, 0);
INSERT INTO "secrets" VALUES ('0f14679d05e2635818a803358e04e089929b9224fce7fa9085bf9225e1bf1512', 'key_01jwn82d00e00va4y6e9wexryw', 'lk_NJG0WR', 1748764800000, 1795854640000, NULL);
INSERT INTO "secrets" VALUES ('1c4df1b9ef2024dada5990dbda73bd467f479797dafbea785955d6692de5fd20', 'key_01m8e21hw0e00va4y6gjq38hhr', 'dok_012345', 1760000000000, NULL, NULL);
INSERT INTO "secrets" VALUES ('6f716bb62a9bc9aae9a090f7930985eb81599334e8bb6b71caee2cb081824536', 'key_01jwn82d00e00va4y6fgd0p8vp', 'lk_57AWri', 1748764800000, NULL, NULL);
INSERT INTO "secrets" VALUES ('80a396c4f620e353085cceea807d93764aa7a3fc690a405bf040ad6390dab841', 'key_01m8e21hw0e00va4y6ha1tv7m5', 'pk_glm_sec', 1768694400000, NULL, NULL);
INSERT INTO "secrets" VALUES ('89588cad3112d8ba4faea81181958bbfbd2648d3f3b76f1895f2c4187bb64e90', 'key_01jwn82d00e00va4y6fb9pkbkg', 'lk_qWcU0J', 1748764800000, NULL, NULL);
INSERT INTO "secrets" VALUES ('9b714e6f06c08641e67831775bda5dbf2ea4fe853cabcd805796a56f38247681', 'key_01jwn82d00e00va4y6e9wexryw', 'lk_JJH5Ex', 1795768240000, NULL, NULL);
INSERT INTO "secrets" VALUES ('f3e521f9d0b20e3e352976a04e1c43526ec4fa6a0672d32371a5e91ba52915e6', 'key_01jwn82d00e00va4y6f38hbwyg', 'lk_aHVBxE', 1748764800000, NULL, NULL);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6e9wexryw', 1748736000000, 'gpt-x', 86400000, 2, 300, 30, 0, 390);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6e9wexryw', 1748822400000, 'gpt-x-mini', 86400000, 1, 300, 30, 0, 390);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6e9wexryw', 1790823600000, 'gpt-x', 3600000, 2, 900, 90, 0, 1170);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6e9wexryw', 1790827200000, 'gpt-x-mini', 3600000, 1, 600, 60, 0, 780);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6e9wexryw', 1795129200000, 'gpt-x', 3600000, 1, 700, 70, 0, 910);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6e9wexryw', 1795683600000, 'gpt-x', 60000, 1, 800, 80, 0, 1040);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6e9wexryw', 1795763400000, 'gpt-x-mini', 60000, 1, 900, 90, 0, 1170);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6e9wexryw', 1795766700000, 'gpt-x', 60000, 1, 1000, 100, 0, 1300);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6e9wexryw', 1795768200000, 'gpt-x', 60000, 2, 1600, 160, 0, 2080);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6f38hbwyg', -86400000, 'gpt-x', 86400000, 1, 300, 30, 0, 0);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6f38hbwyg', 1790823600000, 'claude-y', 3600000, 1, 700, 70, 0, 0);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6f38hbwyg', 1795766400000, 'gpt-x', 60000, 1, 7, 3, 0, 16);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6fgd0p8vp', 1748736000000, '', 86400000, 1, 0, 0, 0, 0);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6fgd0p8vp', 1748822400000, '', 86400000, 1, 200, 0, 0, 0);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6fgd0p8vp', 1790823600000, '', 3600000, 1, 400, 0, 0, 0);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6fgd0p8vp', 1795129200000, '', 3600000, 1, 600, 0, 0, 0);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6fgd0p8vp', 1795763400000, '', 60000, 1, 800, 0, 0, 0);
INSERT INTO "usage" VALUES ('key_01jwn82d00e00va4y6fgd0p8vp', 1795768200000, '', 60000, 1, 1000, 0, 0, 0);
INSERT INTO "usage" VALUES ('key_01m8e21hw0e00va4y6ha1tv7m5', 1790913600000, 'glm-4.7', 3600000, 0, 0, 0, 300, 0);
INSERT INTO "usage" VALUES ('key_01m8e21hw0e00va4y6ha1tv7m5', 1795744800000, 'glm-4.7', 60000, 0, 0, 0, 90, 0);
INSERT INTO "usage" VALUES ('key_01m8e21hw0e00va4y6ha1tv7m5', 1795756200000, 'glm-4.7', 60000, 0, 0, 0, 40, 0);
INSERT INTO "usage" VALUES ('key_01m8e21hw0e00va4y6ha1tv7m5', 1795759200000, 'glm-4.7', 60000, 1, 5, 6, 0, 2000);
INSERT INTO "users" VALUES ('usr_01jwn82d00e00va4y6cwhf8fhw', 'alice', 'alice@example.org', 'Alice A', 'admin', 0, '$argon2id$v=19$m=65536,t=2,p=1$f4V0BVIU1t3VUoexrStts55nB2+G17PQvpFueRyHg78$E0oNW2lsMuwVwoKCX0o3W1lxDL9U335F0qy+BRwBYQs', NULL, 1748764800000, 1748764800000);
INSERT INTO "users" VALUES ('usr_01jwn82d00e00va4y6dbwzbawm', 'bot', NULL, NULL, 'viewer', 1, NULL, NULL, 1748764800000, 1748764800000);
INSERT INTO "users" VALUES ('usr_01m8e21hw0e00va4y6gbgbhq34', 'ivy', 'ivy@example.org', 'Ivy', 'member', 0, NULL, NULL, 1760000000000, 1795768240000);

PRAGMA foreign_keys = OFF;
PRAGMA application_id = 1280001369;
PRAGMA user_version = 3;
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
CREATE TABLE `import_changes` (
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
	CONSTRAINT "import_changes_json" CHECK(json_valid("import_changes"."before") AND json_valid("import_changes"."after"))
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
INSERT INTO "audit" VALUES ('aud_01m8fyxkwcek98wpq4vq7d0jvt', 1795832074124, 'release', 'script', 'database.init', 'database', 'g.db', NULL, NULL, '{"schemaVersion":3}');
INSERT INTO "audit" VALUES ('aud_01m8fyxmaeehzrfam8crntmbqf', 1795832074574, 'release', 'script', 'user.create', 'user', 'usr_01m8fyxma2e4e8p1mn54tj4tqn', 'alice', NULL, '{"id":"usr_01m8fyxma2e4e8p1mn54tj4tqn","username":"alice","email":"alice@example.org","name":"Alice A","role":"admin","service":false,"hasPassword":true,"limits":[{"metric":"tokens","amount":5000000,"windowMs":2592000000}],"disabledAt":null,"createdAt":"2026-11-28T02:14:34.562Z","updatedAt":"2026-11-28T02:14:34.562Z"}');
INSERT INTO "audit" VALUES ('aud_01m8fyxmeze4rbv5hmbvedw3t1', 1795832074719, 'release', 'script', 'user.create', 'user', 'usr_01m8fyxmereghrqfqwh05pvt5b', 'bot', NULL, '{"id":"usr_01m8fyxmereghrqfqwh05pvt5b","username":"bot","email":null,"name":null,"role":"viewer","service":true,"hasPassword":false,"limits":[],"disabledAt":null,"createdAt":"2026-11-28T02:14:34.712Z","updatedAt":"2026-11-28T02:14:34.712Z"}');
INSERT INTO "audit" VALUES ('aud_01m8fyxmm3emw87qg9yaxte3jw', 1795832074883, 'release', 'script', 'project.create', 'project', 'prj_01m8fyxmkwegw8dvtvas9sg0yb', 'shop', NULL, '{"id":"prj_01m8fyxmkwegw8dvtvas9sg0yb","slug":"shop","name":"Shop","description":"A shop","status":"active","keyPrefix":null,"owner":{"id":"usr_01m8fyxma2e4e8p1mn54tj4tqn","username":"alice"},"members":[],"limits":[],"createdAt":"2026-11-28T02:14:34.876Z","updatedAt":"2026-11-28T02:14:34.876Z","archivedAt":null}');
INSERT INTO "audit" VALUES ('aud_01m8fyxmsge3za8jcgd6xktcxm', 1795832075056, 'release', 'script', 'project.update', 'project', 'prj_01m8fyxmkwegw8dvtvas9sg0yb', 'shop', '{"keyPrefix":null,"members":[],"limits":[]}', '{"keyPrefix":"shop","members":[{"user":{"id":"usr_01m8fyxmereghrqfqwh05pvt5b","username":"bot"},"role":"viewer"}],"limits":[{"metric":"usd","amount":50,"windowMs":2592000000}]}');
INSERT INTO "audit" VALUES ('aud_01m8fyxnnte0kb84e5caz15kw8', 1795832075962, 'release', 'script', 'price.set', 'price', 'gpt-*', 'gpt-*', NULL, '{"inputUsd":1,"outputUsd":3,"startsAt":null}');
INSERT INTO "audit" VALUES ('aud_01m8fyxpd2e839866v38prdvgh', 1795832076706, 'release', 'script', 'user.import', 'user', 'usr_01m8fyxpb4e0t9ce20b7k0581q', 'ivy', NULL, '{"id":"usr_01m8fyxpb4e0t9ce20b7k0581q","username":"ivy","email":"ivy@example.org","name":"Ivy","role":"member","service":false,"hasPassword":true,"limits":[],"disabledAt":null,"createdAt":"2025-10-09T08:53:20.000Z","updatedAt":"2026-11-28T02:14:36.644Z"}');
INSERT INTO "audit" VALUES ('aud_01m8fyxpdeegkb15y1hwygw427', 1795832076718, 'release', 'script', 'project.import', 'project', 'prj_01m8fyxpb4e0tv6qrajeb4rxm7', 'atlas', NULL, '{"id":"prj_01m8fyxpb4e0tv6qrajeb4rxm7","slug":"atlas","name":"Atlas","description":null,"status":"active","keyPrefix":null,"owner":{"id":"usr_01m8fyxpb4e0t9ce20b7k0581q","username":"ivy"},"members":[],"limits":[],"createdAt":"2025-10-09T08:53:20.000Z","updatedAt":"2026-11-28T02:14:36.644Z","archivedAt":null}');
INSERT INTO "audit" VALUES ('aud_01m8fyxpdne9xvybajwtyp6m1c', 1795832076725, 'release', 'script', 'key.import', 'key', 'key_01m8fyxpb4e0vbxw3ed4ehq9af', 'atlas-ci', NULL, '{"id":"key_01m8fyxpb4e0vbxw3ed4ehq9af","name":"atlas-ci","start":"dok_01234567","status":"active","user":{"id":"usr_01m8fyxpb4e0t9ce20b7k0581q","username":"ivy"},"project":null,"model":null,"allowedModels":null,"scopes":[],"limits":[],"createdAt":"2025-10-09T08:53:20.000Z","updatedAt":"2026-11-28T02:14:36.644Z","expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":"2025-10-09T09:53:20.000Z","metadata":null,"tokens":1200,"requests":5,"costUsd":0.25}');
INSERT INTO "audit" VALUES ('aud_01m8fyxpdne9y8s0hxt20w3a8n', 1795832076725, 'release', 'script', 'key.import', 'key', 'key_01m8fyxpb4e0vvz2t1qs1kgyb6', 'alice key', NULL, '{"id":"key_01m8fyxpb4e0vvz2t1qs1kgyb6","name":"alice key","start":"dok_abcdefgh","status":"revoked","user":{"id":"usr_01m8fyxma2e4e8p1mn54tj4tqn","username":"alice"},"project":null,"model":null,"allowedModels":null,"scopes":[],"limits":[],"createdAt":"2025-10-09T08:53:20.000Z","updatedAt":"2026-11-28T02:14:36.644Z","expiresAt":null,"disabledAt":null,"revokedAt":"2025-10-09T09:53:20.000Z","revokedReason":"revoked in dokify","lastUsedAt":null,"metadata":null,"tokens":0,"requests":0,"costUsd":0}');
INSERT INTO "audit" VALUES ('aud_01m8fyxpdpekhvg92hf7nf02dq', 1795832076726, 'release', 'script', 'import.dokify', 'import', 'imp_01m8fyxpb4e0ssbkwvkywcyr77', NULL, NULL, '{"created":4,"updated":0,"unchanged":1,"refused":0}');
INSERT INTO "audit" VALUES ('aud_01m8fyy0m4eh3spz14rn9k89vz', 1795832087172, 'release', 'script', 'key.create', 'key', 'key_01m8fyy0kwetjv10a1c1hxvq62', 'ci', NULL, '{"id":"key_01m8fyy0kwetjv10a1c1hxvq62","name":"ci","start":"shop_yXa6C7","status":"active","user":{"id":"usr_01m8fyxma2e4e8p1mn54tj4tqn","username":"alice"},"project":{"id":"prj_01m8fyxmkwegw8dvtvas9sg0yb","slug":"shop"},"model":null,"allowedModels":["gpt-*"],"scopes":["chat:write"],"limits":[{"metric":"tokens","amount":100000,"windowMs":18000000},{"metric":"usd","amount":20,"windowMs":2592000000}],"createdAt":"2026-11-28T02:14:47.164Z","updatedAt":"2026-11-28T02:14:47.164Z","expiresAt":"2027-06-01T00:00:00.000Z","disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":null,"metadata":{"team":"core"}}');
INSERT INTO "audit" VALUES ('aud_01m8fyy0ryegjrsxxfyk4ewr3s', 1795832087326, 'release', 'script', 'key.create', 'key', 'key_01m8fyy0rqe38sg7py0w1c0jzq', 'bare', NULL, '{"id":"key_01m8fyy0rqe38sg7py0w1c0jzq","name":"bare","start":"lk_gBiyJb","status":"active","user":null,"project":null,"model":null,"allowedModels":null,"scopes":[],"limits":[],"createdAt":"2026-11-28T02:14:47.319Z","updatedAt":"2026-11-28T02:14:47.319Z","expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":null,"metadata":null}');
INSERT INTO "audit" VALUES ('aud_01m8fyy0x4ez7vddrk68s0t536', 1795832087460, 'release', 'script', 'key.create', 'key', 'key_01m8fyy0wyetk9byyne7dnn9dn', 'old', NULL, '{"id":"key_01m8fyy0wyetk9byyne7dnn9dn","name":"old","start":"lk_5zpuHi","status":"active","user":{"id":"usr_01m8fyxmereghrqfqwh05pvt5b","username":"bot"},"project":null,"model":null,"allowedModels":null,"scopes":[],"limits":[],"createdAt":"2026-11-28T02:14:47.454Z","updatedAt":"2026-11-28T02:14:47.454Z","expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":null,"metadata":null}');
INSERT INTO "audit" VALUES ('aud_01m8fyy119exjamag759mqa81g', 1795832087593, 'release', 'script', 'key.revoke', 'key', 'key_01m8fyy0wyetk9byyne7dnn9dn', 'old', '{"revokedAt":null,"revokedReason":null}', '{"revokedAt":"2026-11-28T02:14:47.591Z","revokedReason":"leaked"}');
INSERT INTO "audit" VALUES ('aud_01m8fyy15ven0teydpwj3tfx0y', 1795832087739, 'release', 'script', 'key.create', 'key', 'key_01m8fyy15pes38fyqxavj99a32', 'off', NULL, '{"id":"key_01m8fyy15pes38fyqxavj99a32","name":"off","start":"lk_HANoub","status":"active","user":null,"project":null,"model":"gpt-x","allowedModels":null,"scopes":[],"limits":[],"createdAt":"2026-11-28T02:14:47.734Z","updatedAt":"2026-11-28T02:14:47.734Z","expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":null,"metadata":null}');
INSERT INTO "audit" VALUES ('aud_01m8fyy19ae0sap20d4rp9pygx', 1795832087850, 'release', 'script', 'key.disable', 'key', 'key_01m8fyy15pes38fyqxavj99a32', 'off', '{"disabledAt":null}', '{"disabledAt":"2026-11-28T02:14:47.848Z"}');
INSERT INTO "audit" VALUES ('aud_01m8fyy1cxe38vkm59080f51wk', 1795832087965, 'release', 'script', 'key.rotate', 'key', 'key_01m8fyy0kwetjv10a1c1hxvq62', 'ci', '{"start":"shop_yXa6C7","previousSecretEndsAt":null}', '{"start":"shop_Ta4IBt","previousSecretEndsAt":"2026-11-29T02:14:47.959Z"}');
INSERT INTO "audit" VALUES ('aud_01m8fyy1tcesnas83j97qtm76p', 1795832088396, 'release', 'script', 'key.reset', 'key', 'key_01m8fyy0kwetjv10a1c1hxvq62', 'ci', '{"limits":[{"metric":"tokens","amount":100000,"windowMs":18000000,"used":12},{"metric":"usd","amount":20,"windowMs":2592000000,"used":0.000016}]}', '{"limits":[{"metric":"tokens","amount":100000,"windowMs":18000000,"used":0},{"metric":"usd","amount":20,"windowMs":2592000000,"used":0}]}');
INSERT INTO "audit" VALUES ('aud_01m8fyy21aeq0r0z5ete7htvt7', 1795832088618, 'root', 'library', 'key.create', 'key', 'key_01m8fyy212eqhbefrvq7gk71ph', 'gateway', NULL, '{"id":"key_01m8fyy212eqhbefrvq7gk71ph","name":"gateway","start":"lk_rSBI7i","status":"active","user":null,"project":null,"model":null,"allowedModels":null,"scopes":[],"limits":[{"metric":"requests","amount":10,"windowMs":3600000}],"createdAt":"2026-11-28T02:14:48.610Z","updatedAt":"2026-11-28T02:14:48.610Z","expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"lastUsedAt":null,"metadata":null}');
INSERT INTO "audit" VALUES ('aud_01m8fyy27webaayc1k7kpbqc1x', 1795832088828, 'release', 'script', 'user.import', 'user', 'usr_01m8fyxpb4e0t9ce20b7k0581q', 'ivy', '{"name":"Ivy"}', '{"name":"Ivy I"}');
INSERT INTO "audit" VALUES ('aud_01m8fyy27ze70rmdv4vap71tgv', 1795832088831, 'release', 'script', 'key.import', 'key', 'key_01m8fyxpb4e0vvz2t1qs1kgyb6', 'renamed', '{"name":"alice key"}', '{"name":"renamed"}');
INSERT INTO "audit" VALUES ('aud_01m8fyy27ze71bsph0sg1fks79', 1795832088831, 'release', 'script', 'import.dokify', 'import', 'imp_01m8fyy26hewjtnkhnk4e2m52c', NULL, NULL, '{"created":0,"updated":2,"unchanged":3,"refused":0}');
INSERT INTO "carried_usage" VALUES ('key_01m8fyxpb4e0vbxw3ed4ehq9af', 5, 1200, 250000);
INSERT INTO "counted_events" VALUES ('evt-2', 1795832088252);
INSERT INTO "counted_files" VALUES ('6420dcb5d6b2b90b3e4ea1e3b5310be86fa8001981c75b68e3fc77ffbe805af7', 1795832088248, 1);
INSERT INTO "import_changes" VALUES ('imp_01m8fyxpb4e0ssbkwvkywcyr77', 'key', 'key_01m8fyxpb4e0vbxw3ed4ehq9af', 'created', NULL, '{"name":"atlas-ci","userId":"usr_01m8fyxpb4e0t9ce20b7k0581q","projectId":null,"model":null,"allowedModels":null,"scopes":[],"metadata":null,"expiresAt":null,"disabledAt":null,"revokedAt":null,"revokedReason":null,"createdAt":1760000000000,"updatedAt":1795832076644,"lastUsedAt":1760003600000,"requests":5,"inputTokens":1000,"outputTokens":200,"otherTokens":0,"costMicros":250000,"limits":{},"secrets":[["b862dcdfd769966e8564deb35519c2b1449a5a5d53e340ceab392f7b43a8111d",null]]}');
INSERT INTO "import_changes" VALUES ('imp_01m8fyxpb4e0ssbkwvkywcyr77', 'key', 'key_01m8fyxpb4e0vvz2t1qs1kgyb6', 'created', NULL, '{"name":"alice key","userId":"usr_01m8fyxma2e4e8p1mn54tj4tqn","projectId":null,"model":null,"allowedModels":null,"scopes":[],"metadata":null,"expiresAt":null,"disabledAt":null,"revokedAt":1760003600000,"revokedReason":"revoked in dokify","createdAt":1760000000000,"updatedAt":1795832076644,"lastUsedAt":null,"requests":0,"inputTokens":0,"outputTokens":0,"otherTokens":0,"costMicros":0,"limits":{},"secrets":[["4d1a48d697f4cde7bb588a7f50893ab7266409cac782c5f4c82a70adac675279",null]]}');
INSERT INTO "import_changes" VALUES ('imp_01m8fyxpb4e0ssbkwvkywcyr77', 'project', 'prj_01m8fyxpb4e0tv6qrajeb4rxm7', 'created', NULL, '{"slug":"atlas","name":"Atlas","description":null,"keyPrefix":null,"ownerId":"usr_01m8fyxpb4e0t9ce20b7k0581q","archivedAt":null,"createdAt":1760000000000,"updatedAt":1795832076644,"limits":{},"members":[]}');
INSERT INTO "import_changes" VALUES ('imp_01m8fyxpb4e0ssbkwvkywcyr77', 'user', 'usr_01m8fyxma2e4e8p1mn54tj4tqn', 'linked', NULL, NULL);
INSERT INTO "import_changes" VALUES ('imp_01m8fyxpb4e0ssbkwvkywcyr77', 'user', 'usr_01m8fyxpb4e0t9ce20b7k0581q', 'created', NULL, '{"username":"ivy","email":"ivy@example.org","name":"Ivy","role":"member","service":false,"passwordHash":"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy","disabledAt":null,"createdAt":1760000000000,"updatedAt":1795832076644,"limits":{},"memberships":[]}');
INSERT INTO "import_changes" VALUES ('imp_01m8fyy26hewjtnkhnk4e2m52c', 'key', 'key_01m8fyxpb4e0vvz2t1qs1kgyb6', 'updated', '{"snapshot":{"name":"alice key","userId":"usr_01m8fyxma2e4e8p1mn54tj4tqn","projectId":null,"model":null,"allowedModels":null,"scopes":[],"metadata":null,"expiresAt":null,"disabledAt":null,"revokedAt":1760003600000,"revokedReason":"revoked in dokify","createdAt":1760000000000,"updatedAt":1795832076644,"lastUsedAt":null,"requests":0,"inputTokens":0,"outputTokens":0,"otherTokens":0,"costMicros":0,"limits":{},"secrets":[["4d1a48d697f4cde7bb588a7f50893ab7266409cac782c5f4c82a70adac675279",null]]},"imported":{"importId":"imp_01m8fyxpb4e0ssbkwvkywcyr77","state":{"name":null,"model":null,"tokenLimit":null,"userId":"usr_bbbbbbbbbbbbbbbb","revokedAt":1760003600000,"expiresAt":null,"createdAt":1760000000000,"lastUsedAt":null,"counted":{"tokens":0,"requests":0,"costMicros":0,"inputTokens":0,"outputTokens":0},"windows":[]}},"moved":{"windows":[],"total":{"tokens":0,"requests":0,"costMicros":0},"split":{"inputTokens":0,"outputTokens":0}}}', '{"name":"renamed","userId":"usr_01m8fyxma2e4e8p1mn54tj4tqn","projectId":null,"model":null,"allowedModels":null,"scopes":[],"metadata":null,"expiresAt":null,"disabledAt":null,"revokedAt":1760003600000,"revokedReason":"revoked in dokify","createdAt":1760000000000,"updatedAt":1795832088785,"lastUsedAt":null,"requests":0,"inputTokens":0,"outputTokens":0,"otherTokens":0,"costMicros":0,"limits":{},"secrets":[["4d1a48d697f4cde7bb588a7f50893ab7266409cac782c5f4c82a70adac675279",null]]}');
INSERT INTO "import_changes" VALUES ('imp_01m8fyy26hewjtnkhnk4e2m52c', 'user', 'usr_01m8fyxpb4e0t9ce20b7k0581q', 'updated', '{"snapshot":{"username":"ivy","email":"ivy@example.org","name":"Ivy","role":"member","service":false,"passwordHash":"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy","disabledAt":null,"createdAt":1760000000000,"updatedAt":1795832076644,"limits":{},"memberships":[]},"imported":{"importId":"imp_01m8fyxpb4e0ssbkwvkywcyr77","state":{"username":"ivy","email":"ivy@example.org","name":"Ivy","password":"06456ebb89a24e2fb0a01f4e5f02254664a0859c377fc00b650e8f20f55372d5","linked":false}},"moved":null}', '{"username":"ivy","email":"ivy@example.org","name":"Ivy I","role":"member","service":false,"passwordHash":"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy","disabledAt":null,"createdAt":1760000000000,"updatedAt":1795832088785,"limits":{},"memberships":[]}');
INSERT INTO "imported_keys" VALUES ('dokify', '4d1a48d697f4cde7bb588a7f50893ab7266409cac782c5f4c82a70adac675279', 'key_01m8fyxpb4e0vvz2t1qs1kgyb6', 'imp_01m8fyy26hewjtnkhnk4e2m52c', '{"name":"renamed","model":null,"tokenLimit":null,"userId":"usr_bbbbbbbbbbbbbbbb","revokedAt":1760003600000,"expiresAt":null,"createdAt":1760000000000,"lastUsedAt":null,"counted":{"tokens":0,"requests":0,"costMicros":0,"inputTokens":0,"outputTokens":0},"windows":[]}');
INSERT INTO "imported_keys" VALUES ('dokify', 'b862dcdfd769966e8564deb35519c2b1449a5a5d53e340ceab392f7b43a8111d', 'key_01m8fyxpb4e0vbxw3ed4ehq9af', 'imp_01m8fyxpb4e0ssbkwvkywcyr77', '{"name":"atlas-ci","model":null,"tokenLimit":null,"userId":"usr_aaaaaaaaaaaaaaaa","revokedAt":null,"expiresAt":null,"createdAt":1760000000000,"lastUsedAt":1760003600000,"counted":{"tokens":1200,"requests":5,"costMicros":250000,"inputTokens":1000,"outputTokens":200},"windows":[]}');
INSERT INTO "imported_projects" VALUES ('dokify', 'prj_aaaaaaaaaaaaaaaa', 'prj_01m8fyxpb4e0tv6qrajeb4rxm7', 'imp_01m8fyxpb4e0ssbkwvkywcyr77', '{"name":"Atlas","slug":"atlas","ownerId":"usr_aaaaaaaaaaaaaaaa"}');
INSERT INTO "imported_users" VALUES ('dokify', 'usr_aaaaaaaaaaaaaaaa', 'usr_01m8fyxpb4e0t9ce20b7k0581q', 'imp_01m8fyy26hewjtnkhnk4e2m52c', '{"username":"ivy","email":"ivy@example.org","name":"Ivy I","password":"06456ebb89a24e2fb0a01f4e5f02254664a0859c377fc00b650e8f20f55372d5","linked":false}');
INSERT INTO "imported_users" VALUES ('dokify', 'usr_bbbbbbbbbbbbbbbb', 'usr_01m8fyxma2e4e8p1mn54tj4tqn', 'imp_01m8fyxpb4e0ssbkwvkywcyr77', '{"username":"alice","email":"alice@example.org","name":null,"password":"06456ebb89a24e2fb0a01f4e5f02254664a0859c377fc00b650e8f20f55372d5","linked":true}');
INSERT INTO "imports" VALUES ('imp_01m8fyxpb4e0ssbkwvkywcyr77', 'dokify', 1795832076644, '{"id":"imp_01m8fyxpb4e0ssbkwvkywcyr77","source":"dokify","created":4,"updated":0,"unchanged":1,"refused":0,"items":[{"type":"user","name":"ivy","outcome":"created","reason":null},{"type":"user","name":"alice","outcome":"unchanged","reason":"linked to the user of the same email address here (usr_01m8fyxma2e4e8p1mn54tj4tqn), who stays as is"},{"type":"project","name":"atlas","outcome":"created","reason":null},{"type":"key","name":"atlas-ci","outcome":"created","reason":null},{"type":"key","name":"alice key","outcome":"created","reason":"no name in the source; revoked in dokify"}],"ignoredFields":[],"leftBehind":[{"name":"chats","rows":0},{"name":"docs","rows":0},{"name":"messages","rows":0}],"notes":[]}', NULL);
INSERT INTO "imports" VALUES ('imp_01m8fyy26hewjtnkhnk4e2m52c', 'dokify', 1795832088785, '{"id":"imp_01m8fyy26hewjtnkhnk4e2m52c","source":"dokify","created":0,"updated":2,"unchanged":3,"refused":0,"items":[{"type":"user","name":"ivy","outcome":"updated","reason":"changed in the source: name"},{"type":"user","name":"alice","outcome":"unchanged","reason":"linked to the user here (usr_01m8fyxma2e4e8p1mn54tj4tqn), who stays as is"},{"type":"project","name":"atlas","outcome":"unchanged","reason":"nothing has changed in the source since it was last imported"},{"type":"key","name":"atlas-ci","outcome":"unchanged","reason":"nothing has changed in the source since it was last imported"},{"type":"key","name":"renamed","outcome":"updated","reason":"changed in the source: name"}],"ignoredFields":[],"leftBehind":[{"name":"chats","rows":0},{"name":"docs","rows":0},{"name":"messages","rows":0}],"notes":[]}', NULL);
INSERT INTO "keys" VALUES ('key_01m8fyxpb4e0vbxw3ed4ehq9af', 'atlas-ci', 'usr_01m8fyxpb4e0t9ce20b7k0581q', NULL, NULL, NULL, '[]', NULL, NULL, NULL, NULL, NULL, 1760000000000, 1795832076644, 1760003600000, 5, 1000, 200, 0, 250000);
INSERT INTO "keys" VALUES ('key_01m8fyxpb4e0vvz2t1qs1kgyb6', 'renamed', 'usr_01m8fyxma2e4e8p1mn54tj4tqn', NULL, NULL, NULL, '[]', NULL, NULL, NULL, 1760003600000, 'revoked in dokify', 1760000000000, 1795832088785, NULL, 0, 0, 0, 0, 0);
INSERT INTO "keys" VALUES ('key_01m8fyy0kwetjv10a1c1hxvq62', 'ci', 'usr_01m8fyxma2e4e8p1mn54tj4tqn', 'prj_01m8fyxmkwegw8dvtvas9sg0yb', NULL, '["gpt-*"]', '["chat:write"]', '{"team":"core"}', 1811808000000, NULL, NULL, NULL, 1795832087164, 1795832087959, 1795832088057, 1, 10, 2, 0, 16);
INSERT INTO "keys" VALUES ('key_01m8fyy0rqe38sg7py0w1c0jzq', 'bare', NULL, NULL, NULL, NULL, '[]', NULL, NULL, NULL, NULL, NULL, 1795832087319, 1795832087319, 1795168800000, 1, 7, 3, 0, 16);
INSERT INTO "keys" VALUES ('key_01m8fyy0wyetk9byyne7dnn9dn', 'old', 'usr_01m8fyxmereghrqfqwh05pvt5b', NULL, NULL, NULL, '[]', NULL, NULL, NULL, 1795832087591, 'leaked', 1795832087454, 1795832087589, NULL, 0, 0, 0, 0, 0);
INSERT INTO "keys" VALUES ('key_01m8fyy15pes38fyqxavj99a32', 'off', NULL, NULL, 'gpt-x', NULL, '[]', NULL, NULL, 1795832087848, NULL, NULL, 1795832087734, 1795832087847, NULL, 0, 0, 0, 0, 0);
INSERT INTO "keys" VALUES ('key_01m8fyy212eqhbefrvq7gk71ph', 'gateway', NULL, NULL, NULL, NULL, '[]', NULL, NULL, NULL, NULL, NULL, 1795832088610, 1795832088610, NULL, 0, 0, 0, 0, 0);
INSERT INTO "limits" VALUES ('lim_01m8fyxma2e4er6er3psthdnxa', NULL, 'usr_01m8fyxma2e4e8p1mn54tj4tqn', NULL, 'tokens', 5000000, 2592000000, NULL, 0);
INSERT INTO "limits" VALUES ('lim_01m8fyxms5ej3vhd8yvaww8bvz', NULL, NULL, 'prj_01m8fyxmkwegw8dvtvas9sg0yb', 'usd', 50000000, 2592000000, NULL, 0);
INSERT INTO "limits" VALUES ('lim_01m8fyy0kwetkb3s7h2z7165y0', 'key_01m8fyy0kwetjv10a1c1hxvq62', NULL, NULL, 'tokens', 100000, 18000000, 1795832088390, 12);
INSERT INTO "limits" VALUES ('lim_01m8fyy0kwetktny0f95r6saby', 'key_01m8fyy0kwetjv10a1c1hxvq62', NULL, NULL, 'usd', 20000000, 2592000000, 1795832088390, 16);
INSERT INTO "limits" VALUES ('lim_01m8fyy212eqhrx34d0kdmrqpy', 'key_01m8fyy212eqhbefrvq7gk71ph', NULL, NULL, 'requests', 10, 3600000, NULL, 0);
INSERT INTO "migrations" VALUES (1, '0000_foundation', '3191bbcdef80c24e3477a28d9fe988597799c65d7c87f2c591321cd3dbd634b4', 1795832074113, '0.1.0');
INSERT INTO "migrations" VALUES (2, '0001_quotas', '821af289b84b29415da75075444b8e50e5430fc01e69b43684dc3e9e6aeeeb5a', 1795832074113, '0.1.0');
INSERT INTO "migrations" VALUES (3, '0002_imports', '0cff04575e26bc4c30c51142fce55526cf85e37d2afae29bc0364c20e631ba44', 1795832074113, '0.1.0');
INSERT INTO "prices" VALUES ('gpt-*', 0, 1000000, 3000000);
INSERT INTO "project_members" VALUES ('prj_01m8fyxmkwegw8dvtvas9sg0yb', 'usr_01m8fyxmereghrqfqwh05pvt5b', 'viewer', 1795832075043);
INSERT INTO "projects" VALUES ('prj_01m8fyxmkwegw8dvtvas9sg0yb', 'shop', 'Shop', 'A shop', 'shop', 'usr_01m8fyxma2e4e8p1mn54tj4tqn', NULL, 1795832074876, 1795832075050);
INSERT INTO "projects" VALUES ('prj_01m8fyxpb4e0tv6qrajeb4rxm7', 'atlas', 'Atlas', NULL, NULL, 'usr_01m8fyxpb4e0t9ce20b7k0581q', NULL, 1760000000000, 1795832076644);
INSERT INTO "reservations" VALUES ('res_01m8fyy21fey4b9rewtv6ymc6q', 'key_01m8fyy212eqhbefrvq7gk71ph', 1795832088623, 1795832688623, 1, 0, 0);
INSERT INTO "secrets" VALUES ('03b3848529b81c3f8d9bad0da1b087941b68800348ef8ef25680f694ddd66ed7', 'key_01m8fyy0wyetk9byyne7dnn9dn', 'lk_5zpuHi', 1795832087454, NULL, NULL);
INSERT INTO "secrets" VALUES ('07817a5d751ccc38bec8a6037a86d90bc07f1d6d6941683673b1166da3060732', 'key_01m8fyy0kwetjv10a1c1hxvq62', 'shop_yXa6C7', 1795832087164, 1795918487959, NULL);
INSERT INTO "secrets" VALUES ('0de39a6c654515c9d78928c2dae7761fd1371e2d7eb2f255fa2f3878674c78d1', 'key_01m8fyy15pes38fyqxavj99a32', 'lk_HANoub', 1795832087734, NULL, NULL);
INSERT INTO "secrets" VALUES ('49d8d4d09a265db0500f0b07fa5e9da449df3440e8adab5ab60618f0544bdb09', 'key_01m8fyy0rqe38sg7py0w1c0jzq', 'lk_gBiyJb', 1795832087319, NULL, NULL);
INSERT INTO "secrets" VALUES ('4d1a48d697f4cde7bb588a7f50893ab7266409cac782c5f4c82a70adac675279', 'key_01m8fyxpb4e0vvz2t1qs1kgyb6', 'dok_abcdefgh', 1760000000000, NULL, NULL);
INSERT INTO "secrets" VALUES ('5c76ad5b9272ba80d9cf421c55eff49d337699fced93b192762dad0e95679c5e', 'key_01m8fyy212eqhbefrvq7gk71ph', 'lk_rSBI7i', 1795832088610, NULL, NULL);
INSERT INTO "secrets" VALUES ('b862dcdfd769966e8564deb35519c2b1449a5a5d53e340ceab392f7b43a8111d', 'key_01m8fyxpb4e0vbxw3ed4ehq9af', 'dok_01234567', 1760000000000, NULL, NULL);
INSERT INTO "secrets" VALUES ('febd8e5c832a0731edf51bf0405671250d5f9c1a0916bc83cf7ea37dfb7ba399', 'key_01m8fyy0kwetjv10a1c1hxvq62', 'shop_Ta4IBt', 1795832087959, NULL, NULL);
INSERT INTO "usage" VALUES ('key_01m8fyy0kwetjv10a1c1hxvq62', 1795832040000, 'gpt-x', 60000, 1, 10, 2, 0, 16);
INSERT INTO "usage" VALUES ('key_01m8fyy0rqe38sg7py0w1c0jzq', 1795168800000, 'gpt-y', 60000, 1, 7, 3, 0, 16);
INSERT INTO "users" VALUES ('usr_01m8fyxma2e4e8p1mn54tj4tqn', 'alice', 'alice@example.org', 'Alice A', 'admin', 0, '$argon2id$v=19$m=65536,t=2,p=1$H5PEubSwor4Fh0LMvao1YUsfLB+mJFnbP/QkCzyPauI$VacuwbUtYG+8kOafWDMxqrHtEQtcjb73c5gEUSVy79U', NULL, 1795832074562, 1795832074562);
INSERT INTO "users" VALUES ('usr_01m8fyxmereghrqfqwh05pvt5b', 'bot', NULL, NULL, 'viewer', 1, NULL, NULL, 1795832074712, 1795832074712);
INSERT INTO "users" VALUES ('usr_01m8fyxpb4e0t9ce20b7k0581q', 'ivy', 'ivy@example.org', 'Ivy I', 'member', 0, '$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', NULL, 1760000000000, 1795832088785);

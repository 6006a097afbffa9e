PRAGMA foreign_keys = OFF;
PRAGMA application_id = 1280001369;
PRAGMA user_version = 1;
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
CREATE TABLE `imports` (
	`id` text PRIMARY KEY NOT NULL,
	`source` text NOT NULL,
	`at` integer NOT NULL,
	`report` text NOT NULL,
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
	`window_ms` integer NOT NULL,
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
CREATE TABLE `secrets` (
	`hash` text PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`start` text NOT NULL,
	`created_at` integer NOT NULL,
	`ends_at` integer,
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
CREATE INDEX `imported_keys_import` ON `imported_keys` (`import_id`);
CREATE INDEX `imported_keys_key` ON `imported_keys` (`key_id`);
CREATE UNIQUE INDEX `keys_name` ON `keys` (lower("name"));
CREATE INDEX `keys_project` ON `keys` (`project_id`);
CREATE INDEX `keys_user` ON `keys` (`user_id`);
CREATE UNIQUE INDEX `limits_key` ON `limits` (`key_id`,`metric`,`window_ms`);
CREATE UNIQUE INDEX `limits_project` ON `limits` (`project_id`,`metric`,`window_ms`);
CREATE UNIQUE INDEX `limits_user` ON `limits` (`user_id`,`metric`,`window_ms`);
CREATE INDEX `project_members_user` ON `project_members` (`user_id`);
CREATE INDEX `projects_owner` ON `projects` (`owner_id`);
CREATE UNIQUE INDEX `projects_slug` ON `projects` (`slug`);
CREATE UNIQUE INDEX `secrets_current` ON `secrets` (`key_id`) WHERE "secrets"."ends_at" IS NULL;
CREATE INDEX `secrets_key` ON `secrets` (`key_id`);
CREATE INDEX `secrets_start` ON `secrets` (`start`);
CREATE INDEX `usage_start` ON `usage` (`start`);
CREATE UNIQUE INDEX `users_email` ON `users` (lower("email"));
CREATE UNIQUE INDEX `users_username` ON `users` (lower("username"));
INSERT INTO "audit" VALUES ('aud_01kaqv8w2e7gztn3m5c9d4x601', 1793520000000, 'alice', 'terminal', 'database.init', 'database', 'latchkey.db', NULL, NULL, '{"schemaVersion":1}');
INSERT INTO "audit" VALUES ('aud_01kaqv8w2e7gztn3m5c9d4x602', 1793610000007, 'alice', 'terminal', 'key.revoke', 'key', 'key_01kaqv8w2e7gztn3m5c9d4x602', 'leaked', '{"status":"active"}', '{"status":"revoked"}');
INSERT INTO "carried_usage" VALUES ('key_01kaqv8w2e7gztn3m5c9d4x601', 0, 7, 0);
INSERT INTO "carried_usage" VALUES ('key_01kaqv8w2e7gztn3m5c9d4x603', 2, 102, 0);
INSERT INTO "imported_keys" VALUES ('glm-proxy', '04efaf080f5a3e74e1c29d1ca6a48569382cbbcd324e8d59d2b83ef21c039f00', 'key_01kaqv8w2e7gztn3m5c9d4x603', 'imp_01kaqv8w2e7gztn3m5c9d4x601', '{"name":"Old gateway"}');
INSERT INTO "imports" VALUES ('imp_01kaqv8w2e7gztn3m5c9d4x601', 'glm-proxy', 1793610000000, '{"created":1}');
INSERT INTO "keys" VALUES ('key_01kaqv8w2e7gztn3m5c9d4x601', 'ci', 'usr_01kaqv8w2e7gztn3m5c9d4x601', 'prj_01kaqv8w2e7gztn3m5c9d4x601', 'gpt-x', '["gpt-*","glm-4.7"]', '["chat:write"]', '{"team":"search"}', 1802610000000, NULL, NULL, NULL, 1793610000000, 1793610000000, 1793610060000, 3, 30, 20, 7, 1234);
INSERT INTO "keys" VALUES ('key_01kaqv8w2e7gztn3m5c9d4x602', 'leaked', 'usr_01kaqv8w2e7gztn3m5c9d4x601', NULL, NULL, NULL, '[]', NULL, NULL, NULL, 1793610000007, 'leaked', 1793610000000, 1793610000007, NULL, 0, 0, 0, 0, 0);
INSERT INTO "keys" VALUES ('key_01kaqv8w2e7gztn3m5c9d4x603', 'Old gateway', NULL, NULL, 'glm-4.7', NULL, '[]', NULL, NULL, 1793610000003, NULL, NULL, 1793610000000, 1793610000003, 1793610000000, 12, 0, 0, 902, 0);
INSERT INTO "limits" VALUES ('lim_01kaqv8w2e7gztn3m5c9d4x601', 'key_01kaqv8w2e7gztn3m5c9d4x601', NULL, NULL, 'tokens', 100000, 18000000);
INSERT INTO "limits" VALUES ('lim_01kaqv8w2e7gztn3m5c9d4x602', 'key_01kaqv8w2e7gztn3m5c9d4x601', NULL, NULL, 'usd', 20000000, 2592000000);
INSERT INTO "limits" VALUES ('lim_01kaqv8w2e7gztn3m5c9d4x603', NULL, 'usr_01kaqv8w2e7gztn3m5c9d4x601', NULL, 'requests', 0, 60000);
INSERT INTO "limits" VALUES ('lim_01kaqv8w2e7gztn3m5c9d4x604', NULL, NULL, 'prj_01kaqv8w2e7gztn3m5c9d4x601', 'tokens', 5, 86400000);
INSERT INTO "migrations" VALUES (1, '0000_foundation', '3191bbcdef80c24e3477a28d9fe988597799c65d7c87f2c591321cd3dbd634b4', 1793520000000, '0.1.0');
INSERT INTO "project_members" VALUES ('prj_01kaqv8w2e7gztn3m5c9d4x601', 'usr_01kaqv8w2e7gztn3m5c9d4x602', 'viewer', 1793610000000);
INSERT INTO "projects" VALUES ('prj_01kaqv8w2e7gztn3m5c9d4x601', 'shop', 'Shop — ショップ', 'Line one
line two', 'shop', 'usr_01kaqv8w2e7gztn3m5c9d4x601', NULL, 1793610000000, 1793610000000);
INSERT INTO "projects" VALUES ('prj_01kaqv8w2e7gztn3m5c9d4x602', 'old', 'Old', NULL, NULL, 'usr_01kaqv8w2e7gztn3m5c9d4x602', 1793610000009, 1793610000000, 1793610000009);
INSERT INTO "secrets" VALUES ('04efaf080f5a3e74e1c29d1ca6a48569382cbbcd324e8d59d2b83ef21c039f00', 'key_01kaqv8w2e7gztn3m5c9d4x603', 'pk_of_an_', 1793610000000, NULL);
INSERT INTO "secrets" VALUES ('3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3', 'key_01kaqv8w2e7gztn3m5c9d4x601', 'lk_bbbbbb', 1793610001000, NULL);
INSERT INTO "secrets" VALUES ('7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed', 'key_01kaqv8w2e7gztn3m5c9d4x601', 'lk_aaaaaa', 1793610000000, 1793610001000);
INSERT INTO "secrets" VALUES ('8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f', 'key_01kaqv8w2e7gztn3m5c9d4x602', 'lk_cccccc', 1793610000000, NULL);
INSERT INTO "usage" VALUES ('key_01kaqv8w2e7gztn3m5c9d4x601', 1793610000000, 'gpt-x', 60000, 2, 20, 20, 0, 1000);
INSERT INTO "usage" VALUES ('key_01kaqv8w2e7gztn3m5c9d4x601', 1793610060000, '', 60000, 1, 10, 0, 0, 234);
INSERT INTO "usage" VALUES ('key_01kaqv8w2e7gztn3m5c9d4x603', 1790812800000, 'glm-4.7', 86400000, 10, 0, 0, 800, 0);
INSERT INTO "users" VALUES ('usr_01kaqv8w2e7gztn3m5c9d4x601', 'alice', 'alice@example.org', 'Alice Example', 'admin', 0, '$argon2id$v=19$m=65536,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g', NULL, 1793610000000, 1793610000000);
INSERT INTO "users" VALUES ('usr_01kaqv8w2e7gztn3m5c9d4x602', 'o-brien', NULL, 'Pat O''Brien; -- "quoted"', 'member', 0, NULL, 1793610000005, 1793610000000, 1793610000005);
INSERT INTO "users" VALUES ('usr_01kaqv8w2e7gztn3m5c9d4x603', 'gateway', NULL, NULL, 'viewer', 1, NULL, NULL, 1793610000000, 1793610000000);

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
--> statement-breakpoint
CREATE INDEX `audit_at` ON `audit` (`at`);--> statement-breakpoint
CREATE INDEX `audit_target` ON `audit` (`target_id`);--> statement-breakpoint
CREATE TABLE `carried_usage` (
	`key_id` text PRIMARY KEY NOT NULL,
	`requests` integer NOT NULL,
	`tokens` integer NOT NULL,
	`cost_micros` integer NOT NULL,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
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
--> statement-breakpoint
CREATE INDEX `imported_keys_key` ON `imported_keys` (`key_id`);--> statement-breakpoint
CREATE INDEX `imported_keys_import` ON `imported_keys` (`import_id`);--> statement-breakpoint
CREATE TABLE `imports` (
	`id` text PRIMARY KEY NOT NULL,
	`source` text NOT NULL,
	`at` integer NOT NULL,
	`report` text NOT NULL,
	CONSTRAINT "imports_id" CHECK("id" GLOB 'imp_*' AND length("id") = 30),
	CONSTRAINT "imports_report_json" CHECK(json_valid("imports"."report"))
) STRICT;
--> statement-breakpoint
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
--> statement-breakpoint
CREATE UNIQUE INDEX `keys_name` ON `keys` (lower("name"));--> statement-breakpoint
CREATE INDEX `keys_user` ON `keys` (`user_id`);--> statement-breakpoint
CREATE INDEX `keys_project` ON `keys` (`project_id`);--> statement-breakpoint
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
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_key` ON `limits` (`key_id`,`metric`,`window_ms`);--> statement-breakpoint
CREATE UNIQUE INDEX `limits_user` ON `limits` (`user_id`,`metric`,`window_ms`);--> statement-breakpoint
CREATE UNIQUE INDEX `limits_project` ON `limits` (`project_id`,`metric`,`window_ms`);--> statement-breakpoint
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
--> statement-breakpoint
CREATE INDEX `project_members_user` ON `project_members` (`user_id`);--> statement-breakpoint
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
--> statement-breakpoint
CREATE UNIQUE INDEX `projects_slug` ON `projects` (`slug`);--> statement-breakpoint
CREATE INDEX `projects_owner` ON `projects` (`owner_id`);--> statement-breakpoint
CREATE TABLE `secrets` (
	`hash` text PRIMARY KEY NOT NULL,
	`key_id` text NOT NULL,
	`start` text NOT NULL,
	`created_at` integer NOT NULL,
	`ends_at` integer,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "secrets_hash_form" CHECK(length("secrets"."hash") = 64 AND "secrets"."hash" NOT GLOB '*[^0-9a-f]*')
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `secrets_key` ON `secrets` (`key_id`);--> statement-breakpoint
CREATE INDEX `secrets_start` ON `secrets` (`start`);--> statement-breakpoint
CREATE UNIQUE INDEX `secrets_current` ON `secrets` (`key_id`) WHERE "secrets"."ends_at" IS NULL;--> statement-breakpoint
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
--> statement-breakpoint
CREATE INDEX `usage_start` ON `usage` (`start`);--> statement-breakpoint
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
--> statement-breakpoint
CREATE UNIQUE INDEX `users_username` ON `users` (lower("username"));--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (lower("email"));
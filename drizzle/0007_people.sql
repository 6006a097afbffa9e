CREATE TABLE `accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`issuer` text DEFAULT 'local:credential' NOT NULL,
	`provider_id` text DEFAULT 'credential' NOT NULL,
	`account_id` text NOT NULL,
	`password` text,
	`access_token` text,
	`refresh_token` text,
	`id_token` text,
	`access_token_expires_at` integer,
	`refresh_token_expires_at` integer,
	`scope` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "accounts_id" CHECK("id" GLOB 'acc_*' AND length("id") = 30),
	CONSTRAINT "accounts_own_password" CHECK("accounts"."issuer" <> 'local:credential' OR ("accounts"."provider_id" = 'credential' AND "accounts"."account_id" = "accounts"."user_id"))
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_issuer` ON `accounts` (`issuer`,`account_id`);--> statement-breakpoint
CREATE INDEX `accounts_user` ON `accounts` (`user_id`);--> statement-breakpoint
CREATE TABLE `erased` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	CONSTRAINT "erased_id" CHECK("erased"."id" GLOB 'usr_*' AND length("erased"."id") = 30)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`token_hash` text NOT NULL,
	`expires_at` integer NOT NULL,
	`ip_address` text,
	`user_agent` text,
	`impersonated_by` text,
	`active_organization_id` text,
	`active_team_id` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "sessions_id" CHECK("id" GLOB 'ses_*' AND length("id") = 30),
	CONSTRAINT "sessions_token_form" CHECK(length("sessions"."token_hash") = 64 AND "sessions"."token_hash" NOT GLOB '*[^0-9a-f]*')
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_token` ON `sessions` (`token_hash`);--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `sessions_expiry` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `verifications` (
	`id` text PRIMARY KEY NOT NULL,
	`identifier` text NOT NULL,
	`value` text NOT NULL,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "verifications_id" CHECK("id" GLOB 'ver_*' AND length("id") = 30)
) STRICT;
--> statement-breakpoint
CREATE INDEX `verifications_identifier` ON `verifications` (`identifier`,`id`);--> statement-breakpoint
CREATE INDEX `verifications_expiry` ON `verifications` (`expires_at`);--> statement-breakpoint
INSERT INTO `accounts` (`id`, `user_id`, `issuer`, `provider_id`, `account_id`, `password`, `created_at`, `updated_at`)
SELECT 'acc_' || substr(`id`, 5), `id`, 'local:credential', 'credential', `id`, `password_hash`, `created_at`, `updated_at`
FROM `users` WHERE `password_hash` IS NOT NULL;
--> statement-breakpoint
CREATE TABLE `__new_users` (
	`id` text PRIMARY KEY NOT NULL,
	`username` text NOT NULL,
	`email` text,
	`name` text,
	`role` text NOT NULL,
	`service` integer NOT NULL,
	`disabled_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`email_verified` integer DEFAULT 0 NOT NULL,
	`image` text,
	`disabled_reason` text,
	`disabled_until` integer,
	CONSTRAINT "users_id" CHECK("id" GLOB 'usr_*' AND length("id") = 30),
	CONSTRAINT "users_username_form" CHECK(length("__new_users"."username") BETWEEN 1 AND 64 AND "__new_users"."username" NOT GLOB 'usr_*' AND "__new_users"."username" NOT GLOB '*@*'),
	CONSTRAINT "users_email_form" CHECK("__new_users"."email" IS NULL OR "__new_users"."email" GLOB '?*@?*'),
	CONSTRAINT "users_role" CHECK("__new_users"."role" IN ('admin', 'member', 'viewer')),
	CONSTRAINT "users_service" CHECK("__new_users"."service" IN (0, 1)),
	CONSTRAINT "users_email_verified" CHECK("__new_users"."email_verified" IN (0, 1))
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_users` ("id", "username", "email", "name", "role", "service", "disabled_at", "created_at", "updated_at") SELECT "id", "username", "email", "name", "role", "service", "disabled_at", "created_at", "updated_at" FROM `users`;--> statement-breakpoint
DROP TABLE `users`;--> statement-breakpoint
ALTER TABLE `__new_users` RENAME TO `users`;--> statement-breakpoint
CREATE UNIQUE INDEX `users_username` ON `users` (lower("username"));--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (lower("email"));

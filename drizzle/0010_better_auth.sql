CREATE TABLE `__new_accounts` (
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
	`additional_fields` text,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "accounts_id" CHECK(length("id") BETWEEN 1 AND 200),
	CONSTRAINT "accounts_own_password" CHECK("__new_accounts"."issuer" <> 'local:credential' OR ("__new_accounts"."provider_id" = 'credential' AND "__new_accounts"."account_id" = "__new_accounts"."user_id"))
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_accounts`("id", "user_id", "issuer", "provider_id", "account_id", "password", "access_token", "refresh_token", "id_token", "access_token_expires_at", "refresh_token_expires_at", "scope", "created_at", "updated_at") SELECT "id", "user_id", "issuer", "provider_id", "account_id", "password", "access_token", "refresh_token", "id_token", "access_token_expires_at", "refresh_token_expires_at", "scope", "created_at", "updated_at" FROM `accounts`;--> statement-breakpoint
DROP TABLE `accounts`;--> statement-breakpoint
ALTER TABLE `__new_accounts` RENAME TO `accounts`;--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_issuer` ON `accounts` (`issuer`,`account_id`);--> statement-breakpoint
CREATE INDEX `accounts_user` ON `accounts` (`user_id`);--> statement-breakpoint
CREATE TABLE `__new_sessions` (
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
	`additional_fields` text,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "sessions_id" CHECK(length("id") BETWEEN 1 AND 200),
	CONSTRAINT "sessions_token_form" CHECK(length("__new_sessions"."token_hash") = 64 AND "__new_sessions"."token_hash" NOT GLOB '*[^0-9a-f]*')
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_sessions`("id", "user_id", "token_hash", "expires_at", "ip_address", "user_agent", "impersonated_by", "active_organization_id", "active_team_id", "created_at", "updated_at") SELECT "id", "user_id", "token_hash", "expires_at", "ip_address", "user_agent", "impersonated_by", "active_organization_id", "active_team_id", "created_at", "updated_at" FROM `sessions`;--> statement-breakpoint
DROP TABLE `sessions`;--> statement-breakpoint
ALTER TABLE `__new_sessions` RENAME TO `sessions`;--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_token` ON `sessions` (`token_hash`);--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `sessions_expiry` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `__new_verifications` (
	`id` text PRIMARY KEY NOT NULL,
	`identifier` text NOT NULL,
	`value` text NOT NULL,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "verifications_id" CHECK(length("id") BETWEEN 1 AND 200)
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_verifications`("id", "identifier", "value", "expires_at", "created_at", "updated_at") SELECT "id", "identifier", "value", "expires_at", "created_at", "updated_at" FROM `verifications`;--> statement-breakpoint
DROP TABLE `verifications`;--> statement-breakpoint
ALTER TABLE `__new_verifications` RENAME TO `verifications`;--> statement-breakpoint
CREATE INDEX `verifications_identifier` ON `verifications` (`identifier`,`id`);--> statement-breakpoint
CREATE INDEX `verifications_expiry` ON `verifications` (`expires_at`);--> statement-breakpoint
CREATE TABLE `__new_invitations` (
	`id` text PRIMARY KEY NOT NULL,
	`organization_id` text NOT NULL,
	`email` text NOT NULL,
	`role` text NOT NULL,
	`team_id` text,
	`status` text NOT NULL,
	`token_hash` text,
	`inviter_id` text,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE set null,
	FOREIGN KEY (`inviter_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE set null,
	CONSTRAINT "invitations_id" CHECK(length("id") BETWEEN 1 AND 200),
	CONSTRAINT "invitations_status" CHECK("__new_invitations"."status" IN ('pending', 'accepted', 'rejected', 'canceled')),
	CONSTRAINT "invitations_email_form" CHECK("__new_invitations"."email" GLOB '?*@?*'),
	CONSTRAINT "invitations_role_form" CHECK(length("__new_invitations"."role") > 0),
	CONSTRAINT "invitations_token_form" CHECK("__new_invitations"."token_hash" IS NULL OR length("__new_invitations"."token_hash") = 64 AND "__new_invitations"."token_hash" NOT GLOB '*[^0-9a-f]*')
) STRICT;
--> statement-breakpoint
INSERT INTO `__new_invitations`("id", "organization_id", "email", "role", "team_id", "status", "token_hash", "inviter_id", "expires_at", "created_at") SELECT "id", "organization_id", "email", "role", "team_id", "status", "token_hash", "inviter_id", "expires_at", "created_at" FROM `invitations`;--> statement-breakpoint
DROP TABLE `invitations`;--> statement-breakpoint
ALTER TABLE `__new_invitations` RENAME TO `invitations`;--> statement-breakpoint
CREATE UNIQUE INDEX `invitations_token` ON `invitations` (`token_hash`);--> statement-breakpoint
CREATE INDEX `invitations_organization` ON `invitations` (`organization_id`,`id`);--> statement-breakpoint
CREATE INDEX `invitations_email` ON `invitations` (lower("email"));--> statement-breakpoint
CREATE INDEX `invitations_team` ON `invitations` (`team_id`);--> statement-breakpoint
CREATE INDEX `invitations_inviter` ON `invitations` (`inviter_id`);--> statement-breakpoint
ALTER TABLE `users` ADD `additional_fields` text;
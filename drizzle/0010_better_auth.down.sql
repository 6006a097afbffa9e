-- loses: users.additional_fields, accounts.additional_fields, sessions.additional_fields
ALTER TABLE `users` DROP COLUMN `additional_fields`;
--> statement-breakpoint
CREATE TABLE `__old_accounts` AS SELECT * FROM `accounts`;
--> statement-breakpoint
DROP TABLE `accounts`;
--> statement-breakpoint
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
INSERT INTO `accounts` ("id", "user_id", "issuer", "provider_id", "account_id", "password", "access_token", "refresh_token", "id_token", "access_token_expires_at", "refresh_token_expires_at", "scope", "created_at", "updated_at") SELECT CASE WHEN "id" GLOB 'acc_*' AND length("id") = 30 THEN "id" ELSE 'acc_' || lower(hex(randomblob(13))) END, "user_id", "issuer", "provider_id", "account_id", "password", "access_token", "refresh_token", "id_token", "access_token_expires_at", "refresh_token_expires_at", "scope", "created_at", "updated_at" FROM `__old_accounts`;
--> statement-breakpoint
DROP TABLE `__old_accounts`;
--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_issuer` ON `accounts` (`issuer`,`account_id`);
--> statement-breakpoint
CREATE INDEX `accounts_user` ON `accounts` (`user_id`);
--> statement-breakpoint
CREATE TABLE `__old_sessions` AS SELECT * FROM `sessions`;
--> statement-breakpoint
DROP TABLE `sessions`;
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
INSERT INTO `sessions` ("id", "user_id", "token_hash", "expires_at", "ip_address", "user_agent", "impersonated_by", "active_organization_id", "active_team_id", "created_at", "updated_at") SELECT CASE WHEN "id" GLOB 'ses_*' AND length("id") = 30 THEN "id" ELSE 'ses_' || lower(hex(randomblob(13))) END, "user_id", "token_hash", "expires_at", "ip_address", "user_agent", "impersonated_by", "active_organization_id", "active_team_id", "created_at", "updated_at" FROM `__old_sessions`;
--> statement-breakpoint
DROP TABLE `__old_sessions`;
--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_token` ON `sessions` (`token_hash`);
--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`,`id`);
--> statement-breakpoint
CREATE INDEX `sessions_expiry` ON `sessions` (`expires_at`);
--> statement-breakpoint
CREATE TABLE `__old_verifications` AS SELECT * FROM `verifications`;
--> statement-breakpoint
DROP TABLE `verifications`;
--> statement-breakpoint
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
INSERT INTO `verifications` ("id", "identifier", "value", "expires_at", "created_at", "updated_at") SELECT CASE WHEN "id" GLOB 'ver_*' AND length("id") = 30 THEN "id" ELSE 'ver_' || lower(hex(randomblob(13))) END, "identifier", "value", "expires_at", "created_at", "updated_at" FROM `__old_verifications`;
--> statement-breakpoint
DROP TABLE `__old_verifications`;
--> statement-breakpoint
CREATE INDEX `verifications_identifier` ON `verifications` (`identifier`,`id`);
--> statement-breakpoint
CREATE INDEX `verifications_expiry` ON `verifications` (`expires_at`);
--> statement-breakpoint
CREATE TABLE `__old_invitations` AS SELECT * FROM `invitations`;
--> statement-breakpoint
DROP TABLE `invitations`;
--> statement-breakpoint
CREATE TABLE `invitations` (
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
	CONSTRAINT "invitations_id" CHECK("id" GLOB 'inv_*' AND length("id") = 30),
	CONSTRAINT "invitations_status" CHECK("invitations"."status" IN ('pending', 'accepted', 'rejected', 'canceled')),
	CONSTRAINT "invitations_email_form" CHECK("invitations"."email" GLOB '?*@?*'),
	CONSTRAINT "invitations_role_form" CHECK(length("invitations"."role") > 0),
	CONSTRAINT "invitations_token_form" CHECK("invitations"."token_hash" IS NULL OR length("invitations"."token_hash") = 64 AND "invitations"."token_hash" NOT GLOB '*[^0-9a-f]*')
) STRICT;
--> statement-breakpoint
INSERT INTO `invitations` ("id", "organization_id", "email", "role", "team_id", "status", "token_hash", "inviter_id", "expires_at", "created_at") SELECT CASE WHEN "id" GLOB 'inv_*' AND length("id") = 30 THEN "id" ELSE 'inv_' || lower(hex(randomblob(13))) END, "organization_id", "email", "role", "team_id", "status", "token_hash", "inviter_id", "expires_at", "created_at" FROM `__old_invitations`;
--> statement-breakpoint
DROP TABLE `__old_invitations`;
--> statement-breakpoint
CREATE UNIQUE INDEX `invitations_token` ON `invitations` (`token_hash`);
--> statement-breakpoint
CREATE INDEX `invitations_organization` ON `invitations` (`organization_id`,`id`);
--> statement-breakpoint
CREATE INDEX `invitations_email` ON `invitations` (lower("email"));
--> statement-breakpoint
CREATE INDEX `invitations_team` ON `invitations` (`team_id`);
--> statement-breakpoint
CREATE INDEX `invitations_inviter` ON `invitations` (`inviter_id`);

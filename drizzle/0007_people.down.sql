-- moves: accounts
-- loses: accounts.provider_id
CREATE TABLE `__old_users` AS SELECT * FROM `users`;
--> statement-breakpoint
DROP TABLE `users`;
--> statement-breakpoint
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
INSERT INTO `users` ("id", "username", "email", "name", "role", "service", "password_hash", "disabled_at", "created_at", "updated_at")
SELECT "id", "username", "email", "name", "role", "service",
  (SELECT "password" FROM `accounts` WHERE "issuer" = 'local:credential' AND "account_id" = `__old_users`."id"),
  CASE WHEN "disabled_until" <= unixepoch() * 1000 THEN NULL ELSE "disabled_at" END, "created_at", "updated_at"
FROM `__old_users`;
--> statement-breakpoint
DROP TABLE `__old_users`;
--> statement-breakpoint
CREATE UNIQUE INDEX `users_username` ON `users` (lower("username"));
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (lower("email"));
--> statement-breakpoint
DROP TABLE `verifications`;
--> statement-breakpoint
DROP TABLE `sessions`;
--> statement-breakpoint
DROP TABLE `erased`;
--> statement-breakpoint
DROP TABLE `accounts`;

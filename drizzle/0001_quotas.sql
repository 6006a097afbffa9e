CREATE TABLE `counted_events` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	CONSTRAINT "counted_events_id" CHECK(length("counted_events"."id") BETWEEN 1 AND 200)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `counted_events_at` ON `counted_events` (`at`);--> statement-breakpoint
CREATE TABLE `counted_files` (
	`sha256` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`events` integer NOT NULL,
	CONSTRAINT "counted_files_hash" CHECK(length("counted_files"."sha256") = 64 AND "counted_files"."sha256" NOT GLOB '*[^0-9a-f]*')
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `prices` (
	`model` text NOT NULL,
	`starts_at` integer NOT NULL,
	`input_micros` integer NOT NULL,
	`output_micros` integer NOT NULL,
	PRIMARY KEY(`model`, `starts_at`),
	CONSTRAINT "prices_amounts" CHECK("prices"."input_micros" >= 0 AND "prices"."output_micros" >= 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
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
--> statement-breakpoint
CREATE INDEX `reservations_key` ON `reservations` (`key_id`,`expires_at`);--> statement-breakpoint
CREATE INDEX `reservations_expiry` ON `reservations` (`expires_at`);--> statement-breakpoint
ALTER TABLE `limits` ADD `reset_at` integer;--> statement-breakpoint
ALTER TABLE `limits` ADD `reset_used` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `secrets` ADD `request_id` text;--> statement-breakpoint
CREATE UNIQUE INDEX `secrets_request` ON `secrets` (`key_id`,`request_id`);
CREATE TABLE `api_keys` (
	`key_id` text PRIMARY KEY NOT NULL,
	`alias` text,
	`alias_of` text,
	`config_id` text DEFAULT 'default' NOT NULL,
	`prefix` text,
	`rate_limit_enabled` integer NOT NULL,
	`rate_limit_time_window` integer,
	`rate_limit_max` integer,
	`request_count` integer DEFAULT 0 NOT NULL,
	`last_request` integer,
	`remaining` integer,
	`refill_interval` integer,
	`refill_amount` integer,
	`last_refill_at` integer,
	FOREIGN KEY (`key_id`) REFERENCES `keys`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "api_keys_rate_limit_enabled" CHECK("api_keys"."rate_limit_enabled" IN (0, 1))
) STRICT;
